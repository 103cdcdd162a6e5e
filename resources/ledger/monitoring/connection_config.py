"""The part of the configuration that is stored, so that views can use owners and limits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import psycopg

from domain.connections import INVENTORY, Connection, Installation
from domain.streams import KINDS
from resources.ledger.links import move_links
from resources.ledger.records.doubted_levels import doubt_all
from resources.systems import endpoints_of

_PREFIX = """CASE WHEN EXISTS (SELECT FROM sync.delivery d
                               WHERE d.connection = c.connection AND d.stream = 'orders')
                      OR EXISTS (SELECT FROM sync.target_state t
                                 WHERE t.connection = c.connection AND t.stream = 'orders')
                  THEN c.order_id_prefix ELSE excluded.order_id_prefix END"""
"""The prefix under which the OMS has the connection's orders, if it has any."""

_NARROWED = """CASE WHEN excluded.part NOT IN ('', coalesce(c.part, '')) THEN now()
                     ELSE c.narrowed_at END"""
"""When the connection began to serve only a part of what it served before.

A ledger that is older than the column may have orders of all parts. If it has none, nothing is kept
for it.
"""


def describe(db: psycopg.Connection[Any], installation: Installation) -> None:
    """Write one row of ``sync.connection`` a connection, and of ``sync.stream`` a stream.

    A connection that the configuration no longer has is kept and marked. The prefix under which
    orders were sent stays (``kept_prefixes``), and so do the store whose records it has
    (``kept_stores``) and the OMS that has its orders (``kept_oms``). Links follow an OMS that has
    moved. Stock that was entered by hand while the configuration did not have its stream is
    compared with the OMS's.
    """
    with db.transaction():
        known = db.execute(
            "SELECT connection, organisation, store FROM sync.connection FOR UPDATE"
        ).fetchall()
        before = {name: organisation for name, organisation, _ in known}
        stores = {name: store for name, _, store in known}
        organisations = {
            name: _oms_of(db, name, connection, before.get(name, ""))
            for name, connection in installation.connections.items()
        }
        rows = [
            (
                *_row(name, connection, organisations[name]),
                _store_of(db, name, connection, stores.get(name, "")),
                endpoints_of(connection).platform.part or "",
            )
            for name, connection in installation.connections.items()
        ]
        _put(db, rows)
        back = _back_again(db, installation)
        _describe_streams(db, installation)
        for name in back:
            doubt_all(db, name)
        for name, *_, organisation, ids_ignore_case, _, _ in rows:
            if before.get(name, "") != organisation:
                move_links(db, name, organisation, ids_ignore_case=ids_ignore_case)


def _put(db: psycopg.Connection[Any], rows: Sequence[tuple[Any, ...]]) -> None:
    """Write the connections that are configured, and mark the others."""
    db.execute(
        """UPDATE sync.connection SET configured = false
           WHERE configured AND connection <> ALL(%s)""",
        ([row[0] for row in rows],),
    )
    with db.cursor() as cursor:
        cursor.executemany(
            f"""INSERT INTO sync.connection AS c (connection, owner, description,
                                                 order_id_prefix, limits, grain, organisation,
                                                 ids_ignore_case, store, part)
               VALUES (%s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)
               ON CONFLICT (connection) DO UPDATE SET
                   owner = excluded.owner, description = excluded.description,
                   order_id_prefix = {_PREFIX},
                   limits = excluded.limits, grain = excluded.grain,
                   organisation = excluded.organisation,
                   ids_ignore_case = excluded.ids_ignore_case, store = excluded.store,
                   part = excluded.part, narrowed_at = {_NARROWED}, configured = true,
                   described_at = now()
               WHERE (c.owner, c.description, c.order_id_prefix, c.limits, c.grain,
                      c.organisation, c.ids_ignore_case, c.store, c.part, c.configured)
                   IS DISTINCT FROM (excluded.owner, excluded.description, {_PREFIX},
                                     excluded.limits, excluded.grain, excluded.organisation,
                                     excluded.ids_ignore_case, excluded.store, excluded.part,
                                     true)""",  # noqa: S608 - constants
            rows,
        )


def _store_of(db: psycopg.Connection[Any], name: str, connection: Connection, kept: str) -> str:
    """Return the store whose records a connection has, or will have."""
    store = endpoints_of(connection).platform.account
    if kept in ("", store, connection.store_moved_from) or not _has_records(db, name):
        return store
    return kept


def _oms_of(db: psycopg.Connection[Any], name: str, connection: Connection, kept: str) -> str:
    """Return the OMS and its organisation that has a connection's orders, or will have them.

    A ledger that is older than the column states only the connection itself.
    """
    oms = str(endpoints_of(connection).oms)
    if kept in ("", oms, connection.oms_moved_from, f"connection {name}"):
        return oms
    row = db.execute(
        "SELECT EXISTS (SELECT FROM sync.link WHERE connection = %s)", (name,)
    ).fetchone()
    return kept if row and row[0] else oms


def _has_records(db: psycopg.Connection[Any], name: str) -> bool:
    row = db.execute(
        """SELECT EXISTS (SELECT FROM sync.capture WHERE connection = %(name)s)
               OR EXISTS (SELECT FROM sync.delivery WHERE connection = %(name)s)
               OR EXISTS (SELECT FROM sync.target_state WHERE connection = %(name)s)""",
        {"name": name},
    ).fetchone()
    return bool(row and row[0])


def _back_again(db: psycopg.Connection[Any], installation: Installation) -> list[str]:
    """Return the connections whose stock is synced again, after a time without its stream."""
    syncing = [name for name, one in installation.connections.items() if INVENTORY in one.streams]
    rows = db.execute(
        """SELECT connection FROM sync.stream
           WHERE connection = ANY(%s) AND stream = %s AND NOT configured""",
        (syncing, INVENTORY),
    )
    return [name for (name,) in rows]


def _describe_streams(db: psycopg.Connection[Any], installation: Installation) -> None:
    """Write the streams; one that the configuration no longer has is kept and marked."""
    rows = [
        (
            *(name, stream, place, kind.to_oms, kind.is_snapshot, kind.entity),
            *_systems(connection, to_oms=kind.to_oms),
        )
        for name, connection in installation.connections.items()
        for place, stream in enumerate(connection.streams, 1)
        for kind in (KINDS[stream],)
    ]
    with db.cursor() as cursor:
        cursor.execute(
            """UPDATE sync.stream SET configured = false
               WHERE configured AND (connection, stream) NOT IN (
                   SELECT * FROM unnest(%s::text[], %s::text[]))""",
            ([row[0] for row in rows], [row[1] for row in rows]),
        )
        cursor.executemany(
            """INSERT INTO sync.stream AS s (connection, stream, place, to_oms, is_snapshot, entity,
                                             source_system, target_system)
               VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
               ON CONFLICT (connection, stream) DO UPDATE SET
                   place = excluded.place, to_oms = excluded.to_oms,
                   is_snapshot = excluded.is_snapshot, entity = excluded.entity,
                   source_system = excluded.source_system, target_system = excluded.target_system,
                   configured = true
               WHERE (s.place, s.to_oms, s.is_snapshot, s.entity, s.source_system, s.target_system,
                      s.configured)
                   IS DISTINCT FROM (excluded.place, excluded.to_oms, excluded.is_snapshot,
                                     excluded.entity, excluded.source_system,
                                     excluded.target_system, true)""",
            rows,
        )


def _systems(connection: Connection, *, to_oms: bool) -> tuple[str, str]:
    """Return the kinds of a stream's source and target."""
    store, oms = connection.platform.kind, connection.oms.kind
    return (store, oms) if to_oms else (oms, store)


def kept_prefixes(db: psycopg.Connection[Any], installation: Installation) -> dict[str, str]:
    """Return connection -> prefix of its orders at the OMS, where the configuration has another.

    With another prefix an order's next version would create the order a second time, and its
    shipments would not be found.
    """
    rows: dict[str, str] = dict(
        db.execute("SELECT connection, order_id_prefix FROM sync.connection").fetchall()
    )
    return {
        name: rows[name]
        for name, connection in installation.connections.items()
        if name in rows and rows[name] != connection.orders.order_id_prefix
    }


def kept_stores(db: psycopg.Connection[Any], installation: Installation) -> dict[str, str]:
    """Return connection -> the store of its records, where the configuration has another.

    A record of the other store with the same id would be taken for a newer version of the first's.
    """
    rows: dict[str, str] = dict(
        db.execute("SELECT connection, store FROM sync.connection").fetchall()
    )
    return {
        name: rows[name]
        for name, connection in installation.connections.items()
        if name in rows and rows[name] != endpoints_of(connection).platform.account
    }


def kept_oms(db: psycopg.Connection[Any], installation: Installation) -> dict[str, str]:
    """Return connection -> the OMS that has its orders, where the configuration has another.

    What the ledger knows as sent would not reach the other one, and nothing would say so.
    """
    rows: dict[str, str] = dict(
        db.execute("SELECT connection, organisation FROM sync.connection").fetchall()
    )
    return {
        name: rows[name]
        for name, connection in installation.connections.items()
        if name in rows and rows[name] != str(endpoints_of(connection).oms)
    }


def former_names(db: psycopg.Connection[Any], installation: Installation) -> dict[str, str]:
    """Return connection -> the one that was configured in its place, and has its orders.

    That is how a connection looks that was renamed: the same store, OMS and ids. It has no order
    yet, and all that the OMS does to the other's would be left out as another connection's.
    """
    names = [
        name
        for name, connection in installation.connections.items()
        if endpoints_of(connection).prefix is not None
    ]
    rows = db.execute(
        """SELECT DISTINCT ON (n.connection) n.connection, c.connection
           FROM sync.connection n
           JOIN sync.connection c ON NOT c.configured AND c.store = n.store
               AND c.organisation = n.organisation AND c.order_id_prefix = n.order_id_prefix
           WHERE n.connection = ANY(%s) AND n.store <> ''
             AND EXISTS (SELECT FROM sync.link WHERE connection = c.connection)
             AND NOT EXISTS (SELECT FROM sync.link WHERE connection = n.connection)
           ORDER BY n.connection, c.described_at DESC""",
        (names,),
    )
    return dict(rows.fetchall())


def recorded_connections(db: psycopg.Connection[Any]) -> list[str]:
    """Return every connection that was ever configured here, in alphabetical order."""
    return [name for (name,) in db.execute("SELECT connection FROM sync.connection ORDER BY 1")]


def _row(name: str, connection: Connection, organisation: str) -> tuple[Any, ...]:
    limits = {key: _seconds(value) for key, value in connection.limits}
    limits["freshness"] = connection.freshness_limit.total_seconds()
    oms = endpoints_of(connection).oms
    return (
        name,
        connection.owner,
        connection.description,
        connection.orders.order_id_prefix,
        json.dumps(limits),
        connection.grain,
        organisation,
        oms.ids_ignore_case,
    )


def _seconds(limit: Any) -> Any:
    """Return a limit in seconds; a limit by stream as a mapping."""
    if isinstance(limit, timedelta):
        return limit.total_seconds()
    if isinstance(limit, dict):
        return {name: _seconds(value) for name, value in limit.items()}
    return limit
