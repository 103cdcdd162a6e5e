"""Rejections: records kept out of delivery.

A rejection is open until a later version or a retry of its record passes, or an operator discards
it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.rejection_codes.codes import entry_of
from domain.values import Grain, Partition
from resources.ledger.database.compression import decompress
from resources.ledger.partitions import counted, hour_is
from resources.ledger.rows import RejectionRow


class OpenRejection(NamedTuple):
    """What names an open rejection of a record."""

    rejection_id: int
    code: str


def open_rejections(
    db: psycopg.Connection[Any], connection: str, stream: str, source_ids: Sequence[str]
) -> dict[str, OpenRejection]:
    """Return the newest open rejection of each record that has any."""
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, rejection_id, code FROM sync.rejection
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
             AND state IN ('open', 'retried')
           ORDER BY source_id, rejection_id DESC""",
        (connection, stream, list(source_ids)),
    )
    return {source_id: OpenRejection(number, code) for source_id, number, code in rows}


class Rejections:
    """Rejections of one (connection, stream)."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, stream: str) -> None:
        self._db = connection
        self._name = name
        self._stream = stream

    def open(self, day: date, rows: Sequence[RejectionRow], run_id: str) -> int:
        """Open a rejection for each record, or record that an open one was met again.

        Return how many were not known. A version that an operator discarded stays discarded.
        """
        if not rows:
            return 0
        unknown = len(rows) - self._count_known(day, rows)
        parameters = [
            (
                self._name,
                self._stream,
                row.stage,
                row.source_id,
                day,
                row.capture_id,
                row.problems[0].code,
                row.problems[0].field,
                row.problems[0].message,
                row.problems[0].advice,
                row.problems[0].value,
                json.dumps([asdict(p) for p in row.problems]),
                row.correlation_id,
                run_id,
                *entry_of(row.problems[0].code)[:2],
            )
            for row in rows
        ]
        with self._db.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day,
                                               capture_id, code, field, message, advice, value,
                                               problems, correlation_id, run_id, class, rule,
                                               opened_run_id, source_hour)
                   SELECT v.*, v.run_id, coalesce(r.source_hour,
                                                  extract(hour FROM now() AT TIME ZONE 'UTC'))
                   FROM
                                    (VALUES (%s::text, %s::text, %s::text, %s::text, %s::date,
                                            %s::uuid, %s::text, %s::text, %s::text, %s::text,
                                            %s::text, %s::jsonb, %s::text, %s::text, %s::text,
                                            %s::text))
                        AS v(connection, stream, stage, source_id, source_day, capture_id, code,
                             field, message, advice, value, problems, correlation_id, run_id,
                             class, rule)
                   LEFT JOIN sync.record r USING (connection, stream, source_day, capture_id)
                   WHERE NOT EXISTS (
                       SELECT 1 FROM sync.rejection d
                       WHERE (d.connection, d.stream, d.source_day, d.capture_id, d.stage)
                           = (v.connection, v.stream, v.source_day, v.capture_id, v.stage)
                         AND d.state = 'discarded')
                   ON CONFLICT (connection, stream, source_id, stage)
                       WHERE state IN ('open', 'retried')
                   DO UPDATE SET
                       source_day = excluded.source_day, source_hour = excluded.source_hour,
                       capture_id = excluded.capture_id,
                       code = excluded.code, field = excluded.field,
                       message = excluded.message, advice = excluded.advice,
                       value = excluded.value, problems = excluded.problems,
                       class = excluded.class, rule = excluded.rule, run_id = excluded.run_id,
                       seen_at = now(), seen_count = rejection.seen_count + 1, state = 'open'""",
                parameters,
            )
        return unknown

    def _count_known(self, day: date, rows: Sequence[RejectionRow]) -> int:
        """Return how many of the rows are open with the same code, or discarded by an operator."""
        row = self._db.execute(
            """SELECT count(*) FROM unnest(%b::text[], %b::text[], %b::text[], %b::uuid[])
                                  AS v(stage, source_id, code, capture_id)
               WHERE EXISTS (
                   SELECT 1 FROM sync.rejection o
                   WHERE o.connection = %s AND o.stream = %s AND o.stage = v.stage
                     AND o.source_id = v.source_id AND o.code = v.code
                     AND o.state IN ('open', 'retried'))
                  OR EXISTS (
                   SELECT 1 FROM sync.rejection d
                   WHERE d.connection = %s AND d.stream = %s AND d.stage = v.stage
                     AND d.source_day = %s AND d.capture_id = v.capture_id
                     AND d.state = 'discarded')""",
            (
                [row.stage for row in rows],
                [row.source_id for row in rows],
                [row.problems[0].code for row in rows],
                [row.capture_id for row in rows],
                self._name,
                self._stream,
                self._name,
                self._stream,
                day,
            ),
        ).fetchone()
        return int(row[0]) if row else 0

    def close(
        self,
        stage: str,
        source_ids: Sequence[str],
        why: str,
        run_id: str,
        *,
        code: str | None = None,
    ) -> int:
        """Close the open rejections of records that passed; return how many there were.

        With ``code`` only those.
        """
        if not source_ids:
            return 0
        return self._db.execute(
            """UPDATE sync.rejection
               SET state = 'resolved', closed_at = now(), closed_by = %s, closed_why = %s
               WHERE connection = %s AND stream = %s AND stage = %s
                 AND state IN ('open', 'retried') AND source_id = ANY(%s)
                 AND code = coalesce(%s, code)""",
            (f"run {run_id}", why, self._name, self._stream, stage, list(source_ids), code),
        ).rowcount

    def close_others(self, stage: str, source_ids: Sequence[str], why: str, run_id: str) -> int:
        """Close a stage's open rejections except those of ``source_ids``; return their number.

        The list that they came from must have been read as a whole.
        """
        return self._db.execute(
            """UPDATE sync.rejection
               SET state = 'resolved', closed_at = now(), closed_by = %s, closed_why = %s
               WHERE connection = %s AND stream = %s AND stage = %s
                 AND state IN ('open', 'retried') AND source_id <> ALL(%s)""",
            (f"run {run_id}", why, self._name, self._stream, stage, list(source_ids)),
        ).rowcount

    def open_captures(self, stage: str, source_ids: Sequence[str]) -> dict[str, UUID]:
        """Return the version of each record that an open rejection of the stage is about."""
        rows = self._db.execute(
            """SELECT source_id, capture_id FROM sync.rejection
               WHERE connection = %s AND stream = %s AND stage = %s
                 AND state IN ('open', 'retried') AND source_id = ANY(%b)""",
            (self._name, self._stream, stage, list(source_ids)),
        )
        return dict(rows.fetchall())

    def discarded_payloads(
        self, source_ids: Sequence[str], but: Sequence[str] = ()
    ) -> dict[str, bytes]:
        """Return what was captured of the records' versions that were discarded last.

        Without those of the codes ``but``, and those that are no longer kept.
        """
        rows = self._db.execute(
            """SELECT DISTINCT ON (x.source_id) x.source_id, c.payload FROM sync.rejection x
               JOIN sync.capture c ON c.connection = x.connection AND c.stream = x.stream
                    AND c.source_day = x.source_day AND c.capture_id = x.capture_id
               WHERE x.connection = %s AND x.stream = %s AND x.source_id = ANY(%b::text[])
                 AND x.code <> ALL(%b::text[]) AND x.state = 'discarded' AND c.payload IS NOT NULL
               ORDER BY x.source_id, x.closed_at DESC""",
            (self._name, self._stream, list(source_ids), list(but)),
            binary=True,
        )
        return {source_id: decompress(payload) for source_id, payload in rows}

    def discarded(self, capture_ids: Sequence[UUID]) -> set[UUID]:
        """Return the versions of which an operator has discarded a rejection."""
        rows = self._db.execute(
            """SELECT DISTINCT capture_id FROM sync.rejection
               WHERE connection = %s AND stream = %s AND state = 'discarded'
                 AND capture_id = ANY(%b::uuid[])""",
            (self._name, self._stream, list(capture_ids)),
        )
        return {capture_id for (capture_id,) in rows}

    def deciding(self, source_ids: Sequence[str]) -> set[str]:
        """Return the records that have an open rejection, or one that an operator discarded.

        A discarded version decides nothing about one that was accepted after it.
        """
        rows = self._db.execute(
            """SELECT DISTINCT x.source_id FROM sync.rejection x
               WHERE x.connection = %s AND x.stream = %s AND x.source_id = ANY(%b)
                 AND (x.state IN ('open', 'retried') OR x.state = 'discarded' AND NOT EXISTS (
                     SELECT 1 FROM sync.record d JOIN sync.record a USING (connection, stream,
                                                                           source_id)
                     WHERE (d.connection, d.stream, d.source_day, d.capture_id)
                         = (x.connection, x.stream, x.source_day, x.capture_id)
                       AND a.state = 'accepted' AND a.source_updated_at > d.source_updated_at))""",
            (self._name, self._stream, list(source_ids)),
        )
        return {source_id for (source_id,) in rows}

    def any_open(self) -> bool:
        """Return whether the stream has any open rejection: without one, none is looked up."""
        row = self._db.execute(
            """SELECT EXISTS (SELECT 1 FROM sync.rejection
                              WHERE connection = %s AND stream = %s
                                AND state IN ('open', 'retried'))""",
            (self._name, self._stream),
        ).fetchone()
        return bool(row and row[0])

    def open_by_partition(self, grain: Grain) -> dict[Partition, int]:
        """Return how many rejections are open in each partition that has any, oldest first."""
        rows = self._db.execute(
            """SELECT source_day, source_hour, count(*) FROM sync.rejection
               WHERE connection = %s AND stream = %s AND state IN ('open', 'retried')
               GROUP BY 1, 2""",
            (self._name, self._stream),
        )
        return counted(rows, grain)

    def count_open(self, partition: Partition) -> int:
        """Return how many of a partition's rejections are open."""
        row = self._db.execute(
            f"""SELECT count(*) FROM sync.rejection
               WHERE connection = %s AND stream = %s AND source_day = %s {hour_is(partition)}
                 AND state IN ('open', 'retried')""",  # noqa: S608 - constants of this module only
            (self._name, self._stream, partition.day),
        ).fetchone()
        return int(row[0]) if row else 0

    def examples(self, partition: Partition, limit: int = 20) -> list[dict[str, str]]:
        """Return up to ``limit`` open rejections of a partition for the run's metadata."""
        rows = self._db.execute(
            f"""SELECT rejection_id::text, source_id, code, message, advice, field, class, stage,
                      correlation_id
               FROM sync.rejection
               WHERE connection = %s AND stream = %s AND source_day = %s {hour_is(partition)}
                 AND state IN ('open', 'retried')
               ORDER BY rejection_id LIMIT %s""",  # noqa: S608 - constants of this module only
            (self._name, self._stream, partition.day, limit),
        )
        names = (
            "id",
            "record",
            "code",
            "message",
            "what to do",
            "field",
            "class",
            "stage",
            "correlation id",
        )
        return [dict(zip(names, row, strict=True)) for row in rows]
