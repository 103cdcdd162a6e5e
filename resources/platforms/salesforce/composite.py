"""Writes of several records that take effect together: one query before, one composite for each.

A composite keeps all or nothing. Where its records are locked, by another write to the same account
or by the org itself, nothing of it was kept, and it is sent again after a wait; writes below one
account are never sent at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from weakref import WeakValueDictionary

import msgspec
import orjson

from domain.errors import PermanentError, TransientError
from domain.parsing.answers import CONTRACT
from resources.http.async_client import AsyncApiClient
from resources.http.redaction import vendor_text
from resources.http.reply import Reply
from resources.platforms.salesforce.answers_payload import (
    COMPOSITES,
    ROW,
    ROWS,
    Composite,
    ErrorEntry,
    Result,
)
from resources.platforms.salesforce.children import extended, unfinished
from resources.platforms.salesforce.client import (
    LOCKED,
    Trail,
    errors_of,
    refuse,
    refuse_access,
    refuse_query,
    result_in,
    result_of,
)
from resources.platforms.salesforce.parts import Part, rejection_of
from resources.platforms.salesforce.settings import MOST_LOCKED

HALTED = frozenset({"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"})
"""Codes of requests and rows that were taken back because of another one."""

LOOK = "check the order in the store"


class CompositeClient:
    """Reads records before a write, and writes what belongs to one together."""

    def __init__(self, push: AsyncApiClient, data_path: str) -> None:
        self.push, self._data_path = push, data_path
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def row(self, text: str) -> msgspec.Raw | None:
        """Return the first record of a query with all of its children, if there is one."""
        rows = (await self.page("/query", text, {"q": text})).records
        if not rows:
            return None
        raw, trail = rows[0], Trail(self._data_path)
        while (locator := unfinished(raw)) is not None:
            path = trail.path_of(locator)
            raw = extended(raw, locator, await self.page(path, path))
        return raw

    async def page(self, path: str, about: str, params: Mapping[str, str] | None = None) -> Result:
        """Return a page of a query's result."""
        reply = await self.push.request("GET", path, params=params, decode=result_of)
        if not reply.ok:
            refuse_query(reply, about)
        return result_in(reply)

    async def send(
        self,
        parent: str,
        parts: list[Part],
        correlation_id: str,
        code: str,
        *,
        is_idempotent: bool = True,
        advice: str = LOOK,
    ) -> Reply:
        """Send requests that take effect together; raise what a refusal of any means.

        ``parent`` is the record that they lock, ``code`` and ``advice`` those of a rejection.
        """
        body = orjson.dumps({"allOrNone": True, "compositeRequest": parts})

        lock = self._locks.setdefault(parent, asyncio.Lock())
        async with lock:
            for attempt in range(1, MOST_LOCKED + 1):
                reply = await self.push.request(
                    "POST",
                    "/composite",
                    body=body,
                    correlation_id=correlation_id,
                    idempotent=is_idempotent,
                    decode=partial(_answer_to, len(parts)),
                )
                if not reply.ok:
                    refuse(reply, code, "composite", advice)
                errors = list(_errors(reply))
                if not errors:
                    return reply
                if not any(_code(error) == LOCKED for _, error in errors):
                    raise _refused(reply, errors, code, advice)
                await asyncio.sleep(self.push.policy.retry.backoff(attempt))
        raise TransientError(
            f"salesforce: the records below {parent} were locked {MOST_LOCKED} times; "
            "trying again later may help"
        )


def _answer_to(number: int, content: bytes) -> Composite:
    """Return the answer to a number of requests; raises ``ValueError`` if it is to others."""
    found = COMPOSITES.decode(content)
    if len(found.compositeResponse) != number:
        raise ValueError("the answer is not to all requests of the composite")
    return found


def id_made(reply: Reply, reference: str) -> str:
    """Return the id of the record that a request of a composite has made or changed."""
    composite: Composite = reply.value
    for part in composite.compositeResponse:
        if part.referenceId == reference:
            try:
                if identifier := ROW.decode(bytes(part.body)).id:
                    return identifier
            except ValueError:
                break
    raise PermanentError(f"{reply.where} answered without the {reference}'s id: {CONTRACT}")


def _errors(reply: Reply) -> list[tuple[int, ErrorEntry]]:
    """Return status and error of each request or row that was refused for its own sake."""
    composite: Composite = reply.value
    found: list[tuple[int, ErrorEntry]] = []
    for part in composite.compositeResponse:
        body = bytes(part.body)
        if part.httpStatusCode >= 400:
            errors = errors_of(body) or [ErrorEntry(message=body[:200].decode(errors="replace"))]
            errors = _of_rows(body) or errors
            found += [(part.httpStatusCode, error) for error in errors]
        else:
            found += [(part.httpStatusCode, error) for error in _of_rows(body)]
    own = [(status, error) for status, error in found if _code(error) not in HALTED]
    return own or found


def _of_rows(body: bytes) -> list[ErrorEntry]:
    """Return the errors of a collection's rows."""
    try:
        rows = ROWS.decode(body)
    except (ValueError, RecursionError):
        return []
    return [error for row in rows if not row.success for error in row.errors or [ErrorEntry()]]


def _code(error: ErrorEntry) -> str:
    return error.errorCode or error.statusCode


def _refused(
    reply: Reply, errors: list[tuple[int, ErrorEntry]], code: str, advice: str
) -> Exception:
    """Return what a refusal means: for the whole system, or for the record."""
    status, first = errors[0]
    body = orjson.dumps([{"errorCode": _code(first), "message": first.message}])
    refuse_access(Reply(status, reply.headers, body, 0.0, reply.where, sent=reply.sent))
    shown = "; ".join(f"{_code(e)}: {vendor_text(e.message, 200)}" for _, e in errors[:3])
    message = f"the store answers {shown}"
    return rejection_of(code, "composite", message, advice)
