"""Rejections as an operator's work queue: to look at, to try again, to discard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from resources.ledger.codec import decompress

OPEN_STATES = ("open", "retried")


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record kept out of delivery; ``problems`` holds every reason, the columns the first."""

    rejection_id: int
    connection: str
    stream: str
    stage: str
    source_id: str
    source_day: date
    capture_id: UUID
    code: str
    field: str
    message: str
    advice: str
    value: str
    problems: list[dict[str, str]]
    correlation_id: str
    state: str
    opened_at: datetime
    seen_at: datetime
    seen_count: int
    closed_at: datetime | None
    closed_by: str
    closed_why: str
    run_id: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rejections; a field left at its default does not narrow."""

    ids: tuple[int, ...] | None = None
    connection: str | None = None
    stream: str | None = None
    code: str | None = None
    stage: str | None = None
    since: datetime | None = None
    states: tuple[str, ...] = OPEN_STATES


_COLUMNS = (
    "rejection_id, connection, stream, stage, source_id, source_day, capture_id, code, field, message, advice, value, problems, "
    "correlation_id, state, opened_at, seen_at, seen_count, closed_at, closed_by, closed_why, run_id"
)
_CHOSEN = """(%(ids)s::bigint[] IS NULL OR rejection_id = ANY(%(ids)s::bigint[]))
    AND (%(connection)s::text IS NULL OR connection = %(connection)s) AND (%(stream)s::text IS NULL OR stream = %(stream)s)
    AND (%(code)s::text IS NULL OR code = %(code)s) AND (%(stage)s::text IS NULL OR stage = %(stage)s)
    AND (%(since)s::timestamptz IS NULL OR seen_at >= %(since)s) AND state = ANY(%(states)s)"""


def _parameters(choice: Choice) -> dict[str, Any]:
    return {
        "ids": None if choice.ids is None else list(choice.ids), "connection": choice.connection, "stream": choice.stream,
        "code": choice.code, "stage": choice.stage, "since": choice.since, "states": list(choice.states),
    }  # fmt: skip


def find(db: psycopg.Connection[Any], choice: Choice, limit: int | None = None) -> list[Rejection]:
    """Return the chosen rejections, the last seen first."""
    with db.cursor(row_factory=class_row(Rejection)) as cursor:
        cursor.execute(
            f"SELECT {_COLUMNS} FROM sync.rejection WHERE {_CHOSEN} ORDER BY seen_at DESC, rejection_id DESC LIMIT %(limit)s",  # noqa: S608
            _parameters(choice) | {"limit": limit},
        )
        return cursor.fetchall()


def count(db: psycopg.Connection[Any], choice: Choice) -> int:
    """Return how many rejections are chosen."""
    row = db.execute(f"SELECT count(*) FROM sync.rejection WHERE {_CHOSEN}", _parameters(choice)).fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def payload(db: psycopg.Connection[Any], rejection: Rejection) -> bytes | None:
    """Return the rejected version exactly as it was captured, or ``None`` where it is no longer kept."""
    row = db.execute(
        "SELECT payload FROM sync.capture WHERE connection = %s AND stream = %s AND source_day = %s AND capture_id = %s",
        (rejection.connection, rejection.stream, rejection.source_day, rejection.capture_id),
        binary=True,
    ).fetchone()
    return decompress(row[0]) if row else None


def mark_retried(db: psycopg.Connection[Any], ids: Sequence[int]) -> int:
    """Note that another try was asked for; return how many were open. They stay open until a run lets them through."""
    return db.execute("UPDATE sync.rejection SET state = 'retried' WHERE rejection_id = ANY(%s) AND state = 'open'", (list(ids),)).rowcount


def discard(db: psycopg.Connection[Any], ids: Sequence[int], who: str, why: str) -> list[int]:
    """Close open rejections for good; return the ids of those that were open."""
    rows = db.execute(
        """UPDATE sync.rejection SET state = 'discarded', closed_at = now(), closed_by = %s, closed_why = %s
           WHERE rejection_id = ANY(%s) AND state IN ('open', 'retried') RETURNING rejection_id""",
        (who, why, list(ids)),
    )
    return sorted(found for (found,) in rows)
