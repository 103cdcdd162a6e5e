"""Money of an order document: text form, rounding, taxes, and the spreading of discounts.

An amount is a ``Decimal``, or a text where the source holds no valid amount (``2,55``, empty). A
text is kept in the document unchanged and counts as zero in every sum, so that dirt stays visible
and never becomes invented money.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

Amount = Decimal | str
Rate = tuple[str, Decimal]
"""A tax's name and percentage."""

ZERO = Decimal(0)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
MOST_DIGITS = 12
# Of the currencies in the seeds, those whose minor unit is not a hundredth.
QUANTA = {"JPY": Decimal(1), "KRW": Decimal(1)}


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount without tax, with tax, its tax, and the tax of each rate."""

    ex: Decimal
    inc: Decimal
    tax: Decimal
    parts: tuple[Decimal, ...] = ()


def to_text(amount: Amount) -> str:
    """Format an amount as BigCommerce does: four decimals, no negative zero; texts unchanged."""
    return amount if isinstance(amount, str) else f"{amount + 0:.4f}"


def to_decimal(amount: Amount) -> Decimal:
    """Return what an amount adds to a sum: zero for a text."""
    return ZERO if isinstance(amount, str) else amount


def parse(raw: str) -> Amount:
    """Parse a plain decimal number; return the raw text if it is not one or out of range."""
    try:
        number = Decimal(raw.strip())
    except InvalidOperation:
        return raw
    return number if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else raw


def minor_unit(currency: str) -> Decimal:
    """Return the minor unit of a currency."""
    return QUANTA.get(currency, CENT)


def rounded(amount: Decimal, unit: Decimal = CENT) -> Decimal:
    """Round half up to the currency's minor unit."""
    return amount.quantize(unit, ROUND_HALF_UP)


def taxed(
    amount: Decimal, rates: Sequence[Rate], inclusive: bool, unit: Decimal, discount: Decimal = ZERO
) -> Taxed:
    """Add taxes, or take them out if pricing is inclusive; the discounted part is untaxed.

    Each rate is rounded separately. Source: ``total_tax = (price_ex_tax - discount) * tax_rate``
    (orders.v2.oas2.yml, orderProducts).
    """
    if not rates:
        return Taxed(amount, amount, ZERO)
    base = amount - discount
    divisor = HUNDRED + sum((rate for _, rate in rates), ZERO) if inclusive else HUNDRED
    parts = tuple(rounded(base * rate / divisor, unit) for _, rate in rates)
    tax = sum(parts, ZERO)
    return (
        Taxed(amount - tax, amount, tax, parts)
        if inclusive
        else Taxed(amount, amount + tax, tax, parts)
    )


def spread(amount: Decimal, weights: Iterable[Decimal], unit: Decimal) -> list[Decimal]:
    """Split an amount in proportion to weights; the last weighted share takes the remainder.

    Returns zeros if no weight is positive: nothing can bear the amount.
    """
    positive = [max(weight, ZERO) for weight in weights]
    total = sum(positive, ZERO)
    if not total:
        return [ZERO] * len(positive)
    shares = [rounded(amount * weight / total, unit) for weight in positive]
    last = max(index for index, weight in enumerate(positive) if weight)
    shares[last] += amount - sum(shares, ZERO)
    return shares


def total_of(amounts: list[Taxed]) -> Taxed:
    """Sum amounts up; the taxes of single rates are left out."""
    return Taxed(
        sum((a.ex for a in amounts), ZERO),
        sum((a.inc for a in amounts), ZERO),
        sum((a.tax for a in amounts), ZERO),
    )


def tax_fields(name: str, amount: Taxed) -> dict[str, str]:
    """Return an amount as the three fields ``*_ex_tax``, ``*_inc_tax`` and ``*_tax``."""
    return {
        f"{name}_ex_tax": to_text(amount.ex),
        f"{name}_inc_tax": to_text(amount.inc),
        f"{name}_tax": to_text(amount.tax),
    }
