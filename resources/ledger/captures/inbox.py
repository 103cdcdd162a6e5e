"""The inbox of systems' events, sent or pulled: each is a hint that a source has changed.

Events are stored in groups before they are acknowledged, and taken once the change must have been
captured.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

import psycopg

from domain.errors import TransientError
from domain.exchange import WebhookEvent

GROUP = 1_000
"""Requests that share one INSERT: only one commit is under way, however many senders call."""
QUEUE = 5_000
"""Requests that may wait; further ones are refused at once, before their senders give up."""
TIMEOUT = 5.0
"""Seconds for one group, and for a request's wait before it: a sender waits twice that at most."""

Key = tuple[str, str, str]

_INSERT = """INSERT INTO sync.inbox (connection, system, event_id, stream, source_id, scope,
                                    occurred_at)
             SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                                  %s::text[], %s::timestamptz[])
             ON CONFLICT (connection, system, event_id) DO NOTHING
             RETURNING connection, system, event_id"""


def put(
    db: psycopg.Connection[Any], connection: str, system: str, events: Sequence[WebhookEvent]
) -> int:
    """Store the events of one of a connection's systems; return how many of them were new."""
    if not events:
        return 0
    rows = _rows(connection, system, events)
    return len(db.execute(_INSERT, _columns(rows)).fetchall())


def _rows(connection: str, system: str, events: Sequence[WebhookEvent]) -> list[tuple[Any, ...]]:
    return [
        (connection, system, e.event_id, e.stream, e.source_id, e.scope, e.occurred_at)
        for e in events
    ]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def settle(
    db: psycopg.Connection[Any], connections: Sequence[str], snapshots: Sequence[str]
) -> int:
    """Take the events whose change must have been captured; return how many they were.

    That is when the stream's watermark has passed the sender's time of the event: both are the
    source's own time. An event without a time, or with one of another day, counts from when it was
    received. The watermark of ``snapshots``, streams whose source only has its current state, means
    nothing: for those counts the newest reading that started after the event was received.
    """
    return db.execute(
        """WITH reached AS (
               SELECT w.connection, w.stream, w.watermark,
                      w.stream = ANY(%(snapshots)s) AS is_snapshot, (
                   SELECT max(b.until) FROM sync.batch b
                   WHERE (b.connection, b.stream, b.step) = (w.connection, w.stream, 'captured')
                     AND b.source_day >= current_date - 1
                     AND w.stream = ANY(%(snapshots)s)) AS read_at
               FROM sync.watermark w WHERE w.connection = ANY(%(connections)s))
           UPDATE sync.inbox i SET taken_at = now() FROM reached r
           WHERE (i.connection, i.stream) = (r.connection, r.stream) AND i.taken_at IS NULL
             AND CASE WHEN r.is_snapshot THEN i.received_at < r.read_at
                      WHEN i.occurred_at < i.received_at + interval '1 day'
                          THEN i.occurred_at < r.watermark
                      ELSE i.received_at < r.watermark END""",
        {"connections": list(connections), "snapshots": list(snapshots)},
    ).rowcount


def waiting(
    db: psycopg.Connection[Any], connections: Sequence[str]
) -> dict[tuple[str, str], datetime]:
    """Return when the newest event that is not taken was received, by (connection, stream)."""
    rows = db.execute(
        """SELECT connection, stream, max(received_at) FROM sync.inbox
           WHERE taken_at IS NULL AND connection = ANY(%s) GROUP BY connection, stream""",
        (list(connections),),
    )
    return {(connection, stream): newest for connection, stream, newest in rows}


def received(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    since: datetime,
    until: datetime | None,
    scopes: Collection[str] | None = None,
) -> dict[str, datetime]:
    """Return the records that events of a span name, each with when its newest one was received.

    Of some kinds of events (``scopes``) or of all. For a source whose lists don't show what its
    events are about: whether an event was taken says nothing, since it may have arrived while its
    window was read. Without ``until``: to the present.
    """
    rows = db.execute(
        """SELECT source_id, max(received_at) FROM sync.inbox
           WHERE connection = %s AND stream = %s AND received_at >= %s
             AND received_at < coalesce(%s, 'infinity'::timestamptz)
             AND (%s::text[] IS NULL OR scope = ANY(%s::text[]))
           GROUP BY source_id""",
        (connection, stream, since, until, *(2 * [None if scopes is None else list(scopes)])),
    )
    return dict(rows.fetchall())


def announce(
    db: psycopg.Connection[Any],
    connection: str,
    system: str,
    stream: str,
    source_ids: Sequence[str],
) -> None:
    """Note that records of a source have changed unseen, as an event of it would have stated.

    Nothing waits for such an event, so it counts as taken.
    """
    db.execute(
        """INSERT INTO sync.inbox (connection, system, event_id, stream, source_id, scope, taken_at)
           SELECT %s, %s, gen_random_uuid()::text, %s, i, 'reconciliation', now()
           FROM unnest(%s::text[]) AS i""",
        (connection, system, stream, list(source_ids)),
    )


def take(db: psycopg.Connection[Any], connection: str, stream: str, before: datetime) -> int:
    """Take the events received before a moment: their source was probed, and has nothing new."""
    return db.execute(
        """UPDATE sync.inbox SET taken_at = now()
           WHERE connection = %s AND stream = %s AND taken_at IS NULL AND received_at < %s""",
        (connection, stream, before),
    ).rowcount


def last_received(db: psycopg.Connection[Any], connection: str, system: str) -> datetime | None:
    """Return when the newest event of one of a connection's systems was received."""
    row = db.execute(
        "SELECT max(received_at) FROM sync.inbox WHERE connection = %s AND system = %s",
        (connection, system),
    ).fetchone()
    return row[0] if row else None


@dataclass(eq=False, slots=True)
class _Request:
    """One request's events, and the future of how many were new."""

    connection: str
    system: str
    events: Sequence[WebhookEvent]
    stored: asyncio.Future[int] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    def keys(self) -> list[Key]:
        return [(self.connection, self.system, event.event_id) for event in self.events]


class InboxWriter:
    """Stores the events of many requests at once, on one connection; used as ``async with``."""

    def __init__(self, url: str, timeout: float = TIMEOUT) -> None:
        self._url, self._timeout = url, timeout
        self._queue: asyncio.Queue[_Request] = asyncio.Queue(QUEUE)
        self._db: psycopg.AsyncConnection[Any] | None = None
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._worker is not None:
            self._worker.cancel()
            with suppress(asyncio.CancelledError):
                await self._worker
        await self._disconnect()

    async def put(self, connection: str, system: str, events: Sequence[WebhookEvent]) -> int:
        """Store events and return how many were new, once they are committed.

        Raises ``TransientError`` if they are not, or if that is unknown: the sender repeats
        them.
        """
        if not events:
            return 0
        request = _Request(connection, system, events)
        try:
            self._queue.put_nowait(request)
            async with asyncio.timeout(2 * self._timeout):
                return await request.stored
        except asyncio.QueueFull:
            raise TransientError("The inbox is behind; try again once it has caught up.") from None
        except TimeoutError:
            raise TransientError(
                "The database did not answer in time; try again once it does."
            ) from None

    async def check(self) -> None:
        """Query the database over a connection of its own. Raises ``TransientError``."""
        try:
            async with asyncio.timeout(self._timeout), await self._connect() as db:
                await db.execute("SELECT 1 FROM sync.inbox LIMIT 1")
        except (psycopg.Error, OSError, TimeoutError) as error:
            raise TransientError(
                f"The database can't be used ({type(error).__name__}); try again once it is back."
            ) from None

    async def _work(self) -> None:
        while True:
            group = [await self._queue.get()]
            while len(group) < GROUP and not self._queue.empty():
                group.append(self._queue.get_nowait())
            # A request that gave up has been answered that nothing is stored.
            group = [request for request in group if not request.stored.done()]
            try:
                async with asyncio.timeout(self._timeout):
                    fresh = await self._store(group)
            except (psycopg.Error, OSError, TimeoutError) as error:
                await self._disconnect()
                _refuse(
                    group,
                    TransientError(
                        f"The events could not be stored ({type(error).__name__}); try again later."
                    ),
                )
            else:
                _resolve(group, fresh)

    async def _store(self, group: Sequence[_Request]) -> set[Key]:
        """Store a group in one statement that commits by itself; return the keys that were new."""
        if self._db is None:
            self._db = await self._connect()
        rows = [row for r in group for row in _rows(r.connection, r.system, r.events)]
        if not rows:
            return set()
        cursor = await self._db.execute(_INSERT, _columns(rows))
        return set(await cursor.fetchall())

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        limit = int(self._timeout * 1000)
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            application_name="lockstep webhooks",
            options=f"-c statement_timeout={limit}",
        )

    async def _disconnect(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(psycopg.Error, OSError):
                await db.close()


def _resolve(group: Sequence[_Request], fresh: set[Key]) -> None:
    """Resolve each request to how many of its events were new.

    An event that is twice in the group counts for the first request.
    """
    for request in group:
        mine = fresh.intersection(request.keys())
        fresh -= mine
        if not request.stored.done():
            request.stored.set_result(len(mine))


def _refuse(group: Sequence[_Request], error: TransientError) -> None:
    for request in group:
        if not request.stored.done():
            request.stored.set_exception(error)
