"""Levels that the store shows although no node of the OMS feeds them any more."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import psycopg

from domain.connections import INVENTORY


def gone_nodes(db: psycopg.Connection[Any], connection: str, nodes: Sequence[str]) -> set[str]:
    """Return the nodes that had levels of the store's items, and have none of them any more."""
    rows = db.execute(
        """SELECT v.node FROM unnest(%(nodes)b::text[]) v (node)
           JOIN sync.newest_level l ON l.connection = %(name)s
                AND right(l.source_id, length(v.node) + 1) = '@' || v.node
           WHERE l.sku_key IN (SELECT i.sku_key FROM sync.item i
                               WHERE i.connection = %(name)s AND i.side = 'store')
           GROUP BY v.node HAVING bool_and(l.gone)""",
        {"name": connection, "nodes": list(nodes)},
    )
    return {node for (node,) in rows}


def written_elsewhere(
    db: psycopg.Connection[Any], connection: str, locations: Collection[str]
) -> list[tuple[str, str]]:
    """Return SKU and location of the levels that were written to other locations."""
    rows = db.execute(
        """SELECT left(target_key, -1 - length(target_id)), target_id FROM sync.target_state
           WHERE connection = %s AND stream = %s AND NOT target_id = ANY(%b::text[])
           ORDER BY target_key""",
        (connection, INVENTORY, list(locations)),
    )
    return [(sku, location) for sku, location in rows]
