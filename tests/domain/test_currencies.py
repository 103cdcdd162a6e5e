"""Minor units, and how far a rounded amount may be off."""

from __future__ import annotations

from decimal import Decimal

import pycountry
import pytest

from domain.currencies import _BY_DECIMALS, minor_unit, rounding_of, rounding_of_sum


@pytest.mark.parametrize(
    ("currency", "minor"),
    [
        ("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("CLF", "0.0001"), ("ISK", "1"),
        ("", "0.01"),
    ],
)  # fmt: skip
def test_a_currency_has_the_minor_unit_of_iso_4217(currency: str, minor: str) -> None:
    """An unknown currency is taken to have cents, as most have."""
    assert minor_unit(currency) == Decimal(minor)


def test_every_currency_of_the_table_exists() -> None:
    """And none is listed twice."""
    listed = [code for codes in _BY_DECIMALS.values() for code in codes.split()]
    assert len(listed) == len(set(listed))
    for code in listed:
        assert pycountry.currencies.get(alpha_3=code) is not None, code


def test_each_unit_may_contribute_half_a_minor_unit_and_the_sum_another() -> None:
    """A price was rounded once for each unit, and what it amounts to again."""
    assert rounding_of(Decimal("0.01"), Decimal(1)) == Decimal("0.01")
    assert rounding_of(Decimal("0.01"), Decimal(24)) == Decimal("0.125")
    assert rounding_of(Decimal(1), Decimal(3)) == Decimal(2)
    assert rounding_of_sum(Decimal("0.001")) == Decimal("0.0005")
