"""Requests that a target answers later, and the answers that are still to be applied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg

Answer = Literal["accepted", "rejected"]


class Answered(NamedTuple):
    """A record whose request was answered."""

    source_id: str
    state: Answer


class Requests:
    """Requests of one (connection, stream), the one that asks."""

    def __init__(self, db: psycopg.Connection[Any], name: str, stream: str) -> None:
        self._db, self._name, self._stream = db, name, stream

    def accepted(self, source_ids: Sequence[str], action: str) -> None:
        """Record that the target has done it, asked or not; one that is known changes nothing."""
        if not source_ids:
            return
        self._db.execute(
            """INSERT INTO sync.request AS r (connection, stream, source_id, action, state,
                                              answered_at)
               SELECT %s, %s, s, %s, 'accepted', clock_timestamp()
               FROM unnest(%b::text[]) AS v(s) GROUP BY s
               ON CONFLICT (connection, stream, source_id, action) DO UPDATE SET
                   state = 'accepted', answered_at = clock_timestamp(), applied_at = NULL
               WHERE r.state <> 'accepted'""",
            (self._name, self._stream, action, list(source_ids)),
        )

    def rejected(self, source_ids: Sequence[str], action: str) -> None:
        """Record that the target has refused what was asked of it."""
        if not source_ids:
            return
        self._db.execute(
            """UPDATE sync.request SET state = 'rejected', answered_at = clock_timestamp(),
                      applied_at = NULL
               WHERE connection = %s AND stream = %s AND action = %s AND state = 'asked'
                 AND source_id = ANY(%b)""",
            (self._name, self._stream, action, list(source_ids)),
        )

    def any_answered(self) -> bool:
        """Return whether an answer is still to be applied."""
        row = self._db.execute(
            """SELECT EXISTS (SELECT FROM sync.request WHERE connection = %s AND stream = %s
                              AND answered_at IS NOT NULL AND applied_at IS NULL)""",
            (self._name, self._stream),
        ).fetchone()
        return bool(row and row[0])

    def take_answered(self, action: str) -> list[Answered]:
        """Return the answers to apply and mark them as applied, in the caller's transaction."""
        rows = self._db.execute(
            """UPDATE sync.request SET applied_at = clock_timestamp()
               WHERE connection = %s AND stream = %s AND action = %s
                 AND answered_at IS NOT NULL AND applied_at IS NULL
               RETURNING source_id, state""",
            (self._name, self._stream, action),
        )
        return [Answered(*row) for row in rows]


def note_order_answers(
    db: psycopg.Connection[Any],
    name: str,
    stream: str,
    action: str,
    order_ids: Sequence[str],
    state: Answer,
) -> None:
    """Record answers to what a stream has asked of orders, whose own records name their order."""
    if not order_ids:
        return
    db.execute(
        """UPDATE sync.request r SET state = %s, answered_at = clock_timestamp(), applied_at = NULL
           FROM sync.action_outcome o
           WHERE r.connection = %s AND r.stream = %s AND r.action = %s AND r.state = 'asked'
             AND (o.connection, o.action_id) = (r.connection, r.source_id)
             AND o.source_id = ANY(%b)""",
        (state, name, stream, action, list(order_ids)),
    )


def adopt_order_answers(
    db: psycopg.Connection[Any], name: str, stream: str, action: str, of_orders: str
) -> None:
    """Take what the stream of orders knows as answers to what another one has asked of them.

    An order may have been canceled before the request for it was settled.
    """
    db.execute(
        """UPDATE sync.request r SET state = 'accepted', answered_at = clock_timestamp(),
                  applied_at = NULL
           FROM sync.action_outcome o, sync.request q
           WHERE r.connection = %s AND r.stream = %s AND r.action = %s AND r.state = 'asked'
             AND (o.connection, o.action_id) = (r.connection, r.source_id)
             AND (q.connection, q.stream, q.source_id, q.action)
               = (o.connection, %s, o.source_id, r.action)
             AND q.state = 'accepted'""",
        (name, stream, action, of_orders),
    )


def note_asked(db: psycopg.Connection[Any], keys: Sequence[UUID]) -> None:
    """Record that these deliveries were taken as requests.

    An answer that came first and is not applied yet stays.
    """
    if not keys:
        return
    db.execute(
        """INSERT INTO sync.request AS r (connection, stream, source_id, action, state,
                                          delivery_key, asked_at)
           SELECT connection, stream, source_id, action, 'asked', delivery_key, clock_timestamp()
           FROM sync.delivery WHERE delivery_key = ANY(%b)
           ON CONFLICT (connection, stream, source_id, action) DO UPDATE SET
               state = 'asked', delivery_key = excluded.delivery_key,
               asked_at = excluded.asked_at, answered_at = NULL, applied_at = NULL
           WHERE r.answered_at IS NULL OR r.applied_at IS NOT NULL""",
        (list(keys),),
    )
