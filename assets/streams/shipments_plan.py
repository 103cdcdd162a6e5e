"""Planning of one order's fulfilment at the store: missing shipments, then the status.

A shipment is not idempotent at the store. One that a dead run may have created is looked up first:
it is the shipment with the same address, tracking number and units that no settled delivery owns. A
parcel that gets its tracking number later changes its shipment, and creates no other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import orjson

from assets.chain.stream import DeliveryRequest
from assets.delivery.plan import Intent, Plan
from assets.delivery.target_state import KnownShipment, OrderTargetState
from assets.streams.shipments_lookup import ShipmentLookup, made_by_hand
from assets.streams.shipments_requests import not_shipped, shipment_requests
from assets.streams.shipments_status import (
    STATUS_KEPT,
    StatusRules,
    compare_units,
    put_back,
    status_kept,
)
from domain.connections import SHIPMENTS
from domain.errors import RecordRejected
from domain.exchange import OutcomeUnknown, Receipt, ShipmentRequest, StoreOrderState
from domain.identity import content_digest, delivery_key
from domain.milestones import Milestone, may_move
from domain.ports import StoreWriter
from domain.records.fulfilment import Fulfilment
from resources.ledger.rows import AcceptedRecord, ClaimRow, TargetRow
from resources.lockstep import Sync


@dataclass
class _Order:
    """One order of the chunk: its record, its fulfilment and what the store is known to hold."""

    connection: str
    request: DeliveryRequest
    accepted: AcceptedRecord
    fulfilment: Fulfilment
    state: OrderTargetState
    requests: dict[str, ShipmentRequest] = field(default_factory=dict)
    before: StoreOrderState | None = None
    """The store's state before the first shipment of the plan is created."""
    is_partial: bool = False
    """A parcel was kept back or refused, so the store's units can't be the OMS's."""
    foreign_units: int = 0
    """Units that the store shows as shipped, and that no shipment known to us has."""

    async def look(self, writer: StoreWriter) -> StoreOrderState:
        """Read the order once before its first shipment is created."""
        if self.before is None:
            self.before = await writer.read_order(self.fulfilment.source_id)
            self.foreign_units = self.before.shipped_units - self.state.shipped_units()
        return self.before

    def numbers(self) -> set[str]:
        """Return the tracking numbers of the order's parcels."""
        return {request.tracking_number for request in self.requests.values()}

    def shipped_at_oms(self) -> int:
        """Return the units of the order's parcels, in the store's units."""
        return sum(line.quantity for request in self.requests.values() for line in request.lines)

    def claim(self, action: str, digest: bytes) -> ClaimRow:
        """Return the claim of an intent; ``digest`` makes two intents of one action different."""
        source_id = self.fulfilment.source_id
        return ClaimRow(
            delivery_key(self.connection, SHIPMENTS, source_id, action, digest),
            source_id,
            action,
            source_id,
            self.accepted.capture_id,
            self.request.day,
            self.accepted.correlation_id,
        )

    def next_row(self) -> TargetRow:
        """Return the ledger's row of the state after one more intent."""
        self.state.sequence += 1
        return self.state.to_row(self.fulfilment.source_id, self.fulfilment)


class Planner:
    """Plans a chunk of orders. ``taken`` are the ids of shipments that settled deliveries own."""

    def __init__(
        self,
        sync: Sync,
        request: DeliveryRequest,
        writer: StoreWriter,
        taken: set[str],
        *,
        cautious: bool,
    ) -> None:
        """``cautious``: every shipment may exist, as after a restore."""
        self._sync, self._cautious = sync, cautious
        self._request = request
        self._writer = writer
        self._lookup = ShipmentLookup(writer, taken)
        self._statuses = StatusRules(sync.connection.orders.export_statuses)

    def plan(
        self, accepted: AcceptedRecord, fulfilment: Fulfilment, state: OrderTargetState
    ) -> Plan:
        """Return the order's plan: shipments in the parcels' order, then the status.

        Raises ``RecordRejected``.
        """
        plan = Plan(accepted.capture_id, accepted.source_id)
        if state.applied_at > fulfilment.updated_at.isoformat() and not self._request.force:
            return plan  # late: a newer state of the order has been applied
        order = _Order(self._sync.name, self._request, accepted, fulfilment, state)
        requests, plan.kept_back = shipment_requests(
            fulfilment, state.lines, self._sync.connection.orders.uom_rules
        )
        order.requests, order.is_partial = requests, bool(plan.kept_back)
        covers = state.cover(requests)
        if state.waits_until is not None and any(cover.missing for cover in covers.values()):
            # A shipment that is looked for too early is created a second time.
            plan.waits_until = state.waits_until
            return plan
        for key, request in requests.items():
            if missing := covers[key].missing:
                part = replace(request, lines=missing)
                plan.intents.append(self._create(order, part, state.new_name(key)))
            for own in covers[key].names:
                if state.shipments[own].is_outdated(request):
                    plan.intents.append(self._update(order, request, own))
        wanted = fulfilment.milestone(not_shipped(state.lines))
        status = self._sync.platform.status_for(wanted)
        moves = may_move(state.milestone, wanted) and status != state.status
        is_doubtful = state.is_status_uncertain and wanted is state.milestone
        if status is not None and (moves or is_doubtful):
            plan.intents.append(self._move(order, wanted, status))
        return plan

    def _create(self, order: _Order, request: ShipmentRequest, parcel_key: str) -> Intent:
        units = [(line.line_id, line.quantity) for line in request.lines]
        identity = orjson.dumps([parcel_key, request.tracking_number, units])
        claim = order.claim("shipment", content_digest(identity))
        # A parcel whose tracking number changed after a crash has another key than the uncertain
        # delivery, so that any such shipment is looked for.
        may_exist = bool(order.state.uncertain) or self._cautious

        async def send() -> Receipt:
            before = await order.look(self._writer)
            try:
                receipt = await self._ship(
                    order, request, claim.correlation_id, may_exist=may_exist
                )
            except RecordRejected:
                order.is_partial = True
                raise
            if not self._statuses.keeps(before, order.state):
                return receipt
            return await put_back(self._writer, before, receipt, claim.correlation_id)

        def after(receipt: Receipt) -> TargetRow:
            order.state.shipments[parcel_key] = KnownShipment.from_request(
                receipt.target_id, request
            )
            return order.next_row()

        return Intent(claim, send, after, is_independent=True)

    async def _ship(
        self, order: _Order, request: ShipmentRequest, correlation_id: str, *, may_exist: bool
    ) -> Receipt:
        """Create the shipment, or adopt the one that the store has for the same units."""
        numbers = order.numbers()
        if may_exist or order.foreign_units > 0:
            found = await self._lookup.find(request, numbers, any_tracking=True)
            if found is not None:
                order.foreign_units -= sum(line.quantity for line in found.lines)
                receipt = await self._lookup.adopt(found, request, correlation_id)
                note = () if may_exist else (made_by_hand(found, request),)
                return replace(receipt, warnings=note)
        try:
            receipt = await self._writer.create_shipment(request, correlation_id)
        except OutcomeUnknown:
            found = await self._lookup.find(request, numbers, any_tracking=may_exist)
            if found is None:
                raise
            return await self._lookup.adopt(found, request, correlation_id)
        self._lookup.own(receipt.target_id)
        return receipt

    def _update(self, order: _Order, request: ShipmentRequest, parcel_key: str) -> Intent:
        state, known = order.state, order.state.shipments[parcel_key]
        shipment_id = known.shipment_id
        identity = [shipment_id, state.sequence, request.tracking_number, request.carrier]
        claim = order.claim("shipment_update", content_digest(orjson.dumps(identity)))

        async def send() -> Receipt:
            return await self._writer.update_shipment(shipment_id, request, claim.correlation_id)

        def after(_: Receipt) -> TargetRow:
            # Its own units: a parcel may have become several shipments before it had a number.
            state.shipments[parcel_key] = replace(
                KnownShipment.from_request(shipment_id, request),
                group_id=known.group_id,
                units=known.units,
            )
            # An older state of the order that is applied late must not bring the old number back.
            state.applied_at = max(state.applied_at, order.fulfilment.updated_at.isoformat())
            return order.next_row()

        return Intent(claim, send, after)

    def _move(self, order: _Order, wanted: Milestone, status: str) -> Intent:
        state, source_id = order.state, order.fulfilment.source_id
        claim = order.claim("status", content_digest(f"{state.sequence}:{status}".encode()))

        async def send() -> Receipt:
            now = await self._writer.read_order(source_id)
            if now.status == status:
                receipt = Receipt(source_id)
            elif self._statuses.moves(now, order.before, state, wanted):
                receipt = await self._writer.put_status(source_id, status, claim.correlation_id)
            else:
                is_kept = self._statuses.keeps(now, state)
                is_withdrawn = now.is_final and wanted is Milestone.CANCELED
                note = (status_kept(now, status),) if is_kept and not is_withdrawn else ()
                receipt = Receipt(source_id, warnings=note)
            if order.is_partial:
                return receipt
            return compare_units(now, order.shipped_at_oms(), receipt)

        def after(receipt: Receipt) -> TargetRow:
            # A status that the merchant set is not ours: a later move must not overwrite it.
            if not any(warning.code == STATUS_KEPT for warning in receipt.warnings):
                state.status = status
            state.milestone = wanted
            state.applied_at = order.fulfilment.updated_at.isoformat()
            return order.next_row()

        return Intent(claim, send, after)
