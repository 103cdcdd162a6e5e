"""Amounts of an order, in its one currency. Pure."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from domain.currencies import minor_unit
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import CENT, ZERO
from resources.platforms.commercetools.base_payload import Money, TaxedPrice
from resources.platforms.commercetools.payload import Item

MOST_DIGITS = 20
"""Fraction digits of the vendor's most precise money."""
PLACES = Decimal("0.0001")
"""Of an amount, at most."""


@lru_cache(65_536)
def _amount(units: int, digits: int) -> Decimal:
    """Return an amount with at least two decimals and no needless zeros, as ``amount_of`` does."""
    amount = Decimal(units).scaleb(-digits)
    rounded = amount.quantize(CENT)
    return (rounded or ZERO) if amount == rounded else amount.normalize()


@lru_cache(65_536)
def quantized(amount: Decimal, step: Decimal) -> Decimal:
    """Return an amount rounded to a multiple of a unit, with at least two decimals."""
    rounded = amount.quantize(step, ROUND_HALF_EVEN)
    short = rounded.quantize(CENT)
    return (short or ZERO) if rounded == short else rounded.normalize()


class MoneyReader:
    """Reads amounts, and reports those that can't be read.

    Each is named by the path of what holds it and its name there, which are only put together for a
    report.
    """

    __slots__ = ("_problems", "currency", "minor")

    def __init__(self, currency: str, problems: DocumentProblems) -> None:
        self.currency, self._problems = currency, problems
        self.minor = minor_unit(currency)

    def needed(self, money: Money | None, where: str, name: str = "") -> Decimal:
        """Return an amount that the order must have."""
        if money is None or money.cent_amount is None:
            self._problems.missing("amount_missing", where + name, "the amount is missing")
            return ZERO
        return self.read(money, where, name)

    def read(self, money: Money | None, where: str, name: str = "") -> Decimal:
        """Return an amount, zero if there is none."""
        if money is None or money.cent_amount is None:
            return ZERO
        if money.currency_code != self.currency:
            other = (money.currency_code or "")[:3]
            message = f"the amount is in {other or 'no currency'} and the order in {self.currency}"
            path = f"{where}{name}.currencyCode"
            self._problems.reject("currency_mixed", path, message, LOOK, other)
            return ZERO
        digits, units = money.fraction_digits, money.cent_amount
        if money.type == "highPrecision":
            if money.precise_amount is None:
                digits = None  # the digits are of an amount that is not there
            else:
                units = money.precise_amount
        if digits is None:
            digits = -int(self.minor.as_tuple().exponent)
        if not 0 <= digits <= MOST_DIGITS:
            message = f"an amount has 0 to {MOST_DIGITS} fraction digits"
            path = f"{where}{name}.fractionDigits"
            self._problems.reject("malformed_value", path, message, LOOK, digits)
            return ZERO
        return _amount(units, digits)

    def tax_of(self, item: Item, where: str) -> Decimal:
        """Return the tax of a line item or custom line item, over all of its shipping methods."""
        if item.taxed_price is not None or not item.taxed_price_portions:
            return self.tax(item.taxed_price, where, "taxedPrice")
        return sum(self.taxes_by_method(item, where).values(), ZERO)

    def taxes_by_method(self, item: Item, where: str) -> dict[str, Decimal]:
        """Return key of a shipping method -> the tax of the units that go by it."""
        taxes: dict[str, Decimal] = {}
        for i, portion in enumerate(item.taxed_price_portions or ()):
            if portion is not None:
                key = portion.shipping_method_key or ""
                tax = self.tax(portion.taxed_price, f"{where}taxedPricePortions[{i}].taxedPrice")
                taxes[key] = taxes.get(key, ZERO) + tax
        return taxes

    def tax(self, taxed: TaxedPrice | None, where: str, name: str = "") -> Decimal:
        """Return the tax of an item: as stated, else what gross and net differ by."""
        if taxed is None:
            return ZERO
        if taxed.total_tax is not None:
            return self.read(taxed.total_tax, where, f"{name}.totalTax")
        path = f"{where}{name}."
        gross = self.read(taxed.total_gross, path, "totalGross")
        return gross - self.read(taxed.total_net, path, "totalNet")
