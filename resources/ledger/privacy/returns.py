"""Returns of a person's orders, which are the person's, too, also where they name none."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import psycopg

from domain.connections import ORDERS, RETURNS, SHIPMENTS
from resources.ledger.links import ORDER, Links

RETURN = "return"
Found = dict[str, set[str]]


def with_returns(db: psycopg.Connection[Any], connection: str, found: Found) -> Found:
    """Return a person's records by stream with the returns of the orders, and the other way."""
    orders = set(_of(db, connection, "return_id", found.get(RETURNS, ())).values())
    orders |= found.get(ORDERS, set())
    linked = Links(db, connection, ORDER).store_ids(found.get(SHIPMENTS, ()))
    returns = _of(db, connection, "source_id", orders | set(linked.values())).keys()
    return found | {ORDERS: orders, RETURNS: found.get(RETURNS, set()) | returns}


def with_open_returns(
    db: psycopg.Connection[Any], connection: str, still_open: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Return the open work by entity, where an order and its returns are open together.

    A return names its order only: if the order were forgotten first, the return would not be found.
    """
    found = {entity: dict(names) for entity, names in still_open.items()}
    by_return = _of(db, connection, "return_id", found[RETURN])
    for return_id, order_id in by_return.items():
        found[ORDER].setdefault(order_id, f"return {return_id}: {found[RETURN][return_id]}")
    for return_id, order_id in _of(db, connection, "source_id", found[ORDER]).items():
        found[RETURN].setdefault(return_id, f"order {order_id}: {found[ORDER][order_id]}")
    return found


def _of(
    db: psycopg.Connection[Any], connection: str, column: str, ids: Collection[str]
) -> dict[str, str]:
    """Return the store's id of the order of each return that has one of the ids in a column."""
    rows = db.execute(
        f"""SELECT DISTINCT return_id, source_id FROM sync.return_line
            WHERE connection = %s AND {column} = ANY(%s)""".encode(),  # noqa: S608 - a column's name
        (connection, list(ids)),
    )
    return dict(rows.fetchall())
