"""Captures: the immutable versions of source records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.values import Partition
from resources.ledger.captures.edits import Change, applied, of_captures
from resources.ledger.database.bulk import load
from resources.ledger.database.compression import compress_all, decompress, decompress_all
from resources.ledger.partitions import hour_is
from resources.ledger.privacy.erasure import stripped
from resources.ledger.privacy.forgetting import forgotten_among
from resources.ledger.rows import CaptureRow, StoredCapture
from resources.ledger.tables import CAPTURE

_FIRST = "00000000-0000-0000-0000-000000000000"


def newest(
    db: psycopg.Connection[Any], name: str, stream: str, day: date, source_ids: Sequence[str]
) -> dict[str, UUID]:
    """Return the capture id of each record's newest version among those of ``day`` and later.

    Those of the day before count as well: a clock that was set back over midnight has dated newer
    versions before older ones.
    One look-up for a whole chunk: as a sub-query of each row it is quadratic while a new month's
    table has no statistics. Not prepared: Postgres makes a hash table only of an array that it has
    while planning.
    """
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, capture_id FROM sync.capture
           WHERE connection = %s AND stream = %s AND source_day >= %s AND source_id = ANY(%b)
           ORDER BY source_id, source_updated_at DESC, captured_at DESC, capture_id DESC""",
        (name, stream, day - timedelta(days=1), list(source_ids)),
        binary=True,
        prepare=False,
    )
    return dict(rows.fetchall())


class Newest(NamedTuple):
    """When a version was made by its source's clock and captured by ours, and what it says."""

    source_updated_at: datetime
    captured_at: datetime
    digest: bytes


class Captures:
    """Captures of one (connection, stream)."""

    def __init__(self, connection: psycopg.Connection[Any], name: str, stream: str) -> None:
        self._db = connection
        self._name = name
        self._stream = stream

    def add(self, rows: Sequence[CaptureRow], run_id: str) -> int:
        """Store the versions that are new, in the caller's transaction; return their number."""
        if not rows:
            return 0
        for month in {row.source_day.replace(day=1) for row in rows}:
            self._db.execute("SELECT sync.ensure_month(%s)", (month,))
        new = self._new(rows)
        forgotten = self.forgotten([row.source_id for row in new])
        kept = [
            row._replace(payload=stripped(row.payload)) if row.source_id in forgotten else row
            for row in new
        ]
        frames = compress_all([row.payload for row in kept])
        packed = (
            (
                r.source_day,
                r.capture_id,
                r.source_id,
                r.source_updated_at,
                r.digest,
                frame,
                len(r.payload),
                r.correlation_id,
                r.source_hour,
            )
            for r, frame in zip(kept, frames, strict=True)
        )
        fixed = {"connection": self._name, "stream": self._stream, "run_id": run_id}
        load(self._db, CAPTURE, fixed, packed)
        return len(new)

    def _new(self, rows: Sequence[CaptureRow]) -> list[CaptureRow]:
        """Return the versions that are new, each once: a source may list a record twice."""
        stored = self.stored(rows)
        return list({r.capture_id: r for r in rows if r.capture_id not in stored}.values())

    def stored(self, rows: Sequence[CaptureRow]) -> set[UUID]:
        """Return the ids of the versions that are stored."""
        if not rows:
            return set()
        found = self._db.execute(
            """SELECT capture_id FROM sync.capture
               WHERE connection = %s AND stream = %s AND source_day = ANY(%s)
                 AND capture_id = ANY(%b)""",
            (
                self._name,
                self._stream,
                list({row.source_day for row in rows}),
                [row.capture_id for row in rows],
            ),
            binary=True,
        )
        return {row[0] for row in found}

    def newest_versions(self, day: date, source_ids: Sequence[str]) -> dict[str, Newest]:
        """Return each record's newest version among those of ``day`` and later."""
        rows = self._db.execute(
            """SELECT DISTINCT ON (source_id) source_id, source_updated_at, captured_at, digest
               FROM sync.capture
               WHERE connection = %s AND stream = %s AND source_day >= %s AND source_id = ANY(%b)
               ORDER BY source_id, source_updated_at DESC, captured_at DESC""",
            (self._name, self._stream, day, list(source_ids)),
            binary=True,
            prepare=False,
        )
        return {source_id: Newest(*found) for source_id, *found in rows}

    def forgotten(self, source_ids: Sequence[str]) -> set[str]:
        """Return which records belong to a person who was forgotten (``lockstep forget``)."""
        return forgotten_among(self._db, self._name, self._stream, list(source_ids))

    def latest_digests(self, source_ids: Sequence[str]) -> dict[str, bytes]:
        """Return the digest of the newest stored version of each record that has one."""
        rows = self._db.execute(
            """SELECT i.id, l.digest FROM unnest(%b::text[]) AS i(id) CROSS JOIN LATERAL (
                   SELECT digest FROM sync.capture
                   WHERE connection = %s AND stream = %s AND source_id = i.id
                   ORDER BY source_updated_at DESC, captured_at DESC LIMIT 1) l""",
            (list(source_ids), self._name, self._stream),
        )
        return {source_id: bytes(digest) for source_id, digest in rows}

    def waiting(self, source_ids: Sequence[str]) -> dict[str, list[tuple[datetime, bytes]]]:
        """Return the payloads of versions that have not taken effect yet, oldest first.

        By record, each with its time and with its edits applied; those without such a version are
        absent. They have no outcome, were not delivered, or are what an open rejection is about;
        what an operator has discarded is none.
        """
        return self._waiting("AND c.source_id = ANY(%b::text[])", list(source_ids))

    def all_waiting(self, but: str) -> dict[str, list[tuple[datetime, bytes]]]:
        """Return what ``waiting`` returns, of all records but those whose ids start with a text."""
        return self._waiting("AND NOT starts_with(c.source_id, %s)", but)

    def _waiting(self, narrowed: str, *given: object) -> dict[str, list[tuple[datetime, bytes]]]:
        rows = self._db.execute(
            f"""SELECT c.source_id, c.payload, c.source_day, c.capture_id, c.source_updated_at
               FROM sync.capture c
               LEFT JOIN sync.record r ON r.connection = c.connection AND r.stream = c.stream
                   AND r.source_day = c.source_day AND r.capture_id = c.capture_id
               WHERE c.connection = %s AND c.stream = %s {narrowed} AND c.payload IS NOT NULL
                 AND (r.state IS NULL OR (r.state = 'accepted' AND r.outcome IS NULL)
                      OR EXISTS (SELECT 1 FROM sync.rejection x
                                 WHERE x.connection = c.connection AND x.stream = c.stream
                                   AND x.source_id = c.source_id AND x.capture_id = c.capture_id
                                   AND x.state IN ('open', 'retried')))
               ORDER BY c.source_id, c.source_updated_at, c.capture_id""",  # noqa: S608 - ours
            (self._name, self._stream, *given),
            binary=True,
        ).fetchall()
        changes: dict[UUID, Sequence[Change]] = {}
        for day in {row[2] for row in rows}:
            ids = [row[3] for row in rows if row[2] == day]
            changes |= of_captures(self._db, self._name, self._stream, day, ids)
        found: dict[str, list[tuple[datetime, bytes]]] = {}
        for source_id, payload, _, capture, moment in rows:
            edited = applied(decompress(payload), changes.get(capture, ()))
            found.setdefault(source_id, []).append((moment, edited))
        return found

    def count_waiting(self, partition: Partition, only: Sequence[str]) -> int:
        """Return how many captures of some of a partition's records have no outcome."""
        [number] = self._db.execute(
            f"""SELECT count(*) FROM sync.unvalidated w
                JOIN sync.capture c USING (connection, stream, source_day, capture_id)
                WHERE w.connection = %s AND w.stream = %s AND w.source_day = %s
                  {hour_is(partition, "w.")} AND c.source_id = ANY(%s::text[])""",  # noqa: S608 - ours
            (self._name, self._stream, partition.day, list(only)),
        ).fetchone() or (0,)
        return int(number)

    def to_validate(
        self,
        partition: Partition,
        *,
        everything: bool,
        after: str | None,
        limit: int,
        only: Sequence[str] | None = None,
    ) -> list[StoredCapture]:
        """Return the next captures of a partition by id, with their edits applied.

        All of them (``everything``) or those without an outcome; ``only`` narrows them to the
        versions of these records.
        """
        day = partition.day
        where: tuple[Any, ...] = (self._name, self._stream, day)
        narrowed = "TRUE"
        if not everything:
            # All at once if they are narrowed: a page of others would look like the end.
            waiting = self._unvalidated(partition, after, limit if only is None else None)
            narrowed, where = "capture_id = ANY(%b)", (*where, waiting)
        rows = self._db.execute(
            f"""SELECT capture_id, source_id, source_updated_at, payload, correlation_id,
                       source_hour
                FROM sync.capture
                WHERE connection = %s AND stream = %s AND source_day = %s {hour_is(partition)}
                  AND {narrowed}
                  AND capture_id > %s::uuid AND (%s OR source_id = ANY(%b::text[]))
                ORDER BY capture_id LIMIT %s""",  # noqa: S608 - constants of this module only
            (*where, after or _FIRST, only is None, list(only or ()), limit),
            binary=True,
        ).fetchall()
        last = newest(self._db, self._name, self._stream, day, [row[1] for row in rows])
        changes = of_captures(self._db, self._name, self._stream, day, [row[0] for row in rows])
        payloads = decompress_all([row[3] for row in rows])
        return [
            StoredCapture(
                a,
                b,
                c,
                applied(payload, changes.get(a, ())) if changes else payload,
                e,
                last.get(b, a).int != a.int,  # a look at ids as numbers takes half the time
                hour,
            )
            for (a, b, c, _, e, hour), payload in zip(rows, payloads, strict=True)
        ]

    def _unvalidated(
        self, partition: Partition, after: str | None, limit: int | None
    ) -> list[UUID]:
        """Return the next captures of a partition that have no outcome."""
        rows = self._db.execute(
            f"""SELECT capture_id FROM sync.unvalidated
                WHERE connection = %s AND stream = %s AND source_day = %s {hour_is(partition)}
                  AND capture_id > %s::uuid ORDER BY capture_id LIMIT %s""",  # noqa: S608 - ours
            (self._name, self._stream, partition.day, after or _FIRST, limit),
        ).fetchall()
        return [capture_id for (capture_id,) in rows]

    def payload(self, source_id: str) -> bytes | None:
        """Return the newest version's payload, exactly as it came."""
        row = self._db.execute(
            """SELECT payload FROM sync.capture
               WHERE connection = %s AND stream = %s AND source_id = %s
               ORDER BY source_updated_at DESC, captured_at DESC LIMIT 1""",
            (self._name, self._stream, source_id),
            binary=True,
        ).fetchone()
        return decompress(row[0]) if row else None

    def any_unvalidated(self, stream: str, since: date) -> bool:
        """Return whether a capture of a stream's recent partitions has no outcome yet."""
        row = self._db.execute(
            """SELECT EXISTS (SELECT 1 FROM sync.unvalidated
                              WHERE connection = %s AND stream = %s AND source_day >= %s)""",
            (self._name, stream, since),
        ).fetchone()
        return bool(row and row[0])
