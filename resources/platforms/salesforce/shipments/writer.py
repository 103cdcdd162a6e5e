"""Writes to order summaries of an org: one query before, one composite for each change.

A composite keeps all or nothing. Where its records are locked, by another write to the same account
or by the org itself, nothing of it was kept, and it is sent again after a wait; writes of orders of
one account are never sent at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from weakref import WeakValueDictionary

import orjson

from domain.errors import PermanentError, TransientError
from domain.exchange import Receipt, ShipmentRequest, StoreOrderState, StoreShipment
from resources.http.async_client import AsyncApiClient
from resources.http.attempts import Reply
from resources.http.clock import SourceClock
from resources.http.redaction import request_id, vendor_text
from resources.platforms.salesforce.answers_payload import (
    COMPOSITES,
    HELD_ORDERS,
    ROW,
    ROWS,
    Composite,
    ErrorEntry,
    Result,
)
from resources.platforms.salesforce.children import extended, unfinished
from resources.platforms.salesforce.client import (
    CONTRACT,
    LOCKED,
    Trail,
    document_of,
    errors_of,
    refuse,
    refuse_access,
    refuse_query,
    result_of,
)
from resources.platforms.salesforce.fields import order_fields
from resources.platforms.salesforce.orders.source import scope_of
from resources.platforms.salesforce.settings import MOST_LOCKED, SalesforceSettings
from resources.platforms.salesforce.shipments.order import HeldOrder, rejection_of
from resources.platforms.salesforce.shipments.parts import SHIPMENT, Part, Parts
from resources.platforms.salesforce.soql import all_of, is_id, quoted, select

HALTED = frozenset({"PROCESSING_HALTED", "ALL_OR_NONE_OPERATION_ROLLED_BACK"})
"""Codes of requests and rows that were taken back because of another one."""


class OrderWriter:
    """The calls that write to order summaries of one org."""

    def __init__(self, push: AsyncApiClient, settings: SalesforceSettings) -> None:
        self._push, self._settings, self._names = push, settings, settings.names
        self._parts = Parts(settings)
        self._select = select(order_fields(settings), "OrderSummary")
        self._where, _ = scope_of(settings)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @property
    def _clock(self) -> SourceClock:
        return self._push.policy.clock

    async def read(self, order_id: str) -> HeldOrder:
        """Return an order. Raises ``RecordRejected`` for one that the store does not have."""
        if not is_id(order_id):
            raise _missing(order_id)
        text = self._select + all_of((*self._where, f"Id = {quoted(order_id)}"))
        rows = (await self._page("/query", text, {"q": text})).records
        if not rows:
            raise _missing(order_id)
        raw, trail = rows[0], Trail(self._settings.data_path)
        while (locator := unfinished(raw)) is not None:
            path = trail.path_of(locator)
            raw = extended(raw, locator, await self._page(path, path))
        return HeldOrder(document_of("salesforce: GET /query", raw, HELD_ORDERS), self._names)

    async def _page(self, path: str, about: str, params: Mapping[str, str] | None = None) -> Result:
        reply = await self._push.request("GET", path, params=params, decode=result_of)
        if not reply.ok:
            refuse_query(reply, about)
        result: Result = reply.value
        return result

    async def read_order(self, order_id: str) -> StoreOrderState:
        """Return what an order shows of its fulfilment."""
        return (await self.read(order_id)).state()

    async def list_shipments(self, order_id: str) -> list[StoreShipment]:
        """Return all shipments of an order."""
        return (await self.read(order_id)).shipments()

    async def create_shipment(
        self, request: ShipmentRequest, key: str, correlation_id: str
    ) -> Receipt:
        """Create a shipment with its items, once for a key."""
        held = await self.read(request.order_id)
        known = next((each for each in held.shipments() if each.key == key), None)
        if known is not None:
            return Receipt(known.shipment_id)
        parts = self._parts.shipment(held, request, key)
        reply = await self._composite(
            held, parts, correlation_id, "shipment_refused", is_idempotent=False
        )
        return Receipt(_made(reply), trace_id=request_id(reply.headers))

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set a shipment's tracking."""
        held = await self.read(request.order_id)
        if held.shipment(shipment_id) is None:
            message, advice = "the store's order has no such shipment any more", "look at the order"
            raise rejection_of("shipment_update_refused", "Shipments", message, advice, shipment_id)
        parts = self._parts.change(shipment_id, request)
        reply = await self._composite(held, parts, correlation_id, "shipment_update_refused")
        return Receipt(shipment_id, trace_id=request_id(reply.headers))

    async def put_status(
        self, order_id: str, status: str, correlation_id: str, key: str = ""
    ) -> Receipt:
        """Set an order's status, and note it in the history, once for a key."""
        held = await self.read(order_id)
        if held.status == status:
            return Receipt(order_id)
        parts = self._parts.status(held, status, key or f"{order_id}-{status}", self._clock.now())
        reply = await self._composite(held, parts, correlation_id, "status_refused")
        return Receipt(order_id, trace_id=request_id(reply.headers))

    async def _composite(
        self,
        held: HeldOrder,
        parts: list[Part],
        correlation_id: str,
        code: str,
        *,
        is_idempotent: bool = True,
    ) -> Reply:
        """Send requests that take effect together; raise what a refusal of any means."""
        body = orjson.dumps({"allOrNone": True, "compositeRequest": parts})
        lock = self._locks.setdefault(held.parent, asyncio.Lock())
        async with lock:
            for attempt in range(1, MOST_LOCKED + 1):
                reply = await self._push.request(
                    "POST", "/composite", body=body, correlation_id=correlation_id,
                    idempotent=is_idempotent, decode=COMPOSITES.decode,
                )  # fmt: skip
                if not reply.ok:
                    refuse(reply, code, "composite", "look at the order in the store")
                errors = list(_errors(reply))
                if not errors:
                    return reply
                if not any(_code(error) == LOCKED for _, error in errors):
                    raise _refused(reply, errors, code)
                await asyncio.sleep(self._push.policy.retry.backoff(attempt))
        raise TransientError(
            f"salesforce: the records of order {held.id} were locked {MOST_LOCKED} times; "
            "a later try may help"
        )


def _missing(order_id: str) -> Exception:
    advice = "look for the order in the store"
    message = "the store has no such order summary"
    return rejection_of("order_missing_in_store", "order_id", message, advice, order_id)


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


def _refused(reply: Reply, errors: list[tuple[int, ErrorEntry]], code: str) -> Exception:
    """Return what a refusal means: for the whole system, or for the record."""
    status, first = errors[0]
    body = orjson.dumps([{"errorCode": _code(first), "message": first.message}])
    refuse_access(Reply(status, reply.headers, body, 0.0, reply.where, sent=reply.sent))
    shown = "; ".join(f"{_code(e)}: {vendor_text(e.message, 200)}" for _, e in errors[:3])
    message = f"the store answers {shown}"
    return rejection_of(code, "composite", message, "look at the order in the store")


def _made(reply: Reply) -> str:
    """Return the id of the shipment that a composite has made."""
    composite: Composite = reply.value
    for part in composite.compositeResponse:
        if part.referenceId == SHIPMENT:
            try:
                if identifier := ROW.decode(bytes(part.body)).id:
                    return identifier
            except ValueError:
                break
    raise PermanentError(f"{reply.where} answered without the shipment's id: {CONTRACT}")
