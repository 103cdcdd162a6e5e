"""The step ``validated``: map each capture to its canonical record, check the batch, and give every capture one outcome."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from functools import partial
from typing import Any

from assets.faults import unexpected
from assets.pipelining import ahead, behind, uncollected
from assets.spec import Stream, Sync
from domain.errors import PermanentError, Problem, RecordRejected
from domain.exchange import Skipped
from domain.identity import content_digest
from resources.ledger.rows import Captured, RecordRow, RejectionRow, TypedRows
from resources.ledger.store import Session

CHUNK = 2_000
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


def validate(sync: Sync, stream: Stream[Any], day: date, *, everything: bool) -> ValidationCounts:
    """Validate a partition's captures: all of them (``everything``: mappings may have changed), or those without an outcome.

    Raises ``PermanentError`` after the whole partition has been worked on where more records were rejected than the connection allows.
    """
    counts = ValidationCounts()
    with (
        sync.ledger.session(sync.name, stream.name) as reading,
        sync.ledger.session(sync.name, stream.name, sync.run_id) as session,
        sync.ledger.session(sync.name, stream.name, sync.run_id) as storing,
        behind() as follow,
    ):
        for chunk in ahead(_chunks(reading, day, everything=everything), depth=1):
            with uncollected():
                follow(partial(_store, storing, day, *_examined(sync, stream, session, chunk, counts)))
            counts.examined += len(chunk)
    _raise_if_system_is_at_fault(sync, stream, counts)
    return counts


def _examined(
    sync: Sync, stream: Stream[Any], session: Session, chunk: Sequence[Captured], counts: ValidationCounts
) -> tuple[list[RecordRow], list[RejectionRow], list[TypedRows]]:
    """Examine a chunk; its canonical records, the largest part of it, end here, and only rows go on to be stored."""
    rows, rejections, accepted = _examine(sync, stream, session, chunk, counts)
    return rows, rejections, stream.typed(accepted)


def _store(session: Session, day: date, rows: list[RecordRow], rejections: list[RejectionRow], typed: list[TypedRows]) -> None:
    with session.writer_lock(), session.transaction():
        session.records.put(day, rows, typed, session.run_id)
        session.rejections.open(day, rejections, session.run_id)
        if session.rejections.any_open():
            through = [row.source_id for row in rows if row.state in ("accepted", "skipped")]
            session.rejections.close("validated", through, "a later validation let the record through", session.run_id)


def _chunks(session: Session, day: date, *, everything: bool) -> Iterator[list[Captured]]:
    after: str | None = None
    while chunk := session.captures.to_validate(day, everything=everything, after=after, limit=CHUNK):
        yield chunk
        after = str(chunk[-1].capture_id)


def _examine(
    sync: Sync, stream: Stream[Any], session: Session, chunk: Sequence[Captured], counts: ValidationCounts
) -> tuple[list[RecordRow], list[RejectionRow], list[tuple[Captured, Any]]]:
    rows: list[RecordRow] = []
    rejections: list[RejectionRow] = []
    candidates: list[tuple[Captured, Any, tuple[Problem, ...]]] = []
    to_canonical = stream.mapper(sync, session, [c for c in chunk if not c.superseded])

    def reject(capture: Captured, problems: Sequence[Problem]) -> None:
        rows.append(_row(capture, "rejected", problems[0].code))
        rejections.append(RejectionRow(capture.capture_id, capture.source_id, "validated", problems, capture.correlation_id))
        counts.rejected[problems[0].code] += 1

    for capture in chunk:
        if capture.superseded:
            rows.append(_row(capture, "superseded", "newer_version"))
            counts.superseded += 1
            continue
        try:
            mapped = to_canonical(capture.payload)
        except RecordRejected as rejection:
            reject(capture, rejection.problems)
            continue
        except Exception as error:  # noqa: BLE001 - one record that nobody foresaw must not hold up a day of others
            sync.log(f"{capture.correlation_id}: {unexpected(error, f'{sync.name}/{stream.name}/validated').description}")
            reject(capture, [_unreadable(error)])
            continue
        if isinstance(mapped, Skipped):
            rows.append(_row(capture, "skipped", mapped.rule))
            counts.skipped[mapped.rule] += 1
        else:
            candidates.append((capture, mapped.record, mapped.warnings))
    problems = stream.check(sync, session, [record for _, record, _ in candidates]) if candidates else {}
    accepted: list[tuple[Captured, Any]] = []
    for position, (capture, record, warnings) in enumerate(candidates):
        if position in problems:
            reject(capture, problems[position])
            continue
        accepted.append((capture, record))
        rows.append(_accepted(capture, record, warnings))
        counts.warnings.update(w.code for w in warnings)
    counts.accepted += len(accepted)
    return rows, rejections, accepted


def _unreadable(error: Exception) -> Problem:
    return Problem(
        "not_mapped",
        "",
        f"Lockstep could not read the record ({type(error).__name__}); the run's log says more under the correlation id.",
        "This is a fault of Lockstep, not of the record: report it with the log line, and retry the rejection once it is mended.",
    )


def _row(capture: Captured, state: str, rule: str) -> RecordRow:
    return RecordRow(
        capture.capture_id, capture.source_id, capture.source_updated_at, state, rule, None, None, None, capture.correlation_id
    )


def _accepted(capture: Captured, record: Any, warnings: Sequence[Problem]) -> RecordRow:
    canonical = record.model_dump_json(exclude_defaults=True).encode()
    noted = json.dumps([asdict(w) for w in warnings]) if warnings else None
    return RecordRow(
        capture.capture_id, capture.source_id, capture.source_updated_at, "accepted", "", canonical, content_digest(canonical), noted,
        capture.correlation_id,
    )  # fmt: skip


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
