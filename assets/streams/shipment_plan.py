"""Planning of one order's fulfilment at the store: which parcels still are no shipments there, and which status follows.

A shipment is not idempotent at the store. One that a dead run had begun is looked up first: a shipment with the same address, tracking
number and units that no settled delivery owns is it. A parcel that gets its tracking number later changes its shipment, and makes no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import orjson

from assets.chain.stream import DeliveryRequest
from assets.delivery.engine import Course, Effect
from assets.delivery.target_state import Held, OrderAtStore
from domain.connections import SHIPMENTS, UomRule
from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import OutcomeUnknown, Receipt, ShipmentLine, ShipmentRequest, StoreShipment
from domain.identity import content_digest, delivery_key
from domain.milestones import Milestone, may_move
from domain.ports import StoreWriter
from domain.records.fulfilment import Fulfilment, Parcel
from resources.ledger.rows import AcceptedRecord, ClaimRow, TargetRow
from resources.lockstep import Sync

GRACE_SECONDS = 5.0
"""A request of a killed process may still be under way in the target; before this age its effect is not looked for."""


class Planner:
    """Plans courses for a chunk of orders."""

    def __init__(
        self, sync: Sync, request: DeliveryRequest, writer: StoreWriter, taken: set[str]
    ) -> None:
        self._sync = sync
        self._request = request
        self._writer = writer
        self._taken = taken

    def course(
        self, accepted: AcceptedRecord, fulfilment: Fulfilment, at_store: OrderAtStore
    ) -> Course:
        """Return the order's effects: shipments in the parcels' order, then the status. Raises ``RecordRejected``."""
        course = Course(accepted.capture_id, accepted.source_id)
        if at_store.applied_at > fulfilment.updated_at.isoformat() and not self._request.force:
            return course  # late: a newer state of the order has been applied
        requests = shipment_requests(
            fulfilment, at_store.lines, self._sync.connection.orders.uom_rules
        )
        held = at_store.assigned(requests)
        for key, request in requests.items():
            if not held[key]:
                course.effects.append(self._shipment(accepted, fulfilment, at_store, request, key))
            for own in held[key]:
                if at_store.shipments[own].is_behind(request):
                    course.effects.append(
                        self._shipment_update(accepted, fulfilment, at_store, request, own)
                    )
        wanted = fulfilment.milestone()
        status = self._sync.platform.status_for(wanted)
        if (
            may_move(at_store.milestone, wanted)
            and status is not None
            and status != at_store.status
        ):
            course.effects.append(self._status(accepted, fulfilment, at_store, wanted, status))
        return course

    def _shipment(
        self,
        accepted: AcceptedRecord,
        fulfilment: Fulfilment,
        at_store: OrderAtStore,
        request: ShipmentRequest,
        parcel_key: str,
    ) -> Effect:
        digest = content_digest(
            orjson.dumps(
                [
                    parcel_key,
                    request.tracking_number,
                    [(x.line_id, x.quantity) for x in request.lines],
                ]
            )
        )
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
        self,
        accepted: AcceptedRecord,
        fulfilment: Fulfilment,
        at_store: OrderAtStore,
        request: ShipmentRequest,
        parcel_key: str,
    ) -> Effect:
        held = at_store.shipments[parcel_key]
        shipment_id = held.shipment_id
        identity = [shipment_id, at_store.sequence, request.tracking_number, request.carrier]
        claim = self._claim(
            accepted, fulfilment, "shipment_update", content_digest(orjson.dumps(identity))
        )

        async def send() -> Receipt:
            return await self._writer.update_shipment(shipment_id, request, claim.correlation_id)

        def after(_: Receipt) -> TargetRow:
            # Its own units: a parcel may have become several shipments before it had a number.
            at_store.shipments[parcel_key] = replace(
                Held.as_asked(shipment_id, request), group_id=held.group_id, units=held.units
            )
            # An older state of the order that is applied late must not bring the old number back.
            at_store.applied_at = max(at_store.applied_at, fulfilment.updated_at.isoformat())
            at_store.sequence += 1
            return at_store.row(fulfilment.source_id, fulfilment)

        return Effect(claim, send, after)

    async def _brought_up(
        self, found: StoreShipment, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Let a shipment that stood there already say what the parcel says now."""
        if request.tracking_number and found.tracking_number != request.tracking_number:
            await self._writer.update_shipment(found.shipment_id, request, correlation_id)
        return Receipt(found.shipment_id)

    async def _look_up(
        self, request: ShipmentRequest, *, any_tracking: bool
    ) -> StoreShipment | None:
        """Return the store's shipment that is this one, if it is there and no other delivery owns it.

        Raises ``OutcomeUnknown`` where the store does not tell: after any other error the effect would be taken for undone.
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
        # Of two parcels with the same units the tracking number tells which is which; units alone find one whose number has changed.
        exact = [
            shipment for shipment in same if shipment.tracking_number == request.tracking_number
        ]
        found = next(iter(exact or (same if any_tracking else [])), None)
        if found is not None:
            self._taken.add(found.shipment_id)
        return found

    def _status(
        self,
        accepted: AcceptedRecord,
        fulfilment: Fulfilment,
        at_store: OrderAtStore,
        wanted: Milestone,
        status: str,
    ) -> Effect:
        claim = self._claim(
            accepted, fulfilment, "status", content_digest(f"{at_store.sequence}:{status}".encode())
        )

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

    def _claim(
        self, accepted: AcceptedRecord, fulfilment: Fulfilment, action: str, digest: bytes
    ) -> ClaimRow:
        key = delivery_key(self._sync.name, SHIPMENTS, fulfilment.source_id, action, digest)
        return ClaimRow(
            key,
            fulfilment.source_id,
            action,
            fulfilment.source_id,
            accepted.capture_id,
            self._request.day,
            accepted.correlation_id,
        )


Lines = Mapping[str, tuple[str, str]]
"""Line id -> (group id, kind) of the store's order."""


def shipment_requests(
    fulfilment: Fulfilment, lines: Lines | None, uom_rules: Mapping[str, UomRule]
) -> dict[str, ShipmentRequest]:
    """Return parcel and group -> shipment. Raises ``RecordRejected``; ``lines`` of ``None`` are those of an order that nobody captured."""
    return {
        f"{parcel.parcel_id}/{request.group_id}": request
        for parcel in fulfilment.parcels
        for request in _of_parcel(fulfilment, parcel, lines, uom_rules)
    }


def _of_parcel(
    fulfilment: Fulfilment, parcel: Parcel, lines: Lines | None, uom_rules: Mapping[str, UomRule]
) -> list[ShipmentRequest]:
    """Split a parcel by the store's addresses: one shipment belongs to one order address."""
    if lines is None:
        raise RecordRejected(
            Problem(
                "order_not_captured",
                "OrderId",
                f"The OMS shipped order {fulfilment.order_id}, which was never taken from the store.",
                "Replay the orders stream over the day the order was placed, then rerun this partition.",
                fulfilment.order_id,
            )
        )
    groups: dict[str, list[ShipmentLine]] = {}
    for content in parcel.lines:
        if content.line_id not in lines:
            raise RecordRejected(
                Problem(
                    "line_not_in_store",
                    f"parcels[{parcel.parcel_id}].lines[{content.line_id}]",
                    "The store's order has no such line.",
                    "Check whether the order was edited at the OMS.",
                    content.line_id,
                )
            )
        group, kind = lines[content.line_id]
        if kind == "physical":
            units = _units(content.quantity, content.sku, content.line_id, uom_rules)
            groups.setdefault(group, []).append(ShipmentLine(content.line_id, units))
    return [
        ShipmentRequest(
            fulfilment.source_id,
            group,
            tuple(sorted(held, key=lambda line: line.line_id)),
            parcel.tracking_number,
            parcel.carrier,
            parcel.service,
        )
        for group, held in sorted(groups.items())
    ]


def _units(quantity: Decimal, sku: str, line_id: str, uom_rules: Mapping[str, UomRule]) -> int:
    rule = uom_rules.get(sku)
    units = quantity / (rule.factor if rule else 1)
    if units != units.to_integral_value():
        raise RecordRejected(
            Problem(
                "quantity_not_whole",
                f"parcels.lines[{line_id}].quantity",
                f"{quantity} OMS units are no whole number of store units.",
                "Check orders.uom_rules of the SKU.",
                str(quantity),
            )
        )
    return int(units)
