"""Whether the store shows what the OMS has available, by the connection's policy; only ever of the present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from assets.chain.stream import Stream
from assets.reconciliation.result import Repair, Verdict, stuck
from domain.connections import INVENTORY
from domain.errors import RecordRejected
from domain.exchange import RawRecord, Skipped
from domain.identity import content_digest, correlation_id
from domain.reconciliation import DIFFERS, Drift
from domain.records.inventory import StockLevel, StockTarget, StoreItem
from domain.rules.availability import target_of
from resources.ledger.records.record_state import RecordState, record_states
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.lockstep import Sync


class StockJudge:
    """Judges SKUs of one connection's catalog."""

    def __init__(self, sync: Sync, stream: Stream[Any], now: datetime) -> None:
        self._sync, self._stream, self._now = sync, stream, now
        self._policy = sync.connection.inventory

    def judge(self, session: Session, skus: Sequence[str]) -> list[Verdict]:
        """Read both systems, and return a verdict for each level that the store tracks and the ledger has brought to its end."""
        locations = self._sync.platform.location_ids()
        items = session.catalog.store_items(skus)
        undelivered = (
            session.records.undelivered_units() if self._policy.subtract_undelivered else {}
        )
        rows = [row for page in self._sync.oms.fetch_stock(skus) for row in page]
        wanted: list[tuple[RawRecord, StockTarget, frozenset[int]]] = []
        for row in rows:
            level = self._level(row)
            if level is None:
                continue
            target = target_of(level, self._policy, locations, undelivered)
            other = target_of(level, self._policy, locations, {})
            if (
                not isinstance(target, Skipped)
                and not isinstance(other, Skipped)
                and not target.infinite
                and _is_tracked(items, level.sku)
            ):
                # Orders on their way may be taken off already, or not yet: either number is right.
                wanted.append((row, target, frozenset({target.quantity, other.quantity})))
        if not wanted:
            return []
        keys = {row.source_id: _key(target) for row, target, _ in wanted}
        known = record_states(session.db, self._sync.name, INVENTORY, list(keys), keys)
        held = self._sync.platform.read_stock({target.sku for _, target, _ in wanted})
        return [
            self._verdict(row, target, right, known[row.source_id], held)
            for row, target, right in wanted
        ]

    def _level(self, row: RawRecord) -> StockLevel | None:
        try:
            mapped = self._sync.oms.to_stock_level(row.payload)
        except RecordRejected:
            return None  # its capture becomes a rejection
        return None if isinstance(mapped, Skipped) else mapped.record

    def _verdict(
        self,
        row: RawRecord,
        target: StockTarget,
        right: frozenset[int],
        known: RecordState,
        held: Mapping[tuple[str, str], int],
    ) -> Verdict:
        verdict = Verdict(INVENTORY, row.source_id)
        newest = known.newest
        if known.is_rejected or (newest is not None and newest.state == "skipped"):
            return verdict
        correlation, record = correlation_id(self._sync.name, "stock", row.source_id), _key(target)
        if newest is None or newest.digest != self._stream.digest(row):
            return verdict.waiting()  # the OMS's present level is not captured yet
        if stuck(
            verdict,
            "stock",
            record,
            correlation,
            known,
            self._now,
            self._sync.connection.limits.captured_not_delivered,
        ):
            return verdict
        found = held.get((target.sku, target.location))
        if found is None or found in right:
            return verdict
        verdict.drifts.append(
            Drift(
                DIFFERS,
                "stock",
                record,
                "quantity",
                INVENTORY,
                row.source_id,
                correlation,
                str(target.quantity),
                str(found),
                True,
                source_day=newest.source_day,
            )
        )
        content = orjson.dumps({"quantity": found})
        sequence = known.target.sequence + 1 if known.target else 1
        belief = TargetRow(
            record, target.location, content, content_digest(content), "", sequence, self._now
        )
        verdict.repair = Repair(
            INVENTORY,
            row.source_id,
            newest.source_day,
            "as_captured",
            known,
            newest.capture_id,
            record,
            belief,
        )
        return verdict


def _is_tracked(items: Mapping[str, StoreItem], sku: str) -> bool:
    item = items.get(sku)
    return item is not None and item.tracking != "none"


def _key(target: StockTarget) -> str:
    return f"{target.sku}@{target.location}"
