"""Messages of systems' queues that can't be read: kept for the operator, who discards them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from domain.exchange import UnreadEvent


def keep(
    db: psycopg.Connection[Any], connection: str, system: str, messages: Sequence[UnreadEvent]
) -> None:
    """Keep messages of a queue whose events can't be read; one that is kept already stays."""
    for message in messages:
        db.execute(
            """INSERT INTO sync.unread_event (connection, system, message_id, problem, body)
               VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING""",
            (connection, system, message.message_id, message.problem, message.body),
        )


class Unread(NamedTuple):
    """The messages of one of a connection's queues that could not be read."""

    system: str
    number: int
    newest: datetime
    problem: str
    """Of the newest one."""


def by_system(db: psycopg.Connection[Any], connection: str, since: datetime) -> list[Unread]:
    """Return by system the messages since a moment that can't be read and are not discarded."""
    rows = db.execute(
        """SELECT system, count(*), max(received_at),
                  (array_agg(problem ORDER BY received_at DESC))[1]
           FROM sync.unread_event
           WHERE connection = %s AND received_at >= %s AND discarded_at IS NULL
           GROUP BY system ORDER BY system""",
        (connection, since),
    )
    return [Unread(*row) for row in rows]


class KeptEvent(NamedTuple):
    """A message that is kept, and who has discarded it."""

    connection: str
    system: str
    message_id: str
    received_at: datetime
    problem: str
    discarded_at: datetime | None
    discarded_by: str
    discarded_why: str


def find(
    db: psycopg.Connection[Any],
    *,
    connection: str | None = None,
    ids: Collection[str] | None = None,
    with_discarded: bool = False,
) -> list[KeptEvent]:
    """Return messages that are kept, the newest first."""
    rows = db.execute(
        """SELECT connection, system, message_id, received_at, problem, discarded_at, discarded_by,
                  discarded_why
           FROM sync.unread_event
           WHERE (%(connection)s::text IS NULL OR connection = %(connection)s)
             AND (%(ids)s::text[] IS NULL OR message_id = ANY(%(ids)s::text[]))
             AND (%(all)s OR discarded_at IS NULL)
           ORDER BY received_at DESC, connection, system, message_id""",
        {
            "connection": connection,
            "ids": None if ids is None else list(ids),
            "all": with_discarded,
        },
    )
    return [KeptEvent(*row) for row in rows]


def body_of(db: psycopg.Connection[Any], event: KeptEvent) -> bytes:
    """Return a message's content, exactly as it was received; nothing if it was erased."""
    row = db.execute(
        """SELECT body FROM sync.unread_event
           WHERE connection = %s AND system = %s AND message_id = %s""",
        event[:3],
    ).fetchone()
    return bytes(row[0]) if row else b""


def discard(
    db: psycopg.Connection[Any], events: Sequence[KeptEvent], who: str, why: str
) -> list[KeptEvent]:
    """Note that an operator discards these messages; return those that were not discarded."""
    rows = db.execute(
        """UPDATE sync.unread_event e
           SET discarded_at = clock_timestamp(), discarded_by = %s, discarded_why = %s
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS t(connection, system, message_id)
           WHERE (e.connection, e.system, e.message_id) = (t.connection, t.system, t.message_id)
             AND e.discarded_at IS NULL
           RETURNING e.connection, e.system, e.message_id""",
        (who, why, *([event[i] for event in events] for i in range(3))),
    )
    done = set(rows.fetchall())
    return [event for event in events if event[:3] in done]
