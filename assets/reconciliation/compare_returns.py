"""Compares the returns of a day, as they were accepted last, with what the store's orders show.

The refunds of a return are the payment service's, and are read before each; only what is shown is
compared here. A return of which the store shows nothing yet is the normal delivery's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Protocol

from assets.reconciliation.result import Repair, Result
from assets.streams.returns.state import ReturnState, digest_of, wanted_return
from domain.connections import RETURNS
from domain.errors import PermanentError
from domain.identity import correlation_id
from domain.reconciliation import DIFFERS, Drift, DriftKey, Entity
from domain.records.record import decode_record
from domain.records.returns import Return
from domain.refunds import ReturnRecord
from domain.skus import BySku
from resources.ledger.records.record_state import RecordState, record_states
from resources.ledger.session import Session
from resources.sync import Sync

ENTITY: Entity = "return"
AT_ONCE = 500
SHOW = "return"
"""The operation of a store that shows returns."""


class Recorder(Protocol):
    """Records what was found (``assets.reconciliation.run.DriftRecorder``)."""

    def close(self, results: Sequence[Result]) -> None:
        """Close the open drifts of records that are in step."""

    def record(self, results: Sequence[Result], suspected: set[DriftKey]) -> None:
        """Record the drifts that both comparisons found."""


class Compared(Protocol):
    """Counts what was compared (``assets.reconciliation.run.Report``)."""

    returns: int
    pending: int


def reconcile_returns(
    sync: Sync, session: Session, recorder: Recorder, report: Compared, day: date, pause: float
) -> None:
    """Compare the returns of a day, and those that differ again after ``pause`` seconds."""
    target = sync.platform.targets.get("returns")
    if target is None or SHOW not in target.operations:
        return
    first: dict[DriftKey, Drift] = {}
    ids = session.refunds.returns_of(day)
    for start in range(0, len(ids), AT_ONCE):
        results = ReturnComparator(sync, datetime.now(UTC)).compare(
            session, ids[start : start + AT_ONCE]
        )
        report.returns += len(results)
        report.pending += sum(result.is_pending for result in results)
        recorder.close([result for result in results if not result.drifts])
        first |= {drift.key: drift for result in results for drift in result.drifts}
    if first:
        time.sleep(pause)
        again = sorted({drift.source_id for drift in first.values()})
        results = ReturnComparator(sync, datetime.now(UTC)).compare(session, again)
        recorder.record(results, set(first))


class ReturnComparator:
    """Compares some returns of one connection."""

    def __init__(self, sync: Sync, now: datetime) -> None:
        self._sync, self._now = sync, now

    def compare(self, session: Session, ids: Sequence[str]) -> list[Result]:
        """Return a result for each return that the store is known to show."""
        known = record_states(session.db, self._sync.name, RETURNS, ids, {i: i for i in ids})
        states = {i: ReturnState.from_ledger(known[i].target) for i in ids}
        results = {i: self._result(i, known[i]) for i in ids if states[i].shown}
        wanted = self._wanted(session, {i: known[i] for i in results}, states)
        asked = []
        for return_id, result in results.items():
            limit = self._sync.connection.limits.captured_not_delivered
            record = wanted.get(return_id)
            if known[return_id].is_rejected or result.add_if_unsettled(
                ENTITY, return_id, known[return_id], self._now, limit
            ):
                continue
            if record is None or digest_of(record) != states[return_id].shown:
                result.pending()  # its plan is another one by now, which the next delivery sends
                continue
            asked.append(replace(record, is_separate=True))
        for return_id, found in self._found(asked).items():
            self._add(results[return_id], known[return_id], states[return_id], found)
        return list(results.values())

    def _result(self, return_id: str, known: RecordState) -> Result:
        grain = self._sync.connection.grain
        partition = known.newest.partition(grain) if known.newest is not None else None
        correlation = correlation_id(self._sync.name, ENTITY, return_id)
        return Result(RETURNS, return_id, correlation, partition)

    def _wanted(
        self,
        session: Session,
        known: Mapping[str, RecordState],
        states: Mapping[str, ReturnState],
    ) -> dict[str, ReturnRecord]:
        """Return what the store should show of the newest accepted versions."""
        records = {
            return_id: decode_record(Return, state.accepted.canonical)
            for return_id, state in known.items()
            if state.accepted is not None
        }
        lines = session.records.line_groups(sorted({r.source_id for r in records.values()}))
        rules = BySku(self._sync.connection.orders.uom_rules)
        target = self._sync.platform.targets["returns"]
        return {
            return_id: wanted_return(
                record,
                states[return_id],
                lines.get(record.source_id, {}),
                rules,
                shows_announced=target.shows_announced,
            )
            for return_id, record in records.items()
        }

    def _found(self, records: Sequence[ReturnRecord]) -> dict[str, str]:
        """Return return id -> what is wrong with what the store shows of it."""
        if not records:
            return {}
        return asyncio.run(self._sync.platform.targets["returns"].not_shown(records))

    def _add(self, result: Result, known: RecordState, state: ReturnState, found: str) -> None:
        """Add the drift; its repair lets the next delivery show the return again."""
        newest, target = known.newest, known.target
        if newest is None or target is None or result.partition is None:
            raise PermanentError(f"the return {result.source_id} is shown, and was never captured")
        result.add(
            DIFFERS,
            ENTITY,
            result.source_id,
            "shown",
            expected="as at the OMS",
            found=found,
            can_repair=True,
        )
        state.shown = ""
        result.repair = Repair(
            RETURNS,
            result.source_id,
            result.partition,
            "as_captured",
            known,
            newest.capture_id,
            result.source_id,
            target.holding(state.content()),
        )
