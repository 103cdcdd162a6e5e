"""How a store's products compare with the OMS's items: both sides, and the last alignment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.types.json import Jsonb

from domain.exchange import MasterItem
from domain.rules.alignment import Finding, StoreEntry
from resources.ledger.database.bulk import load
from resources.ledger.tables import ALIGNMENT_FINDING

ROWS_AT_ONCE = 5_000


class Alignment(NamedTuple):
    """When the catalog was last compared with the item master, and what was found."""

    aligned_at: datetime | None
    counts: Mapping[str, int]
    """Kind -> number of SKUs."""
    is_listed: bool
    """The item master was read as a whole, so that what the store lacks is known."""
    run_id: str


class Alignments:
    """The last alignment of one connection's products."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = connection, name

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
        To be called before ``note``.
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

    def note(
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

    def last(self) -> Alignment:
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
