"""Returns of a person's orders and agents' actions on them, which are the person's, too."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import psycopg

from domain.connections import ACTIONS, ORDERS, RETURNS, SHIPMENTS
from resources.ledger.links import ORDER, Links

Found = dict[str, set[str]]


class _Kind(NamedTuple):
    """Records of a stream that are of an order, and the typed table that says of which."""

    stream: str
    entity: str
    table: str
    key: str


OF_ORDERS = (
    _Kind(RETURNS, "return", "return_line", "return_id"),
    _Kind(ACTIONS, "action", "action", "action_id"),
)


def with_returns(db: psycopg.Connection[Any], connection: str, found: Found) -> Found:
    """Return a person's records by stream with what is of their orders, and the other way."""
    orders = set(found.get(ORDERS, ()))
    orders |= set(Links(db, connection, ORDER).store_ids(found.get(SHIPMENTS, ())).values())
    for kind in OF_ORDERS:
        named = found.get(kind.stream, ())
        orders |= set(_of(db, connection, kind, kind.key, named).values())
    result = found | {ORDERS: orders}
    for kind in OF_ORDERS:
        of_them = _of(db, connection, kind, "source_id", orders).keys()
        result[kind.stream] = found.get(kind.stream, set()) | of_them
    return result


def with_open_returns(
    db: psycopg.Connection[Any], connection: str, still_open: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the open work by entity, where an order and what is of it are open together.

    A return or an action names its order only: if the order were forgotten first, it would not be
    found.
    """
    found = {entity: dict(names) for entity, names in still_open.items()}
    for kind in OF_ORDERS:
        own = found[kind.entity]
        for one, order_id in _of(db, connection, kind, kind.key, own).items():
            found[ORDER].setdefault(order_id, f"{kind.entity} {one}: {own[one]}")
    for kind in OF_ORDERS:
        for one, order_id in _of(db, connection, kind, "source_id", found[ORDER]).items():
            found[kind.entity].setdefault(one, f"order {order_id}: {found[ORDER][order_id]}")
    return found


def _of(
    db: psycopg.Connection[Any], connection: str, kind: _Kind, column: str, ids: Collection[str]
) -> dict[str, str]:
    """Return the store's id of the order of each record that has one of the ids in a column."""
    rows = db.execute(
        f"""SELECT DISTINCT {kind.key}, source_id FROM sync.{kind.table}
            WHERE connection = %s AND {column} = ANY(%s)""".encode(),  # noqa: S608 - declared names
        (connection, list(ids)),
    )
    return dict(rows.fetchall())
