"""Comparison of prices: does the store show what the OMS asks? Only of the present."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from assets.reconciliation.result import Repair, Result
from assets.streams.prices.plan import PricePlan, plan_prices
from assets.streams.prices.stream import to_price
from domain.connections import PRICES
from domain.errors import RecordRejected
from domain.exchange import Mapped, RawRecord
from domain.identity import correlation_id
from domain.prices import PricePlace, StorePrice, tag_content
from domain.reconciliation import DIFFERS, Drift, DriftKey
from domain.records.prices import Price
from domain.sources import Scope
from domain.values import Window
from resources.ledger.records.record_state import RecordState, Version, record_states
from resources.ledger.rows import TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

SKUS_AT_ONCE = 1_000


class Recorder(Protocol):
    """Records what was found (``assets.reconciliation.run.DriftRecorder``)."""

    def close(self, results: Sequence[Result]) -> None:
        """Close the open drifts of records that are in step."""
        ...

    def record(self, results: Sequence[Result], suspected: set[DriftKey]) -> None:
        """Record the drifts that both comparisons found."""
        ...


class Compared(Protocol):
    """Counts what was compared (``assets.reconciliation.run.Report``)."""

    prices: int
    pending: int


def reconcile_prices(
    sync: Sync,
    session: Session,
    recorder: Recorder,
    report: Compared,
    pause: float,
) -> None:
    """Compare all prices, and those that differ again after ``pause`` seconds.

    Where each SKU costs a call, some are compared, and the next ones the next time: in a turn of
    their own, since that of the stream may stand at the same SKUs each day.
    """
    most = sync.prices.skus_a_read
    if most is None:
        _compare(sync, session, _chunks(session), recorder, report, pause)
        return
    skus = session.prices.next_turn(most, "reconciliation")
    _compare(sync, session, [skus], recorder, report, pause)
    session.prices.end_turn(skus, "reconciliation")


def _compare(
    sync: Sync,
    session: Session,
    chunks: Iterable[list[str]],
    recorder: Recorder,
    report: Compared,
    pause: float,
) -> None:
    first: dict[DriftKey, Drift] = {}
    skus: set[str] = set()
    for chunk in chunks:
        found = PriceComparator(sync, datetime.now(UTC)).compare(session, chunk)
        results = list(found.values())
        report.prices += len(results)
        report.pending += sum(result.is_pending for result in results)
        recorder.close([result for result in results if not result.drifts])
        first |= {drift.key: drift for result in results for drift in result.drifts}
        skus |= {sku for (sku, _), result in found.items() if result.drifts}
    if not first:
        return
    time.sleep(pause)
    chosen = sorted(skus)
    for start in range(0, len(chosen), SKUS_AT_ONCE):
        part = chosen[start : start + SKUS_AT_ONCE]
        again = PriceComparator(sync, datetime.now(UTC)).compare(session, part)
        # A price that changed between the comparisons is being written: it is not drift yet.
        same = {
            drift.key
            for result in again.values()
            for drift in result.drifts
            if (before := first.get(drift.key)) is not None
            and (before.expected, before.found) == (drift.expected, drift.found)
        }
        recorder.record(list(again.values()), same)


def _chunks(session: Session) -> Iterator[list[str]]:
    """Yield the catalog's SKUs."""
    after = ""
    while skus := session.catalog.store_skus(after, SKUS_AT_ONCE, priced=True):
        yield skus
        after = skus[-1]


class PriceComparator:
    """Compares the prices of some SKUs of one connection's catalog."""

    def __init__(self, sync: Sync, now: datetime) -> None:
        self._sync, self._now = sync, now

    def compare(self, session: Session, skus: Collection[str]) -> dict[tuple[str, str], Result]:
        """Read both systems, and return a result by SKU and id of each price that has a place."""
        rows: dict[str, tuple[RawRecord, Price]] = {}
        scope = Scope(sorted(skus), self._now)
        for page in self._sync.prices.fetch(Window(self._now, self._now), scope):
            for row in page.records:
                if (price := self._price(row)) is not None:
                    rows[row.source_id] = row, price
        plans = plan_prices(self._sync, session, (price for _, price in rows.values()), self._now)
        placed = {
            source_id: plan
            for source_id, plan in zip(rows, plans, strict=True)
            if plan.place is not None
        }
        if not placed:
            return {}
        keys = {source_id: plan.key for source_id, plan in placed.items()}
        known = record_states(session.db, self._sync.name, PRICES, list(keys), keys)
        places = [plan.place for plan in placed.values() if plan.place is not None]
        shown = self._sync.store_prices.prices(places)
        return {
            (rows[source_id][1].sku, source_id): self._result(
                rows[source_id][0], plan, known[source_id], shown[plan.key]
            )
            for source_id, plan in placed.items()
        }

    def _price(self, row: RawRecord) -> Price | None:
        """Return a row's price; of one that can't be mapped, its capture becomes a rejection."""
        try:
            mapped = to_price(self._sync, row.payload)
        except RecordRejected:
            return None
        return mapped.record if isinstance(mapped, Mapped) else None

    def _result(
        self, row: RawRecord, plan: PricePlan, known: RecordState, shown: StorePrice
    ) -> Result:
        newest = known.newest
        correlation = correlation_id(self._sync.name, "price", row.source_id)
        partition = newest.partition(self._sync.connection.grain) if newest else None
        result = Result(PRICES, row.source_id, correlation, partition)
        if known.is_rejected or (newest is not None and newest.state == "skipped"):
            return result
        if newest is None or partition is None or newest.digest != row.digest:
            return result.pending()  # the OMS's present price is not captured yet
        limit = self._sync.connection.limits.captured_not_delivered
        if result.add_if_unsettled("price", plan.key, known, self._now, limit):
            return result
        if plan.place is None or plan.tag is None:
            return result
        if shown.problem is None and shown.tag == plan.tag:
            return result
        currency = plan.place.currency
        found = "" if shown.tag is None else shown.tag.text(currency)
        result.add(
            DIFFERS,
            "price",
            plan.key,
            "price",
            expected=plan.tag.text(currency),
            found=found if shown.problem is None else shown.problem.code,
            can_repair=shown.problem is None,
        )
        result.repair = self._repair(row.source_id, newest, plan.key, plan.place, known, shown)
        return result

    def _repair(
        self,
        source_id: str,
        newest: Version,
        key: str,
        place: PricePlace,
        known: RecordState,
        shown: StorePrice,
    ) -> Repair:
        """Return what is stored of the price that the store shows, so that the right one is due."""
        content = tag_content(shown.tag)
        return Repair(
            PRICES,
            source_id,
            newest.partition(self._sync.connection.grain),
            "as_captured",
            known,
            newest.capture_id,
            key,
            TargetRow.following(known.target, key, place.price_list, content, self._now),
            is_refusal=shown.problem is not None,
        )
