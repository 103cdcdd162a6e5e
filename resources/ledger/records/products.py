"""What a store sells, by the newest version of each product."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from domain.records.catalog import Product
from domain.records.record import decode_record
from domain.rules.alignment import attribute_values
from domain.skus import sku_key
from resources.ledger.database.bulk import load
from resources.ledger.database.compression import decompress
from resources.ledger.tables import PRODUCT_VARIANT

ROWS_AT_ONCE, PRODUCTS_AT_ONCE = 5_000, 500


class ProductVersion(NamedTuple):
    """An accepted version of a product."""

    product: Product
    updated_at: datetime
    capture_id: UUID


class Products:
    """The products of one connection's store."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = connection, name

    def put(self, versions: Sequence[ProductVersion]) -> None:
        """Take note of versions; one that is older than the known one changes nothing."""
        newest: dict[str, ProductVersion] = {}
        for version in sorted(versions, key=lambda one: one.updated_at):
            newest[version.product.product_id] = version
        with self._db.transaction():
            rows = self._db.execute(
                """INSERT INTO sync.product AS p (connection, product_id, is_gone,
                                                  source_updated_at)
                   SELECT %s, i, g, m FROM unnest(%b::text[], %b::boolean[], %b::timestamptz[])
                                        AS v(i, g, m)
                   ON CONFLICT (connection, product_id) DO UPDATE SET
                       is_gone = excluded.is_gone, source_updated_at = excluded.source_updated_at
                   WHERE p.source_updated_at <= excluded.source_updated_at
                   RETURNING product_id""",
                (
                    self._name,
                    list(newest),
                    [one.product.is_gone for one in newest.values()],
                    [one.updated_at for one in newest.values()],
                ),
            ).fetchall()
            taken = [product_id for (product_id,) in rows]
            self._db.execute(
                """DELETE FROM sync.product_variant
                   WHERE connection = %s AND product_id = ANY(%b::text[])""",
                (self._name, taken),
            )
            found = (row for name in taken for row in _rows(newest[name]))
            load(self._db, PRODUCT_VARIANT, {"connection": self._name}, found)

    def known(self) -> set[str]:
        """Return the ids of the products that the store was last seen to have."""
        rows = self._db.execute(
            "SELECT product_id FROM sync.product WHERE connection = %s AND NOT is_gone",
            (self._name,),
        )
        return {product_id for (product_id,) in rows}

    def read_at(self) -> datetime | None:
        """Return when the catalog was last read as a whole; ``None`` if that did not end well.

        A read has ended once what it has found was captured, which moves ``captured_at``.
        """
        row = self._db.execute(
            """SELECT a.read_at FROM sync.alignment a
               JOIN sync.watermark w ON w.connection = a.connection AND w.stream = 'catalog'
               WHERE a.connection = %s AND w.captured_at >= a.read_at""",
            (self._name,),
        ).fetchone()
        return row[0] if row else None

    def note_read(self) -> None:
        """Record that a whole read had its last page."""
        self._db.execute(
            """INSERT INTO sync.alignment (connection, read_at) VALUES (%s, clock_timestamp())
               ON CONFLICT (connection) DO UPDATE SET read_at = excluded.read_at""",
            (self._name,),
        )

    def unknown_skus(self, since: datetime) -> Iterator[list[str]]:
        """Yield the store's SKUs that the OMS was not found to have since a moment, some at a time.

        By sets: a look-up SKU by SKU is slow in tables whose statistics are older than their rows.
        """
        after = ""
        while True:
            rows = self._db.execute(
                """SELECT sku COLLATE "C" FROM (
                       SELECT sku FROM sync.product_variant
                       WHERE connection = %s AND sku COLLATE "C" > %s
                       EXCEPT
                       SELECT sku FROM sync.item
                       WHERE connection = %s AND side = 'oms' AND checked_at >= %s) v
                   ORDER BY 1 LIMIT %s""",
                (self._name, after, self._name, since, ROWS_AT_ONCE),
            ).fetchall()
            if not rows:
                return
            found = [sku for (sku,) in rows]
            yield found
            after = found[-1]

    def saved_last(self, skus: Collection[str]) -> dict[str, str]:
        """Return SKU -> the product whose item was saved at the OMS last, of those of ours.

        A SKU may move to another product, or a product be made again.
        """
        rows = self._db.execute(
            """SELECT DISTINCT ON (target_id) target_id, source_id FROM sync.delivery
               WHERE prune_month = '9999-12-31' AND connection = %s AND stream = 'catalog'
                 AND action = 'save' AND state = 'delivered' AND target_id = ANY(%b::text[])
               ORDER BY target_id, settled_at DESC""",
            (self._name, list(skus)),
        )
        return dict(rows.fetchall())

    def skus(self) -> set[str]:
        """Return all SKUs that the store sells."""
        rows = self._db.execute(
            "SELECT DISTINCT sku FROM sync.product_variant WHERE connection = %s AND sku <> ''",
            (self._name,),
        )
        return {sku for (sku,) in rows}

    def products_of(self, skus: Collection[str]) -> dict[str, list[str]]:
        """Return by SKU the ids of the products that sell it, exactly as it is spelled."""
        rows = self._db.execute(
            """SELECT sku, array_agg(DISTINCT product_id ORDER BY product_id)
               FROM sync.product_variant
               WHERE connection = %s AND sku_key = ANY(%b::text[]) AND sku = ANY(%b::text[])
               GROUP BY sku""",
            (self._name, [sku_key(sku) for sku in skus], list(skus)),
        )
        return dict(rows.fetchall())

    def spellings(self, skus: Collection[str]) -> dict[str, str]:
        """Return by SKU one that the store sells and that differs in case or spaces only."""
        keys: dict[str, list[str]] = {}
        for sku in skus:
            keys.setdefault(sku_key(sku), []).append(sku)
        rows = self._db.execute(
            """SELECT sku_key, min(sku) FROM sync.product_variant
               WHERE connection = %s AND sku_key = ANY(%b::text[]) AND sku <> ALL(%b::text[])
               GROUP BY sku_key""",
            (self._name, list(keys), list(skus)),
        )
        return {sku: found for key, found in rows for sku in keys[key]}

    def named(self, product_ids: Collection[str]) -> dict[str, Product]:
        """Return products by id, as they were read last; those that have no SKU are absent."""
        rows = self._db.execute(
            """SELECT v.product_id, r.canonical FROM (
                   SELECT DISTINCT product_id, capture_id FROM sync.product_variant
                   WHERE connection = %s AND sku <> '' AND product_id = ANY(%b::text[])) v
               JOIN sync.record r ON r.connection = %s AND r.stream = 'catalog'
                    AND r.source_id = v.product_id AND r.capture_id = v.capture_id
               WHERE r.canonical IS NOT NULL""",
            (self._name, list(product_ids), self._name),
            binary=True,
        )
        return {name: decode_record(Product, decompress(content)) for name, content in rows}

    def newest(self) -> Iterator[Product]:
        """Yield the products that have a SKU by their newest version, by ascending id."""
        after = ""
        while True:
            rows = self._db.execute(
                """SELECT v.product_id, r.canonical FROM (
                       SELECT DISTINCT ON (product_id COLLATE "C") product_id, capture_id
                       FROM sync.product_variant
                       WHERE connection = %s AND sku <> '' AND product_id COLLATE "C" > %s
                       ORDER BY product_id COLLATE "C" LIMIT %s) v
                   JOIN sync.record r ON r.connection = %s AND r.stream = 'catalog'
                        AND r.source_id = v.product_id AND r.capture_id = v.capture_id
                   WHERE r.canonical IS NOT NULL ORDER BY v.product_id COLLATE "C" """,
                (self._name, after, PRODUCTS_AT_ONCE, self._name),
                binary=True,
            ).fetchall()
            if not rows:
                return
            for _, canonical in rows:
                yield decode_record(Product, decompress(canonical))
            after = rows[-1][0]


def _rows(version: ProductVersion) -> Iterator[tuple[Any, ...]]:
    product = version.product
    for variant in product.variants:
        yield (
            product.product_id,
            variant.variant_id,
            variant.sku,
            sku_key(variant.sku),
            product.name,
            ", ".join(f"{one.name}: {one.value}" for one in variant.options),
            product.is_group,
            product.is_digital,
            product.brand,
            Jsonb(list(product.categories)),
            product.currency,
            product.price if variant.price is None else variant.price,
            product.sale_price,
            variant.stock,
            Jsonb({one.name: one.value for one in variant.barcodes}),
            Jsonb(attribute_values(product, variant)),
            len(product.images),
            version.updated_at,
            version.capture_id,
        )
