"""Fulfilment progress: how many units of an order wait to be shipped at the OMS or have left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

from domain.rules.export import Ended


class ProgressRow(NamedTuple):
    """Where an order's units are in one version.

    ``source_id`` is the store's id; units in ``awaiting`` are released and not shipped.
    """

    source_id: str
    order_id: str
    awaiting: Decimal
    shipped: Decimal
    correlation_id: str
    updated_at: datetime
    ended: Ended = ""


class FulfilmentProgress:
    """Fulfilment progress of one connection's orders."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db = connection
        self._name = name

    def put(self, rows: Sequence[ProgressRow]) -> dict[str, Ended]:
        """Store the newest version's progress of each order; an older version changes nothing.

        Return the orders that the OMS is done with, and was not before.
        """
        if not rows:
            return {}
        before = self._ended([r.source_id for r in rows])
        newest = self._db.execute(
            """INSERT INTO sync.standing AS s (connection, source_id, order_id, awaiting,
                                                awaiting_since, shipped, correlation_id, updated_at,
                                                ended)
               SELECT DISTINCT ON (i) %s, i, o, a, CASE WHEN a > 0 THEN u END, h, c, u, e
               FROM unnest(%b::text[], %b::text[], %b::numeric[], %b::numeric[], %b::text[],
                           %b::timestamptz[], %b::text[]) AS v(i, o, a, h, c, u, e)
               ORDER BY i, u DESC
               ON CONFLICT (connection, source_id) DO UPDATE SET
                   order_id = excluded.order_id, awaiting = excluded.awaiting,
                   shipped = excluded.shipped, correlation_id = excluded.correlation_id,
                   updated_at = excluded.updated_at, ended = excluded.ended,
                   awaiting_since = CASE WHEN excluded.awaiting > 0 THEN
                       coalesce(s.awaiting_since, excluded.awaiting_since) END
               WHERE excluded.updated_at >= s.updated_at
               RETURNING source_id, ended""",
            (
                self._name,
                [r.source_id for r in rows],
                [r.order_id for r in rows],
                [r.awaiting for r in rows],
                [r.shipped for r in rows],
                [r.correlation_id for r in rows],
                [r.updated_at for r in rows],
                [r.ended for r in rows],
            ),
        )
        return {order: ended for order, ended in newest if ended and before.get(order) != ended}

    def _ended(self, source_ids: Sequence[str]) -> dict[str, Ended]:
        rows = self._db.execute(
            """SELECT source_id, ended FROM sync.standing
               WHERE connection = %s AND source_id = ANY(%b::text[]) AND ended <> ''""",
            (self._name, list(source_ids)),
        )
        return dict(rows.fetchall())

    def ordered(self, source_ids: Sequence[str]) -> dict[str, dict[str, Decimal]]:
        """Return source id -> line id -> units by orders' newest accepted versions.

        In the OMS's unit. Nothing for an order that is canceled in the store.
        """
        rows = self._db.execute(
            """SELECT l.source_id, l.line_id, l.quantity
               FROM (SELECT DISTINCT ON (source_id) source_day, capture_id FROM sync.record
                     WHERE connection = %(name)s AND stream = 'orders'
                       AND source_id = ANY(%(ids)b::text[]) AND state = 'accepted'
                     ORDER BY source_id, source_updated_at DESC, capture_id DESC) n
               JOIN sync.order_header h USING (source_day, capture_id)
               JOIN sync.order_line l USING (connection, source_day, capture_id)
               WHERE h.connection = %(name)s AND NOT h.cancelled""",
            {"name": self._name, "ids": list(source_ids)},
        )
        found: dict[str, dict[str, Decimal]] = {}
        for source_id, line_id, quantity in rows:
            found.setdefault(source_id, {})[line_id] = quantity
        return found

    def to_acknowledge(self, limit: int) -> list[str]:
        """Return the OMS's ids of orders that have left, whose newest version the store has."""
        rows = self._db.execute(
            """SELECT s.order_id FROM sync.standing s
               WHERE s.connection = %s AND s.acknowledged_at IS NULL
                 AND s.shipped > 0 AND s.awaiting = 0
                 AND EXISTS (SELECT FROM sync.record r
                             WHERE r.connection = s.connection AND r.stream = 'shipments'
                               AND r.source_id = s.order_id AND r.state = 'accepted'
                               AND r.source_updated_at = s.updated_at
                               AND r.outcome IN ('delivered', 'unchanged'))
               ORDER BY s.updated_at, s.order_id LIMIT %s""",
            (self._name, limit),
        )
        return [order_id for (order_id,) in rows]

    def acknowledged(self, order_ids: Sequence[str]) -> None:
        """Record that the OMS knows that the store has these orders' shipments."""
        self._db.execute(
            """UPDATE sync.standing SET acknowledged_at = clock_timestamp()
               WHERE connection = %s AND order_id = ANY(%b)""",
            (self._name, list(order_ids)),
        )
