"""Orders that the store has canceled itself, and the OMS after it; and which it opened again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from domain.connections import ORDERS, SHIPMENTS
from domain.milestones import Milestone
from domain.rules.export import Ended, ended_by

REOPENED = "reopened_after_cancel"
"""The code of orders that the store has opened again."""


def withdrawn_by_store(
    db: psycopg.Connection[Any], connection: str, source_ids: Sequence[str]
) -> set[str]:
    """Return which of the orders the OMS has canceled since the store had, or which are open again.

    Not those that the OMS, or an agent's action, has canceled first: the store has to follow there.
    A cancellation that the OMS has still to answer, or whose outcome is not known yet, counts: the
    OMS may show the order as canceled before that is settled.
    """
    if not source_ids:
        return set()
    rows = db.execute(
        """SELECT d.source_id FROM sync.delivery d
           JOIN sync.order_header h ON h.connection = d.connection
               AND h.source_day = d.source_day AND h.capture_id = d.capture_id
           WHERE d.connection = %s AND d.stream = %s AND d.source_id = ANY(%b::text[])
             AND d.action = 'cancel' AND h.cancelled
             AND (d.state IN ('delivered', 'requested') OR d.is_uncertain)
           UNION
           SELECT source_id FROM sync.rejection
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
             AND code = %s AND state IN ('open', 'retried', 'discarded')""",
        (connection, ORDERS, list(source_ids), connection, ORDERS, list(source_ids), REOPENED),
    )
    return {source_id for (source_id,) in rows}


def ended_at_oms(db: psycopg.Connection[Any], connection: str, source_id: str) -> Ended:
    """Return whether the OMS is known to be done with an order: it has left, or is canceled.

    By what both systems were sent, and what the OMS shows: a deleted order in the store is not sent
    what becomes of it.
    """
    rows = db.execute(
        """SELECT milestone FROM sync.target_state
           WHERE connection = %(name)s AND stream IN (%(orders)s, %(shipments)s)
             AND target_key = %(id)s
           UNION ALL
           SELECT CASE ended WHEN 'fulfilled' THEN %(shipped)s ELSE %(canceled)s END
           FROM sync.standing WHERE connection = %(name)s AND source_id = %(id)s AND ended <> ''""",
        {
            "name": connection,
            "orders": ORDERS,
            "shipments": SHIPMENTS,
            "id": source_id,
            "shipped": str(Milestone.SHIPPED),
            "canceled": str(Milestone.CANCELED),
        },
    ).fetchall()
    return ended_by([milestone for (milestone,) in rows])


def canceled_at_oms(
    db: psycopg.Connection[Any], connection: str, versions: Sequence[tuple[str, UUID]]
) -> set[str]:
    """Return the orders that the OMS has canceled, but for those that the store has opened again.

    By versions (order, capture), of which nothing is owed then.
    """
    rows = db.execute(
        """SELECT source_id FROM sync.standing
           WHERE connection = %(name)s AND source_id = ANY(%(ids)b::text[]) AND ended = 'canceled'
           UNION
           SELECT target_key FROM sync.target_state
           WHERE connection = %(name)s AND stream = %(orders)s AND target_key = ANY(%(ids)b::text[])
             AND milestone = 'canceled'""",
        {"name": connection, "orders": ORDERS, "ids": [source_id for source_id, _ in versions]},
    )
    canceled = {source_id for (source_id,) in rows}
    left = [one for one in versions if one[0] in canceled]
    return canceled - opened_again(db, connection, left)


def newest_open(
    db: psycopg.Connection[Any], connection: str, source_ids: Sequence[str]
) -> dict[str, tuple[date, UUID]]:
    """Return day and capture of the newest accepted versions that are not canceled, by order."""
    if not source_ids:
        return {}
    rows = db.execute(
        """SELECT n.source_id, n.source_day, n.capture_id FROM (
               SELECT DISTINCT ON (source_id) source_id, source_day, capture_id
               FROM sync.record
               WHERE connection = %(name)s AND stream = %(orders)s
                 AND source_id = ANY(%(ids)b::text[]) AND state = 'accepted'
               ORDER BY source_id, source_updated_at DESC, capture_id DESC) n
           JOIN sync.order_header h ON h.connection = %(name)s AND h.source_day = n.source_day
               AND h.capture_id = n.capture_id AND NOT h.cancelled""",
        {"name": connection, "orders": ORDERS, "ids": list(source_ids)},
    )
    return {source_id: (day, capture_id) for source_id, day, capture_id in rows}


def opened_again(
    db: psycopg.Connection[Any], connection: str, versions: Sequence[tuple[str, UUID]]
) -> set[str]:
    """Return which of the versions (order, capture) follow a cancellation in the store.

    One that a captured version shows, or that Lockstep had made there before this one was captured.
    """
    if not versions:
        return set()
    rows = db.execute(
        """WITH v AS (
               SELECT c.source_id, c.source_updated_at, c.captured_at
               FROM unnest(%(ids)b::text[], %(captures)b::uuid[]) AS one(source_id, capture_id)
               JOIN sync.capture c ON c.connection = %(name)s AND c.stream = %(orders)s
                   AND c.source_id = one.source_id AND c.capture_id = one.capture_id)
           SELECT v.source_id FROM v
           JOIN sync.record r ON r.connection = %(name)s AND r.stream = %(orders)s
               AND r.source_id = v.source_id AND r.state = 'accepted'
               AND r.source_updated_at < v.source_updated_at
           JOIN sync.order_header h ON h.connection = r.connection
               AND h.source_day = r.source_day AND h.capture_id = r.capture_id AND h.cancelled
           UNION
           SELECT v.source_id FROM v
           JOIN sync.target_state t ON t.connection = %(name)s AND t.stream = %(shipments)s
               AND t.target_key = v.source_id AND t.milestone = %(canceled)s
           JOIN sync.delivery d ON d.connection = %(name)s AND d.stream = %(shipments)s
               AND d.source_id = v.source_id AND d.action = 'status' AND d.state = 'delivered'
           GROUP BY v.source_id, v.captured_at HAVING max(d.settled_at) < v.captured_at""",
        {
            "ids": [source_id for source_id, _ in versions],
            "captures": [capture_id for _, capture_id in versions],
            "name": connection,
            "orders": ORDERS,
            "shipments": SHIPMENTS,
            "canceled": str(Milestone.CANCELED),
        },
    )
    return {source_id for (source_id,) in rows}
