"""The status of streams and partitions: freshness, open work, and the counts of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from domain.values import Partition
from resources.ledger.monitoring.activation import pause_text


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """How far one stream of one connection is, and whether it needs attention.

    It is a row of ``history.lag``. ``state`` is ok, paused, failing (the target takes
    nothing), never_captured, no_probe (the source could not be probed), overdue (``lag`` is
    over ``allowed``), silent or not_configured.
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
    failing_since: datetime | None
    """Since when the target as a whole fails, until the first success."""
    delivery_error: str
    paused_at: datetime | None
    """With ``paused_by`` and ``paused_why`` of a paused stream; ``None`` if it never started."""
    paused_by: str | None
    paused_why: str | None

    @property
    def pause(self) -> str:
        """Return the sentence that says why the stream is paused, or an empty text."""
        if self.state != "paused":
            return ""
        return pause_text(
            self.connection, self.stream, self.paused_at, self.paused_by, self.paused_why
        )


@dataclass(frozen=True, slots=True)
class PartitionCounts:
    """The number of one partition's captures, and of their outcomes."""

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
    """Return the status of every configured stream, in the configuration's order."""
    with db.cursor(row_factory=class_row(StreamStatus)) as cursor:
        cursor.execute(
            f"""SELECT {_STATUS} FROM history.lag l
                WHERE state <> 'not_configured'
                  AND (%(name)s::text IS NULL OR connection = %(name)s)
                ORDER BY connection, (SELECT s.place FROM sync.stream s
                                      WHERE (s.connection, s.stream) = (l.connection, l.stream))
            """,  # noqa: S608 - constants of this module only
            {"name": connection},
        )
        return cursor.fetchall()


def partition_counts(
    db: psycopg.Connection[Any], connection: str, stream: str, first: Partition, last: Partition
) -> dict[Partition, PartitionCounts]:
    """Return the counts of the partitions ``first`` to ``last``; empty ones are absent."""
    view, hour = (
        ("daily_summary", "NULL") if first.hour is None else ("hourly_summary", "source_hour")
    )
    rows = db.execute(
        f"""SELECT source_day, {hour}::int, captured, accepted, rejected, skipped, superseded,
                   unvalidated, pending, rejected_by_target
            FROM history.{view}
            WHERE connection = %s AND stream = %s AND source_day BETWEEN %s AND %s
            ORDER BY 1, 2""",  # noqa: S608 - constants of this module only
        (connection, stream, first.day, last.day),
    )
    found = {Partition.of_row(day, hour): PartitionCounts(*counts) for day, hour, *counts in rows}
    return {partition: counts for partition, counts in found.items() if first <= partition <= last}


def run_counts(db: psycopg.Connection[Any], run_ids: Sequence[str]) -> dict[str, int]:
    """Return the counts of runs, summed over partitions and codes.

    Keys are ``step.count``, such as ``captured.read`` and ``validated.rejected``.
    """
    rows = db.execute(
        """SELECT b.step || '.' || c.key,
                  sum(CASE jsonb_typeof(c.value)
                      WHEN 'number' THEN c.value::bigint
                      WHEN 'object' THEN (SELECT coalesce(sum(n.value::bigint), 0)
                                          FROM jsonb_each_text(c.value) n) END)
           FROM sync.batch b CROSS JOIN LATERAL jsonb_each(b.counts) c
           WHERE b.run_id = ANY(%s) AND jsonb_typeof(c.value) IN ('number', 'object')
           GROUP BY 1""",
        (list(run_ids),),
    )
    return {name: int(number) for name, number in rows}


def known_connections(db: psycopg.Connection[Any]) -> list[str]:
    """Return every connection that ever ran here, configured or not."""
    return [
        name for (name,) in db.execute("SELECT DISTINCT connection FROM sync.watermark ORDER BY 1")
    ]


def stream_totals(
    db: psycopg.Connection[Any], connection: str, first: date = date.min, last: date = date.max
) -> dict[str, dict[str, int]]:
    """Return the counts of each stream's captures, in the configuration's order of streams."""
    with db.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            """SELECT d.stream, sum(d.captured)::bigint AS captured,
                      sum(d.accepted)::bigint AS accepted,
                      sum(d.rejected)::bigint AS rejected, sum(d.skipped)::bigint AS skipped,
                      (sum(d.superseded) + sum(d.superseded_before_delivery))::bigint AS superseded,
                      sum(d.delivered)::bigint AS delivered, sum(d.unchanged)::bigint AS unchanged
               FROM history.daily_summary d LEFT JOIN sync.stream s USING (connection, stream)
               WHERE d.connection = %s AND d.source_day BETWEEN %s AND %s
               GROUP BY d.stream, s.place ORDER BY s.place, d.stream""",
            (connection, first, last),
        )
        return {row.pop("stream"): row for row in cursor.fetchall()}


def rule_counts(db: psycopg.Connection[Any], connection: str) -> list[tuple[str, str, str, int]]:
    """Return how many records each rule kept out: stream, state, rule or code, number."""
    return db.execute(
        """SELECT stream, state, rule, count(*) FROM sync.record
           WHERE connection = %s AND state IN ('rejected', 'skipped')
           GROUP BY 1, 2, 3 ORDER BY 1, 2, 4 DESC""",
        (connection,),
    ).fetchall()


def undelivered_counts(db: psycopg.Connection[Any], connection: str) -> list[tuple[str, str, int]]:
    """Return how many accepted records the target refuses at present: stream, code, number."""
    return db.execute(
        """SELECT stream, code, count(*) FROM sync.rejection
           WHERE connection = %s AND stage = 'delivered' AND state IN ('open', 'retried')
           GROUP BY 1, 2 ORDER BY 1, 3 DESC""",
        (connection,),
    ).fetchall()


def newest_outcomes(db: psycopg.Connection[Any], connection: str) -> dict[str, tuple[str, str]]:
    """Return the state of each captured order's newest version, with its outcome or rule."""
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, state,
                  CASE WHEN state = 'accepted' THEN coalesce(outcome, 'pending') ELSE rule END
           FROM sync.record WHERE connection = %s AND stream = 'orders'
           ORDER BY source_id, source_updated_at DESC, validated_at DESC""",
        (connection,),
    )
    return {source_id: (state, reason) for source_id, state, reason in rows}
