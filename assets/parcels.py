"""Planning of one order's fulfilment at the store: which parcels still are no shipments there, and which status follows.

A shipment is not idempotent at the store. One that a dead run had begun is looked up first: a shipment with the same address, tracking
number and units that no settled delivery owns is it. A parcel that gets its tracking number later changes its shipment, and makes no other.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson

from assets.at_store import Held, OrderAtStore
from assets.delivery import Course, Effect
from assets.requests import shipment_requests
from assets.spec import DeliveryRequest, Sync
from domain.connections import SHIPMENTS
from domain.errors import PermanentError, TransientError
from domain.exchange import OutcomeUnknown, Receipt, ShipmentRequest, StoreShipment
from domain.fulfilment import Fulfilment
from domain.identity import content_digest, delivery_key
from domain.milestones import Milestone, may_move
from domain.ports import StoreWriter
from resources.ledger.rows import Accepted, ClaimRow, TargetRow

GRACE_SECONDS = 5.0
"""A request of a killed process may still be under way in the target; before this age its effect is not looked for."""


class Planner:
    """Plans courses for a chunk of orders."""

    def __init__(self, sync: Sync, request: DeliveryRequest, writer: StoreWriter, taken: set[str]) -> None:
        self._sync = sync
        self._request = request
        self._writer = writer
        self._taken = taken

    def course(self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore) -> Course:
        """Return the order's effects: shipments in the parcels' order, then the status. Raises ``RecordRejected``."""
        course = Course(accepted.capture_id, accepted.source_id)
        if at_store.applied_at > fulfilment.updated_at.isoformat() and not self._request.force:
            return course  # late: a newer state of the order has been applied
        requests = shipment_requests(fulfilment, at_store.lines, self._sync.connection.orders.uom_rules)
        held = at_store.assigned(requests)
        for key, request in requests.items():
            if not held[key]:
                course.effects.append(self._shipment(accepted, fulfilment, at_store, request, key))
            for own in held[key]:
                if at_store.shipments[own].is_behind(request):
                    course.effects.append(self._shipment_update(accepted, fulfilment, at_store, request, own))
        wanted = fulfilment.milestone()
        status = self._sync.platform.status_for(wanted)
        if may_move(at_store.milestone, wanted) and status is not None and status != at_store.status:
            course.effects.append(self._status(accepted, fulfilment, at_store, wanted, status))
        return course

    def _shipment(
        self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore, request: ShipmentRequest, parcel_key: str
    ) -> Effect:
        digest = content_digest(orjson.dumps([parcel_key, request.tracking_number, [(x.line_id, x.quantity) for x in request.lines]]))
        claim = self._claim(accepted, fulfilment, "shipment", digest)
        # A parcel whose tracking number changed after a crash has another key than what was begun: any such shipment is looked for.
        may_stand = bool(at_store.begun)

        async def send() -> Receipt:
            if may_stand:
                await asyncio.sleep(GRACE_SECONDS)
                if (found := await self._look_up(request, any_tracking=True)) is not None:
                    return await self._brought_up(found, request, claim.correlation_id)
            try:
                receipt = await self._writer.create_shipment(request, claim.correlation_id)
            except OutcomeUnknown:
                if (found := await self._look_up(request, any_tracking=may_stand)) is None:
                    raise
                return await self._brought_up(found, request, claim.correlation_id)
            self._taken.add(receipt.target_id)
            return receipt

        def after(receipt: Receipt) -> TargetRow:
            at_store.shipments[parcel_key] = Held.as_asked(receipt.target_id, request)
            at_store.sequence += 1
            return at_store.row(fulfilment.source_id, fulfilment)

        return Effect(claim, send, after, was_begun=may_stand)

    def _shipment_update(
        self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore, request: ShipmentRequest, parcel_key: str
    ) -> Effect:
        held = at_store.shipments[parcel_key]
        shipment_id = held.shipment_id
        identity = [shipment_id, at_store.sequence, request.tracking_number, request.carrier]
        claim = self._claim(accepted, fulfilment, "shipment_update", content_digest(orjson.dumps(identity)))

        async def send() -> Receipt:
            return await self._writer.update_shipment(shipment_id, request, claim.correlation_id)

        def after(_: Receipt) -> TargetRow:
            # Its own units: a parcel may have become several shipments before it had a number.
            at_store.shipments[parcel_key] = replace(Held.as_asked(shipment_id, request), group_id=held.group_id, units=held.units)
            # An older state of the order that is applied late must not bring the old number back.
            at_store.applied_at = max(at_store.applied_at, fulfilment.updated_at.isoformat())
            at_store.sequence += 1
            return at_store.row(fulfilment.source_id, fulfilment)

        return Effect(claim, send, after)

    async def _brought_up(self, found: StoreShipment, request: ShipmentRequest, correlation_id: str) -> Receipt:
        """Let a shipment that stood there already say what the parcel says now."""
        if request.tracking_number and found.tracking_number != request.tracking_number:
            await self._writer.update_shipment(found.shipment_id, request, correlation_id)
        return Receipt(found.shipment_id)

    async def _look_up(self, request: ShipmentRequest, *, any_tracking: bool) -> StoreShipment | None:
        """Return the store's shipment that is this one, if it is there and no other delivery owns it.

        Raises ``OutcomeUnknown`` where the store does not tell: after any other error the effect would be taken for undone.
        """
        try:
            shipments = await self._writer.list_shipments(request.order_id)
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(f"Whether order {request.order_id} has the shipment could not be looked up: {error}") from error
        units = {line.line_id: line.quantity for line in request.lines}
        same = [
            shipment
            for shipment in shipments
            if shipment.group_id == request.group_id
            and shipment.shipment_id not in self._taken
            and {line.line_id: line.quantity for line in shipment.lines} == units
        ]
        # Of two parcels with the same units the tracking number tells which is which; units alone find one whose number has changed.
        exact = [shipment for shipment in same if shipment.tracking_number == request.tracking_number]
        found = next(iter(exact or (same if any_tracking else [])), None)
        if found is not None:
            self._taken.add(found.shipment_id)
        return found

    def _status(self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore, wanted: Milestone, status: str) -> Effect:
        claim = self._claim(accepted, fulfilment, "status", content_digest(f"{at_store.sequence}:{status}".encode()))

        async def send() -> Receipt:
            now = await self._writer.read_order(fulfilment.source_id)
            if now.is_final or now.status == status:
                return Receipt(fulfilment.source_id)
            return await self._writer.put_status(fulfilment.source_id, status, claim.correlation_id)

        def after(_: Receipt) -> TargetRow:
            at_store.status, at_store.milestone = status, wanted
            at_store.applied_at = fulfilment.updated_at.isoformat()
            at_store.sequence += 1
            return at_store.row(fulfilment.source_id, fulfilment)

        return Effect(claim, send, after)

    def _claim(self, accepted: Accepted, fulfilment: Fulfilment, action: str, digest: bytes) -> ClaimRow:
        key = delivery_key(self._sync.name, SHIPMENTS, fulfilment.source_id, action, digest)
        return ClaimRow(
            key, fulfilment.source_id, action, fulfilment.source_id, accepted.capture_id, self._request.day, accepted.correlation_id
        )
