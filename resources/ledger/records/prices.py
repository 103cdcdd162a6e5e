"""The newest prices, and which of them are due again although the OMS's price is the same."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import psycopg

from domain.connections import PRICES
from resources.ledger.database.compression import decompress
from resources.ledger.records.catalog import ITEMS_BASIS, ITEMS_OF_KEYS

# A price that an operator has discarded stays out, whatever else changes.
_DUE = """UPDATE sync.record r SET outcome = NULL, settled_at = NULL
          FROM changed l
          WHERE r.connection = %(name)s AND r.stream = %(stream)s
            AND r.source_day = l.source_day AND r.capture_id = l.capture_id
            AND r.state = 'accepted' AND r.outcome <> 'superseded'
            AND NOT EXISTS (
                SELECT 1 FROM sync.rejection d
                WHERE (d.connection, d.stream, d.source_day, d.capture_id)
                    = (r.connection, r.stream, r.source_day, r.capture_id)
                  AND d.stage = 'delivered' AND d.state = 'discarded')"""
Turn = Literal["stream", "read", "reconciliation"]
"""What reads SKUs in turn; ``read``: the stream, of what is not captured yet."""
REVIEWED = ("price_currency_missing", "price_currency_refused")
"""Codes that keep a price out by the policy: another policy may let it in."""
UNLISTED = "price_list_unknown"


class DuePrice(NamedTuple):
    """A price that is due, and in ``sync.newest_price`` is not, or not as it is now."""

    source_day: date
    capture_id: UUID
    source_id: str
    canonical: bytes


class TakenUp(NamedTuple):
    """A price that is planned now."""

    source_id: str
    sku_key: str
    source_day: date
    capture_id: UUID
    target_key: str
    changes_at: datetime | None


class Prices:
    """Newest prices of one connection."""

    def __init__(self, connection: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = connection, name

    def untaken(self, now: datetime, limit: int) -> list[DuePrice]:
        """Return some of the prices that are due and whose plan is missing or of another time.

        ``take_up`` takes them from the list.
        """
        rows = self._db.execute(
            """SELECT r.source_day, r.capture_id, r.source_id, r.canonical
               FROM sync.record r LEFT JOIN sync.newest_price n USING (connection, source_id)
               WHERE r.connection = %s AND r.stream = %s
                 AND r.state = 'accepted' AND r.outcome IS NULL
                 AND (n.source_id IS NULL OR n.capture_id <> r.capture_id OR n.is_stale
                      OR n.changes_at <= %s)
                 AND NOT EXISTS (
                     SELECT 1 FROM sync.record x
                     WHERE x.connection = r.connection AND x.stream = r.stream
                       AND x.source_id = r.source_id AND x.state = 'accepted'
                       AND (x.source_updated_at, x.capture_id)
                         > (r.source_updated_at, r.capture_id))
               LIMIT %s""",
            (self._name, PRICES, now, limit),
            binary=True,
        )
        return [DuePrice(a, b, c, decompress(d)) for a, b, c, d in rows]

    def take_up(self, rows: Sequence[TakenUp]) -> None:
        """Store prices that are planned now, with the store's present items.

        The others of a place that one of them leaves are due: it may have kept them out. What the
        store shows there is not known any more: another SKU may have its price there by now.
        """
        ids, keys = [row.source_id for row in rows], [row.target_key for row in rows]
        with self._db.transaction():
            self._db.execute(
                f"""WITH taken AS (
                        SELECT * FROM unnest(%(ids)b::text[], %(keys)b::text[]) v(source_id, key)),
                    places AS (
                        SELECT o.target_key FROM sync.newest_price o JOIN taken t USING (source_id)
                        WHERE o.connection = %(name)s AND o.target_key NOT IN ('', t.key)),
                    unknown AS (
                        UPDATE sync.target_state SET digest = '', sequence = sequence + 1
                        WHERE connection = %(name)s AND stream = %(stream)s
                          AND target_key IN (SELECT target_key FROM places)),
                    changed AS (
                        SELECT n.source_day, n.capture_id FROM sync.newest_price n
                        WHERE n.connection = %(name)s AND NOT n.gone
                          AND n.source_id <> ALL(%(ids)b::text[])
                          AND n.target_key IN (SELECT target_key FROM places))
                    {_DUE}""",  # noqa: S608 - constants of this module only
                {"name": self._name, "stream": PRICES, "ids": ids, "keys": keys},
                prepare=False,
            )
            self._db.execute(
                f"""WITH items AS ({ITEMS_OF_KEYS})
                    INSERT INTO sync.newest_price AS n (connection, source_id, sku_key, source_day,
                        capture_id, target_key, changes_at, item)
                    SELECT %(name)s, v.source_id, sku_key, source_day, capture_id, target_key,
                        changes_at, coalesce(items.item, '')
                    FROM unnest(%(ids)b::text[], %(keys)b::text[], %(days)b::date[],
                                %(captures)b::uuid[], %(targets)b::text[],
                                %(changes)b::timestamptz[])
                         AS v(source_id, sku_key, source_day, capture_id, target_key, changes_at)
                         LEFT JOIN items USING (sku_key)
                    ON CONFLICT (connection, source_id) DO UPDATE SET
                        sku_key = excluded.sku_key, source_day = excluded.source_day,
                        gone = n.gone AND n.capture_id = excluded.capture_id, is_stale = false,
                        capture_id = excluded.capture_id, target_key = excluded.target_key,
                        changes_at = excluded.changes_at,
                        item = excluded.item""",  # noqa: S608 - a constant of another module
                {
                    "name": self._name,
                    "ids": ids,
                    "keys": [row.sku_key for row in rows],
                    "days": [row.source_day for row in rows],
                    "captures": [row.capture_id for row in rows],
                    "targets": keys,
                    "priced": True,
                    "changes": [row.changes_at for row in rows],
                },
                prepare=False,
            )

    def gone(self, source_ids: Collection[str]) -> set[str]:
        """Return the prices that the last complete read of their SKUs did not have."""
        rows = self._db.execute(
            """SELECT source_id FROM sync.newest_price
               WHERE connection = %s AND source_id = ANY(%b::text[]) AND gone""",
            (self._name, list(source_ids)),
        )
        return {source_id for (source_id,) in rows}

    def rivals(self, target_keys: Collection[str], now: datetime) -> dict[str, list[str]]:
        """Return the current prices that belong to one place, by its key, if they are several.

        Two spellings of a SKU at the OMS may mean one item of the store. A plan of another time,
        policy or catalog says nothing about the present.
        """
        rows = self._db.execute(
            """SELECT target_key, array_agg(source_id ORDER BY source_id) FROM sync.newest_price
               WHERE connection = %s AND target_key = ANY(%b::text[]) AND target_key <> ''
                 AND NOT gone AND NOT is_stale AND (changes_at IS NULL OR changes_at > %s)
               GROUP BY target_key HAVING count(*) > 1""",
            (self._name, list(target_keys), now),
        )
        return dict(rows.fetchall())

    def next_turn(self, limit: int, purpose: Turn) -> list[str]:
        """Return the SKUs of the catalog that are read next, from its start again at its end."""
        rows = self._db.execute(
            """WITH turn AS (SELECT coalesce(max(last_sku), '') AS last FROM sync.price_turn
                             WHERE connection = %(name)s AND purpose = %(purpose)s)
               SELECT i.sku FROM sync.item i, turn
               WHERE i.connection = %(name)s AND i.side = 'store'
               GROUP BY i.sku, turn.last
               ORDER BY i.sku <= turn.last, i.sku LIMIT %(limit)s""",
            {"name": self._name, "limit": limit, "purpose": purpose},
        )
        return [sku for (sku,) in rows]

    def end_turn(self, skus: Sequence[str], purpose: Turn) -> None:
        """Note that these SKUs have been read; of a read, until ``turn_captured``."""
        if skus:
            self._db.execute(
                """INSERT INTO sync.price_turn (connection, purpose, last_sku) VALUES (%s, %s, %s)
                   ON CONFLICT (connection, purpose) DO UPDATE SET last_sku = excluded.last_sku""",
                (self._name, purpose, skus[-1]),
            )

    def turn_captured(self) -> None:
        """Take the turn of the read that was captured as the stream's, in its transaction."""
        self._db.execute(
            """WITH captured AS (DELETE FROM sync.price_turn
                                 WHERE connection = %s AND purpose = 'read'
                                 RETURNING connection, last_sku)
               INSERT INTO sync.price_turn (connection, purpose, last_sku)
               SELECT connection, 'stream', last_sku FROM captured
               ON CONFLICT (connection, purpose) DO UPDATE SET last_sku = excluded.last_sku""",
            (self._name,),
        )

    def mark_read(self, keys: Collection[str], source_ids: Collection[str]) -> int:
        """Record which prices a complete read of SKUs had; return how many are due for that.

        The present prices of a SKU of which one came or went are due: they may belong to one place.
        One that went is, too, so that it waits for nothing any more; one that was gone is not.
        """
        return self._db.execute(
            f"""WITH moved AS (
                    UPDATE sync.newest_price n SET gone = NOT n.gone
                    WHERE n.connection = %(name)s AND n.sku_key = ANY(%(keys)b::text[])
                      AND n.gone = (n.source_id = ANY(%(ids)b::text[]))
                    RETURNING n.source_id, n.sku_key),
                changed AS (
                    SELECT n.source_day, n.capture_id FROM sync.newest_price n
                    WHERE n.connection = %(name)s AND n.sku_key IN (SELECT sku_key FROM moved)
                      AND (NOT n.gone OR n.source_id IN (SELECT source_id FROM moved)))
                {_DUE}""",  # noqa: S608 - constants of this module only
            {
                "name": self._name,
                "stream": PRICES,
                "keys": list(keys),
                "ids": list(source_ids),
            },
            prepare=False,
        ).rowcount

    def make_due(self, policy: str, now: datetime) -> int:
        """Make due the prices whose plan was based on something else; return their number.

        ``policy`` is a digest. Changes nothing where all is as it was.
        """
        with self._db.transaction():
            row = self._db.execute(
                "SELECT policy FROM sync.price_basis WHERE connection = %s FOR UPDATE",
                (self._name,),
            ).fetchone()
            is_other_policy = row is not None and row[0] != policy
            if row is None or is_other_policy:
                self._db.execute(
                    """INSERT INTO sync.price_basis (connection, policy) VALUES (%s, %s)
                       ON CONFLICT (connection) DO UPDATE SET policy = excluded.policy""",
                    (self._name, policy),
                )
            if is_other_policy:
                self._review()
            return self._changed_due(now, everything=is_other_policy)

    def _changed_due(self, now: datetime, *, everything: bool) -> int:
        return self._db.execute(
            f"""WITH items AS (
                    SELECT i.sku_key, {ITEMS_BASIS} AS item FROM sync.item i
                    WHERE i.connection = %(name)s AND i.side = 'store' GROUP BY i.sku_key),
                changed AS MATERIALIZED (
                    SELECT n.source_day, n.capture_id
                    FROM sync.newest_price n LEFT JOIN items i USING (sku_key)
                    WHERE n.connection = %(name)s AND NOT n.gone
                      AND (%(all)s OR n.item <> coalesce(i.item, '')
                           OR n.changes_at <= %(now)s)),
                due AS ({_DUE} RETURNING r.capture_id)
                UPDATE sync.newest_price n SET is_stale = true FROM due
                WHERE n.connection = %(name)s
                  AND n.capture_id = due.capture_id""",  # noqa: S608 - constants of this module only
            {"name": self._name, "stream": PRICES, "all": everything, "now": now},
            prepare=False,
        ).rowcount

    def unlisted(self) -> dict[str, bytes]:
        """Return a price of each list that the store did not have when it was to be sent."""
        rows = self._db.execute(
            """SELECT DISTINCT ON (x.value) x.value, r.canonical
               FROM sync.rejection x
               JOIN sync.record r USING (connection, stream, source_day, capture_id)
               WHERE x.connection = %s AND x.stream = %s AND x.state IN ('open', 'retried')
                 AND x.stage = 'delivered' AND x.code = %s AND r.state = 'accepted'
               ORDER BY x.value, x.source_id""",
            (self._name, PRICES, UNLISTED),
            binary=True,
        )
        return {name: decompress(canonical) for name, canonical in rows}

    def make_listed_due(self, names: Collection[str]) -> int:
        """Make due the prices of lists that the store did not have; return their number."""
        return self._db.execute(
            f"""WITH changed AS (
                    SELECT x.source_day, x.capture_id FROM sync.rejection x
                    WHERE x.connection = %(name)s AND x.stream = %(stream)s
                      AND x.state IN ('open', 'retried') AND x.stage = 'delivered'
                      AND x.code = %(code)s AND x.value = ANY(%(lists)b::text[]))
                {_DUE}""",  # noqa: S608 - a constant of this module only
            {"name": self._name, "stream": PRICES, "code": UNLISTED, "lists": list(names)},
            prepare=False,
        ).rowcount

    def _review(self) -> None:
        """Have captures that the policy kept out validated again."""
        self._db.execute(
            """DELETE FROM sync.record
               WHERE connection = %s AND stream = %s AND state IN ('skipped', 'rejected')
                 AND rule = ANY(%s)""",
            (self._name, PRICES, list(REVIEWED)),
        )
