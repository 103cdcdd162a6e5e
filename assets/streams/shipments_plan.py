"""Planning of one order's fulfilment at the store: missing shipments, then the status.

A shipment is not idempotent at the store. One that a dead run may have created is looked up first:
it is the shipment with the same address, tracking number and units that no settled delivery owns. A
parcel that gets its tracking number later changes its shipment, and creates no other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from assets.chain.stream import DeliveryRequest
from assets.delivery.engine import Intent, Plan
from assets.delivery.target_state import KnownShipment, OrderTargetState
from assets.streams.shipments_requests import not_shipped, shipment_requests
from domain.connections import SHIPMENTS
from domain.errors import PermanentError, TransientError
from domain.exchange import OutcomeUnknown, Receipt, ShipmentRequest, StoreShipment
from domain.identity import content_digest, delivery_key
from domain.milestones import Milestone, may_move
from domain.ports import StoreWriter
from domain.records.fulfilment import Fulfilment
from resources.ledger.rows import AcceptedRecord, ClaimRow, TargetRow
from resources.lockstep import Sync


@dataclass(frozen=True)
class _Order:
    """One order of the chunk: its record, its fulfilment and what the store is known to hold."""

    connection: str
    request: DeliveryRequest
    accepted: AcceptedRecord
    fulfilment: Fulfilment
    state: OrderTargetState

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
        self._taken = taken

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
        requests = shipment_requests(
            fulfilment, state.lines, self._sync.connection.orders.uom_rules
        )
        owned = state.match_parcels(requests)
        if state.waits_until is not None and not all(owned.values()):
            # A shipment that is looked for too early is created a second time.
            plan.waits_until = state.waits_until
            return plan
        for key, request in requests.items():
            if not owned[key]:
                plan.intents.append(self._create(order, request, key))
            for own in owned[key]:
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
            found = await self._look_up(request, any_tracking=True) if may_exist else None
            if found is not None:
                return await self._adopt(found, request, claim.correlation_id)
            try:
                receipt = await self._writer.create_shipment(request, claim.correlation_id)
            except OutcomeUnknown:
                if (found := await self._look_up(request, any_tracking=may_exist)) is None:
                    raise
                return await self._adopt(found, request, claim.correlation_id)
            self._taken.add(receipt.target_id)
            return receipt

        def after(receipt: Receipt) -> TargetRow:
            order.state.shipments[parcel_key] = KnownShipment.from_request(
                receipt.target_id, request
            )
            return order.next_row()

        return Intent(claim, send, after)

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
            if now.is_final or now.status == status:
                return Receipt(source_id)
            return await self._writer.put_status(source_id, status, claim.correlation_id)

        def after(_: Receipt) -> TargetRow:
            state.status, state.milestone = status, wanted
            state.applied_at = order.fulfilment.updated_at.isoformat()
            return order.next_row()

        return Intent(claim, send, after)

    async def _adopt(
        self, found: StoreShipment, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Take an existing shipment for the parcel's, and bring its tracking number up to date.

        Raises ``OutcomeUnknown`` where that fails: as a failure the shipment would be created anew.
        """
        if request.tracking_number and found.tracking_number != request.tracking_number:
            try:
                await self._writer.update_shipment(found.shipment_id, request, correlation_id)
            except (TransientError, PermanentError) as error:
                raise OutcomeUnknown(
                    f"Order {request.order_id} has the shipment {found.shipment_id}, whose "
                    f"tracking number could not be set: {error}"
                ) from error
        return Receipt(found.shipment_id)

    async def _look_up(
        self, request: ShipmentRequest, *, any_tracking: bool
    ) -> StoreShipment | None:
        """Return the store's shipment that is this one, if it exists and no other delivery owns it.

        Raises ``OutcomeUnknown`` where the store does not answer: any other error would count the
        effect as undone.
        """
        try:
            shipments = await self._writer.list_shipments(request.order_id)
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(
                f"Whether order {request.order_id} has the shipment could not be looked up: {error}"
            ) from error
        units = {line.line_id: line.quantity for line in request.lines}
        same = [
            shipment
            for shipment in shipments
            if shipment.group_id == request.group_id
            and shipment.shipment_id not in self._taken
            and {line.line_id: line.quantity for line in shipment.lines} == units
        ]
        # The tracking number separates two parcels with the same units; units alone find one whose
        # number has changed.
        exact = [s for s in same if s.tracking_number == request.tracking_number]
        found = next(iter(exact or (same if any_tracking else [])), None)
        if found is not None:
            self._taken.add(found.shipment_id)
        return found
