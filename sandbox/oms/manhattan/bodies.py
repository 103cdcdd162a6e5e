"""Request bodies: JSON objects, and the page that a search asks for."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.oms.manhattan.envelope import Refused, error
from sandbox.system import Request

Json = dict[str, Any]

BAD_REQUEST = 400
_DEFAULT_SIZE = 20


def parse_json(request: Request) -> Any:
    """Parse the body; raises Refused for anything that is not JSON."""
    try:
        return orjson.loads(request.body)
    except (orjson.JSONDecodeError, RecursionError) as problem:
        raise Refused(
            error("MALFORMED_JSON", f"The body is not JSON: {problem}"), status=BAD_REQUEST
        ) from problem


def parse_object(request: Request) -> Json:
    """Parse the body as one object; raises Refused for any other JSON."""
    body = parse_json(request)
    if not isinstance(body, dict):
        raise Refused(error("MALFORMED_JSON", "The body is not a JSON object"), status=BAD_REQUEST)
    return body


def parse_rows(request: Request) -> list[Json]:
    """Parse a body with many records: a list, ``Data`` or ``data``, or a single object."""
    body = parse_json(request)
    if isinstance(body, dict):
        body = body.get("Data") or body.get("data") or [body]
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise Refused(
            error("MALFORMED_JSON", "The body is not a list of JSON objects"), status=BAD_REQUEST
        )
    return body


def rows_in(body: Json, name: str) -> list[Json]:
    """Return a body's list of objects, empty if it is missing; raises Refused for any other."""
    rows = body.get(name)
    if rows is None:
        return []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refused(error("MALFORMED_ATTRIBUTE", f"{name} is not a list of objects", field=name))
    return rows


def text_in(body: Json, name: str) -> str:
    """Return an id as text, empty if it is missing; raises Refused for any other value."""
    value = body.get(name)
    if value is not None and not isinstance(value, str | int):
        raise Refused(error("MALFORMED_ATTRIBUTE", f"{name} is not text", field=name))
    return "" if value is None else str(value)


def parse_page(request: Request, most: int) -> tuple[Json, int, int]:
    """Read a search body with its Page (from 0) and Size, silently capped at the maximum."""
    body = parse_object(request)
    page, size = body.get("Page", 0), body.get("Size", _DEFAULT_SIZE)
    if not isinstance(page, int) or not isinstance(size, int) or page < 0 or size < 1:
        raise Refused(
            error("INVALID_PAGE", f"Page {page!r} and Size {size!r} are not valid", field="Page")
        )
    return body, page, min(size, most)
