"""What the ledger knows of whole streams and partitions: freshness, open work, and what runs did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How far one stream of one connection has come; ``lag`` is ``None`` where it never was captured live."""

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


@dataclass(frozen=True, slots=True)
class Holding:
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


def stream_statuses(db: psycopg.Connection[Any], chains: Sequence[tuple[str, str]]) -> list[StreamStatus]:
    """Return the status of each (connection, stream) in the given order; one that never ran has no times."""
    with db.cursor(row_factory=class_row(StreamStatus)) as cursor:
        cursor.execute(
            """SELECT v.connection, v.stream, l.watermark, l.probed_at, l.change_seen_at, l.captured_at, l.delivered_at, l.lag,
                      (SELECT count(*) FROM sync.rejection x
                       WHERE x.connection = v.connection AND x.stream = v.stream AND x.state IN ('open', 'retried')) AS open_rejections,
                      (SELECT count(*) FROM sync.delivery d
                       WHERE d.connection = v.connection AND d.stream = v.stream AND d.state IN ('in_flight', 'failed')) AS in_flight,
                      (SELECT count(*) FROM sync.record p
                       WHERE p.connection = v.connection AND p.stream = v.stream AND p.state = 'accepted' AND p.outcome IS NULL) AS pending
               FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS v(connection, stream, place)
               LEFT JOIN history.lag l ON (l.connection, l.stream) = (v.connection, v.stream) ORDER BY v.place""",
            ([c for c, _ in chains], [s for _, s in chains]),
        )
        return cursor.fetchall()


def holdings(db: psycopg.Connection[Any], connection: str, stream: str, first: date, last: date) -> dict[date, Holding]:
    """Return what the partitions ``first`` to ``last`` hold; an empty partition is absent."""
    with db.cursor(row_factory=class_row(Holding)) as cursor:
        cursor.execute(
            """SELECT source_day, captured, accepted, rejected, skipped, superseded, unvalidated, pending, rejected_by_target
               FROM history.daily_summary WHERE connection = %s AND stream = %s AND source_day BETWEEN %s AND %s ORDER BY source_day""",
            (connection, stream, first, last),
        )
        return {holding.source_day: holding for holding in cursor.fetchall()}


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
    return [name for (name,) in db.execute("SELECT DISTINCT connection FROM sync.watermark ORDER BY 1")]
