"""The state of single records: their newest version, the last accepted one, the target state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.values import GRAINS, Grain, Partition
from resources.ledger.database.compression import decompress
from resources.ledger.rows import TargetRow


class Version(NamedTuple):
    """A record's newest captured version; ``state`` is ``None`` until it is validated."""

    capture_id: UUID
    source_day: date
    source_updated_at: datetime
    captured_at: datetime
    digest: bytes
    state: str | None
    rule: str | None
    outcome: str | None
    validated_at: datetime | None
    source_hour: int = 0

    def partition(self, grain: Grain) -> Partition:
        """Return the partition that it belongs to."""
        return Partition.at(self.source_day, self.source_hour, grain)


class AcceptedVersion(NamedTuple):
    """The newest version that was accepted."""

    capture_id: UUID
    source_day: date
    canonical: bytes
    canonical_digest: bytes
    outcome: str | None
    source_hour: int = 0

    def partition(self, grain: Grain) -> Partition:
        """Return the partition that it belongs to."""
        return Partition.at(self.source_day, self.source_hour, grain)


class RecordState(NamedTuple):
    """All that the ledger has of one record.

    Two equal states mean that nothing happened to the record in between.
    """

    newest: Version | None = None
    accepted: AcceptedVersion | None = None
    target: TargetRow | None = None
    is_rejected: bool = False
    """It has an open rejection, or one that an operator discarded: it is known, and right, that its
    newest version is not at the target."""
    unsettled: int = 0
    """Deliveries in flight or failed: the target may have their effect."""

    @property
    def is_settled(self) -> bool:
        """Return whether the newest version has its final outcome."""
        newest = self.newest
        if newest is None or newest.state is None or self.unsettled:
            return False
        return newest.state != "accepted" or newest.outcome is not None


UNKNOWN = RecordState()


def record_states(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    source_ids: Sequence[str],
    targets: Mapping[str, str] | None = None,
) -> dict[str, RecordState]:
    """Return the state of each record.

    ``targets`` maps source ids to target keys where they differ.
    """
    keys = [(targets or {}).get(source_id, source_id) for source_id in source_ids]
    rows = db.execute(
        """SELECT i.id, c.capture_id, c.source_day, c.source_updated_at, c.captured_at, c.digest,
                  r.state, r.rule, r.outcome, r.validated_at,
                  a.capture_id, a.source_day, a.canonical, a.canonical_digest, a.outcome,
                  t.target_key, t.target_id, t.content, t.digest, t.milestone, t.sequence,
                  t.source_updated_at, c.source_hour, a.source_hour,
                  EXISTS (SELECT 1 FROM sync.rejection x
                          WHERE x.connection = %(c)s AND x.stream = %(s)s AND x.source_id = i.id
                            AND (x.state IN ('open', 'retried') OR (x.state = 'discarded'
                                 AND (x.capture_id = c.capture_id OR x.code = 'cancel_refused')))),
                  (SELECT count(*)::int FROM sync.delivery d
                   WHERE d.connection = %(c)s AND d.stream = %(s)s
                     AND d.source_id IN (i.id, i.key) AND d.state IN ('in_flight', 'failed'))
           FROM unnest(%(ids)b::text[], %(keys)b::text[]) AS i(id, key)
           LEFT JOIN LATERAL (
               SELECT capture_id, source_day, source_hour, source_updated_at, captured_at, digest
               FROM sync.capture
               WHERE connection = %(c)s AND stream = %(s)s AND source_id = i.id
               ORDER BY source_updated_at DESC, captured_at DESC, capture_id DESC LIMIT 1) c ON TRUE
           LEFT JOIN sync.record r ON r.connection = %(c)s AND r.stream = %(s)s
               AND r.source_day = c.source_day AND r.capture_id = c.capture_id
           LEFT JOIN LATERAL (
               SELECT capture_id, source_day, source_hour, canonical, canonical_digest, outcome
               FROM sync.record
               WHERE connection = %(c)s AND stream = %(s)s AND source_id = i.id
                 AND state = 'accepted'
               ORDER BY source_updated_at DESC, validated_at DESC LIMIT 1) a ON TRUE
           LEFT JOIN sync.target_state t ON t.connection = %(c)s AND t.stream = %(s)s
               AND t.target_key = i.key""",
        {"c": connection, "s": stream, "ids": list(source_ids), "keys": keys},
        binary=True,
    )
    return {row[0]: _record_state(row) for row in rows}


def _record_state(row: tuple[Any, ...]) -> RecordState:
    newest = (
        Version(
            row[1], row[2], row[3], row[4], bytes(row[5]), row[6], row[7], row[8], row[9], row[22]
        )
        if row[1] is not None
        else None
    )
    accepted = (
        AcceptedVersion(row[10], row[11], decompress(row[12]), bytes(row[13]), row[14], row[23])
        if row[10] is not None
        else None
    )
    target = (
        TargetRow(row[15], row[16], decompress(row[17]), bytes(row[18]), *row[19:22])
        if row[15] is not None
        else None
    )
    return RecordState(newest, accepted, target, row[24], row[25])


def records_of_day(
    db: psycopg.Connection[Any], connection: str, stream: str, day: date, after: str, limit: int
) -> list[str]:
    """Return the next source ids of a partition's records, in order."""
    rows = db.execute(
        """SELECT DISTINCT source_id FROM sync.record
           WHERE connection = %s AND stream = %s AND source_day = %s AND source_id > %s
           ORDER BY source_id LIMIT %s""",
        (connection, stream, day, after, limit),
    )
    return [source_id for (source_id,) in rows]


class Coverage:
    """Which source times of a stream have been captured.

    All up to the watermark, and whole partitions that a rerun has read.
    """

    def __init__(
        self, db: psycopg.Connection[Any], connection: str, stream: str, overlap: timedelta
    ) -> None:
        self._overlap = overlap
        mark = db.execute(
            "SELECT watermark FROM sync.watermark WHERE connection = %s AND stream = %s",
            (connection, stream),
        ).fetchone()
        self._watermark: datetime | None = mark[0] if mark else None
        found = db.execute(
            """SELECT source_day, source_hour, min(since), max(until) FROM sync.batch
               WHERE connection = %s AND stream = %s AND step = 'captured'
               GROUP BY source_day, source_hour""",
            (connection, stream),
        )
        rows = [(Partition.of_row(day, hour), since, until) for day, hour, since, until in found]
        self._first: datetime | None = min(
            (since for _, since, _ in rows if since is not None), default=None
        )
        self._read: dict[Partition, datetime] = {
            partition: until
            for partition, since, until in rows
            if until and since == partition.start
        }

    @property
    def until(self) -> datetime | None:
        """Return up to which time no change can have been missed."""
        ends = [
            moment
            for moment in (self._watermark, max(self._read.values(), default=None))
            if moment is not None
        ]
        return max(ends, default=None)

    def __contains__(self, moment: datetime) -> bool:
        if self._first is None or moment < self._first:
            return False
        return self._was_read(moment) or (
            self._watermark is not None and moment < self._watermark - self._overlap
        )

    def _was_read(self, moment: datetime) -> bool:
        """Return whether a rerun has read the moment's whole partition, by any grain so far."""
        for partition in (Partition.of(moment, grain) for grain in GRAINS):
            end = self._read.get(partition)
            if end is not None and moment < (end if end == partition.end else end - self._overlap):
                return True
        return False
