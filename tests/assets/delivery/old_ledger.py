"""A ledger as an older version left it: an older schema, with rows in every one of its tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any
from uuid import uuid4

import orjson
import psycopg
from psycopg import sql

from resources.ledger.database.compression import compress, decompress
from resources.ledger.database.migrate import migrations

Database = psycopg.Connection[Any]
EXTRA = {
    "inbox": """INSERT INTO sync.inbox (connection, system, event_id, stream, source_id, scope)
                VALUES ('acme', 'platform', 'e-1', 'orders', '1', 'store/order/updated')""",
    "rerun": """INSERT INTO sync.rerun (connection, stream, source_day, source_ids, mode, asked_by,
                                        why) VALUES ('acme', 'orders', current_date, '{1}',
                                                     'as_captured', 'jo', 'a test')""",
    "edit": """INSERT INTO sync.edit (connection, stream, source_day, capture_id, source_id,
                                      changes, who, why)
               VALUES ('acme', 'orders', current_date, gen_random_uuid(), '9', '[]', 'jo', '')""",
    "rejection_action": """INSERT INTO sync.rejection_action (rejection_id, who, action)
                           SELECT rejection_id, 'jo', 'retry' FROM sync.rejection LIMIT 1""",
    "mapping_digest": "INSERT INTO sync.mapping_digest VALUES ('other', 'code', 'x')",
    "drift": """INSERT INTO sync.drift (connection, class, entity, record, field, stream, source_id,
                    expected, found, since, correlation_id, owner, advice, can_heal, run_id)
                VALUES ('acme', 'differs', 'order', '1', 'total', 'orders', '1', '1', '2', now(),
                        'ord-1', '', '', true, 'run')""",
    "retention_log": """INSERT INTO sync.retention_log (table_name, before, rows)
                        VALUES ('capture', '2020-01-01', 5)""",
    "forgotten": """INSERT INTO sync.forgotten (connection, kind, salt, digest, counts, who)
                    VALUES ('acme', 'email', 's', 'd', '{}', 'jo')""",
    "forgotten_record": """INSERT INTO sync.forgotten_record
                           SELECT 'acme', 'orders', '99', forgotten_id FROM sync.forgotten""",
    "caution": "INSERT INTO sync.caution VALUES ('other', current_date, 'a test')",
    "quota_wait": """INSERT INTO sync.quota_wait (connection, stream, step, bucket, until)
                     VALUES ('other', 'orders', 'delivered', 'b', '2026-01-01')""",
    "unvalidated": """INSERT INTO sync.unvalidated
                      VALUES ('other', 'orders', '2026-01-01', gen_random_uuid())""",
    "quota": "INSERT INTO sync.quota (bucket, permits, resets_at) VALUES ('b', 1, now())",
}
"""Table -> a row of it, where what the test did has left none."""
FORMER = {
    "connection": """(SELECT c.*, ARRAY(SELECT s.stream FROM sync.stream s
                                        WHERE s.connection = c.connection
                                        ORDER BY s.place) AS streams
                      FROM sync.connection c) AS former""",
    "store_item": """(SELECT connection, sku, parent_id AS product_id, item_id AS variant_id,
                             tracking, checked_at, sku_key, is_shared, level
                      FROM sync.item WHERE side = 'store') AS former""",
    "oms_item": """(SELECT connection, sku, uom, uoms, checked_at
                    FROM sync.item WHERE side = 'oms') AS former""",
}
"""Table that was dropped since, or lost a column -> where the current schema has its rows."""


@contextmanager
def old_copy(source: str, last: str) -> Iterator[str]:
    """Copy a ledger's rows into a database with the schema of the migration ``last``."""
    base, mark, query = source.partition("?")
    name = f"old_{uuid4().hex[:8]}"
    with psycopg.connect(source, autocommit=True) as db:
        db.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = f"{base.rpartition('/')[0]}/{name}{mark}{query}"
        with psycopg.connect(url, autocommit=True) as old:
            _migrate_up_to(old, last)
            _copy(db, old)
            for table in tables(old):
                if table in EXTRA and not rows(old, table):
                    old.execute(EXTRA[table])
        yield url
        db.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _migrate_up_to(db: Database, last: str) -> None:
    db.execute(
        "CREATE TABLE public.lockstep_migration (name text PRIMARY KEY, digest text NOT NULL, "
        "applied_at timestamptz NOT NULL DEFAULT now())"
    )
    for name, text in migrations():
        if name[:4] <= last:
            db.execute(text.encode())
            digest = blake2b(text.encode(), digest_size=16).hexdigest()
            db.execute(
                "INSERT INTO public.lockstep_migration (name, digest) VALUES (%s, %s)",
                (name, digest),
            )


def tables(db: Database) -> list[str]:
    """Return the tables of the schema, those that are partitioned as one."""
    found = db.execute(
        """SELECT relname FROM pg_class WHERE relnamespace = 'sync'::regnamespace
           AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1"""
    )
    return [name for (name,) in found]


def columns(db: Database, table: str) -> list[str]:
    """Return a table's columns."""
    found = db.execute(
        """SELECT column_name FROM information_schema.columns
           WHERE table_schema = 'sync' AND table_name = %s ORDER BY ordinal_position""",
        (table,),
    )
    return [name for (name,) in found]


def rows(db: Database, table: str, names: list[str] | None = None) -> list[str]:
    """Return a table's rows as text, in a fixed order, in these columns."""
    chosen = sql.SQL(", ").join(map(sql.Identifier, names or columns(db, table)))
    source = _source(db, table, names or ())
    query = sql.SQL("SELECT ROW({})::text FROM {}").format(chosen, source)
    return sorted(row for (row,) in db.execute(query))


def _source(db: Database, table: str, names: Collection[str]) -> sql.Composable:
    """Return where a schema has the rows of a table with these columns."""
    if table in FORMER and not set(names) <= set(columns(db, table)):
        return sql.SQL(FORMER[table])
    return sql.Identifier("sync", table)


def _copy(db: Database, old: Database) -> None:
    months = db.execute(
        "SELECT source_day FROM sync.capture UNION SELECT source_day FROM sync.message_log"
    )
    for (day,) in months.fetchall():
        old.execute("SELECT sync.ensure_month(%s)", (day,))
    old.execute("SET session_replication_role = replica")  # the order of tables does not matter
    for table in tables(old):
        rows_from = _source(db, table, columns(old, table))
        found = db.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(rows_from)).description or ()
        present = {column.name for column in found}
        names = [name for name in columns(old, table) if name in present]
        chosen = sql.SQL(", ").join(map(sql.Identifier, names))
        place = sql.Identifier("sync", table)
        read = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(chosen, rows_from)
        write = sql.SQL("COPY {} ({}) FROM STDIN").format(place, chosen)
        with db.cursor().copy(read) as source, old.cursor().copy(write) as target:
            for block in source:
                target.write(block)
    old.execute("SET session_replication_role = DEFAULT")
    identities = old.execute(
        """SELECT table_name, column_name FROM information_schema.columns
           WHERE table_schema = 'sync' AND is_identity = 'YES'"""
    )
    for table, column in identities.fetchall():
        old.execute(
            sql.SQL(
                "SELECT setval(pg_get_serial_sequence('sync.{0}', {1}), coalesce(max({2}), 1)) "
                "FROM sync.{0}"
            ).format(sql.Identifier(table), sql.Literal(column), sql.Identifier(column))
        )


def store_ids_of_shipments_alone(db: Database) -> None:
    """Store of the store's shipments what the first version knew of them: their ids."""
    found = db.execute(
        "SELECT target_key, content FROM sync.target_state WHERE stream = 'shipments'"
    )
    for key, frame in found.fetchall():
        content = orjson.loads(decompress(frame))
        content["shipments"] = {name: one["id"] for name, one in content["shipments"].items()}
        db.execute(
            "UPDATE sync.target_state SET content = %s WHERE stream = 'shipments' "
            "AND target_key = %s",
            (compress(orjson.dumps(content)), key),
        )


def leave_unfinished(db: Database, states: dict[str, tuple[str, int]]) -> None:
    """Let orders that the OMS has be ones whose creation has no good end in the ledger.

    ``states`` are the state of each order's delivery, and its attempts.
    """
    for source_id, (state, attempts) in states.items():
        db.execute(
            """UPDATE sync.delivery SET state = %s, attempts = %s, target_id = '', error = 'lost'
               WHERE stream = 'orders' AND source_id = %s""",
            (state, attempts, source_id),
        )
        db.execute(
            "DELETE FROM sync.target_state WHERE stream = 'orders' AND target_key = %s",
            (source_id,),
        )
        db.execute(
            "UPDATE sync.record SET outcome = %s WHERE stream = 'orders' AND source_id = %s",
            ("rejected" if state == "dead" else None, source_id),
        )
    if "is_uncertain" in columns(db, "delivery"):
        db.execute(
            "UPDATE sync.delivery SET is_uncertain = true "
            "WHERE stream = 'orders' AND source_id = ANY(%s)",
            (list(states),),
        )
