"""Answers and refusals in Salesforce's format: errors are a list, also of one.

Source: platforms.md 3.2, 3.5 (``errorCode`` on top, ``statusCode`` in rows).
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.system import Response

Json = dict[str, Any]
ODD = (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError)
"""What reading a value of another type than expected raises."""
HEADERS = {"Content-Type": "application/json;charset=UTF-8"}


def json_reply(value: Any, status: int = 200) -> Response:
    """Answer with a JSON body."""
    return Response(status, orjson.dumps(value), dict(HEADERS))


def error(status: int, code: str, message: str, fields: list[str] | None = None) -> Response:
    """Build an error."""
    entry: Json = {"message": message, "errorCode": code}
    return json_reply([entry | ({"fields": fields} if fields is not None else {})], status)


def refuse(status: int, code: str, message: str, fields: list[str] | None = None) -> Refused:
    """Build the exception for a refusal."""
    return Refused(error(status, code, message, fields))


def oauth_error(code: str, message: str, status: int = 400) -> Response:
    """Build an error of the token endpoint."""
    return json_reply({"error": code, "error_description": message}, status)


def parsed(body: bytes) -> Any:
    """Parse a request's body, or refuse it."""
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as reason:
        raise refuse(
            400, "JSON_PARSER_ERROR", f"The HTTP entity body is malformed: {reason}"
        ) from None


class RowRefused(Exception):
    """One record that is not written, with the code of the reason."""

    def __init__(self, code: str, message: str, *fields: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.fields, self.status = code, message, list(fields), status

    def row(self) -> Json:
        """Return the row of a collection's answer."""
        entry = {"statusCode": self.code, "message": self.message, "fields": self.fields}
        return {"success": False, "errors": [entry]}

    def response(self) -> Response:
        """Return the answer to a single record's call."""
        return error(self.status, self.code, self.message, self.fields)
