"""The answers of the Integration Manager: business errors come with HTTP 200 (oms.md 2.2)."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.system import Response

Json = dict[str, Any]

_JSON = {"Content-Type": "application/json"}
INVALID, FAILURE, RATE_LIMIT = "Invalid", "Failure", "RateLimit"


class Refused(Exception):
    """A request that the account refuses; ``code`` is one of the vendor's three."""

    def __init__(self, code: str, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def answer(response: Any, headers: dict[str, str] | None = None) -> Response:
    """Wrap a successful answer."""
    body = orjson.dumps({"success_code": True, "response": response})
    return Response(200, body, {**_JSON, **(headers or {})})


def flat(fields: Json) -> Response:
    """Answer a success whose fields stand beside ``success_code``, as a new order's do."""
    return Response(200, orjson.dumps({"success_code": True, **fields}), dict(_JSON))


def refuse(refused: Refused, text_name: str) -> Response:
    """Answer a refusal; ``text_name`` is ``message``, or ``status_message`` as of old."""
    body = {"success_code": False, "error_code": refused.code, text_name: refused.message}
    return Response(refused.status, orjson.dumps(body), dict(_JSON))
