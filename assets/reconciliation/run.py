"""One reconciliation of one day: compare, confirm drifts, record them, repair them if asked to."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from assets.reconciliation.compare_customers import CustomerComparator
from assets.reconciliation.compare_inventory import StockComparator
from assets.reconciliation.compare_orders import OrderComparator
from assets.reconciliation.compare_prices import reconcile_prices
from assets.reconciliation.compare_returns import reconcile_returns
from assets.reconciliation.compare_shipments import ShipmentComparator
from assets.reconciliation.ids import OrderIds
from assets.reconciliation.repair import apply_repairs, by_stream
from assets.reconciliation.result import OrderSnapshot, Result
from assets.reconciliation.snapshot import SnapshotReader
from assets.streams.inventory.changes import are_sales_captured
from domain.connections import CUSTOMERS, INVENTORY, ORDERS, PRICES, RETURNS, SHIPMENTS
from domain.reconciliation import Drift, DriftKey
from domain.values import Partition
from resources.ledger.captures import inbox
from resources.ledger.deliveries.drifts import Drifts
from resources.ledger.monitoring.caution import end_caution
from resources.ledger.records.record_state import Coverage
from resources.ledger.session import Session
from resources.sync import Sync

CONFIRM_SECONDS = 30.0
"""Between the two comparisons of a drift: what was only under way has arrived by then."""
SKUS_AT_ONCE = 2_000
CUSTOMERS_AT_ONCE = 500
GONE = "a later reconciliation found no difference"

Comparator = Callable[[OrderSnapshot], Result]


@dataclass(frozen=True)
class Request:
    """What to reconcile, and how."""

    day: date
    streams: tuple[str, ...]
    repair: bool = False
    asked_by: str = "reconciliation"
    confirm_seconds: float = CONFIRM_SECONDS


@dataclass
class Report:
    """The findings of a reconciliation of one day."""

    orders: int = 0
    levels: int = 0
    customers: int = 0
    prices: int = 0
    returns: int = 0
    pending: int = 0
    """Records that were not compared, since a change of them was under way."""
    drifts: list[Drift] = field(default_factory=list)
    closed: int = 0
    reruns: list[int] = field(default_factory=list)


def reconcile(sync: Sync, request: Request) -> Report:
    """Reconcile one partition.

    Raises the systems' errors: nothing is closed that could not be read.
    """
    report = Report()
    with sync.ledger.session(sync.name, ORDERS, sync.run_id) as session:
        if {ORDERS, SHIPMENTS} & set(request.streams):
            _OrdersRun(sync, session, request, report).run()
            if {ORDERS, SHIPMENTS} <= set(request.streams) and not report.pending:
                end_caution(session.db, sync.name, request.day)
        if INVENTORY in request.streams and request.day == datetime.now(UTC).date():
            _StockRun(sync, session, request, report).run()
    if CUSTOMERS in request.streams and request.day == datetime.now(UTC).date():
        with sync.ledger.session(sync.name, CUSTOMERS, sync.run_id) as session:
            _CustomersRun(sync, session, request, report).run()
    if PRICES in request.streams and request.day == datetime.now(UTC).date():
        with sync.ledger.session(sync.name, PRICES, sync.run_id) as session:
            recorder = DriftRecorder(sync, session, request, report)
            pause = request.confirm_seconds
            reconcile_prices(sync, session, recorder, report, pause)
    if RETURNS in request.streams:
        with sync.ledger.session(sync.name, RETURNS, sync.run_id) as session:
            recorder = DriftRecorder(sync, session, request, report)
            pause = request.confirm_seconds
            reconcile_returns(sync, session, recorder, report, request.day, pause)
    return report


class DriftRecorder:
    """Records in the ledger what was found, and closes what is in step again."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self._sync, self._session, self._request, self._report = sync, session, request, report
        self._drifts = Drifts(session.db, sync.name, sync.run_id)
        self._started = session.now()

    def close(self, results: Sequence[Result]) -> None:
        """Close the open drifts of records that were compared and are in step."""
        for stream in {result.stream for result in results}:
            compared = [r.source_id for r in results if r.stream == stream and not r.is_pending]
            self._report.closed += self._drifts.close_unseen(stream, compared, self._started, GONE)

    def record(self, results: Sequence[Result], suspected: set[DriftKey]) -> None:
        """Record the drifts that both comparisons found, close the others, repair if asked to."""
        asked = self._request.repair
        confirmed: list[Result] = []
        drifts: list[Drift] = []
        for result in results:
            found = [drift for drift in result.drifts if drift.key in suspected]
            if found:
                confirmed.append(result)
                drifts += found
        self._report.drifts += drifts
        with self._session.transaction():
            self._drifts.record(drifts, self._sync.connection.owner)
            self.close(results)
        repairs = [
            result.repair
            for result in confirmed
            if result.repair is not None
            and (result.repair.is_refusal or (asked and any(d.can_repair for d in result.drifts)))
        ]
        for stream, of_stream in by_stream(repairs).items():
            who = self._request.asked_by
            self._report.reruns += apply_repairs(self._sync, stream, of_stream, who)


class _OrdersRun:
    """Orders and their fulfilment."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self._sync, self._session, self._request, self._report = sync, session, request, report
        self._recorder = DriftRecorder(sync, session, request, report)

    def run(self) -> None:
        day = self._request.day
        window = Partition.of_day(day).before(datetime.now(UTC))
        reader = SnapshotReader(self._sync, self._session, day, window)
        comparators = self._comparators()
        suspects: dict[str, set[str]] = {}
        keys: set[DriftKey] = set()
        for snapshots in reader.of_day():
            self._report.orders += len(snapshots)
            OrderIds(self._sync, self._session).adopt(snapshots, all_found=self._request.repair)
            without_drift: list[Result] = []
            for snapshot in snapshots:
                results = [compare(snapshot) for compare in comparators]
                without_drift += [result for result in results if not result.drifts]
                if found := {key for result in results for key in result.drift_keys()}:
                    keys |= found
                    found_at_oms = suspects.setdefault(snapshot.source_id, set())
                    found_at_oms.update(origin.order_id for origin in snapshot.others)
                    if snapshot.oms is not None and not snapshot.is_linked:
                        found_at_oms.add(snapshot.order_id)
            self._report.pending += sum(result.is_pending for result in without_drift)
            self._recorder.close(without_drift)
        if suspects:
            time.sleep(self._request.confirm_seconds)
            comparators = self._comparators()
            for snapshots in reader.again(suspects):
                results = [compare(s) for s in snapshots for compare in comparators]
                self._recorder.record(results, keys)

    def _comparators(self) -> list[Comparator]:
        """Return the comparators of the chosen streams, by what has been captured until now."""
        now, overlap = datetime.now(UTC), self._sync.connection.overlap
        kinds: dict[str, type[OrderComparator | ShipmentComparator]] = {
            ORDERS: OrderComparator,
            SHIPMENTS: ShipmentComparator,
        }
        return [
            kind(
                self._sync,
                Coverage(self._session.db, self._sync.name, stream, overlap).__contains__,
                now,
            ).compare
            for stream, kind in kinds.items()
            if stream in self._request.streams
        ]


class _StockRun:
    """Stock levels of the present."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self._sync, self._session, self._request, self._report = sync, session, request, report
        self._recorder = DriftRecorder(sync, session, request, report)

    def run(self) -> None:
        first: dict[DriftKey, Drift] = {}
        skus: set[str] = set()
        started = datetime.now(UTC)
        for results in self._results(self._chunks()):
            self._report.levels += len(results)
            self._report.pending += sum(result.is_pending for result in results)
            self._recorder.close([result for result in results if not result.drifts])
            first |= {drift.key: drift for result in results for drift in result.drifts}
            skus |= {result.source_id.rsplit("@", 1)[0] for result in results if result.drifts}
        if not first:
            return
        time.sleep(self._request.confirm_seconds)
        if not are_sales_captured(self._sync, self._session, started):
            self._report.pending += len(first)
            return
        chosen = sorted(skus)
        chunks = (chosen[n : n + SKUS_AT_ONCE] for n in range(0, len(chosen), SKUS_AT_ONCE))
        for results in self._results(chunks):
            # A level that changed between the comparisons is being sold or written: it is not drift
            # yet.
            same = {
                drift.key
                for result in results
                for drift in result.drifts
                if _is_same(first.get(drift.key), drift)
            }
            for result in results:
                if result.drifts and not result.drift_keys() & same:
                    result.pending()
            self._recorder.record(results, same)

    def _results(self, chunks: Iterable[Sequence[str]]) -> Iterator[list[Result]]:
        for chunk in chunks:
            yield StockComparator(self._sync, datetime.now(UTC)).compare(self._session, chunk)
        yield StockComparator(self._sync, datetime.now(UTC)).compare_former(self._session)

    def _chunks(self) -> Iterator[list[str]]:
        after = ""
        while skus := self._session.catalog.store_skus(after, SKUS_AT_ONCE):
            yield skus
            after = skus[-1]


class _CustomersRun:
    """Linked customers of the present."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self._sync, self._session, self._request, self._report = sync, session, request, report
        self._recorder = DriftRecorder(sync, session, request, report)

    def run(self) -> None:
        first: dict[DriftKey, str] = {}
        after = ""
        while ids := self._session.links.store_ids_after(after, CUSTOMERS_AT_ONCE):
            after = ids[-1]
            results = self._compare(ids)
            self._report.customers += len(results)
            self._report.pending += sum(result.is_pending for result in results)
            self._recorder.close([result for result in results if not result.drifts])
            first |= {drift.key: drift.source_id for result in results for drift in result.drifts}
        if not first:
            return
        time.sleep(self._request.confirm_seconds)
        chosen = sorted(set(first.values()))
        for start in range(0, len(chosen), CUSTOMERS_AT_ONCE):
            results = self._compare(chosen[start : start + CUSTOMERS_AT_ONCE])
            self._recorder.record(results, set(first))

    def _compare(self, ids: Sequence[str]) -> list[Result]:
        """Compare customers, and let the stream capture what it could not see."""
        compared = CustomerComparator(self._sync, datetime.now(UTC)).compare(self._session, ids)
        if compared.unseen:
            name = self._sync.name
            inbox.announce(self._session.db, name, "platform", CUSTOMERS, compared.unseen)
        return compared.results


def _is_same(before: Drift | None, now: Drift) -> bool:
    return before is not None and (before.expected, before.found) == (now.expected, now.found)
