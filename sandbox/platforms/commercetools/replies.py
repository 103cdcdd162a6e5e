"""Answers and refusals in commercetools' format.

Source: openapi.yaml, ``ErrorResponse``, ``ErrorObject`` and its kinds, ``AuthErrorResponse``.
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.system import Response

Json = dict[str, Any]
JSON_TYPE = "application/json; charset=utf-8"
ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError)
"""What reading a value of another type than expected raises."""


def json_reply(value: Any, status: int = 200) -> Response:
    """Answer with a JSON body."""
    return Response(status, orjson.dumps(value), {"Content-Type": JSON_TYPE})


def ndjson_reply(rows: list[Any]) -> Response:
    """Answer with one JSON document per line."""
    body = b"".join(orjson.dumps(row) + b"\n" for row in rows)
    return Response(200, body, {"Content-Type": "application/x-ndjson"})


def error(status: int, code: str, message: str, **more: Any) -> Response:
    """Build an error with one entry; ``more`` are the entry's own fields."""
    entry = {"code": code, "message": message} | more
    return json_reply({"statusCode": status, "message": message, "errors": [entry]}, status)


def refuse(status: int, code: str, message: str, **more: Any) -> Refused:
    """Build the exception for a refusal."""
    return Refused(error(status, code, message, **more))


def invalid_input(message: str) -> Refused:
    """Build the exception for a request that is malformed (400 ``InvalidInput``)."""
    return refuse(400, "InvalidInput", message)


def invalid_operation(message: str) -> Refused:
    """Build the exception for what the resource's state does not allow."""
    return refuse(400, "InvalidOperation", message)


def not_found(what: str) -> Refused:
    """Build the exception for a resource that does not exist."""
    return refuse(404, "ResourceNotFound", f"The Resource with {what} was not found.")


def conflict(current: int) -> Refused:
    """Build the exception for a version that is not the current one."""
    message = f"Object has a different version than expected. Expected: {current}."
    return refuse(409, "ConcurrentModification", message, currentVersion=current)


def auth_error(status: int, code: str, message: str) -> Response:
    """Build an error of the token endpoint, or of a request's token."""
    body = {
        "statusCode": status,
        "message": message,
        "errors": [{"code": code, "message": message}],
        "error": code,
    }
    return json_reply(body, status)


def parse_object(body: bytes) -> Json:
    """Parse a request body that must be a JSON object."""
    try:
        content = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as reason:
        raise invalid_input(f"Request body does not contain valid JSON: {reason}") from reason
    if not isinstance(content, dict):
        raise invalid_input("Request body does not contain valid JSON: an object is expected.")
    return content
