"""The answers of the account (oms.md 3.3): writes state their success, reads hold ``data``."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.system import Response

Json = dict[str, Any]

_JSON = {"Content-Type": "application/json"}
UNAUTHORIZED, NOT_FOUND, INVALID, THROTTLED = 401, 404, 422, 429


class Refused(Exception):
    """A request that the account refuses."""

    def __init__(self, message: str, status: int = INVALID) -> None:
        super().__init__(message)
        self.message, self.status = message, status


def written_answer(data: Json, message: str) -> Response:
    """Answer a write that succeeded."""
    return plain({"response": "success", "message": message, "data": data})


def page(rows: list[Json], total_pages: int) -> Response:
    """Answer a page of a list."""
    return plain({"data": rows, "meta": {"total_pages": total_pages}})


def refuse(refused: Refused) -> Response:
    """Answer a refusal."""
    headers = {"Retry-After": "1"} if refused.status == THROTTLED else {}
    body = {"response": "error", "message": refused.message, "data": None}
    return Response(refused.status, orjson.dumps(body), {**_JSON, **headers})


def plain(body: Any, status: int = 200) -> Response:
    """Answer plain JSON."""
    return Response(status, orjson.dumps(body), dict(_JSON))
