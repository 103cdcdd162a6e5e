"""What runs have captured and delivered: the sensors' questions to ``sync.batch``."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import psycopg

from domain.values import Partition, Window


def captured_live(
    db: psycopg.Connection[Any], connection: str, stream: str, days: Collection[date]
) -> dict[date, list[Window]]:
    """Return the windows that live runs have captured of days, in order.

    A live window ends at the source's own present; those of other runs may end at ours.
    """
    rows = db.execute(
        """SELECT source_day, since, until FROM sync.batch
           WHERE connection = %s AND stream = %s AND source_day = ANY(%s)
             AND step = 'captured' AND trigger = 'live' AND since < until
           ORDER BY source_day, since, until""",
        (connection, stream, list(days)),
    )
    found: dict[date, list[Window]] = {}
    for day, since, until in rows:
        found.setdefault(day, []).append(Window(since, until))
    return found


def not_read_after_end(
    db: psycopg.Connection[Any], connection: str, streams: Collection[str], days: Sequence[date]
) -> list[date]:
    """Return the days that a stream has not captured as a whole since they were over, in order.

    A capture counts by its audit row, which only a step that succeeded has. Days before a stream's
    first capture are not due, but for the last of ``days``.
    """
    rows = db.execute(
        """WITH closed AS (
               SELECT stream, source_day AS day FROM sync.batch
               WHERE connection = %(connection)s AND stream = ANY(%(streams)b)
                 AND source_day = ANY(%(days)b) AND step = 'captured'
                 AND started_at >= (source_day + 1)::timestamp AT TIME ZONE 'UTC'
                 AND until - since = CASE WHEN source_hour IS NULL THEN interval '1 day'
                                          ELSE interval '1 hour' END
               GROUP BY stream, source_day
               HAVING bool_or(source_hour IS NULL) OR count(DISTINCT source_hour) = 24
           )
           SELECT DISTINCT d.day
           FROM unnest(%(days)b::date[]) d (day) CROSS JOIN unnest(%(streams)b::text[]) s (stream)
           LEFT JOIN closed c USING (stream, day)
           WHERE c.day IS NULL AND (d.day = %(last)s OR EXISTS (
               SELECT 1 FROM sync.batch b
               WHERE b.connection = %(connection)s AND b.stream = s.stream
                 AND b.step = 'captured' AND b.source_day <= d.day))
           ORDER BY 1""",
        {
            "connection": connection,
            "streams": list(streams),
            "days": list(days),
            "last": days[-1],
        },
    )
    return [day for (day,) in rows]


def got_through(
    db: psycopg.Connection[Any], run_ids: Sequence[str]
) -> set[tuple[str, str, str, Partition]]:
    """Return which (run, connection, stream, partition) were delivered without a failure.

    A run that serves several chains ends as failed when one of them did.
    """
    rows = db.execute(
        """SELECT run_id, connection, stream, source_day, source_hour FROM sync.batch
           WHERE run_id = ANY(%s) AND step = 'delivered'
             AND coalesce((counts ->> 'failed')::int, 0) = 0""",
        (list(run_ids),),
    )
    return {
        (run_id, connection, stream, Partition.of_row(day, hour))
        for run_id, connection, stream, day, hour in rows
    }
