"""The step ``validated``: map each capture, check the batch, give every capture one outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from typing import Any
from uuid import UUID

import psycopg

from assets.chain.keys import VALIDATED, asset_key
from assets.chain.stream import KnowsEnded, Stream
from assets.delivery.obligation import (
    close_rejections,
    owed_captures,
    reopen_moved_on,
    reopen_owed,
    unexamined_captures,
    withdraw,
)
from assets.error_redaction import own_fault, unexpected
from assets.pipeline.outcomes import Candidate, Outcomes, ValidationCounts
from assets.pipeline.prefetch import gc_paused, prefetch, write_behind
from domain.errors import LockstepError, PermanentError, Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.values import Partition
from resources.ledger.rows import RecordRow, RejectionRow, StoredCapture, TableRows
from resources.ledger.session import Session
from resources.sync import Sync

CHUNK = 2_000
FORGOTTEN = "forgotten"
"""The rule that keeps the orders of a forgotten customer (``lockstep forget``) from the OMS."""
MOST_PASSES = 4
"""Further passes over what became due in a pass: an older version, then the newest one again."""
SMALLEST_SAMPLE = 20
"""Below this many records a high rejection rate says nothing about the system."""


def validate(
    sync: Sync,
    stream: Stream[Any],
    partition: Partition,
    *,
    everything: bool,
    only: Sequence[str] | None = None,
) -> ValidationCounts:
    """Validate a partition's captures: all of them (``everything``), or those without an outcome.

    ``only`` narrows to the versions of these records: a retry, whose rate of rejections says
    nothing about the system. Raises ``PermanentError`` after the whole partition was processed,
    where more records were newly rejected than the connection allows.
    """
    counts = ValidationCounts()
    _pass(sync, stream, partition, counts, everything=everything, only=only)
    for _ in range(MOST_PASSES):
        if not counts.is_reopened:
            break
        counts.is_reopened = False
        _pass(sync, stream, partition, counts, everything=False, only=only)
    if only is None:
        _raise_if_system_is_at_fault(sync, stream, counts)
    return counts


def _pass(
    sync: Sync,
    stream: Stream[Any],
    partition: Partition,
    counts: ValidationCounts,
    *,
    everything: bool,
    only: Sequence[str] | None,
) -> None:
    with (
        sync.ledger.session(sync.name, stream.name) as reading,
        sync.ledger.session(sync.name, stream.name, sync.run_id) as session,
        sync.ledger.session(sync.name, stream.name, sync.run_id) as storing,
        write_behind() as submit,
        gc_paused() as collect,
    ):
        for chunk in prefetch(
            _chunks(reading, partition, everything=everything, only=only), depth=1
        ):
            found = _examine(sync, stream, session, chunk, counts)
            submit(partial(_store, storing, partition.day, counts, *found))
            del found
            counts.examined += len(chunk)
            collect()


def _chunks(
    session: Session, partition: Partition, *, everything: bool, only: Sequence[str] | None
) -> Iterator[list[StoredCapture]]:
    after: str | None = None
    while chunk := session.captures.to_validate(
        partition, everything=everything, after=after, limit=CHUNK, only=only
    ):
        yield chunk
        after = str(chunk[-1].capture_id)


def _store(
    session: Session,
    day: date,
    counts: ValidationCounts,
    rows: list[RecordRow],
    rejections: list[RejectionRow],
    typed: list[TableRows],
    owed: list[str],
) -> None:
    def store() -> tuple[int, set[date]]:
        session.records.put(day, rows, typed, session.run_id)
        unknown = session.rejections.open(day, rejections, session.run_id)
        close_rejections(session, rows)
        withdraw(session, rows)
        return unknown, reopen_owed(session, rows) | reopen_moved_on(session, owed)

    with session.writer_lock():
        unknown, days = session.repeatable(store)
    counts.newly_rejected += unknown
    counts.is_reopened |= day in days


def _examine(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    chunk: Sequence[StoredCapture],
    counts: ValidationCounts,
) -> tuple[list[RecordRow], list[RejectionRow], list[TableRows], list[str]]:
    """Map and check a chunk.

    Its canonical records, the largest part of it, are freed here: only rows are handed on to be
    stored.
    """
    outcomes = Outcomes(counts)
    chunk = owed_captures(session, chunk)
    candidates = _map(sync, stream, session, chunk, outcomes)
    problems = _check(sync, stream, session, candidates) if candidates else {}
    accepted: list[tuple[StoredCapture, Any]] = []
    for position, candidate in enumerate(candidates):
        if position in problems:
            outcomes.reject(candidate.capture, problems[position])
            continue
        accepted.append((candidate.capture, candidate.record))
        outcomes.accept(candidate)
    if outcomes.rejections and isinstance(stream, KnowsEnded):
        rejected = [(row.source_id, row.capture_id) for row in outcomes.rejections]
        outcomes.end(stream.ended(session, rejected))
    return outcomes.rows, outcomes.rejections, stream.typed(accepted), outcomes.owed


def _map(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    chunk: Sequence[StoredCapture],
    outcomes: Outcomes,
) -> list[Candidate]:
    """Map each capture; return those that have no outcome yet."""
    # A forgotten customer's order is not mapped again: an accepted version keeps its facts
    # (``Records.put``), and later versions are skipped.
    forgotten = session.captures.forgotten([c.source_id for c in chunk]) if stream.to_oms else set()
    current = [c for c in chunk if not c.superseded]
    mapping = _Mapping(sync, stream, outcomes, stream.mapper(sync, session, current))
    for capture in current:
        if capture.source_id in forgotten:
            outcomes.skip(capture, FORGOTTEN)
        elif skipped := mapping.examine(capture):
            outcomes.skip(capture, skipped.rule)
    examined: set[UUID] = set()
    if stream.to_oms:
        known = [capture for capture in chunk if capture.source_id not in forgotten]
        for versions in unexamined_captures(session, known, mapping.decided()):
            newest = next((c for c in versions if mapping.examine(c) is None), None)
            if newest is not None:
                examined.add(newest.capture_id)
                outcomes.owed.append(newest.source_id)
    for capture in chunk:
        if capture.superseded and capture.capture_id not in examined:
            outcomes.supersede(capture)
    return mapping.candidates


class _Mapping:
    """Maps captures one by one; rejections go to the outcomes, the others are candidates."""

    def __init__(
        self,
        sync: Sync,
        stream: Stream[Any],
        outcomes: Outcomes,
        to_canonical: Callable[[bytes], Mapped[Any] | Skipped],
    ) -> None:
        self._sync, self._stream, self._outcomes = sync, stream, outcomes
        self._to_canonical = to_canonical
        self.candidates: list[Candidate] = []

    def examine(self, capture: StoredCapture) -> Skipped | None:
        """Map a capture; return why it is skipped, ``None`` if it is not."""
        try:
            mapped = self._to_canonical(capture.payload)
        except RecordRejected as rejection:
            self._outcomes.reject(capture, rejection.problems)
        except Exception as error:  # noqa: BLE001 - must not hold up a day of others
            _log(self._sync, self._stream, capture, error)
            self._outcomes.reject(capture, [_not_mapped(error)])
        else:
            if isinstance(mapped, Skipped):
                return mapped
            self.candidates.append(Candidate(capture, mapped.record, mapped.warnings))
        return None

    def decided(self) -> dict[str, tuple[str, str]]:
        """Return state and rule of each record that has been examined."""
        states = {row.source_id: (row.state, row.rule) for row in self._outcomes.rows}
        return states | {c.capture.source_id: ("accepted", "") for c in self.candidates}


def _check(
    sync: Sync, stream: Stream[Any], session: Session, candidates: Sequence[Candidate]
) -> dict[int, Sequence[Problem]]:
    """Check a batch; return the problems by position.

    A record that makes the check itself fail is rejected alone, and the others are checked together
    without it.
    """

    def check(positions: Sequence[int]) -> dict[int, Sequence[Problem]]:
        found = stream.check(sync, session, [candidates[position].record for position in positions])
        return {positions[place]: problems for place, problems in found.items()}

    everyone = range(len(candidates))
    try:
        return check(everyone)
    except (LockstepError, psycopg.Error):
        raise
    except Exception:
        failing = _failing(check, everyone)
        if not failing:
            raise
    for position, error in failing.items():
        _log(sync, stream, candidates[position].capture, error)
    others = [position for position in everyone if position not in failing]
    return {position: [_not_mapped(error)] for position, error in failing.items()} | (
        check(others) if others else {}
    )


def _failing(
    check: Callable[[Sequence[int]], object], positions: Sequence[int]
) -> dict[int, Exception]:
    """Return the records that make the check fail, found by bisection, each with its error.

    A function of the module: a nested one that calls itself would be a reference cycle that keeps
    its chunk alive until the next garbage collection.
    """
    try:
        check(positions)
    except (LockstepError, psycopg.Error):
        raise
    except Exception as error:  # noqa: BLE001 - it is reported with the record that causes it
        if len(positions) == 1:
            return {positions[0]: error}
        half = len(positions) // 2
        return _failing(check, positions[:half]) | _failing(check, positions[half:])
    return {}


def _log(sync: Sync, stream: Stream[Any], capture: StoredCapture, error: Exception) -> None:
    where = asset_key(sync.name, stream.name, VALIDATED).to_user_string()
    sync.log(f"{capture.correlation_id}: {unexpected(error, where).description}")


def _not_mapped(error: Exception) -> Problem:
    return Problem("not_mapped", "", *own_fault(error, "read the record"))


def _raise_if_system_is_at_fault(sync: Sync, stream: Stream[Any], counts: ValidationCounts) -> None:
    """Raise where too many are rejected; rejections that were open before say nothing new."""
    rejected = counts.newly_rejected
    decided = counts.accepted + rejected
    limit = sync.connection.rejection_threshold
    if decided >= SMALLEST_SAMPLE and rejected > limit * decided:
        code, number = counts.rejected.most_common(1)[0]
        raise PermanentError(
            f"{sync.name}/{stream.name}: {rejected} of {decided} records were rejected, more than "
            f"the connection's limit of {limit:.0%}; most often {code} ({number}). Those that were "
            "open before do not count. The accepted "
            "ones are kept. Check the rejections, correct the mapping or the source, and rerun "
            "the partition."
        )
