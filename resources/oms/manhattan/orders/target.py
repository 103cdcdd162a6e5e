"""Orders at the tenant, as a target of deliveries."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from domain.connections import Connection
from domain.delivery import (
    Claimed,
    Held,
    Operation,
    OrderCancel,
    OrderSave,
    Outcome,
    Question,
    failed,
    outcome_of,
)
from domain.errors import LockstepError, RecordRejected
from domain.exchange import ExchangeLog, Receipt
from domain.parsing.vendor_documents import text_of
from domain.reconciliation import Difference
from domain.records.orders import Order
from domain.rules.ship_from import NodePlace
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.shared_calls import SharedCalls
from resources.http.target_writer import TargetWriter
from resources.oms.gone import order_gone
from resources.oms.manhattan.orders.bulk import BulkCreation
from resources.oms.manhattan.orders.changes import (
    applied,
    equal_lines,
    lines_without_more,
    order_change,
    united,
    with_lines_of,
)
from resources.oms.manhattan.orders.diff import compare_order
from resources.oms.manhattan.orders.lookup import OrderLookup, has_line_of, lines_beyond
from resources.oms.manhattan.orders.mapping import OrderMapper
from resources.oms.manhattan.orders.writer import ManhattanWriter
from resources.oms.manhattan.parsing import objects_of
from resources.oms.manhattan.settings import ManhattanSettings


class ManhattanOrders:
    """``domain.targets.OrderTarget``. A save changes only the attributes that it names."""

    ships_from: ClassVar[NodePlace] = "line"

    def __init__(
        self,
        policy: ClientPolicy,
        settings: ManhattanSettings,
        connection: Connection,
        lookup: OrderLookup,
    ) -> None:
        self._policy, self._settings, self._lookup = policy, settings, lookup
        self._cancel_reason = connection.orders.cancel_reason
        self._mapper = OrderMapper(settings)
        self.acts_for = policy.acts_for
        concurrency = settings.push_concurrency
        self.operations: Mapping[str, Operation] = {
            "create": Operation(
                creates=True,
                replaces=False,
                batch=settings.orders_per_call,
                concurrency=concurrency,
            ),
            "update": Operation(replaces=False, concurrency=concurrency),
            "cancel": Operation(replaces=False, concurrency=concurrency),
        }

    def payload(self, order: Order) -> dict[str, object]:
        """Map an order to the body of ``save``."""
        return self._mapper.payload(order)

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return the save that turns ``known`` into ``wanted``."""
        return order_change(known, wanted, self._cancel_reason, whole=whole)

    def applied(
        self, known: Mapping[str, object], change: Mapping[str, object]
    ) -> dict[str, object]:
        """Return what an order holds after a save."""
        return applied(known, change)

    def units(self, content: Mapping[str, object]) -> dict[str, Decimal]:
        """Return by SKU the units of a ``payload``."""
        units: dict[str, Decimal] = {}
        for line in objects_of(content.get("OrderLine")):
            sku = text_of(line.get("ItemId"))
            with suppress(InvalidOperation):  # what the tenant has made of it is not a number
                units[sku] = units.get(sku, Decimal(0)) + Decimal(str(line.get("Quantity")))
        return units

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""
        return compare_order(payload, wanted)

    def writer(self, log: ExchangeLog) -> OrdersWriter:
        """Open the tenant for writing orders."""
        shared = SharedCalls(log)
        concurrency = self._settings.push_concurrency
        client = AsyncApiClient(self._policy, concurrency=concurrency, log=shared)
        return OrdersWriter(client, self._settings, self._lookup, shared)


class OrdersWriter(TargetWriter):
    """``domain.targets.Writer`` of orders: every write is keyed by the order's id."""

    def __init__(
        self,
        client: AsyncApiClient,
        settings: ManhattanSettings,
        lookup: OrderLookup,
        calls: SharedCalls,
    ) -> None:
        super().__init__(client)
        self.calls, self._lookup = ManhattanWriter(client, settings), lookup
        self._bulk = BulkCreation(client, settings, calls)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Save or cancel an order, or create several in one call."""
        if len(claimed) == 1:
            return [await outcome_of(self._sent(claimed[0]))]
        try:
            return await self._bulk.create(claimed)
        except LockstepError as error:
            return [failed(error) for _ in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the tenant holds of orders: of the asked payloads, and further lines of ours.

        Raises ``TransientError`` or ``PermanentError`` where the tenant can't be read.
        """
        found = await asyncio.to_thread(self._lookup.read, list(asked))
        return {raw.source_id: self._held(raw.payload, raw.source_id, asked) for raw in found}

    def _held(self, payload: bytes, order_id: str, asked: Mapping[str, Question]) -> Held:
        candidates = united(asked[order_id])
        try:
            content = compare_order(payload, candidates)[0]
        except RecordRejected as unreadable:
            return Held(order_id, problems=unreadable.problems)
        lines = objects_of(candidates.get("OrderLine"))
        more = lines_beyond(payload, {str(line["OrderLineId"]) for line in lines})
        content["OrderLine"] = [*objects_of(content.get("OrderLine")), *more]
        origin = self._lookup.origin(payload)
        return Held(
            order_id,
            content,
            is_canceled=origin is not None and origin.is_canceled,
            is_other=not has_line_of(payload, lines),
        )

    async def _sent(self, claimed: Claimed) -> Receipt:
        """Send one intent; of an order that is gone a refusal says so, and not what it lacks.

        A save that names only what has changed is refused as a new order without the rest.
        """
        try:
            return await self._send(claimed)
        except RecordRejected as refusal:
            content = claimed.content
            is_new = not isinstance(content, OrderCancel) and content.before is None
            if is_new or await self._has(order_id := _id_of(content)):
                raise
            raise RecordRejected(order_gone("OrderId", order_id, str(refusal))) from refusal

    async def _has(self, order_id: str) -> bool:
        """Return whether the tenant has an order; true if it can't be read."""
        try:
            return bool(await asyncio.to_thread(self._lookup.read, [order_id]))
        except LockstepError:
            return True

    async def _send(self, claimed: Claimed) -> Receipt:
        content = claimed.content
        if isinstance(content, OrderCancel):
            return await self.calls.cancel_order(
                content.order_id, content.reason, claimed.correlation_id
            )
        before = content.before
        receipt = await self.calls.save_order(
            content.payload,
            claimed.correlation_id,
            is_new=before is None,
            encoded=content.encoded,
            repeated=equal_lines(before, content.wanted) if before is not None else (),
            may_stay=lines_without_more(before, content.wanted) if before is not None else (),
        )
        if not receipt.refused_lines:
            return receipt
        kept = with_lines_of(content.before or {}, content.wanted, receipt.refused_lines)
        return replace(receipt, held=kept)


def _id_of(content: OrderSave | OrderCancel) -> str:
    """Return the id of the order that a change or a cancellation is of."""
    if isinstance(content, OrderCancel):
        return content.order_id
    return str(content.wanted["OrderId"])
