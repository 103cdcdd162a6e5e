"""Single writes through the ports, whose outcomes become receipts or errors again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Literal
from uuid import uuid4

from domain.delivery import (
    Claimed,
    Held,
    Intent,
    LevelChange,
    NewShipment,
    OrderCancel,
    OrderSave,
    Outcome,
    Question,
    ShipmentChange,
    ShipmentRemoval,
    StatusChange,
)
from domain.errors import RecordRejected
from domain.exchange import (
    ExchangeLog,
    Receipt,
    ShipmentRequest,
    StockAnswer,
    StoreOrderState,
    StoreShipment,
)
from domain.ports import CommercePlatform, OrderManagementSystem
from domain.records.inventory import StockTarget, StoreItem
from domain.targets import Writer


class Calls:
    """The writers of one system, one write at a time."""

    def __init__(self, connector: Any, writers: Mapping[str, Writer]) -> None:
        self._connector, self._writers = connector, writers

    async def save_order(
        self, payload: Mapping[str, object], correlation_id: str, *, is_new: bool
    ) -> Receipt:
        """Create or change an order."""
        content = OrderSave(payload, payload, None if is_new else {})
        operation = "create" if is_new else "update"
        return await self._one("orders", operation, "", content, correlation_id)

    async def cancel_order(self, order_id: str, reason: str, correlation_id: str) -> Receipt:
        """Request a cancellation."""
        content = OrderCancel(order_id, reason)
        return await self._one("orders", "cancel", order_id, content, correlation_id)

    async def create_shipment(self, request: ShipmentRequest, correlation_id: str) -> Receipt:
        """Create a shipment."""
        content = NewShipment("parcel", request)
        return await self._one("shipments", "shipment", request.order_id, content, correlation_id)

    async def find_shipment(
        self,
        request: ShipmentRequest,
        owned: Collection[str] = (),
        *,
        may_exist: bool = False,
        numbers: Collection[str] = (),
    ) -> str:
        """Return the id of the store's shipment that is this one; an empty text without one."""
        content = NewShipment("parcel", request, frozenset(numbers))
        intent = Intent("shipment", uuid4(), request.order_id, content, may_exist=may_exist)
        [found] = await self._writers["shipments"].find([Claimed(intent, "c")], owned)
        return found.target_id if found is not None else ""

    async def held_orders(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the OMS holds of orders."""
        return await self._writers["orders"].held(asked)

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set a shipment's tracking."""
        content = ShipmentChange("parcel", shipment_id, request)
        return await self._one(
            "shipments", "shipment_update", request.order_id, content, correlation_id
        )

    async def remove_shipment(
        self, order_id: str, shipment_id: str, correlation_id: str
    ) -> Receipt:
        """Take a shipment back."""
        content = ShipmentRemoval("parcel", order_id, shipment_id)
        return await self._one("shipments", "shipment_removal", order_id, content, correlation_id)

    async def put_status(self, order_id: str, status: str, correlation_id: str) -> Receipt:
        """Set an order's status."""
        content = StatusChange(order_id, status)
        return await self._one("shipments", "status", order_id, content, correlation_id)

    async def read_order(self, order_id: str) -> StoreOrderState:
        """Return an order's present status."""
        held = (await self._writers["shipments"].held({order_id: ()}))[order_id]
        assert isinstance(held.content, StoreOrderState)
        return held.content

    async def list_shipments(self, order_id: str) -> list[StoreShipment]:
        """Return the shipments of an order. Raises ``RecordRejected`` for an unknown one."""
        calls: Any = self._writers["shipments"]
        found: list[StoreShipment] = await calls.calls.list_shipments(order_id)
        return found

    async def put_stock(
        self, batch: Sequence[StockTarget], items: Mapping[str, StoreItem], reason: str
    ) -> list[StockAnswer]:
        """Set levels of SKUs that the catalog has."""
        del reason
        claimed = [
            _claimed("stock", target.sku, LevelChange(target, items[target.sku]), "")
            for target in batch
        ]
        outcomes = await self._writers["inventory"].apply(claimed)
        for outcome in outcomes:
            if outcome.fault is not None:
                raise outcome.fault
        return [
            StockAnswer(target, next(iter(outcome.problems), None))
            for target, outcome in zip(batch, outcomes, strict=True)
        ]

    async def untrack(self, item: StoreItem) -> Receipt:
        """Let an item sell without limit."""
        target = StockTarget(sku=item.sku, location="", quantity=0, infinite=True)
        return await self._one("inventory", "untrack", item.sku, LevelChange(target, item), "")

    async def _one(
        self, stream: str, operation: str, key: str, content: object, correlation_id: str
    ) -> Receipt:
        claimed = _claimed(operation, key, content, correlation_id)
        [outcome] = await self._writers[stream].apply([claimed])
        return receipt_of(outcome)


def receipt_of(outcome: Outcome) -> Receipt:
    """Return what a success stated. Raises the error of any other outcome."""
    if outcome.fault is not None:
        raise outcome.fault
    if outcome.state == "refused":
        raise RecordRejected(*outcome.problems)
    state: Literal["done", "requested"] = "requested" if outcome.state == "requested" else "done"
    return Receipt(outcome.target_id, state, outcome.warnings, outcome.trace_id, outcome.problems)


def _claimed(operation: str, key: str, content: object, correlation_id: str) -> Claimed:
    return Claimed(Intent(operation, uuid4(), key, content), correlation_id)


@asynccontextmanager
async def opened(
    connector: CommercePlatform | OrderManagementSystem, log: ExchangeLog
) -> AsyncIterator[Calls]:
    """Open every target of a connector."""
    targets: dict[str, Any] = dict(connector.targets)
    async with AsyncExitStack() as stack:
        writers = {
            stream: await stack.enter_async_context(target.writer(log))
            for stream, target in targets.items()
        }
        yield Calls(connector, writers)
