"""Money of an order document: the text form, rounding, taxes and the spreading of discounts.

An amount is a ``Decimal``, or a text where the source holds something that is no amount (``2,55``, ````): a text is shown in the document
as it stands and counts as zero in every sum, so that dirt stays visible and never turns into invented money.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

Amount = Decimal | str
Rate = tuple[str, Decimal]
"""A tax's name and its percentage."""

ZERO = Decimal(0)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
MOST_DIGITS = 12
# Currencies whose smallest unit is not a hundredth, among those the seeds use.
QUANTA = {"JPY": Decimal(1), "KRW": Decimal(1)}


@dataclass(frozen=True, slots=True)
class Taxed:
    """An amount without tax, with tax, its tax, and the tax of each rate."""

    ex: Decimal
    inc: Decimal
    tax: Decimal
    parts: tuple[Decimal, ...] = ()


def text(amount: Amount) -> str:
    """Return an amount as BigCommerce writes it: four decimals, never a negative zero; a text unchanged."""
    return amount if isinstance(amount, str) else f"{amount + 0:.4f}"


def value(amount: Amount) -> Decimal:
    """Return what an amount counts in a sum: zero for a text."""
    return ZERO if isinstance(amount, str) else amount


def parse(raw: str) -> Amount:
    """Read a plain decimal number; return the raw text where it is none (empty, decimal comma, not finite, beyond all sense)."""
    try:
        number = Decimal(raw.strip())
    except InvalidOperation:
        return raw
    return number if number.is_finite() and abs(number.adjusted()) <= MOST_DIGITS else raw


def quantum(currency: str) -> Decimal:
    """Return the smallest unit of a currency."""
    return QUANTA.get(currency, CENT)


def rounded(amount: Decimal, unit: Decimal = CENT) -> Decimal:
    """Round half up to the currency's smallest unit."""
    return amount.quantize(unit, ROUND_HALF_UP)


def taxed(
    amount: Decimal, rates: Sequence[Rate], inclusive: bool, unit: Decimal, discount: Decimal = ZERO
) -> Taxed:
    """Add taxes to an amount, or take them out of it when pricing is inclusive; the discounted part bears no tax.

    Each rate is rounded by itself. Source: ``total_tax = (price_ex_tax - discount) * tax_rate`` (orders.v2.oas2.yml, orderProducts).
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
    """Split an amount in proportion to weights so that the shares add up exactly; the last weighted one takes the remainder.

    Returns zeros when no weight is positive: there is nothing that could bear the amount.
    """
    positive = [max(weight, ZERO) for weight in weights]
    total = sum(positive, ZERO)
    if not total:
        return [ZERO] * len(positive)
    shares = [rounded(amount * weight / total, unit) for weight in positive]
    last = max(index for index, weight in enumerate(positive) if weight)
    shares[last] += amount - sum(shares, ZERO)
    return shares
