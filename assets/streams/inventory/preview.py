"""What would happen to stock levels. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from assets.streams.inventory.plan import StockPlan, read_planner
from assets.streams.inventory.reading import LevelMapper, read_rows
from assets.streams.inventory.stream import Inventory
from assets.streams.inventory.undelivered import orders_under_way
from assets.streams.sample import Sample, check_of, examined
from domain.records.inventory import StockLevel, StoreItem
from domain.skus import BySku, sku_key
from domain.targets import NO_LEVEL
from resources.ledger.session import Session
from resources.sync import Sync


def preview_stock(sync: Sync, session: Session, items: Mapping[str, StoreItem]) -> Iterator[Sample]:
    """Compare the levels of some of the store's items with what it shows now."""
    known, now = BySku(items), datetime.now(UTC)
    rows = [row for page in read_rows(sync, session, sorted(items), now) for row in page.records]
    held = sync.store_stock.levels(items)
    mapper = LevelMapper(sync, session, [(row.source_id, row.payload) for row in rows])
    check = check_of(sync, session, Inventory())
    levels: dict[str, dict[str, StockLevel]] = {}
    for row in rows:
        level = examined(row.source_id, partial(mapper.to_level, row.payload), check)
        if isinstance(level, Sample):
            yield level
        else:
            levels.setdefault(sku_key(level.sku), {})[row.source_id] = level
    skus = {level.sku for placed in levels.values() for level in placed.values()}
    planner = read_planner(sync, session, skus, orders_under_way(sync, session))
    planner = replace(planner, items={sku: item for sku in skus if (item := known.get(sku))})
    for placed in levels.values():
        for plan in planner.plan(placed):
            yield _level(plan, held)


def _level(plan: StockPlan, held: Mapping[tuple[str, str], int]) -> Sample:
    record, target = "+".join(plan.sources), plan.target
    if target is None:
        return Sample(record, "skipped", f"{plan.rule}: {plan.reason}")
    shown = held.get((target.sku, target.location), NO_LEVEL)
    outcome = "unchanged" if shown == target.quantity and not target.infinite else "send"
    wanted = "no tracking" if target.infinite else str(target.quantity)
    present = "no level" if shown == NO_LEVEL else str(shown)
    return Sample(record, outcome, f"the store shows {present}; it would show {wanted}")
