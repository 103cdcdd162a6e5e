"""Money as the vendor writes it: whole minor units with the currency's digits."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

Json = dict[str, Any]
DIGITS = {
    **dict.fromkeys(("JPY", "KRW", "VND", "CLP", "ISK", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("KWD", "BHD", "OMR", "JOD", "TND", "IQD"), 3),
}
"""Fraction digits of currencies that don't have two (ISO 4217)."""


def digits_of(currency: str) -> int:
    """Return a currency's fraction digits."""
    return DIGITS.get(currency, 2)


def cents(amount: int, currency: str) -> Json:
    """Return an amount of minor units as ``CentPrecisionMoney``."""
    return {
        "type": "centPrecision",
        "currencyCode": currency,
        "centAmount": amount,
        "fractionDigits": digits_of(currency),
    }


def money(value: Any, currency: str) -> Json:
    """Return given money in full: a money object, or an amount in the major unit."""
    if isinstance(value, dict):
        return cents(int(value["centAmount"]), value.get("currencyCode", currency)) | value
    exact = Decimal(str(value)).scaleb(digits_of(currency))
    return cents(rounded(exact), currency)


def rounded(exact: Decimal) -> int:
    """Round to whole minor units as the vendor does by default (``HalfEven``)."""
    return int(exact.quantize(Decimal(1), ROUND_HALF_EVEN))


def precise(value: Json) -> Decimal:
    """Return a money object in minor units, of high precision if it is."""
    if value.get("type") == "highPrecision":
        digits = digits_of(value["currencyCode"])
        return Decimal(value["preciseAmount"]).scaleb(digits - int(value["fractionDigits"]))
    return Decimal(value["centAmount"])
