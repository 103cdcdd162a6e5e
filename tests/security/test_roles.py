"""Least privilege: the three roles, each by connecting as it, and migrations by other users."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege

from resources.ledger.database import migrate as module
from resources.ledger.database import roles
from resources.ledger.database.dagster_storage import create_tables
from resources.ledger.database.migrate import migrate
from sandbox.app import RunningSandbox
from tests.assets.scene import Scene
from tests.security.conftest import acting, new_user

pytestmark = pytest.mark.slow

WRITER, READER, OWNER = roles.WRITER, roles.READER, roles.OWNER


def refused(url: str, statement: str) -> None:
    """Check that a statement fails for lack of privileges."""
    with psycopg.connect(url, autocommit=True) as db, pytest.raises(InsufficientPrivilege):
        db.execute(statement.encode())


def test_the_whole_chain_runs_as_the_writer(
    sandbox: RunningSandbox, database: str, tmp_path: Path, short_waits: None
) -> None:
    """All steps of all streams, and a new month's partitions, need only the writer's rights."""
    made = Scene(sandbox.url, acting(database, WRITER), f"w{uuid4().hex[:10]}", tmp_path)
    try:
        made.place_many([1, 2])
        made.run("orders")
        made.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 2}]})
        made.run("shipments", "inventory")
        made.run("orders")
        assert set(made.oms_orders()) == {"1", "2"}
        assert len(made.store_shipments()) == 1
        assert made.sql("SELECT current_user") == [(WRITER,)]
    finally:
        made.close()


def test_dagster_runs_on_tables_that_the_owner_made(database: str) -> None:
    """Runs and events are stored with the writer's rights, which can't change a table."""
    create_tables(database)
    writer = acting(database, WRITER)
    storage = {
        "custom": {
            "module": "resources.ledger.database.dagster_storage",
            "class": "LockstepStorage",
            "config": {"url": writer},
        }
    }

    @dg.asset
    def one() -> None:
        return None

    overrides = {"storage": storage, "telemetry": {"enabled": False}}
    with dg.DagsterInstance.local_temp(overrides=overrides) as instance:
        assert dg.materialize([one], instance=instance).success
        assert instance.get_latest_materialization_event(dg.AssetKey("one")) is not None
    with psycopg.connect(database) as db:
        assert db.execute(
            "SELECT count(*) FROM public.runs WHERE status = 'SUCCESS'"
        ).fetchone() == (1,)
    refused(writer, "DROP TABLE public.runs")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE sync.delivery",
        "ALTER TABLE sync.delivery ADD COLUMN more int",
        "TRUNCATE sync.capture",
        "CREATE TABLE sync.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "UPDATE sync.capture SET payload = ''",
        "DELETE FROM sync.capture",
        "DELETE FROM sync.message_log",
        "UPDATE public.lockstep_migration SET digest = ''",
        "ALTER FUNCTION sync.ensure_month(date) SECURITY INVOKER",
        "DROP SCHEMA history CASCADE",
        "GRANT lockstep_owner TO lockstep_writer",
    ],
)
def test_the_writer_changes_no_structure_and_no_evidence(database: str, statement: str) -> None:
    """The running service can change neither tables nor what was captured or sent."""
    refused(acting(database, WRITER), statement)


def test_a_partition_grants_no_more_than_its_table(database: str) -> None:
    """The writer has no rights on a month's own table besides those on its parent."""
    with psycopg.connect(acting(database, WRITER), autocommit=True) as db:
        db.execute("SELECT sync.ensure_month('2026-01-02')")
        assert db.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = 'capture_2026_01'"
        ).fetchone() == (OWNER,)
    refused(acting(database, WRITER), "DELETE FROM sync.capture_2026_01")


def test_a_function_of_the_owner_can_not_be_misused(database: str) -> None:
    """It resolves names by a fixed path, is the owner's, and only the writer can call it."""
    with psycopg.connect(database) as db:
        rows = db.execute(
            """SELECT p.proname, pg_get_userbyid(p.proowner), p.proconfig,
                      has_function_privilege('lockstep_reader', p.oid, 'EXECUTE')
               FROM pg_proc p WHERE p.pronamespace = 'sync'::regnamespace AND p.prosecdef"""
        ).fetchall()
    assert "ensure_month" in {name for name, *_ in rows}
    for name, owner, settings, for_reader in rows:
        assert owner == OWNER, name
        assert "search_path=pg_catalog, pg_temp" in settings, name
        assert not for_reader, name


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM sync.capture",
        "INSERT INTO sync.quota VALUES ('x', 1, now())",
        "CREATE TABLE history.mine (id int)",
        "SELECT sync.ensure_month('2026-01-02')",
        "SELECT * FROM public.lockstep_migration",
    ],
)
def test_the_reader_sees_the_history_only(database: str, statement: str) -> None:
    """Personal data is only in ``sync``, which the data team's role can't read; it can't write."""
    refused(acting(database, READER), statement)
    with psycopg.connect(database) as db:
        rights = db.execute(
            """SELECT DISTINCT privilege_type FROM information_schema.role_table_grants
               WHERE grantee = %s""",
            (READER,),
        ).fetchall()
    assert rights == [("SELECT",)]


def test_later_tables_get_their_rights_and_the_owner_migrates(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner's role applies what is new, and the grants cover it in the same run."""
    # A database made from a template does not have the template's rights on the database itself.
    migrate(database)
    known = module.migrations()
    monkeypatch.setattr(
        module, "migrations", lambda: [*known, ("9999_more.sql", "CREATE TABLE sync.more (id int)")]
    )

    assert migrate(acting(database, OWNER)) == ["9999_more.sql"]
    with psycopg.connect(acting(database, WRITER), autocommit=True) as db:
        db.execute("INSERT INTO sync.more VALUES (1)")
        db.execute("SELECT * FROM history.lag")
    with psycopg.connect(database) as db:
        assert db.execute(
            "SELECT tableowner FROM pg_tables WHERE tablename = 'more'"
        ).fetchone() == (OWNER,)


def test_a_user_who_may_not_create_roles_gets_advice(bare_server: str) -> None:
    """The schema is migrated; the roles apply once an administrator has run the advice."""
    url = new_user(bare_server, "")
    migrate(url)
    with psycopg.connect(url) as db:
        advice = roles.advice(db) or ""
        assert db.execute(
            "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lockstep%'"
        ).fetchone() == (0,)
    assert "may not create roles" in advice

    with psycopg.connect(bare_server, autocommit=True) as db:
        for statement in advice.partition("run: ")[2].split("; ")[:-1]:
            db.execute(statement.encode())
    assert migrate(url) == []
    with psycopg.connect(url) as db:
        assert roles.advice(db) is None
    with psycopg.connect(bare_server, autocommit=True) as db:
        db.execute(f"DROP DATABASE {url.partition('?')[0].rsplit('/')[-1]} WITH (FORCE)")
        db.execute(f"DROP ROLE {OWNER}, {WRITER}, {READER}")  # the next test makes them


def test_a_user_who_may_create_roles_migrates_a_managed_server(bare_server: str) -> None:
    """No superuser is needed: the user creates the roles and gives the ledger to the owner."""
    url = new_user(bare_server, "CREATEROLE")
    migrate(url)
    with psycopg.connect(url) as db:
        assert db.execute(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        ).fetchone() == (False,)
        assert roles.advice(db) is None
    assert migrate(url) == []

    other = new_user(bare_server, "")
    migrate(other)
    with psycopg.connect(other) as db:
        assert "The ledger belongs to user_" in (roles.advice(db) or "")
        assert db.execute(
            "SELECT has_table_privilege(%s, 'sync.capture', 'INSERT')", (WRITER,)
        ).fetchone() == (True,)


def test_the_roles_apply_on_the_embedded_server(database: str) -> None:
    """After a migration by a superuser there is no advice."""
    with psycopg.connect(database) as db:
        assert roles.advice(db) is None
