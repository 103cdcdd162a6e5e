"""What the ledger knows of whole streams and partitions: freshness, open work, and what runs did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How far one stream of one connection has come, and whether someone should look: a line of ``history.lag``.

    ``state``: ok, never_captured, no_probe (nobody could look at the source), overdue (``lag`` over ``allowed``), silent, not_configured.
    """

    connection: str
    stream: str
    watermark: datetime | None
    probed_at: datetime | None
    change_seen_at: datetime | None
    captured_at: datetime | None
    delivered_at: datetime | None
    lag: timedelta | None
    open_rejections: int
    in_flight: int
    pending: int
    state: str
    allowed: timedelta | None
    unprobed_for: timedelta | None
    probe_allowed: timedelta | None
    silent_for: timedelta | None
    silence_allowed: timedelta | None
    probe_failed_at: datetime | None
    probe_failures: int
    probe_error: str
    owner: str


@dataclass(frozen=True, slots=True)
class PartitionCounts:
    """What one partition of a stream holds: its captures, and their outcomes."""

    source_day: date
    captured: int
    accepted: int
    rejected: int
    skipped: int
    superseded: int
    unvalidated: int
    pending: int
    rejected_by_target: int


_STATUS = ", ".join(field.name for field in fields(StreamStatus))


def stream_statuses(
    db: psycopg.Connection[Any], connection: str | None = None
) -> list[StreamStatus]:
    """Return the status of every stream that the ledger knows as configured, by the configuration's order of streams."""
    with db.cursor(row_factory=class_row(StreamStatus)) as cursor:
        cursor.execute(
            f"""SELECT {_STATUS} FROM history.lag l WHERE state <> 'not_configured' AND (%(name)s::text IS NULL OR connection = %(name)s)
                ORDER BY connection, array_position((SELECT streams FROM sync.connection c WHERE c.connection = l.connection), stream)""",  # noqa: S608 - constants of this module only
            {"name": connection},
        )
        return cursor.fetchall()


def partition_counts(
    db: psycopg.Connection[Any], connection: str, stream: str, first: date, last: date
) -> dict[date, PartitionCounts]:
    """Return what the partitions ``first`` to ``last`` hold; an empty partition is absent."""
    with db.cursor(row_factory=class_row(PartitionCounts)) as cursor:
        cursor.execute(
            """SELECT source_day, captured, accepted, rejected, skipped, superseded, unvalidated, pending, rejected_by_target
               FROM history.daily_summary WHERE connection = %s AND stream = %s AND source_day BETWEEN %s AND %s ORDER BY source_day""",
            (connection, stream, first, last),
        )
        return {counts.source_day: counts for counts in cursor.fetchall()}


def run_counts(db: psycopg.Connection[Any], run_ids: Sequence[str]) -> dict[str, int]:
    """Return what runs did, summed over partitions and codes, as ``step.count``: ``captured.read``, ``validated.rejected`` and so on."""
    rows = db.execute(
        """SELECT b.step || '.' || c.key, sum(CASE jsonb_typeof(c.value) WHEN 'number' THEN c.value::bigint
                      WHEN 'object' THEN (SELECT coalesce(sum(n.value::bigint), 0) FROM jsonb_each_text(c.value) n) END)
           FROM sync.batch b CROSS JOIN LATERAL jsonb_each(b.counts) c
           WHERE b.run_id = ANY(%s) AND jsonb_typeof(c.value) IN ('number', 'object') GROUP BY 1""",
        (list(run_ids),),
    )
    return {name: int(number) for name, number in rows}


def known_connections(db: psycopg.Connection[Any]) -> list[str]:
    """Return every connection that ever ran here, also one that the configuration no longer has."""
    return [
        name for (name,) in db.execute("SELECT DISTINCT connection FROM sync.watermark ORDER BY 1")
    ]
