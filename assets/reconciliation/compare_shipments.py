"""Comparison of fulfilment: whether the store shows the OMS's parcels and its milestone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from assets.delivery.target_state import Cover, KnownShipment, OrderTargetState
from assets.reconciliation.result import IsCaptured, OrderSnapshot, Repair, Result
from assets.streams.shipments.intents import creation_key, is_change_discarded
from assets.streams.shipments.requests import not_shipped, shipment_requests
from assets.streams.shipments.same_sku import as_shipped
from domain.connections import SHIPMENTS
from domain.errors import RecordRejected
from domain.exchange import RawRecord, ShipmentRequest, Skipped, StoreShipment
from domain.identity import content_digest
from domain.milestones import Milestone
from domain.reconciliation import (
    DIFFERS,
    DUPLICATE,
    MISSING_AT_SOURCE,
    MISSING_AT_TARGET,
    StoreSnapshot,
)
from domain.records.fulfilment import Fulfilment
from domain.records.record import amend
from domain.skus import BySku
from domain.values import Grain, Partition
from resources.sync import Sync


class ShipmentComparator:
    """Compares the fulfilment of orders of one connection."""

    def __init__(self, sync: Sync, is_captured: IsCaptured, now: datetime) -> None:
        self._sync, self._is_captured, self._now = sync, is_captured, now
        self._units = BySku(sync.connection.orders.uom_rules)

    def compare(self, snapshot: OrderSnapshot) -> Result:
        """Compare the OMS's parcels and milestone with the store's shipments and status."""
        known, store, oms = snapshot.shipments, snapshot.store, snapshot.oms
        newest = known.newest
        partition = newest.partition(self._sync.connection.grain) if newest else None
        result = Result(SHIPMENTS, snapshot.order_id, snapshot.correlation_id, partition)
        if snapshot.has_moved:
            return result.pending()
        if store is None or oms is None or known.is_rejected:
            return result
        held = self._sync.orders.to_store_snapshot(store.payload)
        if held.is_archived or self._sync.shipments.to_origin(oms.payload) is None:
            return result
        is_new = newest is None or newest.source_updated_at < oms.updated_at
        if is_new and not self._is_captured(oms.updated_at):
            return result.pending()
        is_older = newest is not None and newest.source_updated_at > oms.updated_at
        # A version of a clock that was set back is dated after the one before it.
        if newest is not None and is_older and newest.digest != content_digest(oms.payload):
            return result.pending()
        limit = self._sync.connection.limits.captured_not_delivered
        if not is_new and result.add_if_unsettled(
            "shipment", snapshot.source_id, known, self._now, limit
        ):
            return result
        return self._against(snapshot, oms, held, result)

    def _against(
        self, snapshot: OrderSnapshot, oms: RawRecord, held: StoreSnapshot, result: Result
    ) -> Result:
        try:
            mapped = self._sync.shipments.to_canonical(oms.payload, is_linked=True)
            if isinstance(mapped, Skipped):
                return result
            amend(mapped.record, "source_id", snapshot.source_id)
            shipments = shipment_requests(mapped.record, snapshot.lines, self._units)
        except RecordRejected:
            return result  # its capture becomes a rejection with the reason
        comparison = _Comparison(self._sync.name, snapshot, held, result)
        requests = as_shipped(shipments.by_parcel, mapped.record, comparison.state)
        comparison.compare_shipments(requests, is_whole=not shipments.problems)
        status_for = self._sync.platform.targets["shipments"].status_for
        wanted = mapped.record.shown_milestone(status_for, not_shipped(snapshot.lines))
        status = status_for(wanted)
        if held.is_behind(wanted, status) and not _was_opened_again(snapshot, wanted):
            comparison.add_status(f"{status} ({wanted})")
        if any(drift.can_repair for drift in result.drifts):
            result.repair = _repair(
                snapshot, oms, mapped.record, comparison, self._sync.connection.grain
            )
        return result


class _Comparison:
    """One order: adds drifts to the result, and sets the target state to what the store holds."""

    def __init__(
        self, connection: str, snapshot: OrderSnapshot, held: StoreSnapshot, result: Result
    ) -> None:
        self._connection, self._snapshot = connection, snapshot
        self._held, self._result = held, result
        self.state = OrderTargetState.from_ledger(snapshot.shipments.target, None)
        self.lost: set[str] = set()
        """Ids of shipments that the store no longer has, and that are created again."""

    def compare_shipments(self, requests: Mapping[str, ShipmentRequest], *, is_whole: bool) -> None:
        """Compare parcel by parcel; not ``is_whole``: a parcel has no request.

        Then, and where an operator has discarded one, a shipment without a parcel may be that
        one's, made by hand.
        """
        left = dict(self._snapshot.store_shipments)
        absent: list[str] = []
        covers = self.state.cover(requests)
        owned = {key: cover.names for key, cover in covers.items()}
        left_out = {k for k in requests if self._is_left_out(requests[k], k, covers[k])}
        for key, request in requests.items():
            own = [(name, self.state.shipments[name]) for name in owned[key]]
            if not own or any(known.shipment_id not in left for _, known in own):
                if own or key not in left_out:
                    absent.append(key)
                continue
            for name, known in own:
                shipment = left.pop(known.shipment_id)
                self._compare_shipment(name, known, request, shipment, is_whole=len(own) == 1)
            if key not in left_out:
                self._add_missing_units(key, covers[key])
        for key in absent:
            replacement = _find_same(requests[key], left)
            if replacement is not None:
                del left[replacement]  # created again by hand
            else:
                self._add_missing(key, owned[key])
        for shipment in left.values() if is_whole and not left_out else ():
            is_known = any(_is_same(request, shipment) for request in requests.values())
            units = sum(line.quantity for line in shipment.lines)
            self._result.add(
                DUPLICATE if is_known else MISSING_AT_SOURCE,
                "shipment",
                f"{self._snapshot.source_id}/{shipment.shipment_id}",
                found=f"{units} units in the store",
            )

    def _is_left_out(self, request: ShipmentRequest, key: str, cover: Cover) -> bool:
        """Return whether an operator has discarded the units that the store lacks of a parcel."""
        part = replace(request, lines=cover.missing)
        created = creation_key(self._connection, part, self.state.new_name(key))
        return bool(cover.missing) and created in self._snapshot.discarded.intents

    def _add_missing(self, key: str, own: list[str]) -> None:
        can_repair = len(own) <= 1 and not self._held.is_final
        self._result.add(
            MISSING_AT_TARGET,
            "shipment",
            f"{self._snapshot.source_id}/{key}",
            found="no such shipment",
            can_repair=can_repair,
        )
        if can_repair:
            self.lost |= {self.state.shipments.pop(name).shipment_id for name in own}
            self.state.status, self.state.milestone = "", None

    def _add_missing_units(self, key: str, cover: Cover) -> None:
        """Add the units of a parcel that none of its shipments has."""
        if units := sum(line.quantity for line in cover.missing):
            self._result.add(
                MISSING_AT_TARGET,
                "shipment",
                f"{self._snapshot.source_id}/{key}",
                found=f"{units} of the parcel's units are in no shipment",
                can_repair=not self._held.is_final,
            )

    def _compare_shipment(
        self,
        name: str,
        known: KnownShipment,
        request: ShipmentRequest,
        shipment: StoreShipment,
        *,
        is_whole: bool,
    ) -> None:
        """Compare a shipment with its parcel; a number unknown to the OMS is the store's own."""
        record = f"{self._snapshot.source_id}/{shipment.shipment_id}"
        is_kept = is_change_discarded(
            self._connection, self.state, name, request, self._snapshot.discarded
        )
        is_other = request.tracking_number not in ("", shipment.tracking_number)
        if is_other and not (is_kept and shipment.tracking_number == known.tracking):
            self._result.add(
                DIFFERS,
                "shipment",
                record,
                "tracking_number",
                expected=request.tracking_number,
                found=shipment.tracking_number or "none",
                can_repair=True,
            )
            self.state.shipments[name] = replace(known, tracking=shipment.tracking_number)
        expected = known.units or {line.line_id: line.quantity for line in request.lines}
        if is_whole and _units(shipment) != expected:
            self._result.add(
                DIFFERS,
                "shipment",
                record,
                "units",
                expected="as in the parcel",
                found="others",
            )

    def add_status(self, expected: str) -> None:
        """Add the drift of a status that is behind."""
        self._result.add(
            DIFFERS,
            "status",
            self._snapshot.source_id,
            "status",
            expected=expected,
            found=self._held.status,
            can_repair=True,
        )
        self.state.status, self.state.milestone = self._held.status, None


def _was_opened_again(snapshot: OrderSnapshot, wanted: Milestone) -> bool:
    """Return whether an order that the OMS has canceled was so in the store, which is not behind.

    That it is open again is the merchant's decision, and a rejection of the order.
    """
    if wanted is not Milestone.CANCELED:
        return False
    known = snapshot.shipments.target
    return snapshot.is_withdrawn or (known is not None and known.milestone == wanted)


def _repair(
    snapshot: OrderSnapshot,
    oms: RawRecord,
    fulfilment: Fulfilment,
    comparison: _Comparison,
    grain: Grain,
) -> Repair:
    known = snapshot.shipments
    row = None
    if known.target is not None:
        comparison.state.sequence += 1
        row = comparison.state.to_row(snapshot.source_id, fulfilment)
    repair = Repair(
        SHIPMENTS,
        snapshot.order_id,
        Partition.of(oms.updated_at, grain),
        "re_read",
        known,
        target_key=snapshot.source_id,
        target_state=row,
        lost=frozenset(comparison.lost),
    )
    accepted, newest = known.accepted, known.newest
    if (
        accepted is not None
        and newest is not None
        and newest.digest == content_digest(oms.payload)
        and accepted.capture_id == newest.capture_id
    ):
        return replace(
            repair,
            partition=accepted.partition(grain),
            mode="as_captured",
            capture_id=accepted.capture_id,
        )
    return repair


def _units(shipment: StoreShipment) -> dict[str, int]:
    return {line.line_id: line.quantity for line in shipment.lines}


def _is_same(request: ShipmentRequest, shipment: StoreShipment) -> bool:
    wanted = {line.line_id: line.quantity for line in request.lines}
    return (
        shipment.group_id == request.group_id
        and _units(shipment) == wanted
        and shipment.tracking_number in ("", request.tracking_number)
    )


def _find_same(request: ShipmentRequest, shipments: Mapping[str, StoreShipment]) -> str | None:
    return next(
        (number for number, shipment in shipments.items() if _is_same(request, shipment)), None
    )
