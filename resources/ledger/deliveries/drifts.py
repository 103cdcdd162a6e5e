"""Drifts of one connection: opened when first found, updated when found again, closed when found no more."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.reconciliation import Drift

_OPEN = "state IN ('open', 'healing')"


@dataclass(frozen=True, slots=True)
class StoredDrift:
    """A drift as the ledger keeps it."""

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
        """Open drifts, or note that they were met again; ``since`` stays what it was."""
        moment = datetime.now(UTC)
        with self._db.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO sync.drift AS d (connection, class, entity, record, field, stream, source_id, source_day, expected, found,
                                                since, correlation_id, owner, advice, can_heal, run_id)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
                   ON CONFLICT (connection, entity, record, field, class) WHERE state IN ('open', 'healing') DO UPDATE SET
                       stream = excluded.stream, source_id = excluded.source_id, source_day = excluded.source_day,
                       expected = excluded.expected, found = excluded.found, owner = excluded.owner, advice = excluded.advice,
                       can_heal = excluded.can_heal, run_id = excluded.run_id, seen_at = now(), seen_count = d.seen_count + 1,
                       state = 'open'""",
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
        """Close the open drifts of examined records that were not found again since ``since``; return how many."""
        return self._db.execute(
            f"""UPDATE sync.drift SET state = 'closed', closed_at = now(), closed_why = %s
                WHERE connection = %s AND stream = %s AND source_id = ANY(%s) AND seen_at < %s AND {_OPEN}""",  # noqa: S608 - a constant
            (why, self._connection, stream, list(source_ids), since),
        ).rowcount

    def mark_repairing(self, stream: str, source_ids: Collection[str], who: str) -> int:
        """Note that the open drifts of records, as far as they can be healed, are being healed; return how many."""
        return self._db.execute(
            f"""UPDATE sync.drift SET state = 'healing', healing_since = now(), healed_by = %s
                WHERE connection = %s AND stream = %s AND source_id = ANY(%s) AND can_heal AND {_OPEN}""",  # noqa: S608 - a constant
            (who, self._connection, stream, list(source_ids)),
        ).rowcount

    def open_sources(self, streams: Sequence[str], after: str, limit: int) -> list[str]:
        """Return the next source ids with open drifts, in order."""
        rows = self._db.execute(
            f"""SELECT DISTINCT source_id FROM sync.drift
                WHERE connection = %s AND stream = ANY(%s) AND source_id > %s AND {_OPEN} ORDER BY source_id LIMIT %s""",  # noqa: S608
            (self._connection, list(streams), after, limit),
        )
        return [source_id for (source_id,) in rows]

    def open_orders(self, source_ids: Collection[str]) -> list[str]:
        """Return the orders of the OMS that were found to stand for these orders of the store beside, or without, the right one."""
        rows = self._db.execute(
            f"""SELECT DISTINCT record FROM sync.drift
                WHERE connection = %s AND class IN ('duplicate', 'missing_at_source') AND entity = 'order' AND source_id = ANY(%s)
                  AND {_OPEN}""",  # noqa: S608 - a constant
            (self._connection, list(source_ids)),
        )
        return [record for (record,) in rows]

    def open(
        self, limit: int | None = None, streams: Sequence[str] | None = None
    ) -> list[StoredDrift]:
        """Return the open drifts, the oldest first; of these streams, where some are named."""
        chosen = None if streams is None else list(streams)
        with self._db.cursor(row_factory=class_row(StoredDrift)) as cursor:
            cursor.execute(
                f"""SELECT drift_id, class AS drift_class, entity, record, field, stream, source_id, source_day, expected, found, since,
                           correlation_id, owner, advice, can_heal AS can_repair, state, seen_count
                    FROM sync.drift WHERE connection = %s AND (%s::text[] IS NULL OR stream = ANY(%s::text[])) AND {_OPEN}
                    ORDER BY since, drift_id LIMIT %s""",  # noqa: S608 - a constant
                (self._connection, chosen, chosen, limit),
            )
            return cursor.fetchall()


LOST = "the target no longer holds it: a reconciliation found it gone"


def forget_targets(
    db: psycopg.Connection[Any], connection: str, stream: str, keys: Sequence[str]
) -> None:
    """Forget what a target was believed to hold of records that it does not have."""
    db.execute(
        "DELETE FROM sync.target_state WHERE connection = %s AND stream = %s AND target_key = ANY(%s)",
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
    """Close settled deliveries whose effect no longer stands, so that the same effect may be claimed anew with all its attempts.

    ``lost`` maps target keys to the target's ids that are gone; of ``orders_gone`` no effect stands at all.
    """
    pairs = [(key, target_id) for key, ids in lost.items() for target_id in ids]
    db.execute(
        """UPDATE sync.delivery d SET state = 'superseded', attempts = 0, error = %s
           WHERE d.connection = %s AND d.stream = %s AND d.state IN ('delivered', 'requested')
             AND (d.target_key = ANY(%s)
                  OR (d.target_key, d.target_id) IN (SELECT * FROM unnest(%s::text[], %s::text[])))""",
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
    """Let accepted records be delivered again."""
    db.execute(
        """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
           FROM unnest(%s::date[], %s::uuid[]) AS v(day, capture_id)
           WHERE r.connection = %s AND r.stream = %s AND r.source_day = v.day AND r.capture_id = v.capture_id AND r.state = 'accepted'""",
        (
            [day for day, _ in captures],
            [capture_id for _, capture_id in captures],
            connection,
            stream,
        ),
    )
