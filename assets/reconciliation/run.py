"""One reconciliation of one day: judge every order and level, look again at what drifts, keep what was found, and heal on demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from assets.chain.partitions import window_of
from assets.reconciliation.compare_inventory import StockJudge
from assets.reconciliation.compare_orders import OrderJudge
from assets.reconciliation.compare_shipments import FulfilmentJudge
from assets.reconciliation.repair import by_stream, heal
from assets.reconciliation.result import Case, Verdict
from assets.reconciliation.snapshot import Sightings
from assets.streams.registry import STREAMS
from domain.connections import INVENTORY, ORDERS, SHIPMENTS
from domain.reconciliation import Drift, DriftKey
from resources.ledger.deliveries.drifts import Drifts
from resources.ledger.records.record_state import Coverage
from resources.ledger.session import Session
from resources.lockstep import Sync

CONFIRM_SECONDS = 30.0
"""Between the two looks at a drift: what was only under way has arrived by then."""
SKUS_AT_ONCE = 2_000
GONE = "a later reconciliation found both ends in step"


@dataclass(frozen=True)
class Request:
    """What to reconcile, and how."""

    day: date
    streams: tuple[str, ...]
    heal: bool = False
    asked_by: str = "reconciliation"
    confirm_seconds: float = CONFIRM_SECONDS


@dataclass
class Report:
    """What a reconciliation of one day found."""

    orders: int = 0
    levels: int = 0
    waiting: int = 0
    """Records that were not judged, since a change of them was under way."""
    drifts: list[Drift] = field(default_factory=list)
    closed: int = 0
    reruns: list[int] = field(default_factory=list)


def reconcile(sync: Sync, request: Request) -> Report:
    """Reconcile one partition. Raises the systems' errors: nothing is closed that could not be looked at."""
    report = Report()
    with sync.ledger.session(sync.name, ORDERS, sync.run_id) as session:
        if {ORDERS, SHIPMENTS} & set(request.streams):
            _Orders(sync, session, request, report).run()
        if INVENTORY in request.streams and request.day == datetime.now(UTC).date():
            _Stock(sync, session, request, report).run()
    return report


class _Books:
    """Keeps what was found in the ledger."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self.sync, self.session, self.request, self.report = sync, session, request, report
        self.drifts = Drifts(session.db, sync.name, sync.run_id)
        self.started = session.now()

    def close(self, verdicts: Sequence[Verdict]) -> None:
        """Close the open drifts of records that were judged and are in step."""
        for stream in {verdict.stream for verdict in verdicts}:
            judged = [v.source_id for v in verdicts if v.stream == stream and not v.is_waiting]
            self.report.closed += self.drifts.close_unseen(stream, judged, self.started, GONE)

    def keep(self, verdicts: Sequence[Verdict], suspected: set[DriftKey]) -> None:
        """Keep the drifts that both looks have seen, close the others, and heal."""
        sure: list[Verdict] = []
        for verdict in verdicts:
            confirmed = [drift for drift in verdict.drifts if drift.key in suspected]
            if confirmed:
                sure.append(verdict)
                self.report.drifts += confirmed
        with self.session.transaction():
            self.drifts.record(
                [d for v in sure for d in v.drifts if d.key in suspected],
                self.sync.connection.owner,
            )
            self.close(verdicts)
        if self.request.heal:
            repairs = [
                v.repair
                for v in sure
                if v.repair is not None and any(d.can_repair for d in v.drifts)
            ]
            for stream, of_stream in by_stream(repairs).items():
                self.report.reruns += heal(self.sync, stream, of_stream, self.request.asked_by)


class _Orders:
    """Orders and their fulfilment."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self._sync, self._session, self._request, self._report = sync, session, request, report
        self._books = _Books(sync, session, request, report)

    def run(self) -> None:
        sightings = Sightings(
            self._sync, self._session, self._request.day, window_of(self._request.day.isoformat())
        )
        judges = self._judges()
        suspects: dict[str, set[str]] = {}
        keys: set[DriftKey] = set()
        for cases in sightings.of_day():
            self._report.orders += len(cases)
            steady: list[Verdict] = []
            for case in cases:
                verdicts = [judge(case) for judge in judges]
                steady += [v for v in verdicts if not v.drifts]
                if found := {key for v in verdicts for key in v.drift_keys()}:
                    keys |= found
                    suspects.setdefault(case.source_id, set()).update(
                        claim.order_id for claim in case.others
                    )
            self._report.waiting += sum(v.is_waiting for v in steady)
            self._books.close(steady)
        if suspects:
            time.sleep(self._request.confirm_seconds)
            judges = self._judges()
            for cases in sightings.again(suspects):
                self._books.keep([judge(case) for case in cases for judge in judges], keys)

    def _judges(self) -> list[Callable[[Case], Verdict]]:
        """Return the judges of the chosen streams, by what has been captured until now."""
        now, db, name, overlap = (
            datetime.now(UTC),
            self._session.db,
            self._sync.name,
            self._sync.connection.overlap,
        )
        judges: list[Callable[[Case], Verdict]] = []
        if ORDERS in self._request.streams:
            judges.append(
                OrderJudge(self._sync, Coverage(db, name, ORDERS, overlap).__contains__, now).judge
            )
        if SHIPMENTS in self._request.streams:
            judges.append(
                FulfilmentJudge(
                    self._sync, Coverage(db, name, SHIPMENTS, overlap).__contains__, now
                ).judge
            )
        return judges


class _Stock:
    """Levels of the present."""

    def __init__(self, sync: Sync, session: Session, request: Request, report: Report) -> None:
        self._sync, self._session, self._request, self._report = sync, session, request, report
        self._books = _Books(sync, session, request, report)

    def run(self) -> None:
        first: dict[DriftKey, Drift] = {}
        skus: set[str] = set()
        moment = datetime.now(UTC)
        for chunk in self._chunks():
            verdicts = self._judge(chunk)
            self._report.levels += len(verdicts)
            self._report.waiting += sum(v.is_waiting for v in verdicts)
            self._books.close([v for v in verdicts if not v.drifts])
            first |= {drift.key: drift for v in verdicts for drift in v.drifts}
            skus |= {v.source_id.rsplit("@", 1)[0] for v in verdicts if v.drifts}
        if not first:
            return
        time.sleep(self._request.confirm_seconds)
        if not self._all_sales_known(moment):
            self._report.waiting += len(first)
            return
        chosen = sorted(skus)
        for start in range(0, len(chosen), SKUS_AT_ONCE):
            verdicts = self._judge(chosen[start : start + SKUS_AT_ONCE])
            # A level that moved between the looks is being sold or written: it is no drift yet.
            same = {
                drift.key
                for v in verdicts
                for drift in v.drifts
                if _is_same(first.get(drift.key), drift)
            }
            moving = [v for v in verdicts if v.drifts and not v.drift_keys() & same]
            for verdict in moving:
                verdict.waiting()
            self._books.keep(verdicts, same)

    def _judge(self, skus: Sequence[str]) -> list[Verdict]:
        return StockJudge(self._sync, STREAMS[INVENTORY], datetime.now(UTC)).judge(
            self._session, skus
        )

    def _chunks(self) -> Iterator[list[str]]:
        after = ""
        while skus := self._session.catalog.store_skus(after, SKUS_AT_ONCE):
            yield skus
            after = skus[-1]

    def _all_sales_known(self, moment: datetime) -> bool:
        """Tell whether everything that the store had sold at the first look is captured: a sale lowers the store's level at once."""
        if ORDERS not in self._sync.connection.streams:
            return True
        until = Coverage(
            self._session.db, self._sync.name, ORDERS, self._sync.connection.overlap
        ).until
        return until is not None and (
            until > moment or self._sync.platform.probe_orders(until) is None
        )


def _is_same(before: Drift | None, now: Drift) -> bool:
    return before is not None and (before.expected, before.found) == (now.expected, now.found)
