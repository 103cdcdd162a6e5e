"""The newest stock levels, and which of them are due again although the OMS's level is the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from domain.connections import INVENTORY
from domain.records.inventory import StockLevel
from domain.records.record import decode_record
from resources.ledger.database.compression import decompress
from resources.ledger.records.catalog import ITEMS_BASIS, ITEMS_OF_KEYS
from resources.ledger.rows import TargetRow

_DUE = """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
          FROM changed l
          WHERE r.connection = %(name)s AND r.stream = 'inventory'
            AND r.source_day = l.source_day AND r.capture_id = l.capture_id
            AND r.state = 'accepted' AND r.outcome <> 'superseded'"""
REVIEWED = ("item_missing_at_oms", "item_unknown", "stock_unit_unknown")
"""Rules and codes that keep a level out by the policy: another policy may let it in."""


class TakenUp(NamedTuple):
    """A level that is planned now."""

    source_id: str
    sku_key: str
    capture_id: UUID
    content: bytes
    undelivered: int


class Contradicted(NamedTuple):
    """A target state that the store's catalog contradicts."""

    target: TargetRow
    is_settled: bool
    """It was written some time ago, and is not being written: the catalog should state it."""


class Levels:
    """Newest stock levels of one connection."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = connection, name

    def take_up(self, day: date, rows: Sequence[TakenUp]) -> None:
        """Store levels that are planned now, with the store's present items.

        To be called before the items are read for the plan: a change in between counts as one.
        """
        self._db.execute(
            f"""WITH items AS ({ITEMS_OF_KEYS})
                INSERT INTO sync.newest_level AS l (connection, source_id, sku_key, source_day,
                    capture_id, content, undelivered, item)
                SELECT %(name)s, v.source_id, sku_key, %(day)s, capture_id, content, undelivered,
                    coalesce(items.item, '')
                FROM unnest(%(ids)b::text[], %(keys)b::text[], %(captures)b::uuid[],
                            %(contents)b::bytea[], %(undelivered)b::int[])
                     AS v(source_id, sku_key, capture_id, content, undelivered)
                     LEFT JOIN items USING (sku_key)
                ON CONFLICT (connection, source_id) DO UPDATE SET
                    sku_key = excluded.sku_key, source_day = excluded.source_day,
                    gone = l.gone AND l.capture_id = excluded.capture_id,
                    capture_id = excluded.capture_id, content = excluded.content,
                    undelivered = excluded.undelivered, item = excluded.item""",  # noqa: S608
            {
                "name": self._name,
                "day": day,
                "priced": False,
                "ids": [row.source_id for row in rows],
                "keys": [row.sku_key for row in rows],
                "captures": [row.capture_id for row in rows],
                "contents": [row.content for row in rows],
                "undelivered": [row.undelivered for row in rows],
            },
            prepare=False,
        )

    def moved(self, keys: Collection[str]) -> set[str]:
        """Return the SKUs of the store that another item of it has than at their last plan.

        Such as a product that was made again, or the other of two that swapped their SKUs. To be
        called before ``take_up``, which stores the present items.
        """
        rows = self._db.execute(
            f"""WITH items AS ({ITEMS_OF_KEYS})
                SELECT DISTINCT l.item, items.item FROM sync.newest_level l
                JOIN items USING (sku_key)
                WHERE l.connection = %(name)s AND l.item <> items.item""",  # noqa: S608
            {"name": self._name, "priced": False, "keys": list(keys)},
            prepare=False,
        )
        moved = {address for before, now in rows for address in _items(now) - _items(before)}
        return {address.rsplit("|", 2)[0] for address in moved}

    def present(self, keys: Collection[str]) -> dict[str, dict[str, StockLevel]]:
        """Return the levels of SKUs by their key and source id, without those that are gone."""
        rows = self._db.execute(
            """SELECT sku_key, source_id, content FROM sync.newest_level
               WHERE connection = %s AND sku_key = ANY(%b::text[]) AND NOT gone
               ORDER BY sku_key, source_id""",
            (self._name, list(keys)),
            binary=True,
        )
        found: dict[str, dict[str, StockLevel]] = {}
        for key, source_id, content in rows:
            found.setdefault(key, {})[source_id] = decode_record(StockLevel, content)
        return found

    def known(self, source_ids: Collection[str]) -> set[str]:
        """Return which levels were there at their last complete read."""
        rows = self._db.execute(
            """SELECT source_id FROM sync.newest_level
               WHERE connection = %s AND source_id = ANY(%b::text[]) AND NOT gone""",
            (self._name, list(source_ids)),
        )
        return {source_id for (source_id,) in rows}

    def mark_read(self, keys: Collection[str], source_ids: Collection[str]) -> int:
        """Record which levels a complete read of SKUs had; return how many came or went.

        All levels of a SKU of which one came or went are due: they may share a location.
        """
        return self._db.execute(
            f"""WITH moved AS (
                    UPDATE sync.newest_level l SET gone = NOT l.gone
                    WHERE l.connection = %(name)s AND l.sku_key = ANY(%(keys)b::text[])
                      AND l.gone = (l.source_id = ANY(%(ids)b::text[]))
                    RETURNING l.sku_key),
                changed AS (
                    SELECT l.source_day, l.capture_id FROM sync.newest_level l
                    WHERE l.connection = %(name)s AND l.sku_key IN (SELECT sku_key FROM moved))
                {_DUE}""",  # noqa: S608 - constants of this module only
            {"name": self._name, "keys": list(keys), "ids": list(source_ids)},
            prepare=False,
        ).rowcount

    def read_at(self) -> datetime | None:
        """Return when the last complete read of stock started."""
        row = self._db.execute(
            "SELECT read_at FROM sync.stock_basis WHERE connection = %s", (self._name,)
        ).fetchone()
        return row[0] if row else None

    def note_read(self, started_at: datetime) -> None:
        """Record that a complete read of stock has ended."""
        self._db.execute(
            """UPDATE sync.stock_basis SET read_at = greatest(read_at, %s)
               WHERE connection = %s""",
            (started_at, self._name),
        )

    def make_due(self, policy: str, locations: str, undelivered: Mapping[str, int]) -> int:
        """Make due the levels whose plan was based on something else; return their number.

        ``policy`` and ``locations`` are digests, an empty one stands for what was not read. One
        statement, which changes nothing where all is as it was.
        """
        with self._db.transaction():
            row = self._db.execute(
                "SELECT policy, locations FROM sync.stock_basis WHERE connection = %s FOR UPDATE",
                (self._name,),
            ).fetchone()
            self._db.execute(
                """INSERT INTO sync.stock_basis AS b (connection, policy, locations)
                   VALUES (%s, %s, %s) ON CONFLICT (connection) DO UPDATE SET
                       policy = excluded.policy,
                       locations = coalesce(nullif(excluded.locations, ''), b.locations)
                   WHERE (b.policy, b.locations) IS DISTINCT FROM (excluded.policy,
                       coalesce(nullif(excluded.locations, ''), b.locations))""",
                (self._name, policy, locations),
            )
            if row is None:
                return self._all_due()
            is_other_policy = row[0] != policy
            if is_other_policy:
                self._review()
            everything = is_other_policy or bool(locations and row[1] and row[1] != locations)
            return self._changed_due(undelivered, everything=everything)

    def _changed_due(self, undelivered: Mapping[str, int], *, everything: bool) -> int:
        return self._db.execute(
            f"""WITH owed AS (
                    SELECT sku_key, units FROM unnest(%(keys)b::text[], %(units)b::int[])
                        AS v(sku_key, units)),
                items AS (
                    SELECT i.sku_key, {ITEMS_BASIS} AS item FROM sync.item i
                    WHERE i.connection = %(name)s AND i.side = 'store' AND i.has_stock
                    GROUP BY i.sku_key),
                changed AS MATERIALIZED (
                    SELECT l.source_day, l.capture_id
                    FROM sync.newest_level l LEFT JOIN items i USING (sku_key)
                         LEFT JOIN owed o USING (sku_key)
                    WHERE l.connection = %(name)s AND NOT l.gone
                      AND (%(all)s OR l.item <> coalesce(i.item, '')
                           OR l.undelivered <> coalesce(o.units, 0)))
                {_DUE}""",  # noqa: S608 - constants of this module only
            {
                "name": self._name,
                "keys": list(undelivered),
                "units": list(undelivered.values()),
                "all": everything,
            },
            prepare=False,
        ).rowcount

    def _all_due(self) -> int:
        """Make due what the ledger has of a connection that was planned without a basis."""
        return self._db.execute(
            f"""WITH changed AS MATERIALIZED (
                    SELECT DISTINCT ON (source_id) source_day, capture_id FROM sync.record
                    WHERE connection = %(name)s AND stream = %(stream)s AND state = 'accepted'
                    ORDER BY source_id, source_updated_at DESC, capture_id DESC)
                {_DUE}""",  # noqa: S608 - constants of this module only
            {"name": self._name, "stream": INVENTORY},
        ).rowcount

    def make_skus_due(self, keys: Collection[str]) -> int:
        """Make the levels of SKUs due, whatever their plan was based on."""
        return self._db.execute(
            f"""WITH changed AS MATERIALIZED (
                    SELECT source_day, capture_id FROM sync.newest_level
                    WHERE connection = %(name)s AND NOT gone AND sku_key = ANY(%(keys)b::text[]))
                {_DUE}""",  # noqa: S608 - constants of this module only
            {"name": self._name, "keys": list(keys)},
        ).rowcount

    def changed_in_store(
        self, location: str, stated: Mapping[str, tuple[int, bytes]], before: datetime
    ) -> dict[str, Contradicted]:
        """Return by SKU the target states that the store's catalog contradicts.

        ``stated`` is the catalog's level by SKU, with its digest as target state. Left out are
        levels that were compared before. Those written after ``before`` are not settled.
        """
        rows = self._db.execute(
            """SELECT v.sku, t.target_key, t.target_id, t.content, t.digest, t.milestone,
                      t.sequence, t.source_updated_at,
                      t.updated_at < %(before)s AND NOT EXISTS (
                          SELECT 1 FROM sync.delivery d
                          WHERE d.connection = %(name)s AND d.stream = %(stream)s
                            AND d.target_key = t.target_key AND d.state IN ('in_flight', 'failed'))
               FROM unnest(%(skus)b::text[], %(levels)b::int[], %(digests)b::bytea[])
                    AS v(sku, level, digest)
               JOIN sync.target_state t ON t.connection = %(name)s AND t.stream = %(stream)s
                    AND t.target_key = v.sku || '@' || %(location)s
               JOIN sync.item i ON i.connection = %(name)s AND i.side = 'store' AND i.sku = v.sku
               WHERE t.digest <> v.digest AND i.level IS DISTINCT FROM v.level""",
            {
                "name": self._name,
                "stream": INVENTORY,
                "location": location,
                "skus": list(stated),
                "levels": [level for level, _ in stated.values()],
                "digests": [digest for _, digest in stated.values()],
                "before": before,
            },
            binary=True,
        )
        return {
            sku: Contradicted(
                TargetRow(key, target, decompress(content), bytes(digest), *rest), is_settled
            )
            for sku, key, target, content, digest, *rest, is_settled in rows
        }

    def _review(self) -> None:
        """Have captures that the policy kept out validated again."""
        self._db.execute(
            """DELETE FROM sync.record
               WHERE connection = %s AND stream = %s AND state IN ('skipped', 'rejected')
                 AND rule = ANY(%s)""",
            (self._name, INVENTORY, list(REVIEWED)),
        )


def _items(basis: str) -> set[str]:
    """Return the SKUs with their items' ids, without what may change of the same items."""
    return {line.rsplit("|", 2)[0] for line in basis.split("\n") if line}
