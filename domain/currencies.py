"""The minor units of currencies, and the one rule of how far a rounded amount may be off.

Source: ISO 4217:2015, list one (SIX Group, the maintenance agency), column "minor unit".
``pycountry`` has the codes and names only, and CLDR the decimals that people write, which are fewer
for some currencies than those that banks settle in.
"""

from __future__ import annotations

from decimal import Decimal

CENT = Decimal("0.01")
HALF = Decimal("0.5")
_BY_DECIMALS = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""Decimals -> currencies; all others have two."""
_MINOR_UNITS = {
    currency: Decimal(1).scaleb(-decimals)
    for decimals, currencies in _BY_DECIMALS.items()
    for currency in currencies.split()
}


def is_currency_code(text: str) -> bool:
    """Return whether a text has the form of an ISO 4217 code: three letters."""
    return len(text) == 3 and text.isascii() and text.isalpha()


def minor_unit(currency: str) -> Decimal:
    """Return the smallest amount of a currency: 0.01 of most, 1 of JPY, 0.001 of KWD."""
    return _MINOR_UNITS.get(currency, CENT)


def whole_minor_units(amount: Decimal, currency: str) -> int | None:
    """Return an amount in minor units; ``None`` if it has a fraction of one."""
    units = amount / minor_unit(currency)
    return int(units) if units == units.to_integral_value() else None


def rounding_of(minor: Decimal, units: Decimal) -> Decimal:
    """Return how far a stated amount may be from ``units`` times a price, both rounded.

    Each unit contributes half a minor unit, by which its price may be rounded, and the amount
    itself another half.
    """
    return minor * HALF * (units + 1)


def rounding_of_sum(minor: Decimal) -> Decimal:
    """Return how far a stated sum may be from its parts: it was rounded once, by half a unit."""
    return minor * HALF
