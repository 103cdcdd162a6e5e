"""The declared tables against the migrated database."""

from __future__ import annotations

import random

import psycopg
import pytest
from psycopg import sql

from domain.identity import LONGEST_COMPOSED, is_composed_id
from resources.ledger.history import LEFT_OUT
from resources.ledger.privacy.retention import MONTHLY
from resources.ledger.tables import TABLES, Table

IDS = {
    "source_id",
    "target_key",
    "store_id",
    "oms_id",
    "oms_key",
    "record",
    "message_id",
    "event_id",
}
"""Columns of indexes that hold an id of a record, one in each index."""


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_declared_column_has_the_type_of_the_database(database: str, table: Table) -> None:
    """COPY sends binary values: a column of another type would be refused, or misread."""
    with psycopg.connect(database) as db:
        rows = db.execute(
            """SELECT column_name, udt_name FROM information_schema.columns
               WHERE table_schema = 'sync' AND table_name = %s""",
            (table.name,),
        )
        stored = dict(rows.fetchall())
    assert {column.name: column.type for column in table.columns}.items() <= stored.items()
    assert table.key in stored


def test_the_longest_id_fits_in_every_index(database: str) -> None:
    """Of any script, and of letters that don't repeat: an entry takes a third of a page at most."""
    drawn = random.Random(7)
    longest = "".join(chr(drawn.randrange(0x20000, 0x2A6DF)) for _ in range(LONGEST_COMPOSED))
    assert is_composed_id(longest)
    with psycopg.connect(database, autocommit=True) as db:
        rows = db.execute(
            """SELECT i.indexrelid::regclass::text, t.relname,
                      array_agg(a.attname ORDER BY k.place)
               FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
               CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(number, place)
               JOIN pg_attribute a ON (a.attrelid, a.attnum) = (i.indrelid, k.number)
               WHERE t.relnamespace = 'sync'::regnamespace AND NOT t.relispartition
               GROUP BY 1, 2"""
        ).fetchall()
        named = {name: columns for name, _, columns in rows if set(columns) & IDS}
        assert len(named) > 20
        for columns in named.values():
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            values = [longest if column in IDS else "n" * 36 for column in columns]
            row = sql.SQL(", ").join(
                sql.SQL("{}::text AS {}").format(value, sql.Identifier(column))
                for column, value in zip(columns, values, strict=True)
            )
            db.execute(sql.SQL("CREATE TEMPORARY TABLE longest AS SELECT {}").format(row))
            db.execute(sql.SQL("CREATE INDEX ON longest ({})").format(names))
            db.execute("DROP TABLE longest")


def test_every_monthly_table_has_a_retention(database: str) -> None:
    """A table that a migration adds and no declaration names would be kept forever."""
    with psycopg.connect(database) as db:
        (monthly,) = db.execute("SELECT sync.monthly_tables()").fetchone() or ()
    assert sorted(name for names in MONTHLY.values() for name in names) == sorted(monthly)


def test_no_view_of_the_history_shows_a_personal_payload(database: str) -> None:
    """Readers of the history and the archive see no payload."""
    with psycopg.connect(database) as db:
        rows = db.execute(
            """SELECT table_name, column_name FROM information_schema.columns
               WHERE table_schema = 'history'"""
        ).fetchall()
    personal = {column.name for table in TABLES for column in table.columns if column.personal}
    assert personal == {"payload", "canonical", "content"}
    assert personal.isdisjoint({column for _, column in rows})
    assert {(view, column) for view, columns in LEFT_OUT.items() for column in columns} <= set(rows)
