"""Comparison of stock: does the store show what the OMS has available? Only of the present."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from assets.chain.stream import Stream
from assets.reconciliation.result import Repair, Result
from domain.connections import INVENTORY
from domain.errors import RecordRejected
from domain.exchange import RawRecord, Skipped
from domain.identity import content_digest, correlation_id
from domain.reconciliation import DIFFERS
from domain.records.inventory import StockLevel, StockTarget, StoreItem
from domain.rules.availability import target_of
from resources.ledger.records.record_state import RecordState, record_states
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.lockstep import Sync


class StockComparator:
    """Compares the SKUs of one connection's catalog."""

    def __init__(self, sync: Sync, stream: Stream[Any], now: datetime) -> None:
        self._sync, self._stream, self._now = sync, stream, now
        self._policy = sync.connection.inventory

    def compare(self, session: Session, skus: Sequence[str]) -> list[Result]:
        """Read both systems, and compare each level that the store tracks."""
        locations = self._sync.platform.location_ids()
        uom_rules = self._sync.connection.orders.uom_rules
        items = session.catalog.store_items(skus)
        undelivered = (
            session.records.undelivered_units() if self._policy.subtract_undelivered else {}
        )
        rows = [row for page in self._sync.stock.read(skus) for row in page.records]
        wanted: list[tuple[RawRecord, StockTarget, frozenset[int]]] = []
        for row in rows:
            level = self._level(row)
            if level is None:
                continue
            target = target_of(level, self._policy, locations, undelivered, uom_rules)
            other = target_of(level, self._policy, locations, {}, uom_rules)
            if (
                not isinstance(target, Skipped)
                and not isinstance(other, Skipped)
                and not target.infinite
                and _is_tracked(items, level.sku)
            ):
                # Orders under way may be subtracted already, or not yet: either number is right.
                wanted.append((row, target, frozenset({target.quantity, other.quantity})))
        if not wanted:
            return []
        keys = {row.source_id: _key(target) for row, target, _ in wanted}
        known = record_states(session.db, self._sync.name, INVENTORY, list(keys), keys)
        held = self._sync.platform.read_stock({target.sku for _, target, _ in wanted})
        return [
            self._result(row, target, right, known[row.source_id], held)
            for row, target, right in wanted
        ]

    def _level(self, row: RawRecord) -> StockLevel | None:
        try:
            mapped = self._sync.stock.to_canonical(row.payload)
        except RecordRejected:
            return None  # its capture becomes a rejection with the reason
        return None if isinstance(mapped, Skipped) else mapped.record

    def _result(
        self,
        row: RawRecord,
        target: StockTarget,
        right: frozenset[int],
        known: RecordState,
        held: Mapping[tuple[str, str], int],
    ) -> Result:
        newest = known.newest
        correlation, record = correlation_id(self._sync.name, "stock", row.source_id), _key(target)
        day = newest.source_day if newest else None
        result = Result(INVENTORY, row.source_id, correlation, day)
        if known.is_rejected or (newest is not None and newest.state == "skipped"):
            return result
        if newest is None or newest.digest != self._stream.digest(row):
            return result.pending()  # the OMS's present level is not captured yet
        limit = self._sync.connection.limits.captured_not_delivered
        if result.add_if_unsettled("stock", record, known, self._now, limit):
            return result
        found = held.get((target.sku, target.location))
        if found is None or found in right:
            return result
        result.add(
            DIFFERS,
            "stock",
            record,
            "quantity",
            expected=str(target.quantity),
            found=str(found),
            can_repair=True,
        )
        content = orjson.dumps({"quantity": found})
        sequence = known.target.sequence + 1 if known.target else 1
        state = TargetRow(
            record, target.location, content, content_digest(content), "", sequence, self._now
        )
        result.repair = Repair(
            INVENTORY,
            row.source_id,
            newest.source_day,
            "as_captured",
            known,
            newest.capture_id,
            record,
            state,
        )
        return result


def _is_tracked(items: Mapping[str, StoreItem], sku: str) -> bool:
    item = items.get(sku)
    return item is not None and item.tracking != "none"


def _key(target: StockTarget) -> str:
    return f"{target.sku}@{target.location}"
