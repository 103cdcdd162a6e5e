"""Writes: a new order, and cancelling one before it is packed or ready to ship."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import orjson

from domain.errors import Problem, RecordRejected
from domain.exchange import OutcomeUnknown, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.redaction import request_id
from resources.http.reply import Reply
from resources.oms.anchanto.client import Answer, Opener, interpret, path_of, rejection
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.statuses import CANCELED, StatusTable
from resources.oms.gone import order_gone

Status: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Reads an order's current status, ``None`` if the account has no such order."""


class AnchantoWriter:
    """The writing calls of an account."""

    def __init__(self, client: AsyncApiClient, settings: AnchantoSettings) -> None:
        self._client, self._wire = client, settings.wire
        self._opener, self._documents = Opener(settings.wire), Documents(settings.wire.fields)
        self._statuses = StatusTable(settings.statuses)
        params = settings.wire.params
        self._store = {params.store: settings.store_code} if params.store else {}

    async def create_order(
        self, payload: Mapping[str, object], correlation_id: str
    ) -> Receipt | None:
        """Create an order; ``None`` if the account has one of this number.

        Safe to repeat: a number is taken once. Raises ``RecordRejected`` for any other refusal, and
        ``OutcomeUnknown`` where the answer does not name the order.
        """
        number = str(payload["number"])
        fields = self._wire.fields
        body = {fields.name("answer", "order"): fields.outgoing("order", payload)}
        answer, reply = await self._post(self._wire.paths.orders, body, correlation_id, {})
        if answer.says(self._wire.words.duplicate):
            return None
        if answer.is_refused:
            raise rejection(answer, payload)
        if self._named(answer, "number") != number:
            raise OutcomeUnknown(
                f"{reply.where} reported success without the order's number {number}, so "
                "whether this order was created is unknown"
            )
        return Receipt(number, trace_id=request_id(reply.headers))

    async def cancel_order(
        self, number: str, reason: str, read: Status, correlation_id: str
    ) -> Receipt:
        """Cancel an order; safe to repeat, since canceled is final.

        Raises ``RecordRejected`` ``cancel_refused``, with its status, if it is too late, and
        ``order_gone_at_oms`` if the account has no such order.
        """
        path = path_of(self._wire.paths.cancel, number)
        body = self._wire.fields.outgoing("order", {"reason": reason})
        answer, reply = await self._post(path, body, correlation_id, self._store)
        stated = self._named(answer, "status")
        if answer.is_refused or not self._is_canceled(stated):
            # It may have been canceled, or packed, before it was asked.
            status = await read(number)
            if status is None:
                raise RecordRejected(order_gone("number", number, answer.text or ""))
            if not self._is_canceled(status):
                raise self._refused(answer, status, number)
        return Receipt(number, trace_id=request_id(reply.headers))

    async def _post(
        self, path: str, body: object, correlation_id: str, params: Mapping[str, str]
    ) -> tuple[Answer, Reply]:
        reply = await self._client.request(
            "POST",
            path,
            body=orjson.dumps(body),
            params=params or None,
            correlation_id=correlation_id,
            idempotent=True,
            decode=self._opener,
        )
        return interpret(reply, self._opener), reply

    def _named(self, answer: Answer, name: str) -> str:
        """Return a field of the order that an answer names."""
        return self._documents.value(bytes(answer.data), "order", name)[0]

    def _is_canceled(self, status: str) -> bool:
        known = self._statuses.known(status)
        return known is not None and known.name == CANCELED

    def _refused(self, answer: Answer, status: str, number: str) -> RecordRejected:
        known = self._statuses.known(status)
        if not status:
            reason = "its status can't be read"
        elif known is not None and known.is_cancelable:
            reason = f"it is {status}; Anchanto says: {(answer.text or 'nothing').rstrip('.')}"
        else:
            reason = f"it is {status}, and Anchanto cancels orders only before they are packed"
        text = f"The order can no longer be canceled: {reason}."
        advice = "Stop it at the warehouse by hand, or take it back as a return."
        return RecordRejected(Problem("cancel_refused", "number", text, advice, number))


def status_in(documents: Documents, payload: bytes) -> str:
    """Return the status of an order as it was read; empty if it can't be."""
    try:
        return (documents.order(payload).order.status or "").strip()
    except RecordRejected:
        return ""
