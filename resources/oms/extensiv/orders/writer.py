"""Writes: a new order, and canceling one before or after the warehouse has it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeAlias

import msgspec
import orjson

from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import OutcomeUnknown, Receipt
from domain.parsing.vendor_documents import folded, text_of
from resources.http.async_client import AsyncApiClient
from resources.http.reply import Reply
from resources.oms.extensiv.client import (
    Answer,
    interpret,
    open_envelope,
    path_of,
    rejection,
    trace_of,
)
from resources.oms.extensiv.parsing import is_yes
from resources.oms.extensiv.payload import CancelAnswer, decode_order
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.statuses import AT_WMS, CANCELED, ERROR, NEW
from resources.oms.gone import order_gone

_CANCEL = msgspec.json.Decoder(CancelAnswer)
AT_WAREHOUSE = (AT_WMS, "partial")
Status: TypeAlias = Callable[[str], Awaitable[str | None]]
"""Reads an order's current status, ``None`` if the account has no such order."""


class ExtensivWriter:
    """The writing calls of an account."""

    def __init__(
        self, creating: AsyncApiClient, client: AsyncApiClient, settings: ExtensivSettings
    ) -> None:
        self._creating, self._client = creating, client
        self._paths, self._codes = settings.paths, settings.codes

    async def create_order(
        self, payload: Mapping[str, object], correlation_id: str
    ) -> Receipt | None:
        """Create an order; ``None`` if the account has one of this id.

        Safe to repeat: an id is taken once. Raises ``RecordRejected`` for any other refusal, and
        ``OutcomeUnknown`` where the answer does not name the order.
        """
        cust_ref = str(payload["cust_ref"])
        reply = await self._creating.request(
            "POST",
            self._paths.create,
            body=orjson.dumps(payload),
            correlation_id=correlation_id,
            idempotent=True,
            decode=open_envelope,
        )
        answer = interpret(reply, self._codes)
        if answer.says(self._codes.duplicate):
            return None
        if answer.is_refused:
            raise rejection(answer, payload)
        if answer.cust_ref != cust_ref:
            raise OutcomeUnknown(
                f"{reply.where} reported success without the order's cust_ref {cust_ref}, so "
                "whether this order was created is unknown"
            )
        return Receipt(cust_ref, trace_id=trace_of(reply))

    async def cancel_order(self, order_id: str, read: Status, correlation_id: str) -> Receipt:
        """Cancel an order in its current state; safe to repeat, since canceled is final.

        ``requested`` where the warehouse has taken the request and the order is not canceled yet.
        Raises ``RecordRejected`` ``cancel_refused`` if it is too late, and ``order_gone_at_oms`` if
        the account has no such order.
        """
        status = await _read(read, order_id)
        if status == CANCELED:
            return Receipt(order_id)
        if status not in (NEW, ERROR, *AT_WAREHOUSE):
            raise _too_late(f"it is {status}" if status else "its status can't be read")
        if status in (NEW, ERROR):
            reply = await self._send("POST", self._paths.cancel, order_id, correlation_id)
            answer = interpret(reply, self._codes)
            if not answer.is_refused:
                return Receipt(order_id, trace_id=trace_of(reply))
            # It may have reached the warehouse, or have been canceled, since it was read.
            status = await _read(read, order_id)
            if status == CANCELED:
                return Receipt(order_id, trace_id=trace_of(reply))
            if status not in AT_WAREHOUSE:
                raise _refused(answer)
        return await self._cancel_at_warehouse(order_id, read, correlation_id)

    async def _cancel_at_warehouse(
        self, order_id: str, read: Status, correlation_id: str
    ) -> Receipt:
        reply = await self._send("GET", self._paths.wms_cancel, order_id, correlation_id)
        answer = interpret(reply, self._codes)
        outcome = _outcome(answer)
        try:
            status = await read(order_id)
        except (TransientError, PermanentError) as error:
            if answer.is_refused:
                raise
            raise OutcomeUnknown(
                f"The warehouse was asked to cancel order {order_id}, and whether it did could "
                f"not be read: {error}"
            ) from error
        if status == CANCELED:
            return Receipt(order_id, trace_id=trace_of(reply))
        if answer.is_refused or not is_yes(outcome.success):
            raise _refused(answer, text_of(outcome.message))
        return Receipt(order_id, "requested", trace_id=trace_of(reply))

    async def _send(self, method: str, path: str, order_id: str, correlation_id: str) -> Reply:
        """Make one of the two calls that cancel; the warehouse's is a GET, and has an effect."""
        body = orjson.dumps({"cust_ref": order_id}) if method == "POST" else None
        return await self._client.request(
            method,
            path_of(path, cust_ref=order_id),
            body=body,
            correlation_id=correlation_id,
            idempotent=True,
            has_effect=True,
            decode=open_envelope,
        )


async def _read(read: Status, order_id: str) -> str:
    """Return an order's status. Raises ``RecordRejected`` if the account lacks the order."""
    status = await read(order_id)
    if status is None:
        raise RecordRejected(order_gone("cust_ref", order_id))
    return status


def status_in(payload: bytes) -> str:
    """Return the status of an order as it was read; empty if it can't be."""
    try:
        return folded_status(decode_order(payload).document.order_status)
    except RecordRejected:
        return ""


def folded_status(text: str | None) -> str:
    """Return a status in the form of the status table."""
    return (text or "").strip().casefold()


def _outcome(answer: Answer) -> CancelAnswer:
    try:
        return _CANCEL.decode(answer.response)
    except (ValueError, RecursionError):
        return CancelAnswer()


def _refused(answer: Answer, message: str = "") -> RecordRejected:
    return _too_late(message or answer.text or folded(answer.error_code) or "no reason was given")


def _too_late(reason: str) -> RecordRejected:
    text = f"The order can no longer be canceled: {reason.rstrip('.')}."
    advice = "Stop it at the warehouse by hand, or take it back as a return."
    return RecordRejected(Problem("cancel_refused", "cust_ref", text, advice))
