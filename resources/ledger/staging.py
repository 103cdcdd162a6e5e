"""Bulk loading: COPY into a temporary table, then one INSERT, so that a repeated load changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
from psycopg import sql


def stage(
    connection: psycopg.Connection[Any], name: str, columns: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[Any]]
) -> sql.Identifier:
    """COPY ``rows`` into a temporary table and return its name; it is emptied when the transaction ends."""
    table = sql.Identifier(f"stage_{name}")
    definition = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in zip(columns, types, strict=True)
    )
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} ({}) ON COMMIT DELETE ROWS").format(table, definition))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("COPY {} FROM STDIN (FORMAT BINARY)").format(table)) as copy:
        copy.set_types(list(types))
        for row in rows:
            copy.write_row(row)
    return table
