"""Rejections as an operator's work queue: found by filters, and shown with their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from domain.connections import ORDERS
from domain.values import Grain, Partition
from resources.ledger.captures import edits
from resources.ledger.captures.edits import Change
from resources.ledger.database.compression import decompress

OPEN_STATES = ("open", "retried")
"""``retried``: open, with a retry that has not ended yet."""
ALL_STATES = (*OPEN_STATES, "resolved", "discarded")


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record kept out of delivery; ``problems`` holds all reasons, the columns the first."""

    rejection_id: int
    connection: str
    stream: str
    stage: str
    class_: str
    source_id: str
    source_day: date
    source_hour: int
    capture_id: UUID
    code: str
    field: str
    rule: str
    message: str
    advice: str
    value: str
    problems: list[dict[str, str]]
    correlation_id: str
    state: str
    opened_at: datetime
    seen_at: datetime
    seen_count: int
    closed_at: datetime | None
    closed_by: str
    closed_why: str
    run_id: str
    owner: str
    grain: Grain
    """Of the connection's partitions."""
    age: timedelta

    @property
    def partition(self) -> Partition:
        """Return the partition that the rejected version belongs to."""
        return Partition.at(self.source_day, self.source_hour, self.grain)


@dataclass(frozen=True, slots=True)
class RejectionFilter:
    """Which rejections to select; a field at its default does not narrow."""

    ids: tuple[int, ...] | None = None
    connection: str | None = None
    stream: str | None = None
    code: str | None = None
    stage: str | None = None
    since: datetime | None = None
    """Last seen at this time or later."""
    states: tuple[str, ...] = OPEN_STATES
    category: str | None = None
    """The class."""
    owner: str | None = None
    older_than: timedelta | None = None
    newer_than: timedelta | None = None
    first_day: date | None = None
    """Partitions from this day on, and to ``last_day`` inclusive."""
    last_day: date | None = None
    hour: int | None = None
    """Of these days."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of the record, or one request to a target for it."""

    at: datetime
    what: str
    state: str
    detail: str
    run_id: str


_SELECTED = """FROM sync.rejection r LEFT JOIN sync.connection c USING (connection)
    WHERE (%(ids)s::bigint[] IS NULL OR r.rejection_id = ANY(%(ids)s::bigint[]))
    AND (%(connection)s::text IS NULL OR r.connection = %(connection)s)
    AND (%(stream)s::text IS NULL OR r.stream = %(stream)s)
    AND (%(code)s::text IS NULL OR r.code = %(code)s)
    AND (%(stage)s::text IS NULL OR r.stage = %(stage)s)
    AND (%(category)s::text IS NULL OR r.class = %(category)s)
    AND (%(owner)s::text IS NULL OR c.owner = %(owner)s)
    AND (%(since)s::timestamptz IS NULL OR r.seen_at >= %(since)s)
    AND r.state = ANY(%(states)s)
    AND (%(older_than)s::interval IS NULL OR r.opened_at <= now() - %(older_than)s::interval)
    AND (%(newer_than)s::interval IS NULL OR r.opened_at >= now() - %(newer_than)s::interval)
    AND (%(first_day)s::date IS NULL OR r.source_day >= %(first_day)s)
    AND (%(last_day)s::date IS NULL OR r.source_day <= %(last_day)s)
    AND (%(hour)s::smallint IS NULL OR r.source_hour = %(hour)s)"""


def _parameters(filters: RejectionFilter) -> dict[str, Any]:
    return {name: getattr(filters, name) for name in RejectionFilter.__slots__} | {
        "ids": None if filters.ids is None else list(filters.ids),
        "states": list(filters.states),
    }


def find(
    db: psycopg.Connection[Any], filters: RejectionFilter, limit: int | None = None
) -> list[Rejection]:
    """Return the rejections that pass a filter, last seen first."""
    with db.cursor(row_factory=class_row(Rejection)) as cursor:
        cursor.execute(
            f"""SELECT r.rejection_id, r.connection, r.stream, r.stage, r.class AS class_,
                       r.source_id, r.source_day, r.source_hour, r.capture_id, r.code, r.field,
                       r.rule, r.message, r.advice, r.value, r.problems, r.correlation_id, r.state,
                       r.opened_at, r.seen_at, r.seen_count, r.closed_at, r.closed_by,
                       r.closed_why, r.run_id,
                       coalesce(c.owner, '') AS owner, coalesce(c.grain, 'day') AS grain,
                       coalesce(r.closed_at, now()) - r.opened_at AS age
                {_SELECTED} ORDER BY r.seen_at DESC, r.rejection_id DESC LIMIT %(limit)s""",
            _parameters(filters) | {"limit": limit},
        )
        return cursor.fetchall()


def count(db: psycopg.Connection[Any], filters: RejectionFilter) -> int:
    """Return how many rejections pass a filter."""
    row = db.execute(f"SELECT count(*) {_SELECTED}", _parameters(filters)).fetchone()
    return int(row[0]) if row else 0


def payload(db: psycopg.Connection[Any], rejection: Rejection) -> bytes | None:
    """Return the rejected version as it was captured, or ``None`` if it is no longer kept."""
    row = db.execute(
        """SELECT payload FROM sync.capture
           WHERE connection = %s AND stream = %s AND source_day = %s AND capture_id = %s""",
        (rejection.connection, rejection.stream, rejection.source_day, rejection.capture_id),
        binary=True,
    ).fetchone()
    return decompress(row[0]) if row else None


def changes(db: psycopg.Connection[Any], rejection: Rejection) -> list[Change]:
    """Return the edits of the rejected version."""
    found = edits.of_captures(
        db, rejection.connection, rejection.stream, rejection.source_day, [rejection.capture_id]
    )
    return found.get(rejection.capture_id, [])


def attempts(db: psycopg.Connection[Any], rejection: Rejection, limit: int = 50) -> list[Attempt]:
    """Return the last deliveries and requests of the record in this stream, oldest first."""
    with db.cursor(row_factory=class_row(Attempt)) as cursor:
        cursor.execute(
            """SELECT at, what, state, detail, run_id FROM (
                   SELECT coalesce(settled_at, claimed_at) AS at, 'delivery: ' || action AS what,
                          state, concat_ws(', ', 'attempts ' || tries, nullif(target_id, ''),
                                           nullif(error, '')) AS detail, run_id
                   FROM sync.delivery
                   WHERE connection = %(connection)s AND stream = %(stream)s
                     AND source_id = (
                         SELECT coalesce(max(l.store_id), %(source_id)s) FROM sync.link l
                         WHERE (l.connection, l.entity, l.oms_id)
                             = (%(connection)s, 'order', %(source_id)s)
                           AND %(stream)s = 'shipments')
                   UNION ALL
                   SELECT at, 'request: ' || method || ' ' || endpoint,
                          CASE status WHEN 0 THEN 'no answer' ELSE status::text END,
                          concat_ws(', ', 'attempt ' || attempt,
                                    round(milliseconds)::text || ' ms',
                                    nullif('trace ' || trace_id, 'trace '), nullif(error, '')),
                          run_id
                   FROM sync.message_log
                   WHERE correlation_id = %(correlation_id)s AND connection = %(connection)s
                     AND stream = %(stream)s
                   ORDER BY 1 DESC LIMIT %(limit)s) last
               ORDER BY at, what""",
            {
                "connection": rejection.connection,
                "stream": rejection.stream,
                "source_id": rejection.source_id,
                "correlation_id": rejection.correlation_id,
                "limit": limit,
            },
        )
        return cursor.fetchall()


def waiting_actions(db: psycopg.Connection[Any], rejection: Rejection) -> list[str]:
    """Return the agents' requests that wait until an order can go on, by their ids."""
    if rejection.stream != ORDERS or rejection.state not in OPEN_STATES:
        return []
    rows = db.execute(
        """SELECT action_id FROM sync.action_outcome
           WHERE connection = %s AND source_id = %s AND state = 'waiting' ORDER BY action_id""",
        (rejection.connection, rejection.source_id),
    )
    return [action_id for (action_id,) in rows]


def by_id(db: psycopg.Connection[Any], ids: Sequence[int]) -> dict[int, Rejection]:
    """Return rejections by id, in any state."""
    return {r.rejection_id: r for r in find(db, RejectionFilter(ids=tuple(ids), states=ALL_STATES))}
