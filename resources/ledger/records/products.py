"""What a store sells, by the newest version of each product, and how it compares with the OMS."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from domain.exchange import MasterItem
from domain.records.catalog import Product
from domain.records.record import decode_record
from domain.rules.alignment import Finding, StoreEntry, attribute_values
from domain.skus import sku_key
from resources.ledger.database.bulk import load
from resources.ledger.database.compression import decompress
from resources.ledger.tables import ALIGNMENT_FINDING, PRODUCT_VARIANT

ROWS_AT_ONCE, PRODUCTS_AT_ONCE = 5_000, 500


class ProductVersion(NamedTuple):
    """An accepted version of a product."""

    product: Product
    updated_at: datetime
    capture_id: UUID


class Alignment(NamedTuple):
    """When the catalog was last compared with the item master, and what was found."""

    aligned_at: datetime | None
    counts: Mapping[str, int]
    """Kind -> number of SKUs."""
    is_listed: bool
    """The item master was read as a whole, so that what the store lacks is known."""
    run_id: str


class Products:
    """The products of one connection's store, and their last alignment."""

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
        """Return by SKU one that the store sells and that differs in case or blanks only."""
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

    def entries(self, wanted: Collection[str]) -> Iterator[StoreEntry]:
        """Yield what the store sells, sorted by the key of the SKU; ``wanted`` are attributes."""
        names = list(wanted)
        with self._db.cursor("catalog_entries") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                """SELECT sku_key, sku, product_id, variant_id, name,
                          ARRAY(SELECT n FROM unnest(%s::text[]) n WHERE NOT attributes ? lower(n))
                   FROM sync.product_variant WHERE connection = %s
                   ORDER BY sku_key COLLATE "C", sku COLLATE "C" """,
                (names, self._name),
            )
            for key, sku, product_id, variant_id, name, lacking in cursor:
                yield StoreEntry(key, sku, product_id, variant_id, name, tuple(lacking))

    def items(self, since: datetime) -> Iterator[MasterItem]:
        """Yield the OMS's items that were found since a moment, sorted by the key of the SKU."""
        with self._db.cursor("catalog_items") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                """SELECT sku, uom, uoms FROM sync.item
                   WHERE connection = %s AND side = 'oms' AND checked_at >= %s
                   ORDER BY sku_key COLLATE "C", sku COLLATE "C" """,
                (self._name, since),
            )
            for sku, uom, uoms in cursor:
                yield MasterItem(sku, uom, uoms=tuple(uoms))

    def replace_findings(self, findings: Iterable[Finding]) -> None:
        """Replace the findings of the last alignment, in the caller's transaction."""
        self._db.execute("DELETE FROM sync.alignment_finding WHERE connection = %s", (self._name,))
        rows = ((place, *finding) for place, finding in enumerate(findings))
        load(self._db, ALIGNMENT_FINDING, {"connection": self._name}, rows)

    def make_due_what_is_missing(self) -> int:
        """Make due the delivered products with a SKU that the OMS lacks; return their number.

        They were delivered before items were created, or the OMS has lost an item since. To be
        called in the transaction that stores what the alignment has found.
        """
        return self._db.execute(
            """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
               FROM sync.product_variant v
               JOIN sync.alignment_finding f ON f.connection = v.connection
                    AND f.kind = 'missing_in_oms' AND f.product_id = v.product_id
                    AND f.variant_id = v.variant_id
               WHERE v.connection = %s AND r.connection = v.connection AND r.stream = 'catalog'
                 AND r.source_id = v.product_id AND r.capture_id = v.capture_id
                 AND r.state = 'accepted' AND r.outcome IN ('delivered', 'unchanged')""",
            (self._name,),
        ).rowcount

    def make_due_what_is_ours(self, policy: str) -> int:
        """Make due the delivered products with items of ours, if items go by another policy now.

        Return their number. What changed of them while no items were written is written then, too.
        To be called before ``note_alignment``.
        """
        return self._db.execute(
            """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
               FROM sync.alignment a, sync.product_variant v, sync.target_state t
               WHERE a.connection = %(name)s AND a.items_policy <> %(policy)s
                 AND v.connection = a.connection AND t.connection = a.connection
                 AND t.stream = 'catalog' AND t.target_key = v.product_id
                 AND r.connection = a.connection AND r.stream = 'catalog'
                 AND r.source_id = v.product_id AND r.capture_id = v.capture_id
                 AND r.state = 'accepted' AND r.outcome IN ('delivered', 'unchanged')""",
            {"name": self._name, "policy": policy},
        ).rowcount

    def note_alignment(
        self, counts: Mapping[str, int], *, is_listed: bool, run_id: str, policy: str = ""
    ) -> None:
        """Record what an alignment has found, and by which policy items are created."""
        self._db.execute(
            """INSERT INTO sync.alignment (connection, aligned_at, counts, is_listed, run_id,
                                           items_policy)
               VALUES (%s, clock_timestamp(), %s, %s, %s, %s)
               ON CONFLICT (connection) DO UPDATE SET aligned_at = excluded.aligned_at,
                   counts = excluded.counts, is_listed = excluded.is_listed,
                   run_id = excluded.run_id, items_policy = excluded.items_policy""",
            (self._name, Jsonb(dict(counts)), is_listed, run_id, policy),
        )

    def alignment(self) -> Alignment:
        """Return the last alignment."""
        row = self._db.execute(
            """SELECT aligned_at, counts, is_listed, run_id FROM sync.alignment
               WHERE connection = %s""",
            (self._name,),
        ).fetchone()
        return Alignment(*row) if row else Alignment(None, {}, False, "")

    def findings(self, kind: str | None = None, limit: int | None = None) -> Iterator[Finding]:
        """Yield the findings of the last alignment, of one kind or by kind."""
        with self._db.transaction(), self._db.cursor("alignment_findings") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(
                """SELECT kind, sku, product_id, variant_id, name, detail
                   FROM sync.alignment_finding
                   WHERE connection = %s AND kind = coalesce(%s, kind)
                   ORDER BY kind, place LIMIT %s""",
                (self._name, kind, limit),
            )
            for row in cursor:
                yield Finding(*row)


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
