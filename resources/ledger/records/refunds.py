"""Refunds that payment services have made for returns, and what operators have approved."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import psycopg


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


class Approval(NamedTuple):
    """An operator's retry, with a reason, of a refund that was held back."""

    code: str
    value: str
    """What was approved, as the rejection stated it."""


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
                                            declined, source_day, capture_id, correlation_id)
                   VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s, %s)
                   ON CONFLICT (delivery_key) DO UPDATE SET
                       refund_id = excluded.refund_id, amount = excluded.amount,
                       units = excluded.units, is_found = excluded.is_found,
                       declined = excluded.declined""",
                [
                    (self._name, run_id, *row._replace(units=orjson.dumps(row.units).decode()))  # type: ignore[arg-type]
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

    def refund_ids(self, source_ids: Collection[str]) -> set[str]:
        """Return the ids of the refunds that were made or found for returns of these orders."""
        rows = self._db.execute(
            """SELECT refund_id FROM sync.refund
               WHERE connection = %s AND source_id = ANY(%b) AND refund_id <> ''""",
            (self._name, list(source_ids)),
        )
        return {refund_id for (refund_id,) in rows}

    def approvals(
        self, stream: str, source_ids: Collection[str], codes: Collection[str]
    ) -> dict[str, Approval]:
        """Return what operators have approved of records whose open rejection has such a code.

        An approval is a retry with a reason, since the rejection was last met: it covers what that
        rejection says, and no later one.
        """
        rows = self._db.execute(
            """SELECT DISTINCT r.source_id, r.code, r.value
               FROM sync.rejection r JOIN sync.rejection_action a USING (rejection_id)
               WHERE r.connection = %s AND r.stream = %s AND r.stage = 'delivered'
                 AND r.state IN ('open', 'retried') AND r.source_id = ANY(%b)
                 AND r.code = ANY(%b)
                 AND a.action = 'retry' AND a.why <> '' AND a.at >= r.seen_at""",
            (self._name, stream, list(source_ids), list(codes)),
        )
        return {source_id: Approval(code, value) for source_id, code, value in rows}
