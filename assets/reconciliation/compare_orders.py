"""Comparison of orders: whether the OMS holds what the store has sold (docs/reconciliation.md)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import orjson

from assets.reconciliation.result import IsCaptured, OrderSnapshot, Repair, Result
from assets.streams.orders.cancel_answers import CANCEL_REQUESTED, CANCELED
from domain.connections import ORDERS
from domain.errors import RecordRejected
from domain.exchange import RawRecord, Skipped
from domain.identity import content_digest
from domain.milestones import Milestone
from domain.reconciliation import (
    DIFFERS,
    DUPLICATE,
    MISSING_AT_SOURCE,
    MISSING_AT_TARGET,
    Difference,
    OrderOrigin,
)
from domain.records.orders import Order
from domain.records.record import decode_record, encode_record
from domain.rules.amendments import amended
from domain.rules.export import Ended, ended_by
from domain.targets import OrderTarget
from domain.values import Partition
from resources.ledger.captures import edits
from resources.ledger.rows import TargetRow
from resources.sync import Sync

FINISHED = frozenset({str(Milestone.DELIVERED), str(Milestone.RETURNED), str(Milestone.CANCELED)})
"""An OMS may remove such orders."""
NEVER_SENT = frozenset({"cancelled_before_export", "deleted_in_store", "refunded_before_export"})
"""Skipped because canceled: such an order must not be live at the OMS either."""


class OrderComparator:
    """Compares the orders of one connection."""

    def __init__(self, sync: Sync, is_captured: IsCaptured, now: datetime) -> None:
        self._sync, self._is_captured, self._now = sync, is_captured, now
        self._rules = sync.order_rules
        self._grain = sync.connection.grain

    def compare(self, snapshot: OrderSnapshot) -> Result:
        """Return the drifts between store and OMS, and the repair if there is one."""
        known = snapshot.orders
        partition = known.newest.partition(self._grain) if known.newest else None
        result = Result(ORDERS, snapshot.source_id, snapshot.correlation_id, partition)
        if snapshot.has_moved:
            return result.pending()
        kind = DUPLICATE if snapshot.store is not None else MISSING_AT_SOURCE
        for other in snapshot.others:
            if not other.is_canceled:
                found = f"refers to order {snapshot.source_id} of the store"
                result.add(kind, "order", other.order_id, found=found)
        if known.is_rejected or snapshot.is_left_out:
            return result
        if snapshot.store is None:
            return self._without_store(snapshot, result)
        limit = self._sync.connection.limits.captured_not_delivered
        if result.add_if_unsettled("order", snapshot.source_id, known, self._now, limit):
            return result
        return self._against(snapshot, snapshot.store, result)

    def _origin(self, snapshot: OrderSnapshot) -> OrderOrigin | None:
        if snapshot.oms is None:
            return None
        return self._sync.shipments.to_origin(snapshot.oms.payload)

    def _without_store(self, snapshot: OrderSnapshot, result: Result) -> Result:
        origin = self._origin(snapshot)
        if origin is not None and origin.is_own_id and not origin.is_canceled:
            result.add(MISSING_AT_SOURCE, "order", origin.order_id, found="at the OMS only")
        return result

    def _against(self, snapshot: OrderSnapshot, store: RawRecord, result: Result) -> Result:
        newest = snapshot.orders.newest
        is_new = newest is None or newest.source_updated_at < store.updated_at
        if (is_new and not self._is_captured(store.updated_at)) or (
            newest is not None
            and newest.source_updated_at > store.updated_at
            and newest.digest != content_digest(store.payload)  # it was dated after an older one
        ):
            return result.pending()
        captured, is_sendable = self._expected(snapshot, store, result)
        if captured is None:
            return result
        expected = amended(captured, snapshot.amendments)
        if expected.canceled:
            self._canceled(snapshot, result, is_sendable=is_sendable)
        elif snapshot.oms is None:
            self._missing(snapshot, store, result, is_sendable=is_sendable)
        else:
            self._differences(snapshot, snapshot.oms, expected, result, is_sendable=is_sendable)
        if any(drift.can_repair for drift in result.drifts) and result.repair is not None:
            result.repair = self._with_mode(snapshot, store, captured, result.repair)
        return result

    def _expected(
        self, snapshot: OrderSnapshot, store: RawRecord, result: Result
    ) -> tuple[Order | None, bool]:
        """Return the order that the OMS must hold, and whether its current version would be sent.

        One that an operator has corrected counts as corrected. An order whose present status is not
        exported (it has shipped, say) must be held in its last exported version.
        """
        known = snapshot.orders
        try:
            mapped = self._rules.to_order(
                self._sync.orders.to_canonical,
                _as_edited(snapshot, store),
                lambda _: known.target is not None or known.accepted is not None,
                ended=lambda _: _ended(snapshot),
                last=lambda _: _last(snapshot),
            )
        except RecordRejected:
            return None, False  # its capture becomes a rejection with the reason
        if not isinstance(mapped, Skipped):
            return mapped.record, True
        if known.accepted is not None and known.accepted.outcome in ("delivered", "unchanged"):
            return decode_record(Order, known.accepted.canonical), False
        origin = self._origin(snapshot)
        if mapped.rule in NEVER_SENT and origin is not None and not origin.is_canceled:
            self._add_live(snapshot, result, can_repair=False)
        return None, False

    def _add_live(self, snapshot: OrderSnapshot, result: Result, *, can_repair: bool) -> None:
        result.add(
            DIFFERS,
            "status",
            snapshot.source_id,
            "canceled",
            expected="canceled",
            found="live",
            can_repair=can_repair,
        )

    def _canceled(self, snapshot: OrderSnapshot, result: Result, *, is_sendable: bool) -> None:
        origin = self._origin(snapshot)
        state = snapshot.orders.target
        if origin is None or origin.is_canceled:
            return
        if state is not None and state.milestone == CANCEL_REQUESTED:
            return
        self._add_live(snapshot, result, can_repair=is_sendable and state is not None)
        if state is not None:
            state = state._replace(milestone="", sequence=state.sequence + 1)
            result.repair = self._repair(snapshot, state)

    def _missing(
        self, snapshot: OrderSnapshot, store: RawRecord, result: Result, *, is_sendable: bool
    ) -> None:
        shipments, state = snapshot.shipments.target, snapshot.orders.target
        if shipments is not None and shipments.milestone in FINISHED:
            return
        if state is not None and state.milestone == CANCELED:
            return
        has_shipped = self._sync.orders.to_store_snapshot(store.payload).shipped_units > 0
        has_shipped = has_shipped or (
            shipments is not None and bool(orjson.loads(shipments.content)["shipments"])
        )
        # An order that has left must not be fulfilled a second time.
        can_repair = is_sendable and not has_shipped
        result.add(
            MISSING_AT_TARGET,
            "order",
            snapshot.source_id,
            found="not at the OMS",
            can_repair=can_repair,
        )
        result.repair = replace(
            self._repair(snapshot, None), is_gone=True, lost=frozenset({snapshot.order_id})
        )

    def _differences(
        self,
        snapshot: OrderSnapshot,
        oms: RawRecord,
        expected: Order,
        result: Result,
        *,
        is_sendable: bool,
    ) -> None:
        origin = self._sync.shipments.to_origin(oms.payload)
        if origin is not None and origin.is_canceled:
            return  # the store follows by the stream shipments, whose comparison covers it
        try:
            orders = self._sync.oms.targets["orders"]
            wanted = _as_it_was_sent(snapshot, orders) or orders.payload(expected)
            content, found = orders.compare(oms.payload, wanted)
        except RecordRejected:
            return  # what can't be sent or read becomes a rejection of its stream
        for one in found:
            _add_difference(snapshot, one, result, is_sendable=is_sendable)
        state = snapshot.orders.target
        if state is not None:
            state = state.holding(orjson.dumps(content))
        result.repair = self._repair(snapshot, state)

    def _repair(self, snapshot: OrderSnapshot, state: TargetRow | None) -> Repair:
        return Repair(
            ORDERS,
            snapshot.source_id,
            Partition.of(self._now, self._grain),
            "as_captured",
            snapshot.orders,
            target_key=snapshot.source_id,
            target_state=state,
        )

    def _with_mode(
        self, snapshot: OrderSnapshot, store: RawRecord, expected: Order, repair: Repair
    ) -> Repair:
        """Deliver the captured version if it is the current one; else read it again."""
        newest, accepted = snapshot.orders.newest, snapshot.orders.accepted
        canonical = content_digest(encode_record(expected))
        if (
            accepted
            and newest
            and accepted.capture_id == newest.capture_id
            and accepted.canonical_digest == canonical
        ):
            partition = accepted.partition(self._grain)
            return replace(repair, partition=partition, capture_id=accepted.capture_id)
        partition = Partition.of(store.updated_at, self._grain)
        return replace(repair, partition=partition, mode="re_read")


def _as_it_was_sent(snapshot: OrderSnapshot, orders: OrderTarget) -> dict[str, object] | None:
    """Return what was sent of an order that can't be changed and is settled; else ``None``.

    Rules that have changed since would make another order of it, which can't be sent.
    """
    known, accepted = snapshot.orders.target, snapshot.orders.accepted
    if "update" in orders.operations or known is None or accepted is None:
        return None
    is_settled = accepted.outcome in ("delivered", "unchanged")
    return dict(orjson.loads(known.content)) if is_settled else None


def _ended(snapshot: OrderSnapshot) -> Ended:
    targets = (snapshot.orders.target, snapshot.shipments.target)
    return ended_by([target.milestone for target in targets if target is not None])


def _last(snapshot: OrderSnapshot) -> Order | None:
    accepted = snapshot.orders.accepted
    return None if accepted is None else decode_record(Order, accepted.canonical)


def _add_difference(
    snapshot: OrderSnapshot, one: Difference, result: Result, *, is_sendable: bool
) -> None:
    source_id = snapshot.source_id
    result.add(
        one.kind,
        "line" if one.line_id else "order",
        f"{source_id}/{one.line_id}" if one.line_id else source_id,
        one.field,
        expected=one.expected,
        found=one.found,
        can_repair=one.can_repair and is_sendable,
    )


def _as_edited(snapshot: OrderSnapshot, store: RawRecord) -> bytes:
    """Return the store's order as it was validated: with the edits of this very version."""
    newest = snapshot.orders.newest
    if newest is None or newest.digest != content_digest(store.payload):
        return store.payload
    return edits.applied(store.payload, snapshot.edits)
