"""Whether the store shows what the OMS has fulfilled: shipments parcel by parcel, and the order's status. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from assets.delivery.target_state import Held, OrderAtStore
from assets.reconciliation.result import Captured, Case, Repair, Verdict, stuck
from assets.streams.shipment_plan import shipment_requests
from domain.connections import SHIPMENTS
from domain.errors import RecordRejected
from domain.exchange import RawRecord, ShipmentRequest, Skipped, StoreShipment
from domain.identity import content_digest
from domain.reconciliation import (
    DIFFERS,
    DUPLICATE,
    MISSING_AT_SOURCE,
    MISSING_AT_TARGET,
    Drift,
    DriftClass,
    Entity,
    StoreSnapshot,
)
from domain.records.fulfilment import Fulfilment
from domain.records.orders import Order
from domain.records.record import decode_record
from resources.lockstep import Sync


class FulfilmentJudge:
    """Judges the fulfilment of orders of one connection."""

    def __init__(self, sync: Sync, is_captured: Captured, now: datetime) -> None:
        self._sync, self._is_captured, self._now = sync, is_captured, now

    def judge(self, case: Case) -> Verdict:
        """Return the drifts between the OMS's parcels and milestone and the store's shipments and status."""
        verdict = Verdict(SHIPMENTS, case.order_id)
        if case.has_moved:
            return verdict.waiting()
        if case.store is None or case.oms is None or case.shipments.is_rejected:
            return verdict
        sight = self._sync.platform.to_store_snapshot(case.store.payload)
        claim = self._sync.oms.to_origin(case.oms.payload)
        if sight.is_archived or claim is None:
            return verdict
        newest = case.shipments.newest
        is_new = newest is None or newest.source_updated_at < case.oms.updated_at
        if is_new and not self._is_captured(case.oms.updated_at):
            return verdict.waiting()
        if newest is not None and newest.source_updated_at > case.oms.updated_at:
            return verdict.waiting()
        if not is_new and stuck(
            verdict,
            "shipment",
            case.source_id,
            case.correlation_id,
            case.shipments,
            self._now,
            self._sync.connection.limits.captured_not_delivered,
        ):
            return verdict
        return self._against(case, case.oms, sight, verdict)

    def _against(
        self, case: Case, oms: RawRecord, sight: StoreSnapshot, verdict: Verdict
    ) -> Verdict:
        try:
            mapped = self._sync.oms.to_fulfilment(oms.payload)
            if isinstance(mapped, Skipped):
                return verdict
            requests = shipment_requests(
                mapped.record, _lines(case), self._sync.connection.orders.uom_rules
            )
        except RecordRejected:
            return verdict  # its capture becomes a rejection, which says what is wrong
        belief = OrderAtStore.of(case.shipments.target, None, ())
        lost = self._shipments(case, requests, belief, sight, verdict)
        self._status(case, mapped.record, belief, sight, verdict)
        if any(drift.can_repair for drift in verdict.drifts):
            verdict.repair = self._repair(case, oms, mapped.record, belief, lost)
        return verdict

    def _shipments(
        self,
        case: Case,
        requests: Mapping[str, ShipmentRequest],
        belief: OrderAtStore,
        sight: StoreSnapshot,
        verdict: Verdict,
    ) -> set[str]:
        """Compare parcel by parcel, correcting the belief; return the shipments that are gone."""
        left = dict(case.at_store)
        absent: list[str] = []
        owned = belief.assigned(requests)
        for key, request in requests.items():
            own = [(name, belief.shipments[name]) for name in owned[key]]
            if not own or any(held.shipment_id not in left for _, held in own):
                absent.append(key)
                continue
            for name, held in own:
                shipment = left.pop(held.shipment_id)
                self._told(
                    case, name, held, request, shipment, belief, verdict, is_whole=len(own) == 1
                )
        lost: set[str] = set()
        for key in absent:
            if (stand_in := _same(requests[key], left)) is not None:
                del left[stand_in]  # somebody made it anew by hand
                continue
            can_repair = len(owned[key]) <= 1 and not sight.is_final
            verdict.drifts.append(
                self._drift(
                    case,
                    MISSING_AT_TARGET,
                    "shipment",
                    f"{case.source_id}/{key}",
                    found="no such shipment",
                    can_repair=can_repair,
                )
            )
            if can_repair:
                lost |= {belief.shipments.pop(name).shipment_id for name in owned[key]}
                belief.status, belief.milestone = "", None
        for shipment in left.values():
            kind = (
                DUPLICATE
                if any(_is_same(request, shipment) for request in requests.values())
                else MISSING_AT_SOURCE
            )
            units = sum(line.quantity for line in shipment.lines)
            verdict.drifts.append(
                self._drift(
                    case,
                    kind,
                    "shipment",
                    f"{case.source_id}/{shipment.shipment_id}",
                    found=f"{units} units in the store",
                )
            )
        return lost

    def _told(
        self,
        case: Case,
        name: str,
        held: Held,
        request: ShipmentRequest,
        shipment: StoreShipment,
        belief: OrderAtStore,
        verdict: Verdict,
        *,
        is_whole: bool,
    ) -> None:
        """Compare what a shipment says with its parcel; a number that the OMS does not name is the store's own."""
        record = f"{case.source_id}/{shipment.shipment_id}"
        if request.tracking_number and shipment.tracking_number != request.tracking_number:
            verdict.drifts.append(
                self._drift(
                    case,
                    DIFFERS,
                    "shipment",
                    record,
                    "tracking_number",
                    expected=request.tracking_number,
                    found=shipment.tracking_number or "none",
                    can_repair=True,
                )
            )
            belief.shipments[name] = replace(held, tracking=shipment.tracking_number)
        if is_whole and _units(shipment) != {line.line_id: line.quantity for line in request.lines}:
            verdict.drifts.append(
                self._drift(
                    case,
                    DIFFERS,
                    "shipment",
                    record,
                    "units",
                    expected="as in the parcel",
                    found="others",
                )
            )

    def _status(
        self,
        case: Case,
        fulfilment: Fulfilment,
        belief: OrderAtStore,
        sight: StoreSnapshot,
        verdict: Verdict,
    ) -> None:
        wanted = fulfilment.milestone()
        status = self._sync.platform.status_for(wanted)
        if not sight.is_behind(wanted, status):
            return
        expected = f"{status} ({wanted})"
        verdict.drifts.append(
            self._drift(
                case,
                DIFFERS,
                "status",
                case.source_id,
                "status",
                expected=expected,
                found=sight.status,
                can_repair=True,
            )
        )
        belief.status, belief.milestone = sight.status, None

    def _repair(
        self,
        case: Case,
        oms: RawRecord,
        fulfilment: Fulfilment,
        belief: OrderAtStore,
        lost: set[str],
    ) -> Repair:
        known = case.shipments
        row = None
        if known.target is not None:
            belief.sequence += 1
            row = belief.row(case.source_id, fulfilment)
        repair = Repair(
            SHIPMENTS,
            case.order_id,
            oms.updated_at.date(),
            "re_read",
            known,
            None,
            case.source_id,
            row,
            lost=frozenset(lost),
        )
        accepted, newest = known.accepted, known.newest
        is_same = newest is not None and newest.digest == content_digest(oms.payload)
        if (
            accepted is not None
            and newest is not None
            and is_same
            and accepted.capture_id == newest.capture_id
        ):
            return replace(
                repair, day=accepted.source_day, mode="as_captured", capture_id=accepted.capture_id
            )
        return repair

    def _drift(
        self,
        case: Case,
        kind: DriftClass,
        entity: Entity,
        record: str,
        field: str = "",
        *,
        expected: str = "",
        found: str = "",
        can_repair: bool = False,
    ) -> Drift:
        newest = case.shipments.newest
        return Drift(
            kind,
            entity,
            record,
            field,
            SHIPMENTS,
            case.order_id,
            case.correlation_id,
            expected,
            found,
            can_repair,
            source_day=newest.source_day if newest else None,
        )


def _lines(case: Case) -> dict[str, tuple[str, str]] | None:
    if case.orders.accepted is None:
        return None
    order = decode_record(Order, case.orders.accepted.canonical)
    return {line.line_id: (line.group_id, str(line.kind)) for line in order.lines}


def _units(shipment: StoreShipment) -> dict[str, int]:
    return {line.line_id: line.quantity for line in shipment.lines}


def _is_same(request: ShipmentRequest, shipment: StoreShipment) -> bool:
    wanted = {line.line_id: line.quantity for line in request.lines}
    return (
        shipment.group_id == request.group_id
        and _units(shipment) == wanted
        and shipment.tracking_number in ("", request.tracking_number)
    )


def _same(request: ShipmentRequest, shipments: Mapping[str, StoreShipment]) -> str | None:
    return next(
        (number for number, shipment in shipments.items() if _is_same(request, shipment)), None
    )
