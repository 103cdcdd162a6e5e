"""Orders that a connection has sent of channels or stores that it serves no longer.

They stay its own until the OMS has fulfilled or canceled them: their changes and cancellations go
to the OMS as before.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg

from domain.milestones import BEYOND_SHIPPED, Milestone

OVERLAP = timedelta(days=1)
"""How long after a connection was narrowed an order of before may still be sent."""
_DONE = [str(one) for one in (Milestone.SHIPPED, Milestone.CANCELED, *BEYOND_SHIPPED)]
_KEPT = """
    FROM sync.connection c
    JOIN sync.link l ON l.connection = c.connection AND l.entity = 'order'
         AND l.linked_at < c.narrowed_at + %(overlap)s
    JOIN sync.target_state t ON (t.connection, t.stream, t.target_key)
                              = (l.connection, 'orders', l.store_id)
    WHERE c.connection = %(name)s AND c.narrowed_at IS NOT NULL AND t.milestone <> 'canceled'
      AND NOT EXISTS (SELECT FROM sync.target_state s
                      WHERE (s.connection, s.stream, s.target_key)
                          = (l.connection, 'shipments', l.store_id)
                        AND s.milestone = ANY(%(done)s))"""


def keeps_any(db: psycopg.Connection[Any], connection: str) -> bool:
    """Return whether a connection has such orders; it is asked no more once all are done."""
    row = db.execute(
        """SELECT narrowed_at + %s < now() FROM sync.connection
           WHERE connection = %s AND narrowed_at IS NOT NULL""",
        (OVERLAP, connection),
    ).fetchone()
    if row is None:
        return False
    if db.execute(f"SELECT 1 {_KEPT} LIMIT 1".encode(), _given(connection)).fetchone():
        return True
    if row[0]:
        db.execute(
            "UPDATE sync.connection SET narrowed_at = NULL WHERE connection = %s", (connection,)
        )
    return False


def kept_orders(db: psycopg.Connection[Any], connection: str) -> set[str]:
    """Return such orders by the store's id; those of the channel that is served are among them."""
    rows = db.execute(f"SELECT l.store_id {_KEPT}".encode(), _given(connection))
    return {store_id for (store_id,) in rows}


def _given(connection: str) -> dict[str, Any]:
    return {"name": connection, "overlap": OVERLAP, "done": _DONE}
