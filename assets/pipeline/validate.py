"""The step ``validated``: map each capture to its canonical record, check the batch, and give every capture one outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from typing import Any

import psycopg

from assets.chain.stream import Stream
from assets.error_redaction import unexpected
from assets.pipeline.prefetch import ahead, behind, uncollected
from domain.errors import LockstepError, PermanentError, Problem, RecordRejected
from domain.exchange import Skipped
from domain.identity import content_digest
from domain.records.record import encode_record
from resources.ledger.rows import RecordRow, RejectionRow, StoredCapture, TableRows
from resources.ledger.session import Session
from resources.lockstep import Sync

CHUNK = 2_000
FORGOTTEN = "forgotten"
"""Rule that keeps the orders of a person who was forgotten (``lockstep forget``) from the OMS."""
SMALLEST_SAMPLE = 20
"""Below this many records a high rejection rate says nothing of the system."""


@dataclass
class ValidationCounts:
    """Outcomes of the captures that this step looked at."""

    examined: int = 0
    accepted: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    superseded: int = 0
    warnings: Counter[str] = field(default_factory=Counter)


def validate(
    sync: Sync,
    stream: Stream[Any],
    day: date,
    *,
    everything: bool,
    only: Sequence[str] | None = None,
) -> ValidationCounts:
    """Validate a partition's captures: all of them (``everything``: mappings may have changed), or those without an outcome.

    ``only`` narrows to the versions of these records: a retry, of which no rate of rejections says that the system is at fault. Raises
    ``PermanentError`` after the whole partition has been worked on where more records were rejected than the connection allows.
    """
    counts = ValidationCounts()
    with (
        sync.ledger.session(sync.name, stream.name) as reading,
        sync.ledger.session(sync.name, stream.name, sync.run_id) as session,
        sync.ledger.session(sync.name, stream.name, sync.run_id) as storing,
        behind() as follow,
    ):
        for chunk in ahead(_chunks(reading, day, everything=everything, only=only), depth=1):
            with uncollected():
                follow(
                    partial(_store, storing, day, *_examined(sync, stream, session, chunk, counts))
                )
            counts.examined += len(chunk)
    if only is None:
        _raise_if_system_is_at_fault(sync, stream, counts)
    return counts


def _examined(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    chunk: Sequence[StoredCapture],
    counts: ValidationCounts,
) -> tuple[list[RecordRow], list[RejectionRow], list[TableRows]]:
    """Examine a chunk; its canonical records, the largest part of it, end here, and only rows go on to be stored."""
    rows, rejections, accepted = _examine(sync, stream, session, chunk, counts)
    return rows, rejections, stream.typed(accepted)


def _store(
    session: Session,
    day: date,
    rows: list[RecordRow],
    rejections: list[RejectionRow],
    typed: list[TableRows],
) -> None:
    def store() -> None:
        session.records.put(day, rows, typed, session.run_id)
        session.rejections.open(day, rejections, session.run_id)
        if session.rejections.any_open():
            through = [row.source_id for row in rows if row.state in ("accepted", "skipped")]
            session.rejections.close(
                "validated", through, "a later validation let the record through", session.run_id
            )

    with session.writer_lock():
        session.repeatable(store)


def _chunks(
    session: Session, day: date, *, everything: bool, only: Sequence[str] | None
) -> Iterator[list[StoredCapture]]:
    after: str | None = None
    while chunk := session.captures.to_validate(
        day, everything=everything, after=after, limit=CHUNK, only=only
    ):
        yield chunk
        after = str(chunk[-1].capture_id)


def _examine(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    chunk: Sequence[StoredCapture],
    counts: ValidationCounts,
) -> tuple[list[RecordRow], list[RejectionRow], list[tuple[StoredCapture, Any]]]:
    rows: list[RecordRow] = []
    rejections: list[RejectionRow] = []
    candidates: list[tuple[StoredCapture, Any, tuple[Problem, ...]]] = []
    # A forgotten person's order is not made anew: what was accepted keeps its facts (Records.put), and later versions go nowhere.
    gone = session.captures.forgotten([c.source_id for c in chunk]) if stream.to_oms else set()
    to_canonical = stream.mapper(sync, session, [c for c in chunk if not c.superseded])

    def reject(capture: StoredCapture, problems: Sequence[Problem]) -> None:
        rows.append(_row(capture, "rejected", problems[0].code))
        rejections.append(
            RejectionRow(
                capture.capture_id, capture.source_id, "validated", problems, capture.correlation_id
            )
        )
        counts.rejected[problems[0].code] += 1

    for capture in chunk:
        if capture.superseded:
            rows.append(_row(capture, "superseded", "newer_version"))
            counts.superseded += 1
            continue
        if capture.source_id in gone:
            rows.append(_row(capture, "skipped", FORGOTTEN))
            counts.skipped[FORGOTTEN] += 1
            continue
        try:
            mapped = to_canonical(capture.payload)
        except RecordRejected as rejection:
            reject(capture, rejection.problems)
            continue
        except Exception as error:  # noqa: BLE001 - one record that nobody foresaw must not hold up a day of others
            sync.log(
                f"{capture.correlation_id}: {unexpected(error, f'{sync.name}/{stream.name}_validated').description}"
            )
            reject(capture, [_unreadable(error)])
            continue
        if isinstance(mapped, Skipped):
            rows.append(_row(capture, "skipped", mapped.rule))
            counts.skipped[mapped.rule] += 1
        else:
            candidates.append((capture, mapped.record, mapped.warnings))
    problems = _problems(sync, stream, session, candidates) if candidates else {}
    accepted: list[tuple[StoredCapture, Any]] = []
    for position, (capture, record, warnings) in enumerate(candidates):
        if position in problems:
            reject(capture, problems[position])
            continue
        accepted.append((capture, record))
        rows.append(_accepted(capture, record, warnings))
        counts.warnings.update(w.code for w in warnings)
    counts.accepted += len(accepted)
    return rows, rejections, accepted


def _problems(
    sync: Sync,
    stream: Stream[Any],
    session: Session,
    candidates: Sequence[tuple[StoredCapture, Any, tuple[Problem, ...]]],
) -> dict[int, Sequence[Problem]]:
    """Check a batch; a record on which the check itself stumbles is rejected alone, and the others are checked together without it."""

    def check(positions: Sequence[int]) -> dict[int, Sequence[Problem]]:
        found = stream.check(sync, session, [candidates[position][1] for position in positions])
        return {positions[place]: problems for place, problems in found.items()}

    everyone = range(len(candidates))
    try:
        return check(everyone)
    except (LockstepError, psycopg.Error):
        raise
    except Exception:
        stumbled = _stumbled(check, everyone)
        if not stumbled:
            raise
    for position, error in stumbled.items():
        capture = candidates[position][0]
        sync.log(
            f"{capture.correlation_id}: {unexpected(error, f'{sync.name}/{stream.name}_validated').description}"
        )
    others = [position for position in everyone if position not in stumbled]
    return {position: [_unreadable(error)] for position, error in stumbled.items()} | (
        check(others) if others else {}
    )


def _stumbled(
    check: Callable[[Sequence[int]], object], positions: Sequence[int]
) -> dict[int, Exception]:
    """Return the records on which the check stumbles, found by halves, each with its error.

    A function of the module: a nested one that calls itself would be a cycle that keeps its chunk until the collector comes by.
    """
    try:
        check(positions)
    except (LockstepError, psycopg.Error):
        raise
    except Exception as error:  # noqa: BLE001 - it is kept with the record that causes it
        if len(positions) == 1:
            return {positions[0]: error}
        half = len(positions) // 2
        return _stumbled(check, positions[:half]) | _stumbled(check, positions[half:])
    return {}


def _unreadable(error: Exception) -> Problem:
    return Problem(
        "not_mapped",
        "",
        f"Lockstep could not read the record ({type(error).__name__}); the run's log says more under the correlation id.",
        "This is a fault of Lockstep, not of the record: report it with the log line, and retry the rejection once it is mended.",
    )


def _row(capture: StoredCapture, state: str, rule: str) -> RecordRow:
    return RecordRow(
        capture.capture_id,
        capture.source_id,
        capture.source_updated_at,
        state,
        rule,
        None,
        None,
        None,
        capture.correlation_id,
    )


def _accepted(capture: StoredCapture, record: Any, warnings: Sequence[Problem]) -> RecordRow:
    canonical = encode_record(record)
    noted = [asdict(w) for w in warnings] or None
    return RecordRow(
        capture.capture_id,
        capture.source_id,
        capture.source_updated_at,
        "accepted",
        "",
        canonical,
        content_digest(canonical),
        noted,
        capture.correlation_id,
    )


def _raise_if_system_is_at_fault(sync: Sync, stream: Stream[Any], counts: ValidationCounts) -> None:
    judged = counts.accepted + counts.rejected.total()
    limit = sync.connection.rejection_threshold
    if judged >= SMALLEST_SAMPLE and counts.rejected.total() > limit * judged:
        code, number = counts.rejected.most_common(1)[0]
        raise PermanentError(
            f"{sync.name}/{stream.name}: {counts.rejected.total()} of {judged} records were rejected, more than the connection's limit of "
            f"{limit:.0%}; most often {code} ({number}). The accepted ones are kept. Look at the rejections, correct the mapping or the "
            "source, and rerun the partition."
        )
