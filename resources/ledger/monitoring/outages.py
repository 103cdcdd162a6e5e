"""Targets that fail as a whole, and the signs that one may answer again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg


class Outage(NamedTuple):
    """The last outage of a stream's target."""

    failing_since: datetime | None
    """``None`` where the target takes records."""
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


def note_target(
    db: psycopg.Connection[Any], connection: str, streams: Sequence[str], error: str
) -> None:
    """Record that the failing target of streams still fails; ``error`` must be safe to show."""
    db.execute(
        """UPDATE sync.watermark SET target_failed_at = now(), delivery_error = %s
           WHERE connection = %s AND stream = ANY(%s) AND failing_since IS NOT NULL""",
        (error[:500], connection, list(streams)),
    )
