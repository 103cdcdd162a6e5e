"""Retention: months of large tables are dropped, rows of others deleted in bounded batches.

Unfinished work is always kept, and so is what the archive should have and lacks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, get_args

import psycopg

from domain.connections import Retention
from domain.errors import TransientError
from resources.ledger.tables import TABLES, RetentionSetting

BATCH = 5_000
MONTHLY: dict[str, tuple[str, ...]] = {
    setting: tuple(table.name for table in TABLES if table.retention == setting)
    for setting in get_args(RetentionSetting)
}
"""Setting -> tables that are partitioned by month, in the order in which they may be dropped.

A record must outlive its capture, so captures come first.
"""
DELIVERY = "delivery"
"""The setting and the table of deliveries; those of snapshots alone have months."""
ROWS = (
    ("batch", "batch", "finished_at", "TRUE"),
    # A discarded record stays discarded as long as it could be validated or sent again.
    (
        "rejection",
        "rejection",
        "closed_at",
        """state = 'resolved' OR state = 'discarded' AND NOT EXISTS (
               SELECT FROM sync.capture c
               WHERE (c.connection, c.stream, c.source_day, c.capture_id)
                   = (t.connection, t.stream, t.source_day, t.capture_id))
               AND NOT EXISTS (SELECT FROM sync.record r
               WHERE (r.connection, r.stream, r.source_day, r.capture_id)
                   = (t.connection, t.stream, t.source_day, t.capture_id))""",
    ),
    ("inbox", "inbox", "received_at", "taken_at IS NOT NULL"),
    ("inbox", "unread_event", "received_at", "TRUE"),
    ("rerun", "rerun", "ended_at", "outcome <> ''"),
    ("drift", "drift", "closed_at", "state = 'closed'"),
)
"""Setting, table, its time, and the condition under which a row is finished."""
ARCHIVED = frozenset({"batch", "rejection", "rerun", "drift"})
"""Those of them that the archive has by day, or by which it knows the days that have changed."""


@dataclass(frozen=True, slots=True)
class Removal:
    """One month or the old rows of a table: how many rows are removed, or why they are kept."""

    table: str
    before: date
    rows: int
    kept: str = ""


def retire(
    db: psycopg.Connection[Any], retention: Retention, today: date, *, dry_run: bool = False
) -> list[Removal]:
    """Remove what is past its retention, or only report it (``dry_run``).

    ``db`` is in autocommit mode and needs the writer's rights; each removal is a transaction of its
    own. Raises ``TransientError`` if a month is in use for longer than the drop waits.
    """
    removals = [
        removal
        for setting, tables in MONTHLY.items()
        for table in tables
        for month in _past(db, table, getattr(retention, setting), today)
        for removal in _month(db, table, month, dry_run=dry_run)
    ]
    for month in _past(db, DELIVERY, retention.delivery, today):
        removals += _deliveries(db, month, dry_run=dry_run)
    for setting, table, moment, condition in ROWS:
        keep: timedelta | None = getattr(retention, setting)
        if keep is not None:
            past = f"{moment} < %s AND ({condition})"
            removals += _rows(db, table, past, today - keep, dry_run=dry_run)
    return removals


def _past(
    db: psycopg.Connection[Any], table: str, keep: timedelta | None, today: date
) -> list[date]:
    """Return the months of a table that are past their retention."""
    if keep is None:
        return []
    return [month for month in _months(db, table) if _next(month) <= today - keep]


def _months(db: psycopg.Connection[Any], table: str) -> list[date]:
    """Return the first day of each month that a table has, oldest first."""
    rows = db.execute(
        """SELECT to_date(right(c.relname, 7), 'YYYY_MM')
           FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
           WHERE i.inhparent = ('sync.' || %s)::regclass AND c.relname ~ '_\\d{4}_\\d{2}$'
           ORDER BY 1""",
        (table,),
    )
    return [day for (day,) in rows]


def _month(db: psycopg.Connection[Any], table: str, month: date, *, dry_run: bool) -> list[Removal]:
    kept = _why_kept(db, table, month)
    if kept or dry_run:
        counted = db.execute(
            f"SELECT count(*) FROM sync.{table} "  # noqa: S608 - constants of this module only
            "WHERE source_day >= %s AND source_day < %s",
            (month, _next(month)),
        ).fetchone()
        return [Removal(table, _next(month), int(counted[0]) if counted else 0, kept)]
    dropped = _dropped(db, table, month, "SELECT sync.drop_month(%s, %s)", (table, month))
    return [] if dropped is None else [Removal(table, _next(month), dropped)]


def _deliveries(db: psycopg.Connection[Any], month: date, *, dry_run: bool) -> list[Removal]:
    """Drop a month of deliveries of snapshots; what is open or uncertain in it is kept."""
    kept = _why_kept(db, DELIVERY, month)
    if kept or dry_run:
        counted = db.execute(
            "SELECT count(*) FROM sync.delivery WHERE prune_month = %s", (month,)
        ).fetchone()
        return [Removal(DELIVERY, _next(month), int(counted[0]) if counted else 0, kept)]
    dropped = _dropped(db, DELIVERY, month, "SELECT sync.drop_delivery_month(%s)", (month,))
    return [] if dropped is None else [Removal(DELIVERY, _next(month), dropped)]


def _why_kept(db: psycopg.Connection[Any], table: str, month: date) -> str:
    row = db.execute("SELECT sync.why_kept(%s, %s)", (table, month)).fetchone()
    return str(row[0]) if row else ""


def _dropped(
    db: psycopg.Connection[Any], table: str, month: date, statement: str, values: tuple[Any, ...]
) -> int | None:
    """Drop a month, and return how many rows it had; ``None`` if it was kept."""
    try:
        row = db.execute(statement.encode(), values).fetchone()
    except psycopg.errors.LockNotAvailable as error:
        raise TransientError(
            f"sync.{table} of {month:%Y-%m} is in use and was not dropped; try again later"
        ) from error
    return None if row is None or row[0] is None else int(row[0])


def _rows(
    db: psycopg.Connection[Any], table: str, past: str, before: date, *, dry_run: bool
) -> list[Removal]:
    """Delete the old rows of a table; those of days that the archive lacks are kept."""
    kept = _unarchived(db, table, past, before) if table in ARCHIVED else None
    condition = f"{past} AND {'coalesce(source_day <> ALL(%s), true)' if kept else 'true'}"
    values = (before, kept.days) if kept else (before,)
    count = _old_rows if dry_run else _deleted
    total = count(db, table, condition, values)
    removed = [Removal(table, before, total)] if total else []
    return removed + ([Removal(table, before, kept.rows, kept.why)] if kept else [])


@dataclass(frozen=True, slots=True)
class _Unarchived:
    """Old rows of days that the archive lacks, or has without their last changes."""

    days: list[date]
    rows: int
    why: str


def _unarchived(
    db: psycopg.Connection[Any], table: str, past: str, before: date
) -> _Unarchived | None:
    rows = db.execute(
        f"""SELECT t.source_day, count(*) FROM sync.{table} t
            JOIN sync.unarchived USING (source_day) WHERE {past} GROUP BY 1 ORDER BY 1""".encode(),  # noqa: S608 - constants
        (before,),
    ).fetchall()
    if not rows:
        return None
    days = [day for day, _ in rows]
    why = db.execute("SELECT sync.why_unarchived(%s)", (days,)).fetchone()
    return _Unarchived(days, sum(number for _, number in rows), str(why[0]) if why else "")


def _old_rows(
    db: psycopg.Connection[Any], table: str, condition: str, values: tuple[Any, ...]
) -> int:
    statement = f"SELECT count(*) FROM sync.{table} t WHERE {condition}"  # noqa: S608 - constants
    counted = db.execute(statement.encode(), values).fetchone()
    return int(counted[0]) if counted else 0


def _deleted(
    db: psycopg.Connection[Any], table: str, condition: str, values: tuple[Any, ...]
) -> int:
    statement = f"""DELETE FROM sync.{table} WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM sync.{table} t WHERE {condition} LIMIT {BATCH}))"""  # noqa: S608 - constants
    total = 0
    while number := db.execute(statement.encode(), values).rowcount:
        total += number
    if total:
        db.execute(
            "INSERT INTO sync.retention_log (table_name, before, rows) VALUES (%s, %s, %s)",
            (table, values[0], total),
        )
    return total


def _next(month: date) -> date:
    return (month.replace(day=1) + timedelta(days=32)).replace(day=1)
