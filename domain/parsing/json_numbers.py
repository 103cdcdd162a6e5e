"""Decimals as exact JSON numbers.

The JSON writer knows no ``Decimal``, and what is stored as known at the target must compare equal
after it was read back. So an amount becomes the float whose shortest form is the same decimal
number, which is what is written. Every amount of up to 15 digits has one; an amount without one is
rejected and never rounded. Nothing is calculated with these floats.
"""

from __future__ import annotations

from decimal import Decimal

from domain.errors import Problem, RecordRejected

EXACT_LENGTH = 15
"""A decimal of this many characters, without an exponent, always has an exact float."""


def to_number(value: Decimal, field: str) -> float:
    """Return the JSON number of an amount; raises ``RecordRejected`` ``number_not_exact``."""
    number = float(value)
    text = str(value)
    if len(text) <= EXACT_LENGTH and "E" not in text:
        return number
    if Decimal(repr(number)) != value:
        message = "The number has more digits than JSON carries exactly."
        advice = "Round it at its origin to at most 15 digits."
        raise RecordRejected(Problem("number_not_exact", field, message, advice, text))
    return number


def to_count(value: Decimal, field: str) -> int | float:
    """Return the JSON number of a quantity: an integer if it is whole."""
    whole = int(value)
    return whole if whole == value else to_number(value, field)
