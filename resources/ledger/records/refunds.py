"""Refunds that payment services have made for returns, and what operators have approved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import orjson
import psycopg

from domain.connections import RETURNS
from domain.refunds import StoreRefund
from domain.rules.refund_amounts import PricedOrder
from domain.values import Grain, Partition
from resources.ledger.database.compression import decompress
from resources.ledger.rejections.reopening import WHO

MOST_LOOKS = 200
"""Refunds that one run looks at."""
LOOK_SOON, LOOK_LATE = timedelta(minutes=10), timedelta(hours=6)
"""The least and the longest time between two looks at a refund; else as long as it is old."""
_IS_OPEN = """f.connection = %(name)s AND f.open_until > f.looked_at AND f.refund_id <> ''
    AND clock_timestamp() - f.looked_at
        > least(greatest(f.looked_at - f.refunded_at, %(soon)s), %(late)s)"""
_PRICED = msgspec.json.Decoder(PricedOrder)


class RefundRow(NamedTuple):
    """One refund of a return."""

    delivery_key: UUID
    return_id: str
    source_id: str
    service: str
    refund_id: str
    amount: Decimal
    currency: str
    units: Mapping[str, int]
    is_found: bool
    declined: str
    source_day: date
    capture_id: UUID
    correlation_id: str
    is_pending: bool = False
    declines_for: timedelta = timedelta(0)
    """How long after this refund its payment may still be declined."""


class KnownRefund(NamedTuple):
    """What the ledger has of a refund."""

    return_id: str
    key: str
    units: Mapping[str, int]
    refund_id: str
    service: str


class ReturnedLine(NamedTuple):
    """Units of one line of a return's newest version, in the OMS's unit."""

    return_id: str
    order_line_id: str
    sku: str
    arrived: Decimal
    """Received or confirmed."""
    confirmed: Decimal
    is_refunded: bool


class OpenRefund(NamedTuple):
    """A refund whose payment may still be declined."""

    delivery_key: UUID
    return_id: str
    source_id: str
    service: str
    refund_id: str
    declined: str
    is_pending: bool


class Refunds:
    """Refunds of one connection."""

    def __init__(self, db: psycopg.Connection[Any], name: str) -> None:
        self._db, self._name = db, name

    def put(self, rows: Sequence[RefundRow], run_id: str) -> None:
        """Store refunds; one that is known is corrected."""
        with self._db.cursor() as cursor:
            cursor.executemany(
                """INSERT INTO sync.refund (connection, run_id, delivery_key, return_id, source_id,
                                            service, refund_id, amount, currency, units, is_found,
                                            declined, source_day, capture_id, correlation_id,
                                            is_pending, open_until)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s, %s,
                           CASE WHEN %s THEN 'infinity' ELSE clock_timestamp() + %s END)
                   ON CONFLICT (delivery_key) DO UPDATE SET
                       refund_id = excluded.refund_id, amount = excluded.amount,
                       units = excluded.units, is_found = excluded.is_found,
                       declined = excluded.declined, is_pending = excluded.is_pending,
                       open_until = excluded.open_until""",
                [
                    (
                        self._name,
                        run_id,
                        *row[:7],
                        orjson.dumps(row.units).decode(),
                        *row[8:14],
                        row.is_pending,
                        row.declines_for if not row.declined else timedelta(0),
                    )
                    for row in rows
                ],
            )

    def currencies(self, source_ids: Collection[str]) -> dict[str, str]:
        """Return the currency of each order, by its newest accepted version."""
        rows = self._db.execute(
            """SELECT DISTINCT ON (h.source_id) h.source_id, h.currency
               FROM sync.record r
               JOIN sync.order_header h USING (connection, source_day, capture_id)
               WHERE r.connection = %s AND r.stream = 'orders' AND r.source_id = ANY(%b)
                 AND r.state = 'accepted'
               ORDER BY h.source_id, r.source_updated_at DESC""",
            (self._name, list(source_ids)),
        )
        return dict(rows.fetchall())

    def returns_of(self, day: date) -> list[str]:
        """Return the returns whose newest accepted version is of a day, or that have a drift."""
        rows = self._db.execute(
            """SELECT r.source_id FROM sync.record r
               WHERE r.connection = %(name)s AND r.stream = %(stream)s AND r.source_day = %(day)s
                 AND r.state = 'accepted' AND r.outcome IS DISTINCT FROM 'superseded'
               UNION SELECT d.source_id FROM sync.drift d
               WHERE d.connection = %(name)s AND d.stream = %(stream)s AND d.state <> 'closed'
               ORDER BY 1""",
            {"name": self._name, "stream": RETURNS, "day": day},
        )
        return [source_id for (source_id,) in rows]

    def known(self, source_ids: Collection[str]) -> dict[str, list[KnownRefund]]:
        """Return order -> what was made or found for returns of these orders."""
        rows = self._db.execute(
            """SELECT source_id, refund_id, service, return_id, delivery_key, units FROM sync.refund
               WHERE connection = %s AND source_id = ANY(%b) AND refund_id <> ''""",
            (self._name, list(source_ids)),
        )
        found: dict[str, list[KnownRefund]] = {}
        for source_id, refund_id, service, return_id, key, units in rows:
            refund = KnownRefund(return_id, key.hex, units, refund_id, service)
            found.setdefault(source_id, []).append(refund)
        return found

    def returned(self, source_ids: Collection[str]) -> dict[str, list[ReturnedLine]]:
        """Return order -> lines of all returns of it, each by its newest accepted version."""
        rows = self._db.execute(
            """WITH lines AS (
                   SELECT l.*, r.source_updated_at
                   FROM sync.return_line l JOIN sync.record r USING (connection, source_day,
                                                                     capture_id)
                   WHERE l.connection = %s AND l.source_id = ANY(%b) AND r.stream = 'returns'
                     AND r.state = 'accepted'),
               newest AS (
                   SELECT DISTINCT ON (return_id) return_id, capture_id FROM lines
                   ORDER BY return_id, source_updated_at DESC, capture_id DESC)
               SELECT source_id, return_id, order_line_id, sku, received + confirmed, confirmed,
                      is_refunded
               FROM lines JOIN newest USING (return_id, capture_id)""",
            (self._name, list(source_ids)),
        )
        found: dict[str, list[ReturnedLine]] = {}
        for source_id, *line in rows:
            found.setdefault(source_id, []).append(ReturnedLine(*line))
        return found

    def open_ones(self) -> list[OpenRefund]:
        """Return the refunds that are to be looked at again now."""
        rows = self._db.execute(
            f"""SELECT delivery_key, return_id, source_id, service, refund_id, declined, is_pending
                FROM sync.refund f WHERE {_IS_OPEN}
                ORDER BY looked_at LIMIT %(limit)s""",  # noqa: S608 - a constant
            self._looking(),
        )
        return [OpenRefund(*row) for row in rows]

    def open_partitions(self, grain: Grain) -> list[Partition]:
        """Return the partitions of the returns whose refunds are to be looked at again now."""
        rows = self._db.execute(
            f"""SELECT DISTINCT r.source_day, r.source_hour
                FROM sync.refund f JOIN sync.record r USING (connection, source_day, capture_id)
                WHERE {_IS_OPEN} AND r.stream = 'returns'""",  # noqa: S608 - a constant
            self._looking(),
        )
        return sorted({Partition.at(day, hour, grain) for day, hour in rows})

    def _looking(self) -> dict[str, Any]:
        return {"name": self._name, "limit": MOST_LOOKS, "soon": LOOK_SOON, "late": LOOK_LATE}

    def note_look(self, key: UUID, now: StoreRefund | None = None) -> None:
        """Record that a refund was looked at, and the outcome of its payment if that changed."""
        self._db.execute(
            "UPDATE sync.refund SET looked_at = clock_timestamp() WHERE delivery_key = %s", (key,)
        )
        if now is not None:
            self._db.execute(
                """UPDATE sync.refund SET declined = %s, is_pending = %s,
                          open_until = CASE WHEN %s THEN open_until ELSE '-infinity' END
                   WHERE delivery_key = %s""",
                (now.declined, now.is_pending, now.is_pending, key),
            )

    def make_due(self, return_ids: Sequence[str]) -> None:
        """Take the outcome of the newest accepted version of returns back: it is planned again."""
        self._db.execute(
            """UPDATE sync.record r SET outcome = NULL
               FROM (SELECT DISTINCT ON (source_id) source_day, capture_id FROM sync.record
                     WHERE connection = %(name)s AND stream = 'returns'
                       AND source_id = ANY(%(ids)s) AND state = 'accepted'
                     ORDER BY source_id, source_updated_at DESC) n
               WHERE r.connection = %(name)s AND r.stream = 'returns'
                 AND r.source_day = n.source_day AND r.capture_id = n.capture_id""",
            {"name": self._name, "ids": list(return_ids)},
        )

    def prices(self, source_ids: Collection[str]) -> dict[str, PricedOrder]:
        """Return the prices of orders by their newest accepted versions, as far as they are kept.

        A version that can't be read has none: a return of it is refused, not guessed.
        """
        rows = self._db.execute(
            """SELECT DISTINCT ON (source_id) source_id, canonical FROM sync.record
               WHERE connection = %s AND stream = 'orders' AND source_id = ANY(%b)
                 AND state = 'accepted' AND canonical IS NOT NULL
               ORDER BY source_id, source_updated_at DESC""",
            (self._name, list(source_ids)),
            binary=True,
        )
        found: dict[str, PricedOrder] = {}
        for source_id, canonical in rows:
            try:
                found[source_id] = _PRICED.decode(decompress(canonical))
            except (msgspec.MsgspecError, ValueError):
                continue
        return found

    def discarded(
        self, stream: str, source_ids: Collection[str], but: Collection[str], approved_as: str
    ) -> set[str]:
        """Return the records of which an operator has discarded a rejection, of any version.

        A rejection counts that has a code other than ``but``. What was approved later, as
        a rejection with the code ``approved_as``, and delivered is not discarded any more.
        """
        rows = self._db.execute(
            """SELECT source_id FROM (
                   SELECT r.source_id, a.at, a.action FROM sync.rejection r
                   JOIN sync.rejection_action a USING (rejection_id)
                   WHERE r.connection = %(name)s AND r.stream = %(stream)s
                     AND r.source_id = ANY(%(ids)s)
                     AND (a.action = 'discard' AND r.state = 'discarded' AND EXISTS (
                              SELECT 1 FROM jsonb_array_elements(r.problems) p
                              WHERE NOT p ->> 'code' = ANY(%(but)s))
                          OR a.action = 'retry' AND r.state = 'resolved' AND a.at >= r.seen_at
                          AND btrim(a.why) <> '' AND a.who <> %(who)s AND EXISTS (
                              SELECT 1 FROM jsonb_array_elements(r.problems) p
                              WHERE p ->> 'code' = %(approved_as)s))
               ) decisions
               GROUP BY source_id
               HAVING max(at) FILTER (WHERE action = 'discard')
                      > coalesce(max(at) FILTER (WHERE action = 'retry'), '-infinity')""",
            {
                "name": self._name,
                "stream": stream,
                "ids": list(source_ids),
                "but": list(but),
                "approved_as": approved_as,
                "who": WHO,
            },
        )
        return {source_id for (source_id,) in rows}
