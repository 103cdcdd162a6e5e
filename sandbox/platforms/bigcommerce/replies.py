"""Answers and refusals in BigCommerce's two formats.

V2 errors are arrays of ``{status, message}``; V3 errors are problem objects ``{status, title, type,
errors}``. Some V3 endpoints (inventory) declare ``application/problem+json`` for them and others
(catalog) plain JSON, so the caller chooses.
"""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.kit.refused import Refused
from sandbox.system import Response

PROBLEM_TYPE = "https://developer.bigcommerce.com/api-docs/getting-started/api-status-codes"
JSON_TYPE = "application/json"


def json_reply(value: Any, status: int = 200) -> Response:
    """Answer with a JSON body."""
    return Response(status, orjson.dumps(value), {"Content-Type": JSON_TYPE})


def raw_reply(body: bytes, status: int = 200, content_type: str = JSON_TYPE) -> Response:
    """Answer with a body that is already serialised."""
    return Response(status, body, {"Content-Type": content_type})


def ndjson_reply(lines: list[bytes]) -> Response:
    """Answer with one JSON document per line."""
    return Response(
        200, b"\n".join(lines) + (b"\n" if lines else b""), {"Content-Type": "application/x-ndjson"}
    )


def v2_error(status: int, message: str) -> Response:
    """Build an error in V2's format."""
    return json_reply([{"status": status, "message": message}], status)


def v3_error(
    status: int, title: str, errors: dict[str, str] | None = None, content_type: str = JSON_TYPE
) -> Response:
    """Build an error in V3's format."""
    body = {"status": status, "title": title, "type": PROBLEM_TYPE, "errors": errors or {}}
    return Response(status, orjson.dumps(body), {"Content-Type": content_type})


def error(version: str, status: int, message: str) -> Response:
    """Build an error in the format of the API version that was called."""
    return v2_error(status, message) if version == "v2" else v3_error(status, message)


def refuse_v2(status: int, message: str) -> Refused:
    """Build the exception for a V2 refusal."""
    return Refused(v2_error(status, message))


def refuse_problem(status: int, title: str, errors: dict[str, str] | None = None) -> Refused:
    """Build the exception for a V3 refusal sent as ``application/problem+json``."""
    return Refused(v3_error(status, title, errors, "application/problem+json"))


def parse_object(body: bytes, version: str = "v2") -> dict[str, Any]:
    """Parse a JSON request body that must be an object; any other is refused."""
    content = parse_body(body)
    if not isinstance(content, dict):
        text = "The request body must be a JSON object."
        raise Refused(error(version, 400 if version == "v2" else 422, text))
    return content


def parse_body(body: bytes) -> Any:
    """Parse a JSON request body; an invalid one is refused with 400."""
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as reason:
        raise refuse_v2(400, f"The request body is not valid JSON: {reason}") from reason
