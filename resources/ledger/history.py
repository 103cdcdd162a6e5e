"""The views of the schema ``history``, read as a whole for the archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
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
