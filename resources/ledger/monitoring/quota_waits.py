"""Steps that gave way to a used-up quota: what they left is taken up once permits are there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import psycopg


class QuotaWait(NamedTuple):
    """One step of a stream that waits for the quota ``bucket``."""

    connection: str
    stream: str
    step: str
    bucket: str
    until: datetime
    """When the next permit is expected."""
    since: datetime

    def __str__(self) -> str:
        return (
            f"{self.connection}/{self.stream}_{self.step} waits for the quota of {self.bucket} "
            f"until {self.until:%H:%M:%S}Z"
        )


def note(
    db: psycopg.Connection[Any],
    connection: str,
    stream: str,
    step: str,
    bucket: str,
    until: datetime,
) -> None:
    """Record that a step waits; it has waited since it was first recorded."""
    db.execute(
        """INSERT INTO sync.quota_wait (connection, stream, step, bucket, until)
           VALUES (%s, %s, %s, %s, %s)
           ON CONFLICT (connection, stream, step) DO UPDATE SET
               bucket = excluded.bucket, until = excluded.until""",
        (connection, stream, step, bucket, until),
    )


def end(db: psycopg.Connection[Any], connection: str, stream: str, step: str) -> QuotaWait | None:
    """Record that a step got its permits; return what it waited for, if it did."""
    row = db.execute(
        """DELETE FROM sync.quota_wait WHERE connection = %s AND stream = %s AND step = %s
           RETURNING connection, stream, step, bucket, until, noted_at""",
        (connection, stream, step),
    ).fetchone()
    return QuotaWait(*row) if row else None


def waits(
    db: psycopg.Connection[Any], connections: Sequence[str], steps: Sequence[str] | None = None
) -> list[QuotaWait]:
    """Return the steps of connections that wait, or have waited and were not run since.

    ``steps`` narrows them to some.
    """
    rows = db.execute(
        """SELECT connection, stream, step, bucket, until, noted_at FROM sync.quota_wait
           WHERE connection = ANY(%s) AND (%s::text[] IS NULL OR step = ANY(%s))
           ORDER BY until, connection, stream""",
        (list(connections), steps and list(steps), steps and list(steps)),
    )
    return [QuotaWait(*row) for row in rows]
