"""What became of the products' texts, pictures and variants that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import psycopg

from domain.connections import LISTINGS


class Ended(NamedTuple):
    """The outcome of a product's newest request, and what was noted about it."""

    outcome: str | None
    """``None``: it is not decided yet."""
    notes: list[str]


def outcomes(
    db: psycopg.Connection[Any], connection: str, product_ids: Sequence[str]
) -> dict[str, Ended]:
    """Return the outcome of the newest accepted request of each product that has one."""
    rows = db.execute(
        """SELECT DISTINCT ON (source_id) source_id, outcome,
                  ARRAY(SELECT w ->> 'message' FROM jsonb_array_elements(warnings) w)
           FROM sync.record
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
           ORDER BY source_id, source_updated_at DESC""",
        (connection, LISTINGS, list(product_ids)),
    )
    return {source_id: Ended(outcome, notes) for source_id, outcome, notes in rows}


def rejections(
    db: psycopg.Connection[Any], connection: str, product_ids: Sequence[str]
) -> dict[str, str]:
    """Return by product why its request is kept out, with what to do."""
    rows = db.execute(
        """SELECT source_id, string_agg(message || '; ' || advice, '; ' ORDER BY rejection_id)
           FROM sync.rejection
           WHERE connection = %s AND stream = %s AND source_id = ANY(%b::text[])
             AND state IN ('open', 'retried')
           GROUP BY source_id""",
        (connection, LISTINGS, list(product_ids)),
    )
    return dict(rows.fetchall())


def requested_skus(db: psycopg.Connection[Any], connection: str) -> list[str]:
    """Return the SKUs of all products that something was asked for."""
    rows = db.execute(
        """SELECT DISTINCT v.sku FROM sync.record r
           JOIN sync.product_variant v
             ON v.connection = r.connection AND v.product_id = r.source_id
           WHERE r.connection = %s AND r.stream = %s
           ORDER BY 1""",
        (connection, LISTINGS),
    )
    return [sku for (sku,) in rows]
