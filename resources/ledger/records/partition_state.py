"""What is left to do in a stream's partitions, and what was done."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from domain.values import Grain, Partition
from resources.ledger.partitions import counted, hour_is

SUMMARY = """
SELECT count(*) AS captured,
       count(*) FILTER (WHERE state = 'accepted') AS accepted,
       count(*) FILTER (WHERE state = 'rejected') AS rejected,
       count(*) FILTER (WHERE state = 'skipped') AS skipped,
       count(*) FILTER (WHERE state = 'superseded') AS superseded,
       count(*) FILTER (WHERE state IS NULL) AS unvalidated,
       count(*) FILTER (WHERE outcome = 'delivered') AS delivered,
       count(*) FILTER (WHERE outcome = 'unchanged') AS unchanged,
       count(*) FILTER (WHERE outcome = 'superseded') AS superseded_before_delivery,
       count(*) FILTER (WHERE outcome = 'rejected') AS rejected_by_target,
       count(*) FILTER (WHERE state = 'accepted' AND outcome IS NULL) AS pending
FROM (SELECT c.capture_id AS captured_id, r.state, r.outcome
      FROM (SELECT capture_id FROM sync.capture
            WHERE connection = %(name)s AND stream = %(stream)s AND source_day = %(day)s {hour}) c
      FULL JOIN (SELECT capture_id, state, outcome FROM sync.record
                 WHERE connection = %(name)s AND stream = %(stream)s AND source_day = %(day)s) r
        USING (capture_id) OFFSET 0) both_sides
WHERE captured_id IS NOT NULL"""
"""As ``history.hourly_summary`` counts, for one partition, in half of its time: for each step.

A left join would compare each capture with each record while the month's tables have no statistics,
since Postgres then expects one row of each: seconds for each step from some thousand records on. A
full join is never made that way, and ``OFFSET 0`` keeps Postgres from making it a left join again.
That is a fence, which the view can't have: conditions on any of its columns reach both tables.
"""


class PartitionState:
    """The partitions of one (connection, stream)."""

    def __init__(self, db: psycopg.Connection[Any], name: str, stream: str) -> None:
        self._db, self._name, self._stream = db, name, stream

    def pending(self, grain: Grain) -> list[Partition]:
        """Return the partitions with captures to validate or accepted records to deliver."""
        rows = self._db.execute(
            """SELECT source_day, source_hour FROM sync.record
               WHERE connection = %(name)s AND stream = %(stream)s AND state = 'accepted'
                 AND outcome IS NULL
               UNION
               SELECT source_day, source_hour FROM sync.unvalidated
               WHERE connection = %(name)s AND stream = %(stream)s""",
            {"name": self._name, "stream": self._stream},
        )
        return sorted({Partition.at(day, hour, grain) for day, hour in rows})

    def due(self, grain: Grain) -> dict[Partition, int]:
        """Return how many accepted records are due in each partition that has any."""
        rows = self._db.execute(
            """SELECT source_day, source_hour, count(*) FROM sync.record
               WHERE connection = %s AND stream = %s AND state = 'accepted' AND outcome IS NULL
               GROUP BY 1, 2""",
            (self._name, self._stream),
        )
        return counted(rows, grain)

    def summary(self, partition: Partition) -> dict[str, int]:
        """Return the partition's counts; empty without captures.

        They are its row of ``history.daily_summary`` or ``hourly_summary``.
        """
        with self._db.cursor(row_factory=dict_row) as cursor:
            cursor.execute(
                SUMMARY.format(hour=hour_is(partition)).encode(),
                {"name": self._name, "stream": self._stream, "day": partition.day},
            )
            counts: dict[str, int] = cursor.fetchone() or {}
        return counts if counts.get("captured") else {}
