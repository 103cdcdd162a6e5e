"""The typed tables of accepted records, such as an order's lines, and the facts of fulfilment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql

from resources.ledger.database.bulk import load, stage
from resources.ledger.rows import TableRows


class TypedTables:
    """The typed tables of one connection."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db = connection
        self._name = name

    def put(self, day: date, typed: Sequence[TableRows]) -> None:
        """Store the rows of new records."""
        for part in typed:
            if part.table.are_facts:
                self._put_facts(day, part)
            else:
                fixed = {"source_day": day, "connection": self._name}
                load(self._db, part.table, fixed, part.rows)

    def add(self, day: date, typed: Sequence[TableRows]) -> None:
        """Store the rows of records that may have some of them already."""
        for part in typed:
            if part.table.are_facts:
                self._put_facts(day, part)
            else:
                self._add(day, part)

    def clear(self, day: date, captures: list[UUID], typed: Sequence[TableRows]) -> None:
        """Remove the rows of captures; facts stay."""
        for part in typed:
            if part.table.are_facts:
                continue
            self._db.execute(
                sql.SQL(
                    """DELETE FROM sync.{}
                       WHERE connection = %s AND source_day = %s AND capture_id = ANY(%b)"""
                ).format(sql.Identifier(part.table.name)),
                (self._name, day, captures),
            )

    def _add(self, day: date, part: TableRows) -> None:
        """Insert the rows that do not exist yet."""
        if not part.rows:
            return
        table = stage(self._db, part.table, part.rows)
        columns = sql.SQL(", ").join(map(sql.Identifier, part.table.names))
        self._db.execute(
            sql.SQL(
                """INSERT INTO sync.{} (source_day, connection, {}) SELECT %s, %s, {} FROM {}
                   ON CONFLICT DO NOTHING"""
            ).format(sql.Identifier(part.table.name), columns, columns, table),
            (day, self._name),
        )
        self._db.execute(sql.SQL("TRUNCATE {}").format(table))

    def _put_facts(self, day: date, part: TableRows) -> None:
        """Add new facts, and correct known ones by a version that is not older."""
        if not part.rows:
            return
        table = stage(self._db, part.table, part.rows)
        columns = sql.SQL(", ").join(map(sql.Identifier, part.table.names))
        changes = sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name))
            for name in part.table.corrected
        )
        self._db.execute(
            sql.SQL(
                """INSERT INTO sync.{} AS t (source_day, connection, {})
                   SELECT DISTINCT ON (event_key) %s::date, %s, {} FROM {}
                   ORDER BY event_key, version_at DESC
                   ON CONFLICT (connection, source_day, event_key) DO UPDATE
                       SET {}, noted_at = now()
                       WHERE excluded.version_at >= t.version_at"""
            ).format(sql.Identifier(part.table.name), columns, columns, table, changes),
            (day, self._name),
        )
        self._db.execute(sql.SQL("TRUNCATE {}").format(table))
