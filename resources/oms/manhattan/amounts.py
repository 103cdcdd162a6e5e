"""Decimals as JSON numbers, exactly.

The JSON writer knows no Decimal, and what is stored as known at the target must compare equal after it was read back. So an amount becomes
the float whose shortest form is the very same decimal number (true of every amount of up to 15 digits), which is what is written; one
that has no such float is refused and never rounded. Nothing is ever calculated with these floats.
"""

from __future__ import annotations

from decimal import Decimal

from domain.errors import Problem, RecordRejected


def to_number(value: Decimal, field: str) -> float:
    """Return the JSON number of an amount or a rate; raises ``RecordRejected`` ``number_not_exact``."""
    number = float(value)
    if Decimal(repr(number)) != value:
        advice = "Round it at its origin to at most 15 digits."
        raise RecordRejected(
            Problem(
                "number_not_exact",
                field,
                "The number has more digits than JSON carries exactly.",
                advice,
                str(value),
            )
        )
    return number


def to_count(value: Decimal, field: str) -> int | float:
    """Return the JSON number of a quantity: an integer where it is whole."""
    whole = int(value)
    return whole if whole == value else to_number(value, field)
