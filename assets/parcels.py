"""Planning of one order's fulfilment at the store: which parcels still are no shipments there, and which status follows.

A shipment is not idempotent at the store. One that a dead run had begun is looked up first: a shipment with the same address, tracking
number and units that no settled delivery owns is it. A parcel that gets its tracking number later changes its shipment, and makes no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

import orjson

from assets.delivery import Course, Effect
from assets.spec import DeliveryRequest, Sync
from domain.connections import SHIPMENTS
from domain.errors import Problem, RecordRejected
from domain.fulfilment import Fulfilment, Parcel
from domain.identity import content_digest, delivery_key
from domain.milestones import Milestone, may_move
from domain.ports import (
    OutcomeUnknown,
    Receipt,
    ShipmentLine,
    ShipmentRequest,
    StoreShipment,
    StoreWriter,
)
from resources.ledger.rows import Accepted, ClaimRow, TargetRow, Unsettled

GRACE_SECONDS = 5.0
"""A request of a killed process may still be under way in the target; before this age its effect is not looked for."""


@dataclass(frozen=True)
class Held:
    """A shipment that the store holds, with what it says of the parcel; ``None`` where the ledger does not know what it says."""

    shipment_id: str
    tracking: str | None = None
    carrier: str | None = None

    @classmethod
    def of(cls, kept: str | Mapping[str, str | None]) -> Held:
        """Read what the ledger keeps; an id alone was kept before tracking numbers were."""
        return cls(kept) if isinstance(kept, str) else cls(str(kept["id"]), kept["tracking"], kept["carrier"])

    def kept(self) -> dict[str, str | None]:
        """Return what the ledger keeps."""
        return {"id": self.shipment_id, "tracking": self.tracking, "carrier": self.carrier}

    def is_behind(self, request: ShipmentRequest) -> bool:
        """Tell whether the OMS says more of the parcel; a number that it does not name any more is left in the store."""
        if not request.tracking_number:
            return False
        return request.tracking_number != self.tracking or request.carrier not in (None, self.carrier)


@dataclass
class OrderAtStore:
    """What is known of one order at the store; grows with each effect that succeeds."""

    shipments: dict[str, Held] = field(default_factory=dict)
    """Parcel and group -> the store's shipment."""
    status: str = ""
    milestone: Milestone | None = None
    applied_at: str = ""
    sequence: int = 0
    lines: Mapping[str, tuple[str, str]] | None = None
    """Line id -> (group id, kind) of the newest accepted version; ``None`` where Lockstep does not know the order."""
    begun: frozenset[UUID] = frozenset()

    @classmethod
    def of(
        cls, known: TargetRow | None, lines: Mapping[str, tuple[str, str]] | None, unsettled: Sequence[Unsettled]
    ) -> OrderAtStore:
        """Read what the ledger has."""
        begun = frozenset(u.delivery_key for u in unsettled if u.state == "in_flight" and u.action == "shipment")
        if known is None:
            return cls(lines=lines, begun=begun)
        content = orjson.loads(known.content)
        milestone = Milestone(known.milestone) if known.milestone else None
        shipments = {key: Held.of(kept) for key, kept in content["shipments"].items()}
        return cls(shipments, content["status"], milestone, content["applied_at"], known.sequence, lines, begun)

    def row(self, source_id: str, fulfilment: Fulfilment) -> TargetRow:
        """Return the ledger's row of this state."""
        shipments = {key: held.kept() for key, held in self.shipments.items()}
        content = orjson.dumps({"shipments": shipments, "status": self.status, "applied_at": self.applied_at})
        milestone = str(self.milestone) if self.milestone else ""
        return TargetRow(source_id, source_id, content, content_digest(content), milestone, self.sequence, fulfilment.updated_at)


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
        for parcel in fulfilment.parcels:
            for request in self._requests(fulfilment, parcel, at_store):
                key = f"{parcel.parcel_id}/{request.group_id}"
                if (held := at_store.shipments.get(key)) is None:
                    course.effects.append(self._shipment(accepted, fulfilment, at_store, request, key))
                elif held.is_behind(request):
                    course.effects.append(self._shipment_update(accepted, fulfilment, at_store, request, key))
        wanted = fulfilment.milestone()
        status = self._sync.platform.status_for(wanted)
        if may_move(at_store.milestone, wanted) and status is not None and status != at_store.status:
            course.effects.append(self._status(accepted, fulfilment, at_store, wanted, status))
        return course

    def _requests(self, fulfilment: Fulfilment, parcel: Parcel, at_store: OrderAtStore) -> list[ShipmentRequest]:
        """Split a parcel by the store's addresses: one shipment belongs to one order address."""
        if at_store.lines is None:
            raise RecordRejected(
                Problem(
                    "order_not_captured", "OrderId", f"The OMS shipped order {fulfilment.order_id}, which Lockstep has not taken from the store.",
                    "Replay the orders stream over the day the order was placed, then rerun this partition.", fulfilment.order_id,
                )
            )  # fmt: skip
        groups: dict[str, list[ShipmentLine]] = {}
        for content in parcel.lines:
            if content.line_id not in at_store.lines:
                raise RecordRejected(
                    Problem(
                        "line_not_in_store", f"parcels[{parcel.parcel_id}].lines[{content.line_id}]", "The store's order has no such line.",
                        "Check whether the order was edited at the OMS.", content.line_id,
                    )
                )  # fmt: skip
            group, kind = at_store.lines[content.line_id]
            if kind == "physical":
                units = self._units(content.quantity, content.sku, content.line_id)
                groups.setdefault(group, []).append(ShipmentLine(content.line_id, units))
        return [
            ShipmentRequest(fulfilment.source_id, group, tuple(sorted(lines, key=lambda line: line.line_id)), parcel.tracking_number,
                            parcel.carrier, parcel.service)
            for group, lines in sorted(groups.items())
        ]  # fmt: skip

    def _units(self, quantity: Decimal, sku: str, line_id: str) -> int:
        rule = self._sync.connection.orders.uom_rules.get(sku)
        units = quantity / (rule.factor if rule else 1)
        if units != units.to_integral_value():
            raise RecordRejected(
                Problem(
                    "quantity_not_whole", f"parcels.lines[{line_id}].quantity", f"{quantity} OMS units are no whole number of store units.",
                    "Check orders.uom_rules of the SKU.", str(quantity),
                )
            )  # fmt: skip
        return int(units)

    def _shipment(
        self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore, request: ShipmentRequest, parcel_key: str
    ) -> Effect:
        digest = content_digest(orjson.dumps([parcel_key, request.tracking_number, [(x.line_id, x.quantity) for x in request.lines]]))
        claim = self._claim(accepted, fulfilment, "shipment", digest)
        was_begun = claim.delivery_key in at_store.begun
        # A parcel whose tracking number changed after a crash has another key than what was begun: any such shipment is looked for.
        may_stand = bool(at_store.begun)

        async def send() -> Receipt:
            if may_stand:
                await asyncio.sleep(GRACE_SECONDS)
                if (found := await self._find(request, any_tracking=not was_begun)) is not None:
                    return await self._brought_up(found, request, claim.correlation_id)
            try:
                receipt = await self._writer.create_shipment(request, claim.correlation_id)
            except OutcomeUnknown:
                if (found := await self._find(request, any_tracking=False)) is None:
                    raise
                return Receipt(found.shipment_id)
            self._taken.add(receipt.target_id)
            return receipt

        def after(receipt: Receipt) -> TargetRow:
            at_store.shipments[parcel_key] = Held(receipt.target_id, request.tracking_number, request.carrier)
            at_store.sequence += 1
            return at_store.row(fulfilment.source_id, fulfilment)

        return Effect(claim, send, after)

    def _shipment_update(
        self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore, request: ShipmentRequest, parcel_key: str
    ) -> Effect:
        shipment_id = at_store.shipments[parcel_key].shipment_id
        identity = [shipment_id, at_store.sequence, request.tracking_number, request.carrier]
        claim = self._claim(accepted, fulfilment, "shipment_update", content_digest(orjson.dumps(identity)))

        async def send() -> Receipt:
            return await self._writer.update_shipment(shipment_id, request, claim.correlation_id)

        def after(_: Receipt) -> TargetRow:
            at_store.shipments[parcel_key] = Held(shipment_id, request.tracking_number, request.carrier)
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

    async def _find(self, request: ShipmentRequest, *, any_tracking: bool) -> StoreShipment | None:
        """Return the store's shipment that is this one, if it is there and no other delivery owns it."""
        for shipment in await self._writer.list_shipments(request.order_id):
            same_units = {x.line_id: x.quantity for x in shipment.lines} == {x.line_id: x.quantity for x in request.lines}
            same_place = shipment.group_id == request.group_id
            same_tracking = any_tracking or shipment.tracking_number == request.tracking_number
            if same_units and same_place and same_tracking and shipment.shipment_id not in self._taken:
                self._taken.add(shipment.shipment_id)
                return shipment
        return None

    def _status(
        self, accepted: Accepted, fulfilment: Fulfilment, at_store: OrderAtStore, wanted: Milestone, status: str
    ) -> Effect:
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
        return ClaimRow(key, fulfilment.source_id, action, fulfilment.source_id, accepted.capture_id, self._request.day, accepted.correlation_id)
