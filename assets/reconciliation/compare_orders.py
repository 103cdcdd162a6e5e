"""Whether the OMS holds what the store has sold. Pure: the rules of docs/reconciliation.md, one method each."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import orjson

from assets.reconciliation.result import Captured, Case, Repair, Verdict, stuck
from assets.streams.orders import CANCEL_REQUESTED, CANCELED
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
    Drift,
    DriftClass,
    Entity,
)
from domain.records.orders import Order
from domain.records.record import decode_record, encode_record
from resources.ledger.rows import TargetRow
from resources.lockstep import Sync

FINISHED = frozenset({str(Milestone.DELIVERED), str(Milestone.RETURNED), str(Milestone.CANCELED)})
"""An OMS may clear such orders away."""
NEVER_SENT = frozenset({"cancelled_before_export", "deleted_in_store"})
"""Skipped for being cancelled: such an order must not live at the OMS either."""


class OrderJudge:
    """Judges orders of one connection."""

    def __init__(self, sync: Sync, is_captured: Captured, now: datetime) -> None:
        self._sync, self._is_captured, self._now = sync, is_captured, now

    def judge(self, case: Case) -> Verdict:
        """Return the drifts between store and OMS, and what repairs those that can be."""
        verdict = Verdict(ORDERS, case.source_id)
        if case.has_moved:
            return verdict.waiting()
        for claim in case.others:
            if not claim.is_cancelled:
                kind = DUPLICATE if case.store is not None else MISSING_AT_SOURCE
                verdict.drifts.append(
                    self._drift(
                        case,
                        kind,
                        "order",
                        claim.order_id,
                        found=f"stands for {case.source_id} of the store",
                    )
                )
        if case.orders.is_rejected:
            return verdict
        if case.store is None:
            return self._without_store(case, verdict)
        if stuck(
            verdict,
            "order",
            case.source_id,
            case.correlation_id,
            case.orders,
            self._now,
            self._sync.connection.limits.captured_not_delivered,
        ):
            return verdict
        return self._against(case, case.store, verdict)

    def _without_store(self, case: Case, verdict: Verdict) -> Verdict:
        claim = self._sync.oms.to_origin(case.oms.payload) if case.oms is not None else None
        if claim is not None and claim.is_own_id and not claim.is_cancelled:
            verdict.drifts.append(
                self._drift(
                    case, MISSING_AT_SOURCE, "order", claim.order_id, found="at the OMS only"
                )
            )
        return verdict

    def _against(self, case: Case, store: RawRecord, verdict: Verdict) -> Verdict:
        newest = case.orders.newest
        is_new = newest is None or newest.source_updated_at < store.updated_at
        if (is_new and not self._is_captured(store.updated_at)) or (
            newest is not None and newest.source_updated_at > store.updated_at
        ):
            return verdict.waiting()
        expected, is_sendable = self._expected(case, store, verdict)
        if expected is None:
            return verdict
        if expected.cancelled:
            self._cancelled(case, verdict, is_sendable=is_sendable)
        elif case.oms is None:
            self._missing(case, store, verdict, is_sendable=is_sendable)
        else:
            self._differences(case, expected, case.oms, verdict, is_sendable=is_sendable)
        if any(drift.can_repair for drift in verdict.drifts) and verdict.repair is not None:
            verdict.repair = self._routed(case, store, expected, verdict.repair)
        return verdict

    def _expected(
        self, case: Case, store: RawRecord, verdict: Verdict
    ) -> tuple[Order | None, bool]:
        """Return the order as it must stand at the OMS, and whether the store would send it now.

        Of an order that no longer goes out in its present status (it has shipped) the last version that did is what the OMS must hold.
        """
        known = case.orders
        try:
            mapped = self._sync.platform.to_order(
                store.payload, lambda _: known.target is not None or known.accepted is not None
            )
        except RecordRejected:
            return None, False  # its capture becomes a rejection, which says what is wrong
        if not isinstance(mapped, Skipped):
            return mapped.record, True
        if known.accepted is not None and known.accepted.outcome in ("delivered", "unchanged"):
            return decode_record(Order, known.accepted.canonical), False
        claim = self._sync.oms.to_origin(case.oms.payload) if case.oms is not None else None
        if mapped.rule in NEVER_SENT and claim is not None and not claim.is_cancelled:
            verdict.drifts.append(
                self._drift(
                    case,
                    DIFFERS,
                    "status",
                    case.source_id,
                    "cancelled",
                    expected="cancelled",
                    found="live",
                )
            )
        return None, False

    def _cancelled(self, case: Case, verdict: Verdict, *, is_sendable: bool) -> None:
        claim = self._sync.oms.to_origin(case.oms.payload) if case.oms is not None else None
        belief = case.orders.target
        if (
            claim is None
            or claim.is_cancelled
            or (belief is not None and belief.milestone == CANCEL_REQUESTED)
        ):
            return
        can_repair = is_sendable and belief is not None
        verdict.drifts.append(
            self._drift(
                case,
                DIFFERS,
                "status",
                case.source_id,
                "cancelled",
                expected="cancelled",
                found="live",
                can_repair=can_repair,
            )
        )
        if belief is not None:
            verdict.repair = self._repair(
                case, belief=belief._replace(milestone="", sequence=belief.sequence + 1)
            )

    def _missing(
        self, case: Case, store: RawRecord, verdict: Verdict, *, is_sendable: bool
    ) -> None:
        at_store = case.shipments.target
        belief = case.orders.target
        if (at_store is not None and at_store.milestone in FINISHED) or (
            belief is not None and belief.milestone == CANCELED
        ):
            return
        has_shipped = self._sync.platform.to_store_snapshot(store.payload).shipped_units > 0
        has_shipped = has_shipped or (
            at_store is not None and bool(orjson.loads(at_store.content)["shipments"])
        )
        can_repair = (
            is_sendable and not has_shipped
        )  # an order that has left must not be fulfilled a second time
        verdict.drifts.append(
            self._drift(
                case,
                MISSING_AT_TARGET,
                "order",
                case.source_id,
                found="not at the OMS",
                can_repair=can_repair,
            )
        )
        verdict.repair = self._repair(case, belief=None, is_gone=True)

    def _differences(
        self, case: Case, expected: Order, oms: RawRecord, verdict: Verdict, *, is_sendable: bool
    ) -> None:
        claim = self._sync.oms.to_origin(oms.payload)
        if claim is not None and claim.is_cancelled:
            return  # the store follows by the shipments stream, whose judge tells where it did not
        try:
            content, found = self._sync.oms.compare_order(
                oms.payload, self._sync.oms.order_payload(expected)
            )
        except RecordRejected:
            return  # what can't be sent or read is a rejection of its stream
        verdict.drifts += [self._difference(case, one, is_sendable=is_sendable) for one in found]
        belief = case.orders.target
        if belief is None:
            verdict.repair = self._repair(case, belief=None)
            return
        held = orjson.dumps(content)
        row = TargetRow(
            belief.target_key,
            belief.target_id,
            held,
            content_digest(held),
            belief.milestone,
            belief.sequence + 1,
            belief.source_updated_at,
        )
        verdict.repair = self._repair(case, belief=row)

    def _difference(self, case: Case, one: Difference, *, is_sendable: bool) -> Drift:
        entity: Entity = "line" if one.line_id else "order"
        record = f"{case.source_id}/{one.line_id}" if one.line_id else case.source_id
        can_repair = one.can_repair and is_sendable
        return self._drift(
            case,
            one.kind,
            entity,
            record,
            one.field,
            expected=one.expected,
            found=one.found,
            can_repair=can_repair,
        )

    def _repair(self, case: Case, *, belief: TargetRow | None, is_gone: bool = False) -> Repair:
        day = self._now.date()
        lost = frozenset({case.order_id}) if is_gone else frozenset()
        return Repair(
            ORDERS,
            case.source_id,
            day,
            "as_captured",
            case.orders,
            None,
            case.source_id,
            belief,
            is_gone,
            lost,
        )

    def _routed(self, case: Case, store: RawRecord, expected: Order, repair: Repair) -> Repair:
        """Let the captured version be delivered again, where it is what the store says now; else the store's day is read again."""
        known = case.orders
        canonical = content_digest(encode_record(expected))
        accepted = known.accepted
        if (
            accepted
            and known.newest
            and accepted.capture_id == known.newest.capture_id
            and accepted.canonical_digest == canonical
        ):
            return replace(repair, day=accepted.source_day, capture_id=accepted.capture_id)
        return replace(repair, day=store.updated_at.date(), mode="re_read")

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
        newest = case.orders.newest
        return Drift(
            kind,
            entity,
            record,
            field,
            ORDERS,
            case.source_id,
            case.correlation_id,
            expected,
            found,
            can_repair,
            source_day=newest.source_day if newest else None,
        )
