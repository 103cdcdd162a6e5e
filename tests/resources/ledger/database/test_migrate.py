"""Migrations: applied once, in order, forward only; and what they leave to whom."""

from __future__ import annotations

import psycopg
import pytest

from domain.errors import PermanentError
from resources.ledger.database import migrate as module
from resources.ledger.database.migrate import is_current, migrate, migrations


@pytest.fixture
def empty(postgres_url: str, database: str) -> str:
    """Return a database without any of Lockstep's schemas."""
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(
            "DROP SCHEMA sync CASCADE; DROP SCHEMA history CASCADE; "
            "DROP TABLE public.lockstep_migration"
        )
    return database


def test_migrations_are_applied_once(empty: str) -> None:
    """The first call applies all in order; the second finds nothing to do."""
    assert not is_current(empty)
    assert migrate(empty) == [name for name, _ in migrations()]
    assert is_current(empty)
    assert migrate(empty) == []


def test_an_edited_migration_is_refused(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An applied migration must not change: other databases would have another schema."""
    (name, text), *rest = migrations()
    monkeypatch.setattr(module, "migrations", lambda: [(name, text + "\n-- edited"), *rest])

    with pytest.raises(PermanentError, match=name):
        migrate(database)


def test_a_new_migration_is_applied_to_a_database_that_has_the_others(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what is new is applied; a database without it is not current."""
    known = migrations()
    monkeypatch.setattr(
        module, "migrations", lambda: [*known, ("9999_more.sql", "CREATE TABLE sync.more (id int)")]
    )

    assert not is_current(database)
    assert migrate(database) == ["9999_more.sql"]
    with psycopg.connect(database) as db:
        assert db.execute("SELECT count(*) FROM sync.more").fetchone() == (0,)


def test_a_migration_that_fails_leaves_nothing_behind(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is one transaction: half of one is never there."""
    known = migrations()
    monkeypatch.setattr(
        module,
        "migrations",
        lambda: [*known, ("9999_more.sql", "CREATE TABLE sync.more (id int); SELECT 1/0")],
    )

    with pytest.raises(psycopg.errors.DivisionByZero):
        migrate(database)

    with psycopg.connect(database) as db:
        assert db.execute("SELECT to_regclass('sync.more')").fetchone() == (None,)


def test_the_reader_sees_the_history_and_nothing_else(database: str) -> None:
    """The data team's role reads all views of ``history``, no table of ``sync``, writes nothing."""
    with psycopg.connect(database, autocommit=True) as db:
        views = [
            name
            for (name,) in db.execute(
                "SELECT table_name FROM information_schema.views WHERE table_schema = 'history'"
            )
        ]
        tables = [
            name
            for (name,) in db.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = 'sync'"
            )
        ]
        assert {
            "orders",
            "stock",
            "shipments",
            "rejections",
            "deliveries",
            "lag",
            "daily_summary",
            "order_timeline",
        } <= set(views)
        assert "capture" in tables
        db.execute("SET ROLE lockstep_reader")
        for view in views:
            db.execute(f"SELECT * FROM history.{view} LIMIT 1")  # noqa: S608 - from the catalog
        for table in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(f"SELECT * FROM sync.{table} LIMIT 1")  # noqa: S608 - from the catalog
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("CREATE TABLE history.mine (id int)")
