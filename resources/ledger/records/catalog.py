"""Items as last read from the OMS's item master and the store's catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import Any

import psycopg

from domain.exchange import MasterItem
from domain.records.inventory import StoreItem


class Catalog:
    """Known items of one connection."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db = connection
        self._name = name

    def oms_items(self, skus: Collection[str], ttl: timedelta) -> dict[str, MasterItem]:
        """Return the items, by SKU, that were found in the item master within ``ttl``."""
        rows = self._db.execute(
            """SELECT sku, uom, uoms FROM sync.oms_item
               WHERE connection = %s AND sku = ANY(%s) AND checked_at > now() - %s""",
            (self._name, list(skus), ttl),
        )
        return {sku: MasterItem(sku, uom, uoms=tuple(uoms)) for sku, uom, uoms in rows}

    def put_oms_items(self, items: Iterable[MasterItem]) -> None:
        """Store items that the item master has.

        An item's units travel as one text: unnest would flatten a list of lists.
        """
        found = list(items)
        self._db.execute(
            """INSERT INTO sync.oms_item (connection, sku, uom, uoms, checked_at)
               SELECT %s, s, u, string_to_array(a, chr(31)), now()
               FROM unnest(%s::text[], %s::text[], %s::text[]) v(s, u, a)
               ON CONFLICT (connection, sku) DO UPDATE SET
                   uom = excluded.uom, uoms = excluded.uoms, checked_at = excluded.checked_at""",
            (
                self._name,
                [i.sku for i in found],
                [i.uom for i in found],
                ["\x1f".join(i.uoms) for i in found],
            ),
        )

    def catalog_age(self) -> timedelta | None:
        """Return how long ago the store's catalog was read, or ``None`` if never."""
        row = self._db.execute(
            "SELECT now() - max(checked_at) FROM sync.store_item WHERE connection = %s",
            (self._name,),
        ).fetchone()
        return row[0] if row else None

    def replace_store_items(self, pages: Iterable[Sequence[StoreItem]]) -> int:
        """Replace the catalog by what the store has now, in one transaction.

        Return the number of SKUs.
        """
        total = 0
        with self._db.transaction():
            for page in pages:
                items = {item.sku: item for item in page}.values()
                total += len(items)
                self._db.execute(
                    """INSERT INTO sync.store_item (connection, sku, product_id, variant_id,
                                                    tracking, checked_at)
                       SELECT %s, s, p, v, t, now()
                       FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) u(s, p, v, t)
                       ON CONFLICT (connection, sku) DO UPDATE SET
                           product_id = excluded.product_id, variant_id = excluded.variant_id,
                           tracking = excluded.tracking, checked_at = excluded.checked_at""",
                    (
                        self._name,
                        [i.sku for i in items],
                        [i.product_id for i in items],
                        [i.variant_id for i in items],
                        [i.tracking for i in items],
                    ),
                )
            self._db.execute(
                "DELETE FROM sync.store_item WHERE connection = %s AND checked_at < now()",
                (self._name,),
            )
        return total

    def store_items(self, skus: Collection[str]) -> dict[str, StoreItem]:
        """Return the store's items among ``skus``."""
        rows = self._db.execute(
            """SELECT sku, product_id, variant_id, tracking FROM sync.store_item
               WHERE connection = %s AND sku = ANY(%s)""",
            (self._name, list(skus)),
        )
        return {s: StoreItem(sku=s, product_id=p, variant_id=v, tracking=t) for s, p, v, t in rows}

    def tracked_skus(self) -> list[str]:
        """Return the SKUs whose stock the store keeps."""
        rows = self._db.execute(
            "SELECT sku FROM sync.store_item WHERE connection = %s AND tracking <> 'none'",
            (self._name,),
        )
        return [sku for (sku,) in rows]

    def store_skus(self, after: str, limit: int) -> list[str]:
        """Return the next SKUs of the catalog in order."""
        rows = self._db.execute(
            """SELECT sku FROM sync.store_item WHERE connection = %s AND sku > %s
               ORDER BY sku LIMIT %s""",
            (self._name, after, limit),
        )
        return [sku for (sku,) in rows]
