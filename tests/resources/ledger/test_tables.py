"""The declared tables against the migrated database."""

from __future__ import annotations

import psycopg
import pytest

from resources.ledger.history import LEFT_OUT
from resources.ledger.privacy.retention import MONTHLY
from resources.ledger.tables import TABLES, Table


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
