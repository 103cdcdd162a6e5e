"""The ledger of the model's programs: one real Postgres database, emptied between programs.

Its connections are kept, since a new one would have to plan every query again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg import sql

from domain.errors import TransientError
from resources.ledger.database.migrate import migrate
from resources.ledger.ledger import Ledger

VIRTUAL = """
CREATE SCHEMA virtual;
CREATE TABLE virtual.shift (by interval NOT NULL);
INSERT INTO virtual.shift VALUES ('0');
CREATE FUNCTION virtual.now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS
    'SELECT pg_catalog.now() + (SELECT by FROM virtual.shift)';
CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    'SELECT pg_catalog.clock_timestamp() + (SELECT by FROM virtual.shift)';
GRANT USAGE ON SCHEMA virtual TO PUBLIC;
GRANT SELECT ON virtual.shift TO PUBLIC;
CREATE SCHEMA backup;
"""
SEARCH_PATH = "virtual, pg_catalog, public"
TABLES = """SELECT c.relname,
       (SELECT array_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'sync' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname"""

SETTINGS = ("jit = off", "plan_cache_mode = force_generic_plan")
"""Of the database: to plan a statement again costs more than to run it on tables of a few rows."""
STATEMENTS = 1_000
"""Prepared statements that a connection keeps."""
SESSIONS = (
    "FROM pg_stat_activity WHERE application_name = 'lockstep' AND datname = current_database()"
)
"""Those of Lockstep's process."""


class CrashedError(BaseException):
    """The process has died here: nothing of it runs any further."""


class Database:
    """A migrated database with virtual time."""

    def __init__(self, server: str, name: str) -> None:
        with psycopg.connect(server, autocommit=True) as db:
            db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
            db.execute(
                sql.SQL("ALTER DATABASE {} SET search_path = " + SEARCH_PATH).format(
                    sql.Identifier(name)
                )
            )
            for setting in SETTINGS:
                db.execute(sql.SQL("ALTER DATABASE {} SET " + setting).format(sql.Identifier(name)))
        base, mark, query = server.partition("?")
        self.server, self.name = server, name
        self.url = base.rsplit("/", 1)[0] + "/" + name + mark + query
        with psycopg.connect(self.url, autocommit=True) as db:
            db.execute(VIRTUAL)
        migrate(self.url)
        self.admin = psycopg.connect(self.url, autocommit=True, application_name="model")
        self.admin.execute("SET session_replication_role = replica")
        tables: list[tuple[str, list[str]]] = self.admin.execute(TABLES).fetchall()
        self._tables = {
            table: columns for table, columns in tables if not self._has_rows("sync", table)
        }
        self._triggers: list[str] = []
        self._clear = sql.SQL("; ").join(
            sql.SQL("DELETE FROM sync.{}").format(sql.Identifier(table)) for table in self._tables
        )

    def _has_rows(self, schema: str, table: str) -> bool:
        query = sql.SQL("SELECT EXISTS (SELECT FROM {}.{})").format(
            sql.Identifier(schema), sql.Identifier(table)
        )
        return bool((self.admin.execute(query).fetchone() or (False,))[0])

    def shift(self, by: timedelta) -> None:
        """Shift the database's time."""
        self.admin.execute("UPDATE virtual.shift SET by = %s", (by,))

    def clear(self) -> None:
        """Empty the ledger, and drop the backup."""
        self.admin.execute(self._clear)
        self.admin.execute("DROP SCHEMA backup CASCADE; CREATE SCHEMA backup")

    def back_up(self) -> None:
        """Copy the ledger."""
        self.admin.execute("DROP SCHEMA backup CASCADE; CREATE SCHEMA backup")
        for table in self._tables:
            name = sql.Identifier(table)
            self.admin.execute(
                sql.SQL("CREATE TABLE backup.{} AS TABLE sync.{}").format(name, name)
            )

    def restore(self) -> None:
        """Replace the ledger by its copy."""
        self.admin.execute(self._clear)
        for table, columns in self._tables.items():
            names = sql.SQL(", ").join(map(sql.Identifier, columns))
            self.admin.execute(
                sql.SQL(
                    "INSERT INTO sync.{0} ({1}) OVERRIDING SYSTEM VALUE SELECT {1} FROM backup.{0}"
                ).format(sql.Identifier(table), names)
            )

    def add_trigger(self, table: str, change: str) -> None:
        """Let a statement in PL/pgSQL change each row of a table before it is written."""
        name = sql.Identifier(f"mutant_{table}")
        self.admin.execute(
            sql.SQL(
                "CREATE FUNCTION public.{0}() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN {1} RETURN NEW; END $$;"
                "CREATE TRIGGER {0} BEFORE INSERT OR UPDATE ON sync.{2} "
                "FOR EACH ROW EXECUTE FUNCTION public.{0}()"
            ).format(name, sql.SQL(change), sql.Identifier(table))
        )
        self._triggers.append(table)

    def drop_triggers(self) -> None:
        """Drop the triggers."""
        for table in self._triggers:
            name = sql.Identifier(f"mutant_{table}")
            self.admin.execute(sql.SQL("DROP FUNCTION public.{} CASCADE").format(name))
        self._triggers.clear()

    def end_sessions(self) -> None:
        """End all sessions of Lockstep, as when its process dies."""
        ended = [pid for (pid,) in self.rows(f"SELECT pid {SESSIONS}")]
        self.rows("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", ended)
        # pg_terminate_backend itself waits in tenths. A session that was opened since then is
        # another one: a thread of the process that waits for a quota opens its own at once.
        while self.rows(f"SELECT 1 {SESSIONS} AND pid = ANY(%s)", ended):
            self.admin.execute("SELECT pg_sleep(0.002)")

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.admin.execute(query.encode(), parameters).fetchall()

    def drop(self) -> None:
        """Drop the database."""
        self.admin.close()
        with psycopg.connect(self.server, autocommit=True) as db:
            db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))


class Connection(psycopg.Connection[Any]):
    """A connection on which each transaction passes two places where the process may die."""

    at: Callable[[str], None] = staticmethod(lambda _: None)
    """Called with the name of the place."""

    @contextmanager
    def transaction(self, *given: Any, **named: Any) -> Iterator[psycopg.Transaction]:
        """Open a transaction; before its end and after it the process may die."""
        with super().transaction(*given, **named) as transaction:
            yield transaction
            Connection.at("commit")
        Connection.at("committed")


class KeptLedger(Ledger):
    """A ledger whose connections outlive the programs."""

    is_dead = False

    def connect(self) -> psycopg.Connection[Any]:
        """Open a connection in autocommit mode."""
        if self.is_dead:
            raise CrashedError
        try:
            db = Connection.connect(self.url, autocommit=True, application_name="lockstep")
        except psycopg.OperationalError as error:
            raise TransientError(f"Could not reach Postgres: {error}") from None
        db.prepare_threshold, db.prepared_max = 1, STATEMENTS
        return db

    def close(self) -> None:
        """Keep the connections: the next program uses them."""

    def end(self) -> None:
        """Close the connections."""
        super().close()
