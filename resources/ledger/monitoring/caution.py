"""Caution after a restore: what may have been done already is looked for before it is created.

A backup that was restored, or a standby that took over without the last transactions, has no record
of effects that happened after it. The database is recognised by its system identifier and timeline;
where a dump was loaded into the same cluster, an operator says so (``lockstep restored``).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import psycopg

from resources.ledger.monitoring.activation import predecessor_until

OTHER_DATABASE = "the ledger is in another database, or on another timeline, than before"
MARGIN_DAYS = 1
"""Days before the watermark whose effects may be missing as well."""


def note_database(db: psycopg.Connection[Any]) -> bool:
    """Record the database; return whether it is another one than before, which makes cautious."""
    identity = _identity(db)
    with db.transaction():
        row = db.execute(
            "SELECT system_identifier, timeline FROM sync.database_identity FOR UPDATE"
        ).fetchone()
        if row == identity:
            return False
        db.execute(
            """INSERT INTO sync.database_identity (system_identifier, timeline) VALUES (%s, %s)
               ON CONFLICT (is_present) DO UPDATE SET
                   system_identifier = excluded.system_identifier, timeline = excluded.timeline,
                   recorded_at = now()""",
            identity,
        )
        if row is None:
            return False
        become_cautious(db, OTHER_DATABASE)
    return True


def become_cautious(db: psycopg.Connection[Any], why: str) -> int:
    """Make every connection cautious from a day before what it has captured; return the days.

    All levels of stock are planned again, since the store may show others than the ledger knows.
    """
    with db.transaction():
        db.execute("DELETE FROM sync.stock_basis")
        db.execute("UPDATE sync.database_identity SET restored_at = clock_timestamp()")
        return db.execute(
            """INSERT INTO sync.caution (connection, day, why)
               SELECT connection,
                      generate_series(min(watermark)::date - %s, now()::date, '1 day')::date, %s
               FROM sync.watermark w WHERE watermark IS NOT NULL AND NOT EXISTS (
                   SELECT FROM sync.stream s
                   WHERE (s.connection, s.stream) = (w.connection, w.stream) AND s.is_snapshot)
               GROUP BY connection
               ON CONFLICT DO NOTHING""",
            (MARGIN_DAYS, why),
        ).rowcount


def cautious_days(db: psycopg.Connection[Any], connection: str) -> list[date]:
    """Return the days for which the connection is cautious."""
    rows = db.execute(
        "SELECT day FROM sync.caution WHERE connection = %s ORDER BY day", (connection,)
    )
    return [day for (day,) in rows]


def is_cautious(db: psycopg.Connection[Any], connection: str) -> bool:
    """Return whether creations of the connection have to look at the target first."""
    row = db.execute(
        "SELECT EXISTS (SELECT 1 FROM sync.caution WHERE connection = %s)", (connection,)
    ).fetchone()
    return bool(row and row[0])


def unknown_until(db: psycopg.Connection[Any], connection: str, stream: str) -> datetime | None:
    """Return until when records may have been made that the OMS has and the ledger does not know.

    Another program may have sent them, which the connection replaces, or Lockstep after a backup
    that was restored. ``None``: the ledger knows all.
    """
    row = db.execute("SELECT restored_at FROM sync.database_identity").fetchone()
    moments = [predecessor_until(db, connection, stream), row[0] if row else None]
    return max((moment for moment in moments if moment is not None), default=None)


def known_from_backup(
    db: psycopg.Connection[Any], connection: str, stream: str, keys: Sequence[str]
) -> set[str]:
    """Return the records of which nothing has been noted since the ledger was restored.

    What the target holds of them may have been written after the backup.
    """
    rows = db.execute(
        """SELECT t.target_key FROM sync.target_state t JOIN sync.database_identity i
                ON t.updated_at < i.restored_at
           WHERE t.connection = %s AND t.stream = %s AND t.target_key = ANY(%b::text[])""",
        (connection, stream, list(keys)),
    )
    return {key for (key,) in rows}


def end_caution(db: psycopg.Connection[Any], connection: str, day: date) -> None:
    """Remove a day that was reconciled."""
    db.execute("DELETE FROM sync.caution WHERE connection = %s AND day = %s", (connection, day))


def _identity(db: psycopg.Connection[Any]) -> tuple[str, str]:
    """Return system identifier and timeline; the first is empty if the role must not read it."""
    row = db.execute(
        """SELECT CASE WHEN has_function_privilege('pg_control_system()', 'execute')
                       THEN (SELECT system_identifier::text FROM pg_control_system()) ELSE '' END,
                  substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)"""
    ).fetchone()
    return (str(row[0]), str(row[1])) if row else ("", "")
