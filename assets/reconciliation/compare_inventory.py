"""Comparison of stock: does the store show what the OMS has available? Only of the present."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime

from assets.reconciliation.result import Repair, Result
from assets.streams.inventory.plan import (
    StockPlan,
    level_content,
    read_planner,
    target_key,
)
from assets.streams.inventory.reading import LevelMapper, nodes_of, read_rows
from assets.streams.inventory.undelivered import orders_under_way
from domain.connections import INVENTORY
from domain.errors import RecordRejected
from domain.exchange import RawRecord, Skipped
from domain.identity import correlation_id
from domain.reconciliation import DIFFERS, MISSING_AT_SOURCE
from domain.records.inventory import StockLevel, StockTarget
from domain.rules.availability import fed_locations
from domain.skus import sku_key
from domain.targets import NO_LEVEL
from resources.ledger.records.record_state import RecordState, record_states
from resources.ledger.records.unfed_levels import gone_nodes, written_elsewhere
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.sync import Sync


class StockComparator:
    """Compares the SKUs of one connection's catalog."""

    def __init__(self, sync: Sync, now: datetime) -> None:
        self._sync, self._now = sync, now

    def compare(self, session: Session, skus: Sequence[str]) -> list[Result]:
        """Read both systems, and compare each level that the store tracks."""
        rows = {
            row.source_id: row
            for page in read_rows(self._sync, session, skus, self._now)
            for row in page.records
        }
        levels = self._levels(session, rows)
        undelivered = orders_under_way(self._sync, session)
        known_skus = {level.sku for placed in levels.values() for level in placed.values()}
        planner = read_planner(self._sync, session, known_skus, undelivered)
        without = dataclasses.replace(planner, undelivered={})
        wanted: list[tuple[RawRecord, StockPlan, frozenset[int]]] = []
        for placed in levels.values():
            # Orders under way may be subtracted already, or not yet: either number is right.
            either = {plan.sources: plan for plan in without.plan(placed)}
            for plan in planner.plan(placed):
                if plan.target is None or plan.target.infinite or plan.target.track != "none":
                    continue
                other = either[plan.sources].target
                right = {plan.target.quantity} | ({other.quantity} if other else set())
                # Of several levels in one location, the first stands for all of them.
                wanted.append((rows[plan.sources[0]], plan, frozenset(right)))
        if not wanted:
            return []
        targets = {row.source_id: plan.target for row, plan, _ in wanted if plan.target}
        keys = {source_id: target_key(target) for source_id, target in targets.items()}
        known = record_states(session.db, self._sync.name, INVENTORY, list(keys), keys)
        held = self._sync.store_stock.levels({target.sku for target in targets.values()})
        return [
            self._result(row, targets[row.source_id], right, known[row.source_id], held)
            for row, _, right in wanted
        ]

    def compare_former(self, session: Session) -> list[Result]:
        """Compare the levels of locations that showed the OMS's stock before.

        No node feeds them any more, as the policy has changed or the OMS no longer has the node, so
        what they show is sold until someone sets it to 0.
        """
        store = self._sync.store_stock
        gone = gone_nodes(session.db, self._sync.name, nodes_of(self._sync))
        fed = fed_locations(self._sync.connection.inventory, store.locations(), gone)
        former = written_elsewhere(session.db, self._sync.name, fed)
        held = store.levels({sku for sku, _ in former}) if former else {}
        return [self._former(sku, place, held.get((sku, place), 0)) for sku, place in former]

    def _former(self, sku: str, location: str, found: int) -> Result:
        key = f"{sku}@{location}"
        result = Result(INVENTORY, key, correlation_id(self._sync.name, "stock", key))
        if found > 0:
            result.add(
                MISSING_AT_SOURCE, "stock", key, "location", expected="none", found=str(found)
            )
        return result

    def _levels(
        self, session: Session, rows: Mapping[str, RawRecord]
    ) -> dict[str, dict[str, StockLevel]]:
        """Return the levels by SKU key and id, without rows that can't be mapped."""
        mapper = LevelMapper(self._sync, session, ((key, row.payload) for key, row in rows.items()))
        levels: dict[str, dict[str, StockLevel]] = {}
        for source_id, row in rows.items():
            try:
                mapped = mapper.to_level(row.payload)
            except RecordRejected:
                continue  # its capture becomes a rejection with the reason
            if not isinstance(mapped, Skipped):
                level = mapped.record
                levels.setdefault(sku_key(level.sku), {})[source_id] = level
        return levels

    def _result(
        self,
        row: RawRecord,
        target: StockTarget,
        right: frozenset[int],
        known: RecordState,
        held: Mapping[tuple[str, str], int],
    ) -> Result:
        newest = known.newest
        correlation = correlation_id(self._sync.name, "stock", row.source_id)
        record = target_key(target)
        partition = newest.partition(self._sync.connection.grain) if newest else None
        result = Result(INVENTORY, row.source_id, correlation, partition)
        if known.is_rejected or (newest is not None and newest.state == "skipped"):
            return result
        if newest is None or partition is None or newest.digest != row.digest:
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
            found="none" if found == NO_LEVEL else str(found),
            can_repair=True,
        )
        content, capture = level_content(found, self._sync.store_stock.basis), newest.capture_id
        state = TargetRow.following(known.target, record, target.location, content, self._now)
        result.repair = Repair(
            INVENTORY, row.source_id, partition, "as_captured", known, capture, record, state
        )
        return result
