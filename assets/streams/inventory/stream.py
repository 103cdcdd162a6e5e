"""The stream ``inventory``, from the OMS to the store: reading, mapping and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from assets.delivery.request import DeliveryRequest
from assets.streams.catalog import store_items as catalog
from assets.streams.intervals import probe_at_intervals
from assets.streams.inventory.changes import look_at_sold_levels
from assets.streams.inventory.delivery import InventoryPlanner
from assets.streams.inventory.plan import make_changed_due
from assets.streams.inventory.reading import LevelMapper, read_rows
from domain.connections import INVENTORY
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.identity import correlation_id
from domain.records.inventory import StockLevel
from domain.rules.availability import unit_problem
from domain.schemas.stock import stock_problems
from domain.skus import BySku, sku_key
from domain.sources import Page, StockSource
from domain.values import Window
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import STOCK_LEVEL
from resources.sync import Sync

SKUS_AT_ONCE = 2_000


class Inventory:
    """Stock levels, by the protocol ``assets.chain.stream.Stream``."""

    name = INVENTORY
    to_oms = False
    is_snapshot = True
    summary = (
        "Availability of the OMS, by the connection's policy, written to the store's locations "
        "where it differs."
    )

    def source(self, sync: Sync) -> StockSource:
        """Return the source at the OMS."""
        return sync.stock

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the OMS once the interval has passed; the current levels can be read at any time."""
        interval = sync.connection.inventory.interval
        return probe_at_intervals(sync, INVENTORY, sync.stock, interval, since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the availability of every SKU of the catalog, which is refreshed first where due.

        At the end, levels are made due that mean something else now, or that the store has changed
        by selling, although they are the same at the OMS.
        """
        del window
        started, not_before = session.now(), datetime.now(UTC)
        locations = catalog.refresh(sync, session)
        after = ""
        while skus := session.catalog.store_skus(after, SKUS_AT_ONCE):
            returned: list[str] = []
            for page in read_rows(sync, session, skus, not_before):
                returned += [row.source_id for row in page.records]
                yield page
            self._mark_read(session, skus, returned)
            after = skus[-1]
        look_at_sold_levels(sync, session)
        with session.writer_lock():
            make_changed_due(sync, session, locations, started)
            session.levels.note_read(started)

    def _mark_read(self, session: Session, skus: Sequence[str], returned: Sequence[str]) -> None:
        with session.writer_lock():
            session.levels.mark_read([sku_key(sku) for sku in skus], returned)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the correlation ids of SKUs at nodes."""
        del session
        return {i: correlation_id(sync.name, "stock", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[StockLevel] | Skipped]:
        """Return the mapping, with what the item master says about items without stock."""
        rows = ((capture.source_id, capture.payload) for capture in captures)
        return LevelMapper(sync, session, rows).to_level

    def check(
        self, sync: Sync, session: Session, records: Sequence[StockLevel]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch, and that each level can be converted to units of the store."""
        problems: dict[int, list[Problem]] = stock_problems(records)
        rules = BySku(sync.connection.orders.uom_rules)
        skus = {level.sku for level in records}
        with_rule = {sku for sku in skus if rules.get(sku)}
        items = catalog.known_items(sync, session, skus, with_rule)
        for position, level in enumerate(records):
            item = items.get(level.sku)
            problem = unit_problem(level, sync.connection.orders, item, rules)
            if problem is not None:
                problems.setdefault(position, []).append(problem)
        return problems

    def typed(self, accepted: Sequence[tuple[StoredCapture, StockLevel]]) -> list[TableRows]:
        """Return one row per level."""
        rows = [
            (
                c.capture_id,
                r.sku,
                r.node,
                r.available,
                r.on_hand,
                r.reserved,
                r.expected,
                r.expected_at,
                r.infinite,
                r.observed_at or c.source_updated_at,
            )
            for c, r in accepted
        ]
        return [TableRows(STOCK_LEVEL, rows)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> InventoryPlanner:
        """Write the levels that differ, in batches of the API's size."""
        return InventoryPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Do nothing: a delivery leaves nothing for other streams."""
