"""Targets that fail as a whole, and the signs that one may answer again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

LONGEST_ERROR = 500


class Outage(NamedTuple):
    """The last outage of a stream's target."""

    failing_since: datetime | None
    """``None`` if the target takes records."""
    target_failed_at: datetime | None
    """When a probe of the failing target last failed."""
    answering_since: datetime | None
    """When the target took a record again after the last outage."""
    probe_failed_at: datetime | None
    """When a probe of the stream's source last failed."""


def outages(db: psycopg.Connection[Any], connections: Sequence[str]) -> dict[str, Outage]:
    """Return the last outages of connections by chain, ``connection/stream``."""
    rows = db.execute(
        """SELECT connection || '/' || stream, failing_since, target_failed_at, answering_since,
                  probe_failed_at
           FROM sync.watermark WHERE connection = ANY(%s)""",
        (list(connections),),
    )
    return {chain: Outage(*moments) for chain, *moments in rows}


def note_failing(db: psycopg.Connection[Any], connection: str, stream: str, error: str) -> None:
    """Record that a stream's target as a whole fails; ``error`` must be safe to show."""
    db.execute(
        """INSERT INTO sync.watermark AS w (connection, stream, failing_since, delivery_error)
           VALUES (%s, %s, now(), %s)
           ON CONFLICT (connection, stream) DO UPDATE SET
               failing_since = coalesce(w.failing_since, excluded.failing_since),
               delivery_error = excluded.delivery_error""",
        (connection, stream, error[:LONGEST_ERROR]),
    )


def note_answering(db: psycopg.Connection[Any], connection: str, stream: str) -> datetime | None:
    """Record that a stream's target takes records; return since when it was failing."""
    row = db.execute(
        """UPDATE sync.watermark w SET failing_since = NULL, delivery_error = '',
                  answering_since = now()
           FROM (SELECT failing_since FROM sync.watermark
                 WHERE connection = %(name)s AND stream = %(stream)s
                   AND failing_since IS NOT NULL FOR UPDATE) before
           WHERE w.connection = %(name)s AND w.stream = %(stream)s
           RETURNING before.failing_since""",
        {"name": connection, "stream": stream},
    ).fetchone()
    return row[0] if row else None


def note_still_failing(
    db: psycopg.Connection[Any], connection: str, streams: Sequence[str], error: str
) -> None:
    """Record that a probe of the failing target of streams failed, too."""
    db.execute(
        """UPDATE sync.watermark SET target_failed_at = now(), delivery_error = %s
           WHERE connection = %s AND stream = ANY(%s) AND failing_since IS NOT NULL""",
        (error[:LONGEST_ERROR], connection, list(streams)),
    )
