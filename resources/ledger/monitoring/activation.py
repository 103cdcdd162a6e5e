"""Which streams are active, and which are paused: read and written by no live run.

A stream that was never started is paused, so a new connection writes nothing until an operator
connects or resumes it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row

from domain.connections import INVENTORY
from resources.ledger.records.doubted_levels import doubt_all
from resources.ledger.writer_lock import wait_for_writer

OVERLAP = timedelta(days=1)
"""How long after a stream's start the program that it replaces may still have sent records."""

NOT_YET = datetime(9000, 1, 1, tzinfo=UTC)
"""The start of a stream that was paused before it was ever active."""


class Activation(NamedTuple):
    """Whether a stream is active, and who made it so; without ``changed_at`` it never was."""

    connection: str
    stream: str
    active: bool = False
    changed_at: datetime | None = None
    changed_by: str = ""
    why: str = ""
    is_new: bool = True
    """It was never active, though it may have been paused: nothing of its past was read."""

    @property
    def was_started(self) -> bool:
        """Return whether it was ever started, or paused by an operator."""
        return self.changed_at is not None

    def runs(self, starting: Collection[str]) -> bool:
        """Return whether the stream is delivered, ``starting`` being what this process starts.

        One that an operator pauses while it is being started is not.
        """
        return self.active or (not self.was_started and self.stream in starting)

    def __str__(self) -> str:
        if self.active:
            return f"{self.connection}/{self.stream} is active"
        return pause_text(self.connection, self.stream, self.changed_at, self.changed_by, self.why)


def pause_text(
    connection: str, stream: str, since: datetime | None, by: str | None, why: str | None
) -> str:
    """Return the sentence that says why a stream is paused, and how to start it."""
    resume = f"lockstep resume {connection} --streams {stream}"
    if since is None:
        return (
            f"{connection}/{stream} is paused: it was never started. Run 'lockstep connect "
            f"{connection}' to check both systems and sync the recent past, or '{resume}' to start "
            "from today"
        )
    reason = f": {why}" if why else ""
    return (
        f"{connection}/{stream} is paused by {by} since "
        f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z{reason}. Run '{resume}' to continue"
    )


def activations(
    db: psycopg.Connection[Any], connection: str, streams: Sequence[str]
) -> list[Activation]:
    """Return the state of each of a connection's streams, in their order."""
    with db.cursor(row_factory=class_row(Activation)) as cursor:
        cursor.execute(
            """SELECT connection, stream, active, changed_at, changed_by, why,
                      started_at IS NOT DISTINCT FROM %s AS is_new FROM sync.activation
               WHERE connection = %s AND stream = ANY(%s)""",
            (NOT_YET, connection, list(streams)),
        )
        known = {row.stream: row for row in cursor.fetchall()}
    return [known.get(stream) or Activation(connection, stream) for stream in streams]


def active_streams(
    db: psycopg.Connection[Any], connections: Collection[str]
) -> set[tuple[str, str]]:
    """Return (connection, stream) of the active streams of some connections."""
    rows = db.execute(
        """SELECT connection, stream FROM sync.activation
           WHERE active AND connection = ANY(%s)""",
        (list(connections),),
    )
    return {(connection, stream) for connection, stream in rows}


def predecessor_until(db: psycopg.Connection[Any], connection: str, stream: str) -> datetime | None:
    """Return until when another program may have sent the stream's records, which was replaced.

    ``None`` for a stream of which ``started_at`` is not known.
    """
    started = started_at(db, connection, stream)
    return started + OVERLAP if started is not None else None


def started_at(db: psycopg.Connection[Any], connection: str, stream: str) -> datetime | None:
    """Return when a stream was first active; one that is only being started is so from now on.

    ``None`` for a stream that was started before this was noted.
    """
    row = db.execute(
        "SELECT started_at FROM sync.activation WHERE connection = %s AND stream = %s",
        (connection, stream),
    ).fetchone()
    return row[0] if row is not None else datetime.now(UTC)


def start_new(
    db: psycopg.Connection[Any], connection: str, streams: Sequence[str], who: str
) -> None:
    """Make those streams active that were never started; what an operator paused stays paused."""
    never = [one.stream for one in activations(db, connection, streams) if not one.was_started]
    resume(db, connection, never, who)


def resume(
    db: psycopg.Connection[Any], connection: str, streams: Sequence[str], who: str, why: str = ""
) -> list[str]:
    """Make streams active; return those that were paused.

    Stock that was entered by hand in the meantime is compared with the OMS's. A run that is still
    writing since before the pause ends its chunk first: what it knows of the store is older.
    """
    with db.transaction():
        if any(
            one.stream == INVENTORY and not one.active
            for one in activations(db, connection, streams)
        ):
            wait_for_writer(db, connection, INVENTORY)
        resumed = _set(db, connection, streams, who, why, active=True)
        if INVENTORY in resumed:
            doubt_all(db, connection)
    return resumed


def pause(
    db: psycopg.Connection[Any], connection: str, streams: Sequence[str], who: str, why: str = ""
) -> list[str]:
    """Pause streams; return those that were active or never started."""
    return _set(db, connection, streams, who, why, active=False)


def _set(
    db: psycopg.Connection[Any],
    connection: str,
    streams: Sequence[str],
    who: str,
    why: str,
    *,
    active: bool,
) -> list[str]:
    rows = db.execute(
        """INSERT INTO sync.activation AS a (connection, stream, active, changed_by, why,
                                             started_at)
           SELECT %(name)s, s, %(active)s, %(who)s, %(why)s,
                  CASE WHEN %(active)s THEN now() ELSE %(never)s END
           FROM unnest(%(streams)s::text[]) s
           ON CONFLICT (connection, stream) DO UPDATE SET active = excluded.active,
               changed_at = now(), changed_by = excluded.changed_by, why = excluded.why,
               started_at = CASE WHEN a.started_at = %(never)s THEN excluded.started_at
                                 ELSE a.started_at END
           WHERE a.active <> excluded.active
           RETURNING stream""",
        {
            "name": connection,
            "active": active,
            "who": who,
            "why": why,
            "never": NOT_YET,
            "streams": list(streams),
        },
    )
    changed = {stream for (stream,) in rows}
    return [stream for stream in streams if stream in changed]
