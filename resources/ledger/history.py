"""The views of the schema ``history``, read as a whole for the archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

LEFT_OUT = {"rejections": ("value", "age")}
"""View -> columns that are not archived.

A rejected value may be part of an address, and an age differs at each reading."""
_ORDER = (
    "connection",
    "stream",
    "source_id",
    "sku",
    "node",
    "line_id",
    "capture_id",
    "event_key",
    "delivery_key",
    "rejection_id",
    "return_id",
)
"""Columns that identify a row: sorted by them, a day's rows always come in the same order."""


class ViewColumn(NamedTuple):
    """A view's column; ``precision`` and ``scale`` are those of a numeric that states them."""

    name: str
    type: str
    precision: int | None
    scale: int | None


def lock_archive(db: psycopg.Connection[Any], folder: str, day: date) -> None:
    """Wait for another process that archives the same day to the same folder.

    The lock ends with the caller's transaction.
    """
    db.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 11))", (f"archive/{folder}/{day}",)
    )


def views_by_day(db: psycopg.Connection[Any]) -> list[str]:
    """Return the views whose rows belong to a partition, in alphabetical order."""
    rows = db.execute(
        """SELECT table_name FROM information_schema.columns
           WHERE table_schema = 'history' AND column_name = 'source_day' AND data_type = 'date'
           ORDER BY table_name"""
    )
    return [name for (name,) in rows]


def view_columns(db: psycopg.Connection[Any], view: str) -> list[ViewColumn]:
    """Return the columns of a view that are archived."""
    rows = db.execute(
        """SELECT column_name, udt_name, numeric_precision, numeric_scale
           FROM information_schema.columns
           WHERE table_schema = 'history' AND table_name = %s ORDER BY ordinal_position""",
        (view,),
    )
    columns = [ViewColumn(*row) for row in rows]
    return [column for column in columns if column.name not in LEFT_OUT.get(view, ())]


def rows_of_day(
    db: psycopg.Connection[Any], view: str, names: Sequence[str], day: date, batch: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield a view's rows of one day in batches, within the caller's transaction."""
    order = [name for name in _ORDER if name in names] or names[:1]
    query = sql.SQL("SELECT {} FROM {} WHERE source_day = %s ORDER BY {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.Identifier("history", view),
        sql.SQL(", ").join(map(sql.Identifier, order)),
    )
    with db.cursor(f"archive_{view}") as cursor:
        cursor.itersize = batch
        cursor.execute(query, (day,))
        while rows := cursor.fetchmany(batch):
            yield rows


_USES = """SELECT r.ev_class AS view, d.refobjid AS used FROM pg_rewrite r
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.ev_class"""


def reduced_views(db: psycopg.Connection[Any], day: date) -> set[str]:
    """Return the views of which retention has removed something that may be of a day."""
    rows = db.execute(
        f"""WITH RECURSIVE uses AS ({_USES}),
                reads AS (SELECT view, used FROM uses
                          UNION SELECT r.view, u.used FROM reads r JOIN uses u ON u.view = r.used)
            SELECT DISTINCT v.relname FROM reads r
            JOIN pg_class v ON v.oid = r.view AND v.relnamespace = 'history'::regnamespace
            JOIN pg_class t ON t.oid = r.used AND t.relnamespace = 'sync'::regnamespace
            JOIN sync.retention_log l ON l.table_name = t.relname AND l.before > %s""",  # noqa: S608
        (day,),
    )
    return {name for (name,) in rows}


def note_archived(db: psycopg.Connection[Any], day: date) -> None:
    """Note that a day is archived as of now, in the transaction that reads it."""
    db.execute(
        """INSERT INTO sync.archived (source_day, archived_at) VALUES (%s, now())
           ON CONFLICT (source_day) DO UPDATE SET archived_at = excluded.archived_at""",
        (day,),
    )


def archived_days(db: psycopg.Connection[Any]) -> list[date]:
    """Return the days that are archived, without those of which it is known that they are lost."""
    rows = db.execute(
        """SELECT source_day FROM sync.archived
           WHERE lost_at IS NULL OR lost_at < archived_at ORDER BY 1"""
    )
    return [day for (day,) in rows]


def note_lost(db: psycopg.Connection[Any], days: Sequence[date]) -> None:
    """Note that the archive no longer has days, which are to be archived again."""
    db.execute("UPDATE sync.archived SET lost_at = now() WHERE source_day = ANY(%s)", (list(days),))


def days_to_archive(db: psycopg.Connection[Any], first: date, today: date) -> list[date]:
    """Return the days from ``first`` on before ``today`` that changed since they were archived.

    ``sync.unarchived`` says what changes a day.
    """
    rows = db.execute(
        """SELECT source_day FROM sync.unarchived WHERE source_day >= %s AND source_day < %s
           ORDER BY 1""",
        (first, today),
    )
    return [day for (day,) in rows]


def days_waiting(db: psycopg.Connection[Any], before: datetime) -> list[date]:
    """Return the days whose last change was before ``before`` and is not in the archive."""
    rows = db.execute(
        "SELECT source_day FROM sync.unarchived WHERE changed_at < %s ORDER BY 1", (before,)
    )
    return [day for (day,) in rows]
