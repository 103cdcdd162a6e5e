"""What is left to do in a stream's partitions, and what was done."""

from __future__ import annotations

from typing import Any

import psycopg

from domain.values import Grain, Partition
from resources.ledger.partitions import counted, hour_is

SUMMARY_KEY = ("connection", "stream", "source_day", "source_hour")


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
        """Return the partition's row of ``history``; empty without captures.

        It is one of ``daily_summary`` or ``hourly_summary``.
        """
        view = "daily_summary" if partition.hour is None else "hourly_summary"
        cursor = self._db.execute(
            f"""SELECT * FROM history.{view}
                WHERE connection = %s AND stream = %s AND source_day = %s
                  {hour_is(partition)}""",  # noqa: S608 - constants of this module only
            (self._name, self._stream, partition.day),
        )
        row = cursor.fetchone()
        names = [column.name for column in cursor.description or ()]
        counts = {} if row is None else dict(zip(names, row, strict=True))
        return {name: number for name, number in counts.items() if name not in SUMMARY_KEY}
