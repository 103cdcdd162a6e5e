"""Orders of a store that another of its connections has sent, as before a channel was split off."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

import psycopg

SENT_ELSEWHERE = "order_sent_elsewhere"
"""The code of an order that a connection which is no longer configured has sent to the same OMS."""


class SentElsewhere(NamedTuple):
    """An order that another connection of the store has sent."""

    connection: str
    oms_id: str
    is_active: bool
    """The connection is configured and syncs orders: it cares for the order."""


def sent_elsewhere(
    db: psycopg.Connection[Any],
    connection: str,
    store_ids: Collection[str],
    *,
    lock: bool = False,
) -> dict[str, SentElsewhere]:
    """Return which of a connection's orders others have sent, by the store's id.

    Not what a connection that is no longer configured has sent to another OMS: that one was left,
    such as a test's, and the order is to be fulfilled by this one. ``lock``: until the end of the
    transaction, no connection of the store makes a link.
    """
    if not store_ids:
        return {}
    others = db.execute(
        """SELECT c.connection, c.store, c.configured AND EXISTS (
                  SELECT FROM sync.stream s WHERE s.connection = c.connection
                    AND s.stream = 'orders' AND s.configured), own.organisation
           FROM sync.connection own JOIN sync.connection c USING (store)
           WHERE own.connection = %s AND c.connection <> own.connection AND c.store <> ''""",
        (connection,),
    ).fetchall()
    if not others:
        return {}
    if lock:
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 8))", (others[0][1],))
    active = [name for name, _, is_active, _ in others if is_active]
    rows = db.execute(
        """SELECT store_id, connection, oms_id FROM sync.link
           WHERE connection = ANY(%b::text[]) AND entity = 'order'
             AND store_id = ANY(%b::text[])
             AND (connection = ANY(%b::text[]) OR organisation = %s)""",
        ([name for name, *_ in others], list(store_ids), active, others[0][3]),
    )
    return {s: SentElsewhere(name, oms_id, name in active) for s, name, oms_id in rows}
