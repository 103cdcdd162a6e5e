"""Writes to order summaries of an org: one query before, one composite for each change."""

from __future__ import annotations

from domain.exchange import Receipt, ShipmentRequest, StoreOrderState, StoreShipment
from domain.parsing.answers import document_of
from resources.http.async_client import AsyncApiClient
from resources.http.clock import SourceClock
from resources.http.redaction import request_id
from resources.platforms.salesforce.answers_payload import HELD_ORDERS
from resources.platforms.salesforce.composite import CompositeClient, id_made
from resources.platforms.salesforce.fields import order_fields
from resources.platforms.salesforce.orders.source import scope_of
from resources.platforms.salesforce.parts import missing_order, rejection_of
from resources.platforms.salesforce.settings import (
    HISTORY,
    HISTORY_ORDER,
    HISTORY_STATUS,
    SalesforceSettings,
)
from resources.platforms.salesforce.shipments.order import HeldOrder
from resources.platforms.salesforce.shipments.parts import SHIPMENT, Parts
from resources.platforms.salesforce.soql import all_of, is_id, quoted, select


class OrderWriter:
    """The calls that write to order summaries of one org."""

    def __init__(self, push: AsyncApiClient, settings: SalesforceSettings) -> None:
        self._push, self._names = push, settings.names
        self._has_history = settings.has_history
        self.calls = CompositeClient(push, settings.data_path)
        self._parts = Parts(settings)
        self._select = select(order_fields(settings), "OrderSummary")
        self._where, _ = scope_of(settings)

    @property
    def _clock(self) -> SourceClock:
        return self._push.policy.clock

    async def read(self, order_id: str) -> HeldOrder:
        """Return an order. Raises ``RecordRejected`` for one that the store does not have."""
        if not is_id(order_id):
            raise missing_order(order_id)
        text = self._select + all_of((*self._where, f"Id = {quoted(order_id)}"))
        raw = await self.calls.row(text)
        if raw is None:
            raise missing_order(order_id)
        return HeldOrder(document_of("salesforce: GET /query", raw, HELD_ORDERS), self._names)

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
        reply = await self.calls.send(
            held.parent, parts, correlation_id, "shipment_refused", is_idempotent=False
        )
        return Receipt(id_made(reply, SHIPMENT), trace_id=request_id(reply.headers))

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set a shipment's tracking."""
        held = await self.read(request.order_id)
        if held.shipment(shipment_id) is None:
            message, advice = "the store's order no longer has this shipment", "check the order"
            raise rejection_of("shipment_update_refused", "Shipments", message, advice, shipment_id)
        parts = self._parts.change(shipment_id, request)
        reply = await self.calls.send(held.parent, parts, correlation_id, "shipment_update_refused")
        return Receipt(shipment_id, trace_id=request_id(reply.headers))

    async def remove_shipment(
        self, order_id: str, shipment_id: str, correlation_id: str
    ) -> Receipt:
        """Void a shipment: an org keeps its record."""
        held = await self.read(order_id)
        if held.shipment(shipment_id) is None:
            return Receipt(shipment_id)
        parts = self._parts.void(shipment_id)
        reply = await self.calls.send(
            held.parent, parts, correlation_id, "shipment_removal_refused"
        )
        return Receipt(shipment_id, trace_id=request_id(reply.headers))

    async def put_status(
        self, order_id: str, status: str, correlation_id: str, key: str = ""
    ) -> Receipt:
        """Set an order's status, and note it in the history, once for a key.

        One that the order has already, as after a cancellation in the store, is noted only.
        """
        held, key = await self.read(order_id), key or f"{order_id}-{status}"
        if held.status == status:
            return await self.note_status(order_id, status, correlation_id, key)
        parts = self._parts.status(held, status, key, self._clock.now())
        reply = await self.calls.send(held.parent, parts, correlation_id, "status_refused")
        return Receipt(order_id, trace_id=request_id(reply.headers))

    async def note_status(
        self, order_id: str, status: str, correlation_id: str, key: str
    ) -> Receipt:
        """Note a status in an order's history, if it is not there; the order is not written."""
        if not self._has_history:
            return Receipt(order_id)
        same = (f"{HISTORY_ORDER} = {quoted(order_id)}", f"{HISTORY_STATUS} = {quoted(status)}")
        if await self.calls.row(select("Id", HISTORY, all_of(same))) is not None:
            return Receipt(order_id)
        part = self._parts.note(order_id, status, key, self._clock.now())
        reply = await self.calls.send(order_id, [part], correlation_id, "status_refused")
        return Receipt(order_id, trace_id=request_id(reply.headers))
