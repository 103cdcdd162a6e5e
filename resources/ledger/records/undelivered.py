"""Units that are sold in the store and that the OMS's stock does not know of yet."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.skus import sku_key
from domain.values import FAR_AHEAD
from resources.ledger.database.compression import decompress
from resources.ledger.rows import TargetRow
from resources.ledger.store_links import SENT_ELSEWHERE

Units = Mapping[str, Decimal]
"""SKU -> units, in the unit of the OMS's orders."""
_DUE = """
WITH due AS (
    SELECT r.source_day, r.capture_id, false AS arrived FROM sync.record r
    WHERE r.connection = %(name)s AND r.stream = 'orders' AND r.state = 'accepted'
      AND r.outcome IS NULL
    UNION
    SELECT x.source_day, x.capture_id, false FROM sync.rejection x
    WHERE x.connection = %(name)s AND x.stream = 'orders' AND x.stage = 'delivered'
      AND x.state IN ('open', 'retried') AND x.code <> %(elsewhere)s
    UNION
    SELECT d.source_day, d.capture_id, true FROM sync.delivery d
    WHERE d.prune_month = '9999-12-31'
      AND d.connection = %(name)s AND d.stream = 'orders' AND d.action = 'create'
      AND d.state = 'delivered' AND d.settled_at > %(read_at)s)
SELECT h.source_id, r.source_updated_at, d.capture_id, bool_or(d.arrived), l.sku, sum(l.quantity)
FROM due d
JOIN sync.record r ON r.connection = %(name)s AND r.stream = 'orders' AND r.state = 'accepted'
    AND r.source_day = d.source_day AND r.capture_id = d.capture_id
JOIN sync.order_header h ON h.connection = %(name)s AND h.source_day = d.source_day
    AND h.capture_id = d.capture_id
LEFT JOIN sync.order_line l ON l.connection = %(name)s AND l.source_day = d.source_day
    AND l.capture_id = d.capture_id AND NOT h.cancelled
GROUP BY h.source_id, r.source_updated_at, d.capture_id, l.sku"""
_REJECTED = """
SELECT c.source_id, c.source_updated_at, c.capture_id, c.payload FROM sync.rejection x
JOIN sync.capture c ON c.connection = x.connection AND c.stream = x.stream
    AND c.source_day = x.source_day AND c.capture_id = x.capture_id
WHERE x.connection = %s AND x.stream = 'orders' AND x.stage = 'validated'
  AND x.state IN ('open', 'retried') AND x.code <> %s"""
_AT_OMS = """
SELECT target_key, content FROM sync.target_state
WHERE connection = %s AND stream = 'orders' AND target_key = ANY(%b::text[])
  AND milestone <> 'canceled'"""

_SOLD = """
WITH sold AS MATERIALIZED (
    SELECT l.sku, max(c.captured_at) AS captured_at FROM sync.order_line l
    JOIN sync.capture c ON c.connection = l.connection AND c.stream = 'orders'
        AND c.source_day = l.source_day AND c.capture_id = l.capture_id
    WHERE l.connection = %(name)s AND l.source_day >= %(since)s AND c.captured_at >= %(since)s
    GROUP BY l.sku)
SELECT t.target_key, t.target_id, t.content, t.digest, t.milestone, t.sequence,
       t.source_updated_at
FROM sold JOIN sync.target_state t ON t.connection = %(name)s AND t.stream = 'inventory'
    AND left(t.target_key, -1 - length(t.target_id)) = sold.sku
WHERE t.updated_at < sold.captured_at AND t.updated_at < %(settled)s
  AND NOT EXISTS (SELECT 1 FROM sync.delivery d
      WHERE d.connection = %(name)s AND d.stream = 'inventory' AND d.target_key = t.target_key
        AND d.state IN ('in_flight', 'failed'))
ORDER BY t.target_key LIMIT %(most)s"""


class OpenVersion(NamedTuple):
    """The newest version of an order whose units the OMS's stock may not contain yet."""

    updated_at: datetime
    capture_id: UUID
    units: dict[str, Decimal]
    """By SKU key, in the unit of the OMS's orders."""
    arrived: bool
    """Its order has just been created at the OMS."""


def undelivered_units(
    db: psycopg.Connection[Any],
    connection: str,
    units_of: Callable[[bytes], Units],
    units_held: Callable[[bytes], Units],
    read_at: datetime | None,
    wanted: Callable[[Mapping[str, OpenVersion]], Mapping[str, Units]],
) -> dict[str, int]:
    """Return by SKU key how many units of orders the OMS's stock does not contain yet.

    Of an order that the OMS lacks, accepted or rejected, all units (but none of one that a former
    connection has sent to it); of a changed one what is added;
    of one that arrived after ``read_at``, when the last read of stock started, all, since that read
    may not have them reserved yet. ``units_of`` reads a captured order, ``units_held`` one in the
    form of target state; ``wanted`` returns by order what is still wanted of these versions:
    nothing that the source has taken back, or that an agent has canceled.
    """
    versions = _due(db, connection, read_at or FAR_AHEAD)
    rows = db.execute(_REJECTED, (connection, SENT_ELSEWHERE), binary=True)
    for source_id, updated_at, capture_id, payload in rows:
        sold = dict(units_of(decompress(payload)))
        _keep_newest(versions, source_id, OpenVersion(updated_at, capture_id, sold, False))
    ordered = wanted(versions) if versions else {}
    held = _at_oms(db, connection, ordered.keys(), units_held)
    total: dict[str, Decimal] = {}
    for source_id, units in ordered.items():
        at_oms = {} if versions[source_id].arrived else held.get(source_id, {})
        for key, quantity in units.items():
            total[key] = total.get(key, Decimal(0)) + max(quantity - at_oms.get(key, 0), Decimal(0))
    return {key: math.ceil(units) for key, units in total.items() if units > 0}


def sold_since_written(
    db: psycopg.Connection[Any], connection: str, since: date, settled: datetime, most: int
) -> list[TargetRow]:
    """Return the levels of SKUs that were ordered since they were written, or were looked at.

    Of orders that were captured since ``since``, and of levels that have stood since ``settled``,
    at most ``most`` of them.
    """
    rows = db.execute(
        _SOLD,
        {"name": connection, "since": since, "settled": settled, "most": most},
        binary=True,
    )
    return [
        TargetRow(key, target, decompress(content), bytes(digest), *rest)
        for key, target, content, digest, *rest in rows
    ]


def _due(db: psycopg.Connection[Any], connection: str, read_at: datetime) -> dict[str, OpenVersion]:
    found: dict[tuple[str, datetime], OpenVersion] = {}
    rows = db.execute(
        _DUE, {"name": connection, "read_at": read_at, "elsewhere": SENT_ELSEWHERE}
    ).fetchall()
    for source_id, updated_at, capture_id, arrived, sku, quantity in rows:
        version = found.setdefault(
            (source_id, updated_at), OpenVersion(updated_at, capture_id, {}, arrived)
        )
        if sku is not None:
            key = sku_key(sku)
            version.units[key] = version.units.get(key, Decimal(0)) + quantity
    versions: dict[str, OpenVersion] = {}
    for (source_id, _), version in found.items():
        _keep_newest(versions, source_id, version)
    return versions


def _keep_newest(versions: dict[str, OpenVersion], source_id: str, version: OpenVersion) -> None:
    known = versions.get(source_id)
    if known is None or known.updated_at < version.updated_at:
        versions[source_id] = version


def _at_oms(
    db: psycopg.Connection[Any],
    connection: str,
    orders: Collection[str],
    units_held: Callable[[bytes], Units],
) -> dict[str, Units]:
    """Return the units that the OMS knows of, for the orders that it has.

    What it took of a change that it refused in part is among them. Of an order that it has
    canceled it keeps no units, also where the store has opened it again.
    """
    rows = db.execute(_AT_OMS, (connection, list(orders)), binary=True)
    return {source_id: units_held(decompress(content)) for source_id, content in rows}
