"""Items as last read from the OMS's item master and the store's catalog."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import psycopg

from domain.exchange import MasterItem
from domain.records.inventory import StoreItem, Tracking
from domain.skus import BySku, sku_key

ITEMS_BASIS = """string_agg(concat_ws('|', i.sku, i.parent_id, coalesce(i.item_id, ''), i.tracking,
                                      i.is_shared), E'\\n' ORDER BY i.sku COLLATE "C")"""
"""What a plan of stock depends on of the store's items with one key: SQL over ``sync.item i``."""
ITEMS_OF_KEYS = f"""SELECT i.sku_key, {ITEMS_BASIS} AS item FROM sync.item i
                    WHERE i.connection = %(name)s AND i.side = 'store'
                      AND (i.has_stock OR %(priced)s) AND i.sku_key = ANY(%(keys)b::text[])
                    GROUP BY i.sku_key"""  # noqa: S608 - a constant of this module
"""That basis of all items with some keys, in one look-up: a sub-query for each row would scan the
items of the connection as often where PostgreSQL has no statistics of them yet."""


class Catalog:
    """Known items of one connection, in ``sync.item``."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db = connection
        self._name = name

    def oms_items(self, skus: Collection[str], ttl: timedelta) -> dict[str, MasterItem]:
        """Return the items, by SKU, that were found in the item master within ``ttl``."""
        rows = self._db.execute(
            """SELECT sku, uom, uoms FROM sync.item
               WHERE connection = %s AND side = 'oms' AND sku = ANY(%s)
                 AND checked_at > now() - %s""",
            (self._name, list(skus), ttl),
        )
        return {sku: MasterItem(sku, uom, uoms=tuple(uoms)) for sku, uom, uoms in rows}

    def oms_spellings(self, skus: Collection[str]) -> set[str]:
        """Return all SKUs of items, however old, that are spelled alike but for case and spaces."""
        rows = self._db.execute(
            """SELECT sku FROM sync.item
               WHERE connection = %s AND side = 'oms' AND sku_key = ANY(%b::text[])""",
            (self._name, [sku_key(sku) for sku in skus]),
        )
        return {sku for (sku,) in rows}

    def put_oms_items(self, items: Iterable[MasterItem]) -> None:
        """Store items that the item master has.

        An item's units travel as one text: unnest would flatten a list of lists.
        """
        found = list(items)
        self._db.execute(
            """INSERT INTO sync.item (connection, side, sku, sku_key, uom, uoms, checked_at)
               SELECT %s, 'oms', s, k, u, string_to_array(a, chr(31)), now()
               FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) v(s, k, u, a)
               ON CONFLICT (connection, side, sku) DO UPDATE SET
                   sku_key = excluded.sku_key, uom = excluded.uom, uoms = excluded.uoms,
                   checked_at = excluded.checked_at""",
            (
                self._name,
                [i.sku for i in found],
                [sku_key(i.sku) for i in found],
                [i.uom for i in found],
                ["\x1f".join(i.uoms) for i in found],
            ),
        )

    def catalog_age(self) -> timedelta | None:
        """Return how long ago the store's catalog was read, or ``None`` if never."""
        row = self._db.execute(
            """SELECT now() - max(checked_at) FROM sync.item
               WHERE connection = %s AND side = 'store'""",
            (self._name,),
        ).fetchone()
        return row[0] if row else None

    def replace_store_items(
        self,
        pages: Iterable[Sequence[StoreItem]],
        may_remove: Callable[[int, int], bool] = lambda _before, _after: True,
    ) -> int:
        """Replace the catalog by what the store has now, in one transaction.

        ``may_remove`` gets the numbers of SKUs before and after, and returns whether what is absent
        is gone; nothing is changed where it raises. Return the number of SKUs. ``level`` stays what
        was last compared (``note_levels``).
        """
        with self._db.transaction():
            before = self._count(is_read=False)
            for page in pages:
                items = {item.sku: item for item in page}.values()
                self._db.execute(
                    """INSERT INTO sync.item (connection, side, sku, sku_key, parent_id, item_id,
                                              tracking, is_shared, has_stock, checked_at)
                       SELECT %s, 'store', s, k, p, i, t, h, o, now()
                       FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                                   %s::boolean[], %s::boolean[]) u(s, k, p, i, t, h, o)
                       ON CONFLICT (connection, side, sku) DO UPDATE SET
                           sku_key = excluded.sku_key,
                           parent_id = excluded.parent_id, item_id = excluded.item_id,
                           tracking = excluded.tracking, is_shared = excluded.is_shared,
                           has_stock = excluded.has_stock,
                           checked_at = excluded.checked_at""",
                    (
                        self._name,
                        [i.sku for i in items],
                        [sku_key(i.sku) for i in items],
                        [i.parent_id for i in items],
                        [i.item_id for i in items],
                        [i.tracking for i in items],
                        [i.is_shared for i in items],
                        [i.has_stock for i in items],
                    ),
                )
            total = self._count(is_read=True)
            if may_remove(before, total):
                self._db.execute(
                    """DELETE FROM sync.item
                       WHERE connection = %s AND side = 'store' AND checked_at < now()""",
                    (self._name,),
                )
        return total

    def _count(self, *, is_read: bool) -> int:
        """Count the SKUs that this transaction has read, or those from before it.

        Those with a price only don't count: they are read with the stream ``prices`` alone.
        """
        row = self._db.execute(
            """SELECT count(*) FROM sync.item
               WHERE connection = %s AND side = 'store' AND has_stock
                 AND (checked_at = now()) = %s""",
            (self._name, is_read),
        ).fetchone()
        return row[0] if row else 0

    def store_items(self, skus: Collection[str], *, priced: bool = False) -> dict[str, StoreItem]:
        """Return the store's items by the SKUs that were asked for.

        The item may be spelled with other case or spaces (``domain.skus``); it keeps its own SKU.
        ``priced``: also those that have a price only.
        """
        rows = self._db.execute(
            """SELECT sku, parent_id, item_id, tracking, is_shared, level, has_stock FROM sync.item
               WHERE connection = %s AND side = 'store' AND (has_stock OR %s)
                 AND (sku = ANY(%b::text[]) OR sku_key = ANY(%b::text[]))""",
            (self._name, priced, list(skus), [sku_key(sku) for sku in skus]),
        )
        found = BySku(
            {
                row[0]: StoreItem(
                    sku=row[0],
                    parent_id=row[1],
                    item_id=row[2],
                    tracking=row[3],
                    is_shared=row[4],
                    level=row[5],
                    has_stock=row[6],
                )
                for row in rows
            }
        )
        items = {sku: found.get(sku) for sku in skus}
        return {sku: item for sku, item in items.items() if item is not None}

    def set_tracking(self, item: StoreItem, tracking: Tracking) -> None:
        """Record the tracking of an item's product that was changed in the store just now."""
        self._db.execute(
            """UPDATE sync.item SET tracking = %s
               WHERE connection = %s AND side = 'store' AND parent_id = %s""",
            (tracking, self._name, item.parent_id),
        )

    def note_levels(self, levels: Mapping[str, int]) -> None:
        """Record the levels of the store's catalog that were compared, by SKU."""
        self._db.execute(
            """UPDATE sync.item i SET level = v.level
               FROM unnest(%b::text[], %b::int[]) AS v(sku, level)
               WHERE i.connection = %s AND i.side = 'store' AND i.sku = v.sku""",
            (list(levels), list(levels.values()), self._name),
        )

    def forget_levels(self, keys: Collection[str]) -> None:
        """Have the catalog's levels of SKU keys compared again: what the store holds may change."""
        self._db.execute(
            """UPDATE sync.item SET level = NULL
               WHERE connection = %s AND side = 'store' AND sku_key = ANY(%b::text[])
                 AND level IS NOT NULL""",
            (self._name, list(keys)),
        )

    def tracked_skus(self) -> list[str]:
        """Return the SKUs whose stock the store keeps."""
        rows = self._db.execute(
            """SELECT sku FROM sync.item
               WHERE connection = %s AND side = 'store' AND tracking <> 'none' AND has_stock""",
            (self._name,),
        )
        return [sku for (sku,) in rows]

    def store_skus(self, after: str, limit: int, *, priced: bool = False) -> list[str]:
        """Return the next SKUs of the catalog; ``priced``: also those with a price only."""
        rows = self._db.execute(
            """SELECT sku FROM sync.item
               WHERE connection = %s AND side = 'store' AND sku > %s AND (has_stock OR %s)
               ORDER BY sku LIMIT %s""",
            (self._name, after, priced, limit),
        )
        return [sku for (sku,) in rows]
