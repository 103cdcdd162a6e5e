"""The batch rules of prices."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from domain.records.prices import Price
from domain.schemas.prices import price_problems


def price(sku: str = "MUG", regular: str = "10", sale: str | None = None, **more: Any) -> Price:
    """Return a price in USD."""
    found: dict[str, Any] = {"currency": "USD"} | more
    selling = None if sale is None else Decimal(sale)
    return Price(sku=sku, regular=Decimal(regular), sale=selling, **found)


def codes(*prices: Price) -> dict[int, list[str]]:
    """Return the codes of each failing price by position."""
    return {i: sorted(p.code for p in found) for i, found in price_problems(prices).items()}


MAY, JUNE = datetime(2026, 5, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (price(regular="0"), ["price_not_positive"]),
        (price(regular="-1"), ["price_not_positive"]),
        (price(sale="0"), ["sale_not_positive"]),
        (price(sale="-3"), ["sale_not_positive"]),
        (price(sale="10.01"), ["sale_above_regular"]),
        (price(regular="10.001"), ["price_not_in_minor_units"]),
        (price(sale="9.999"), ["sale_not_in_minor_units"]),
        (price(regular="100.5", currency="JPY"), ["price_not_in_minor_units"]),
        (price(regular="1.2345", currency="KWD"), ["price_not_in_minor_units"]),
        (price(valid_from=JUNE, valid_until=MAY), ["price_period_empty"]),
        (price(regular="-1", sale="0"), ["price_not_positive", "sale_above_regular",
                                         "sale_not_positive"]),
    ],
)  # fmt: skip
def test_a_bad_price_is_named_and_stops_no_other(bad: Price, expected: list[str]) -> None:
    """All of its problems at once."""
    assert codes(price("A"), bad, price("B")) == {1: expected}


def test_good_prices_are_good_in_any_list_currency_and_period() -> None:
    """Also several for one SKU: only a plan knows whether they belong to one place."""
    assert not codes(
        price(),
        price("mug "),
        price(currency="EUR"),
        price(price_list="B2B"),
        price(valid_from=MAY, valid_until=JUNE),
        price(regular="100", currency="JPY"),
        price(regular="1.234", currency="KWD"),
        price("LAMP", sale="10"),
    )


def test_an_empty_batch_is_good() -> None:
    """A frame without rows has its columns all the same."""
    assert price_problems([]) == {}
