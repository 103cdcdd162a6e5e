"""Drifts of one connection, and corrections of what its targets are known to hold.

A drift is opened when it is first found, updated when it is found again, closed when it is gone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.reconciliation import Drift

LOST = "the target no longer holds it: a reconciliation found it gone"
_OPEN = "state IN ('open', 'healing')"


@dataclass(frozen=True, slots=True)
class StoredDrift:
    """A drift as the ledger stores it."""

    drift_id: int
    drift_class: str
    entity: str
    record: str
    field: str
    stream: str
    source_id: str
    source_day: date | None
    expected: str
    found: str
    since: datetime
    correlation_id: str
    owner: str
    advice: str
    can_repair: bool
    state: str
    seen_count: int


class Drifts:
    """Drifts of one connection."""

    def __init__(self, db: psycopg.Connection[Any], connection: str, run_id: str) -> None:
        self._db, self._connection, self._run_id = db, connection, run_id

    def record(self, found: Sequence[Drift], owner: str) -> None:
        """Open drifts, or record that they were found again; ``since`` stays as it was."""
        moment = datetime.now(UTC)
        with self._db.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO sync.drift AS d (connection, class, entity, record, field, stream,
                                                source_id, source_day, expected, found, since,
                                                correlation_id, owner, advice, can_heal, run_id)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                   ON CONFLICT (connection, entity, record, field, class)
                       WHERE state IN ('open', 'healing')
                   DO UPDATE SET
                       stream = excluded.stream, source_id = excluded.source_id,
                       source_day = excluded.source_day, expected = excluded.expected,
                       found = excluded.found, owner = excluded.owner, advice = excluded.advice,
                       can_heal = excluded.can_heal, run_id = excluded.run_id,
                       seen_at = now(), seen_count = d.seen_count + 1, state = 'open'""",
                [
                    (
                        self._connection,
                        d.drift_class,
                        d.entity,
                        d.record,
                        d.field,
                        d.stream,
                        d.source_id,
                        d.source_day,
                        d.expected,
                        d.found,
                        d.since or moment,
                        d.correlation_id,
                        owner,
                        d.advice,
                        d.can_repair,
                        self._run_id,
                    )
                    for d in found
                ],
            )

    def close_unseen(
        self, stream: str, source_ids: Collection[str], since: datetime, why: str
    ) -> int:
        """Close the open drifts of compared records that were not found again since ``since``.

        Return their number.
        """
        return self._db.execute(
            f"""UPDATE sync.drift SET state = 'closed', closed_at = now(), closed_why = %s
                WHERE connection = %s AND stream = %s AND source_id = ANY(%s) AND seen_at < %s
                  AND {_OPEN}""",  # noqa: S608 - a constant
            (why, self._connection, stream, list(source_ids), since),
        ).rowcount

    def mark_repairing(self, stream: str, source_ids: Collection[str], who: str) -> int:
        """Mark the open drifts of records that can be repaired as under repair.

        Return their number.
        """
        return self._db.execute(
            f"""UPDATE sync.drift SET state = 'healing', healing_since = now(), healed_by = %s
                WHERE connection = %s AND stream = %s AND source_id = ANY(%s) AND can_heal
                  AND {_OPEN}""",  # noqa: S608 - a constant
            (who, self._connection, stream, list(source_ids)),
        ).rowcount

    def open_sources(self, stream: str, after: str, limit: int) -> list[str]:
        """Return the next source ids of a stream with open drifts, in order."""
        rows = self._db.execute(
            f"""SELECT DISTINCT source_id FROM sync.drift
                WHERE connection = %s AND stream = %s AND source_id > %s AND {_OPEN}
                ORDER BY source_id LIMIT %s""",  # noqa: S608 - a constant
            (self._connection, stream, after, limit),
        )
        return [source_id for (source_id,) in rows]

    def open_orders(self, source_ids: Collection[str]) -> list[str]:
        """Return the wrong or surplus orders of the OMS that claim to be these orders of the store.

        They are known from the open drifts.
        """
        rows = self._db.execute(
            f"""SELECT DISTINCT record FROM sync.drift
                WHERE connection = %s AND class IN ('duplicate', 'missing_at_source')
                  AND entity = 'order' AND source_id = ANY(%s) AND {_OPEN}""",  # noqa: S608 - the same
            (self._connection, list(source_ids)),
        )
        return [record for (record,) in rows]

    def open(
        self, limit: int | None = None, streams: Sequence[str] | None = None
    ) -> list[StoredDrift]:
        """Return the open drifts, oldest first, of all streams or only of ``streams``."""
        chosen = None if streams is None else list(streams)
        with self._db.cursor(row_factory=class_row(StoredDrift)) as cursor:
            cursor.execute(
                f"""SELECT drift_id, class AS drift_class, entity, record, field, stream, source_id,
                           source_day, expected, found, since, correlation_id, owner, advice,
                           can_heal AS can_repair, state, seen_count
                    FROM sync.drift
                    WHERE connection = %s AND (%s::text[] IS NULL OR stream = ANY(%s::text[]))
                      AND {_OPEN}
                    ORDER BY since, drift_id LIMIT %s""",  # noqa: S608 - a constant
                (self._connection, chosen, chosen, limit),
            )
            return cursor.fetchall()


def forget_targets(
    db: psycopg.Connection[Any], connection: str, stream: str, keys: Sequence[str]
) -> None:
    """Delete the target state of records that the target does not have."""
    db.execute(
        """DELETE FROM sync.target_state
           WHERE connection = %s AND stream = %s AND target_key = ANY(%s)""",
        (connection, stream, list(keys)),
    )


def close_lost_deliveries(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    lost: Mapping[str, Collection[str]],
    *,
    orders_gone: Sequence[str],
) -> None:
    """Close settled deliveries whose effect is gone, so that it may be claimed again.

    The new claim has all its attempts. ``lost`` maps target keys to the target's ids that are gone;
    of the orders in ``orders_gone`` every effect is gone.
    """
    pairs = [(key, target_id) for key, ids in lost.items() for target_id in ids]
    db.execute(
        """UPDATE sync.delivery d SET state = 'superseded', attempts = 0, error = %s
           WHERE d.connection = %s AND d.stream = %s AND d.state IN ('delivered', 'requested')
             AND (d.target_key = ANY(%s) OR (d.target_key, d.target_id) IN (
                  SELECT * FROM unnest(%s::text[], %s::text[])))""",
        (
            LOST,
            connection,
            stream,
            list(orders_gone),
            [key for key, _ in pairs],
            [target_id for _, target_id in pairs],
        ),
    )


def make_due(
    db: psycopg.Connection[Any], connection: str, stream: str, captures: Sequence[tuple[date, UUID]]
) -> None:
    """Make accepted records due for delivery again."""
    db.execute(
        """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
           FROM unnest(%s::date[], %s::uuid[]) AS v(day, capture_id)
           WHERE r.connection = %s AND r.stream = %s AND r.source_day = v.day
             AND r.capture_id = v.capture_id AND r.state = 'accepted'""",
        (
            [day for day, _ in captures],
            [capture_id for _, capture_id in captures],
            connection,
            stream,
        ),
    )
