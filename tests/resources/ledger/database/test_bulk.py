"""Bulk loading."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from resources.ledger.database.bulk import load
from resources.ledger.session import Session
from resources.ledger.tables import ORDER_LINE, STOCK_LEVEL

DAY = date(2026, 3, 19)
NOON = datetime(2026, 3, 19, 12, tzinfo=UTC)


def line(number: int, quantity: Decimal | int, price: str) -> tuple[object, ...]:
    """Return a row of ``sync.order_line``."""
    amounts = (Decimal(price), Decimal(price), Decimal("-0.0001"), Decimal(0))
    return (UUID(int=1), "1", str(number), "g", "item", "MUG", quantity, "EA", 1, *amounts)


def test_numbers_keep_their_value(session: Session) -> None:
    """Equal numbers share one encoding, whatever their digits: the column has its own scale."""
    prices = ["1", "1.0", "1.0000", "99999999999999.9999", "0.0001", "-3.50", "1E+3", "0"]
    with session.transaction():
        session.db.execute("SELECT sync.ensure_month(%s)", (DAY,))
        rows = [line(n, n + 1, price) for n, price in enumerate(prices)]
        load(session.db, ORDER_LINE, {"source_day": DAY, "connection": "acme"}, rows)
    stored = session.db.execute(
        "SELECT quantity, unit_price, discount FROM sync.order_line ORDER BY line_id"
    ).fetchall()
    assert [row[0] for row in stored] == [Decimal(n + 1) for n in range(len(prices))]
    assert [row[1] for row in stored] == [Decimal(price) for price in prices]
    assert {row[2] for row in stored} == {Decimal("-0.0001")}


def test_empty_values_and_times_are_kept(session: Session) -> None:
    """A level without a stock on hand is not one of zero."""
    row = (UUID(int=1), "MUG", "N1", Decimal(3), None, None, None, NOON, False, NOON)
    with session.transaction():
        session.db.execute("SELECT sync.ensure_month(%s)", (DAY,))
        load(session.db, STOCK_LEVEL, {"source_day": DAY, "connection": "acme"}, [row])
    names = ", ".join(STOCK_LEVEL.names)
    assert session.db.execute(f"SELECT {names} FROM sync.stock_level").fetchall() == [row]  # noqa: S608


def test_a_row_that_exists_is_an_error_and_nothing_is_stored(session: Session) -> None:
    """A load is for new rows: a repeated one must not look as if it had worked."""
    with session.transaction():
        session.db.execute("SELECT sync.ensure_month(%s)", (DAY,))
    fixed = {"source_day": DAY, "connection": "acme"}
    with pytest.raises(psycopg.errors.UniqueViolation), session.transaction():
        load(session.db, ORDER_LINE, fixed, [line(1, 1, "1"), line(1, 2, "1")])
    assert session.db.execute("SELECT count(*) FROM sync.order_line").fetchone() == (0,)
