"""Composites: several requests in one, of which later ones refer to the answers of earlier ones.

Source: platforms.md 3.5. A composite takes at most 25 requests, of which five may be queries or
collections; with ``allOrNone`` nothing is kept of one in which a request fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from sandbox.kit.refused import Refused
from sandbox.platforms.salesforce.replies import json_reply, refuse
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.salesforce.org import Org

Json = dict[str, Any]
MOST_REQUESTS, MOST_COLLECTIONS = 25, 5
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)\.([A-Za-z0-9_.\[\]]+)\}")


class Composites:
    """The composites of one org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def answer(self, body: Json, answer: Callable[[Request], Response]) -> Response:
        """Answer several requests, of which later ones may refer to the answers of earlier ones."""
        parts = body.get("compositeRequest")
        if not isinstance(parts, list) or not 0 < len(parts) <= MOST_REQUESTS:
            raise refuse(400, "LIMIT_EXCEEDED", f"a composite has 1 to {MOST_REQUESTS} requests")
        large = [p for p in parts if re.search(r"/query|/composite/sobjects", p["url"])]
        if len(large) > MOST_COLLECTIONS:
            raise refuse(
                400, "LIMIT_EXCEEDED", f"at most {MOST_COLLECTIONS} queries and collections"
            )
        is_whole = bool(body.get("allOrNone"))
        counts = self._org.counts.copy()
        if is_whole:
            self._org.book.begin()
            self._org.writes.is_within = True
        try:
            answers, failed = self._parts(parts, answer, is_whole=is_whole)
        finally:
            self._org.writes.is_within = False
        if is_whole:
            self._org.book.end(takes_back=failed)
        if failed and is_whole:
            self._org.counts = counts
            answers = [a if _is_failed(a) else _halted(a) for a in answers]
        return json_reply({"compositeResponse": answers})

    def _parts(
        self, parts: list[Json], answer: Callable[[Request], Response], *, is_whole: bool
    ) -> tuple[list[Json], bool]:
        answers: list[Json] = []
        known: dict[str, Any] = {}
        failed = False
        for part in parts:
            if failed and is_whole:
                answers.append(_halted(part))
                continue
            found = self._part(part, known, answer)
            failed = failed or _is_failed(found)
            answers.append(found)
        return answers, failed

    def _part(self, part: Json, known: Json, answer: Callable[[Request], Response]) -> Json:
        url = _resolved(part["url"], known)
        path, _, query = url.partition("?")
        params = {
            n: [unquote(v.replace("+", " "))]
            for n, _, v in (q.partition("=") for q in query.split("&"))
            if n
        }
        content = _resolved(orjson.dumps(part.get("body", {})).decode(), known)
        inner = Request(part["method"], unquote(path), params, {}, content.encode())
        try:
            response = answer(inner)
        except Refused as refusal:
            response = refusal.response
        value = orjson.loads(response.body) if response.body else None
        known[part["referenceId"]] = value
        return {
            "body": value,
            "httpHeaders": {},
            "httpStatusCode": response.status,
            "referenceId": part["referenceId"],
        }


def _resolved(text: str, known: Json) -> str:
    def value(found: re.Match[str]) -> str:
        answer: Any = known.get(found[1])
        for step in re.findall(r"[A-Za-z0-9_]+", found[2]):
            answer = answer[int(step)] if isinstance(answer, list) else (answer or {}).get(step)
        return str(answer)

    return _REFERENCE.sub(value, text)


def _has_failed_row(body: Any) -> bool:
    rows = body if isinstance(body, list) else []
    return any(isinstance(row, dict) and row.get("success") is False for row in rows)


def _is_failed(answer: Json) -> bool:
    return bool(answer["httpStatusCode"] >= 400 or _has_failed_row(answer["body"]))


def _halted(part: Json) -> Json:
    message = (
        "The transaction was rolled back since another operation in the same transaction failed."
    )
    body = [{"errorCode": "PROCESSING_HALTED", "message": message}]
    answer = {"body": body, "httpHeaders": {}, "httpStatusCode": 400}
    return answer | {"referenceId": part["referenceId"]}
