"""The stream ``prices``, from the OMS to the store: reading, mapping and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from assets.delivery.request import DeliveryRequest
from assets.streams.catalog import store_items as catalog
from assets.streams.intervals import probe_at_intervals
from assets.streams.prices.delivery import PricesPlanner
from assets.streams.prices.plan import make_changed_due, make_listed_due, take_up_due
from domain.connections import INVENTORY, PRICES
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.identity import correlation_id
from domain.records.prices import Price
from domain.records.record import amend
from domain.rules.pricing import currency_problem
from domain.schemas.prices import price_problems
from domain.skus import sku_key
from domain.sources import Page, PriceSource, Scope
from domain.values import Window
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import PRICE
from resources.sync import Sync

SKUS_AT_ONCE = 2_000
AFTER_STOCK = 4
"""How many times the catalog's time to live passes before prices read it instead of stock, which
compares its own levels with it."""


class Prices:
    """Prices, by the protocol ``assets.chain.stream.Stream``."""

    name = PRICES
    to_oms = False
    is_snapshot = True
    summary = (
        "Prices of the OMS, written to the store's catalog and price lists where they differ; a "
        "change beyond the connection's limit waits for approval."
    )

    def source(self, sync: Sync) -> PriceSource:
        """Return the source at the OMS."""
        return sync.prices

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the OMS once the interval has passed; the current prices can be read at any time."""
        interval = sync.connection.prices.interval
        return probe_at_intervals(sync, PRICES, sync.prices, interval, since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the prices of every SKU of the catalog, which is refreshed first where due.

        Where each SKU costs a call, some are read, and the next ones once these are captured: after
        a run that ends early, the same are read again.
        At the end, prices are made due that mean something else now, although they are the same.
        """
        del window
        not_before = datetime.now(UTC)
        ttl = sync.connection.inventory.catalog_ttl
        is_alone = INVENTORY not in sync.connection.streams
        catalog.refresh_items(
            sync, session, ttl if is_alone else AFTER_STOCK * ttl, reports=is_alone
        )
        with session.writer_lock():  # so that one is known to be gone that no run has planned yet
            take_up_due(sync, session, session.now())
        yield from self._pages(sync, session, not_before)
        with session.writer_lock():
            make_changed_due(sync, session)
            make_listed_due(sync, session)

    def _pages(self, sync: Sync, session: Session, not_before: datetime) -> Iterator[Page]:
        if (most := sync.prices.skus_a_read) is not None:
            skus = session.prices.next_turn(most, "stream")
            yield from self._read(sync, session, skus, not_before)
            with session.writer_lock():
                session.prices.end_turn(skus, "read")
            return
        after = ""
        while skus := session.catalog.store_skus(after, SKUS_AT_ONCE, priced=True):
            yield from self._read(sync, session, skus, not_before)
            after = skus[-1]

    def captured(self, session: Session) -> None:
        """Let the next SKUs have their turn."""
        session.prices.turn_captured()

    def _read(
        self, sync: Sync, session: Session, skus: Sequence[str], not_before: datetime
    ) -> Iterator[Page]:
        """Read the prices of some SKUs; what a complete read lacks stays as the store has it."""
        returned: list[str] = []
        is_complete = False
        now = datetime.now(UTC)
        for page in sync.prices.fetch(Window(now, now), Scope(skus, not_before)):
            is_complete = is_complete or page.complete
            returned += [row.source_id for row in page.records]
            yield page
        if is_complete:
            with session.writer_lock():
                session.prices.mark_read([sku_key(sku) for sku in skus], returned)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the correlation ids of prices."""
        del session
        return {i: correlation_id(sync.name, "price", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Price] | Skipped]:
        """Return the mapping, with the connection's currency where the OMS states none."""
        del session, captures
        return lambda payload: to_price(sync, payload)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Price]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch, and that each price is in a currency that the connection takes."""
        del session
        problems = price_problems(records)
        for position, price in enumerate(records):
            if (problem := currency_problem(price, sync.connection.prices)) is not None:
                problems.setdefault(position, []).insert(0, problem)
        return problems

    def typed(self, accepted: Sequence[tuple[StoredCapture, Price]]) -> list[TableRows]:
        """Return one row per price."""
        rows = [
            (
                capture.capture_id,
                price.sku,
                price.price_list,
                price.currency,
                price.regular,
                price.sale,
                price.valid_from,
                price.valid_until,
            )
            for capture, price in accepted
        ]
        return [TableRows(PRICE, rows)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> PricesPlanner:
        """Write the prices that differ, in batches of the API's size."""
        return PricesPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Do nothing: a delivery leaves nothing for other streams."""


def to_price(sync: Sync, payload: bytes) -> Mapped[Price] | Skipped:
    """Map a capture, with the connection's currency where the OMS states none.

    Raises ``RecordRejected``.
    """
    mapped = sync.prices.to_canonical(payload)
    currency = sync.connection.prices.currency
    if isinstance(mapped, Mapped) and not mapped.record.currency and currency is not None:
        amend(mapped.record, "currency", currency)
    return mapped
