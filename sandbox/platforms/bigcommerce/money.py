"""Money as V2 writes it: a string with four decimals."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

FOUR_PLACES = Decimal("0.0001")
ZERO = "0.0000"
LARGEST = 20
"""Digits before the decimal point, beyond which four decimals can't be written exactly."""


def to_decimal(value: Any) -> Decimal:
    """Parse a number, or a number as string; '' and null are zero.

    Raises ValueError for other texts.
    """
    if value is None or value == "":
        return Decimal(0)
    try:
        amount = Decimal(str(value))
    except InvalidOperation as reason:
        raise ValueError(f"{value!r} is not an amount") from reason
    if not amount.is_finite() or amount.adjusted() > LARGEST:
        raise ValueError(f"{value!r} is not an amount")
    return amount


@lru_cache(maxsize=65536)
def _format(text: str) -> str:
    return str(to_decimal(text).quantize(FOUR_PLACES, ROUND_HALF_UP))


def amount(value: Any) -> Decimal:
    """Return what an amount adds to a sum; a text that is not an amount adds nothing."""
    try:
        return to_decimal(value)
    except ValueError:
        return Decimal(0)


def format_or_keep(value: Any) -> str:
    """Format an amount with four decimals; a text that is not an amount is kept."""
    try:
        return to_money(value)
    except ValueError:
        return str(value)


def number_or_text(value: Any) -> float | str:
    """Convert an amount to a JSON number; a text that is not an amount is kept."""
    try:
        return float(to_decimal(value))
    except ValueError:
        return str(value)


def to_money(value: Any) -> str:
    """Format an amount with four decimals, rounded half up."""
    return ZERO if value is None else _format(str(value))
