"""Records: the outcome of each capture, and the typed tables of the accepted ones."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any
from uuid import UUID

import orjson
import psycopg
from psycopg import sql

from domain.errors import Problem
from domain.values import Partition
from resources.ledger.captures.captures import newest
from resources.ledger.database.bulk import load, stage
from resources.ledger.database.compression import compress_all, decompress, decompress_all
from resources.ledger.partitions import hour_is
from resources.ledger.privacy.erasure import stripped
from resources.ledger.privacy.forgetting import forgotten_among
from resources.ledger.records.replacement import DELIVERED, replacing_from
from resources.ledger.records.typed_tables import TypedTables
from resources.ledger.rows import AcceptedRecord, KnownLine, RecordRow, TableRows
from resources.ledger.tables import RECORD

_MARK = {"stage": DELIVERED}
_CANONICAL = RecordRow._fields.index("canonical")
_AFTER = _CANONICAL + 1
_FIRST = "00000000-0000-0000-0000-000000000000"


class Records:
    """Records of one (connection, stream)."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, stream: str) -> None:
        self._db = connection
        self._name = name
        self._stream = stream
        self._typed = TypedTables(connection, name)

    def put(
        self, day: date, rows: Sequence[RecordRow], typed: Sequence[TableRows], run_id: str
    ) -> None:
        """Store outcomes, replacing earlier ones of the same captures.

        What was delivered stays so while the canonical content is the same, with its warnings and
        the time and run that validated it; changed content is due for delivery again. An accepted
        version stays accepted when a newer one arrives: it may have been sent, and the order's
        lines and history are based on it.
        """
        if not rows:
            return
        # A person who was forgotten since this validation started does not come back with it. The
        # digest stays, so nothing becomes due for delivery.
        ids = [row.source_id for row in rows]
        forgotten = forgotten_among(self._db, self._name, self._stream, ids)
        if self._any_stored(day, [row.capture_id for row in rows]):
            self._replace(day, rows, forgotten, typed, run_id)
            return
        fixed = {"source_day": day, "connection": self._name}
        fixed |= {"stream": self._stream, "run_id": run_id}
        load(self._db, RECORD, fixed, _packed(rows, forgotten))
        self._typed.put(day, typed)

    def _replace(
        self,
        day: date,
        rows: Sequence[RecordRow],
        forgotten: Collection[str],
        typed: Sequence[TableRows],
        run_id: str,
    ) -> None:
        kept = self._keep_accepted(day, rows)
        replacing = [row for row in rows if row.capture_id not in kept]
        table = stage(self._db, RECORD, _packed(replacing, forgotten))
        self._typed.clear(day, [row.capture_id for row in replacing], typed)
        self._db.execute(replacing_from(table), (day, self._name, self._stream, run_id))
        self._db.execute(sql.SQL("TRUNCATE {}").format(table))
        # A trigger does it for new records; these may have been captured again after a long time.
        self._db.execute(
            """DELETE FROM sync.unvalidated
               WHERE connection = %s AND stream = %s AND source_day = %s
                 AND capture_id = ANY(%b)""",
            (self._name, self._stream, day, [row.capture_id for row in rows]),
        )
        self._typed.add(day, typed)

    def _any_stored(self, day: date, captures: list[UUID]) -> bool:
        row = self._db.execute(
            """SELECT EXISTS (SELECT 1 FROM sync.record
                              WHERE connection = %s AND stream = %s AND source_day = %s
                                AND capture_id = ANY(%b))""",
            (self._name, self._stream, day, captures),
        ).fetchone()
        return bool(row and row[0])

    def _keep_accepted(self, day: date, rows: Sequence[RecordRow]) -> set[UUID]:
        """Return the captures that stay accepted, with their facts.

        The rows would make them superseded or forgotten.
        """
        found = [r.capture_id for r in rows if r.state == "superseded" or r.rule == "forgotten"]
        if not found:
            return set()
        accepted = self._db.execute(
            """SELECT capture_id FROM sync.record
               WHERE connection = %s AND stream = %s AND source_day = %s
                 AND capture_id = ANY(%b) AND state = 'accepted'""",
            (self._name, self._stream, day, found),
        )
        return {capture for (capture,) in accepted}

    def to_deliver(
        self,
        partition: Partition,
        *,
        again: bool,
        force: bool,
        after: UUID | None,
        limit: int,
        only: Sequence[str] | None = None,
    ) -> list[AcceptedRecord]:
        """Return the next accepted records of a partition by capture id.

        Without ``again`` these are the ones without an outcome; with it also those that the target
        refused; with ``force`` all. ``only`` narrows them to the versions of these records.
        """
        wanted = (
            "TRUE"
            if force
            else "(r.outcome IS NULL OR r.outcome = 'rejected')"
            if again
            else "r.outcome IS NULL"
        )
        rows = self._db.execute(
            f"""SELECT r.capture_id, r.source_id, r.source_updated_at, r.canonical,
                       r.canonical_digest, r.correlation_id
                FROM sync.record r
                WHERE r.connection = %s AND r.stream = %s AND r.source_day = %s
                  {hour_is(partition, "r.")} AND r.state = 'accepted' AND {wanted}
                  AND r.capture_id > %s::uuid AND (%s OR r.source_id = ANY(%b::text[]))
                ORDER BY r.capture_id LIMIT %s""",  # noqa: S608 - constants of this module only
            (
                self._name,
                self._stream,
                partition.day,
                after or _FIRST,
                only is None,
                list(only or ()),
                limit,
            ),
            binary=True,
        ).fetchall()
        last = newest(self._db, self._name, self._stream, partition.day, [row[1] for row in rows])
        contents = decompress_all([row[3] for row in rows])
        return [
            AcceptedRecord(a, b, c, content, bytes(e), f, last.get(b, a) != a)
            for (a, b, c, _, e, f), content in zip(rows, contents, strict=True)
        ]

    def canonicals(self, captures: Mapping[str, UUID]) -> dict[str, bytes]:
        """Return the canonical content of versions: one of each record, by its id.

        Without those that were not accepted, or are no longer kept.
        """
        rows = self._db.execute(
            """SELECT source_id, canonical FROM sync.record
               WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
                 AND capture_id = ANY(%b) AND canonical IS NOT NULL""",
            (self._name, self._stream, list(captures), list(captures.values())),
            binary=True,
        )
        return {source_id: decompress(content) for source_id, content in rows}

    def settle(self, day: date, outcomes: Sequence[tuple[UUID, str]]) -> None:
        """Record the outcome of records' delivery."""
        if not outcomes:
            return
        self._db.execute(
            """UPDATE sync.record r SET outcome = v.outcome, settled_at = now()
               FROM unnest(%b::uuid[], %b::text[]) AS v(capture_id, outcome)
               WHERE r.connection = %s AND r.stream = %s AND r.source_day = %s
                 AND r.capture_id = v.capture_id""",
            ([c for c, _ in outcomes], [o for _, o in outcomes], self._name, self._stream, day),
        )

    def make_due(self, day: date, captures: Collection[UUID]) -> None:
        """Take back the outcomes of accepted records that are sent again."""
        self._db.execute(
            """UPDATE sync.record SET outcome = NULL, settled_at = NULL
               WHERE connection = %s AND stream = %s AND source_day = %s
                 AND capture_id = ANY(%b) AND state = 'accepted' AND outcome IS NOT NULL""",
            (self._name, self._stream, day, list(captures)),
        )

    def warn(self, day: date, warnings: Mapping[UUID, Sequence[Problem]]) -> None:
        """Add warnings of delivery to records by capture id, each once."""
        if not warnings:
            return
        self._db.execute(
            """UPDATE sync.record r
               SET warnings = coalesce(r.warnings, '[]'::jsonb) || v.warnings::jsonb
               FROM unnest(%b::uuid[], %b::text[]) AS v(capture_id, warnings)
               WHERE r.connection = %s AND r.stream = %s AND r.source_day = %s
                 AND r.capture_id = v.capture_id
                 AND NOT coalesce(r.warnings, '[]'::jsonb) @> v.warnings::jsonb""",
            (
                list(warnings),
                [orjson.dumps([asdict(p) | _MARK for p in w]).decode() for w in warnings.values()],
                self._name,
                self._stream,
                day,
            ),
        )

    def newest_states(self, source_ids: Sequence[str]) -> dict[str, tuple[str | None, str]]:
        """Return state and rule of each record's newest version.

        The state is ``None`` if it is not validated yet.
        """
        rows = self._db.execute(
            """SELECT DISTINCT ON (c.source_id) c.source_id, r.state, coalesce(r.rule, '')
               FROM sync.capture c
               LEFT JOIN sync.record r USING (connection, stream, source_day, capture_id)
               WHERE c.connection = %s AND c.stream = %s AND c.source_id = ANY(%b)
               ORDER BY c.source_id, c.source_updated_at DESC, c.captured_at DESC,
                        c.capture_id DESC""",
            (self._name, self._stream, list(source_ids)),
        )
        return {source_id: (state, rule) for source_id, state, rule in rows}

    def newest_accepted(self, source_ids: Sequence[str]) -> dict[str, UUID]:
        """Return the capture id of each record's newest accepted version."""
        rows = self._db.execute(
            """SELECT DISTINCT ON (source_id) source_id, capture_id FROM sync.record
               WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
                 AND state = 'accepted'
               ORDER BY source_id, source_updated_at DESC, capture_id DESC""",
            (self._name, self._stream, list(source_ids)),
        )
        return dict(rows.fetchall())

    def days_of(self, captures: Mapping[str, UUID]) -> list[tuple[date, UUID]]:
        """Return the days of versions by record, as ``newest_accepted`` returns them."""
        rows = self._db.execute(
            """SELECT source_day, capture_id FROM sync.record
               WHERE connection = %s AND stream = %s AND source_id = ANY(%b)
                 AND capture_id = ANY(%b)""",
            (self._name, self._stream, list(captures), list(captures.values())),
        )
        return rows.fetchall()

    def line_groups(self, source_ids: Sequence[str]) -> dict[str, dict[str, KnownLine]]:
        """Return source id -> line id -> line of orders' newest accepted versions."""
        rows = self._db.execute(
            """SELECT DISTINCT ON (l.source_id, l.line_id)
                      l.source_id, l.line_id, l.group_id, l.kind, l.factor
               FROM sync.record r JOIN sync.order_line l USING (connection, source_day, capture_id)
               WHERE r.connection = %s AND r.stream = 'orders' AND r.source_id = ANY(%b)
                 AND r.state = 'accepted'
               ORDER BY l.source_id, l.line_id, r.source_updated_at DESC""",
            (self._name, list(source_ids)),
        )
        lines: dict[str, dict[str, KnownLine]] = {}
        for source_id, line_id, *line in rows:
            lines.setdefault(source_id, {})[line_id] = KnownLine(*line)
        return lines


def _packed(rows: Sequence[RecordRow], forgotten: Collection[str]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows with their canonical content compressed, and without forgotten persons."""
    contents = [row.canonical for row in rows if row.canonical is not None]
    if forgotten:
        contents = [
            stripped(row.canonical) if row.source_id in forgotten else row.canonical
            for row in rows
            if row.canonical is not None
        ]
    frames = iter(compress_all(contents))
    for row in rows:
        # Not ``_replace``, which takes longer than compressing.
        yield row if row.canonical is None else (*row[:_CANONICAL], next(frames), *row[_AFTER:])
