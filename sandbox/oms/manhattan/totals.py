"""What an order adds up to: lines, charges (discounts are negative charges) and taxes (1.4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Json = dict[str, Any]

ZERO = Decimal(0)


def order_total(order: Json) -> Decimal:
    """Sum the lines' quantity times price, and all charges and taxes that are not informational."""
    total = _charges(order.get("OrderChargeDetail")) + _taxes(order.get("OrderTaxDetail"))
    for line in order["OrderLine"]:
        total += Decimal(str(line["Quantity"])) * Decimal(str(line.get("UnitPrice") or 0))
        total += _charges(line.get("OrderLineChargeDetail")) + _taxes(
            line.get("OrderLineTaxDetail")
        )
    return total


def money_text(amount: Decimal) -> str:
    """Format an amount exactly, with at least two decimals; JSON numbers lose trailing zeros."""
    exponent = amount.as_tuple().exponent
    return f"{amount:.2f}" if isinstance(exponent, int) and exponent > -2 else str(amount)


def _charges(details: list[Json] | None) -> Decimal:
    return sum(
        (
            Decimal(str(d.get("ChargeTotal") or 0))
            for d in details or ()
            if not d.get("IsInformational")
        ),
        ZERO,
    )


def _taxes(details: list[Json] | None) -> Decimal:
    return sum(
        (
            Decimal(str(d.get("TaxAmount") or 0))
            for d in details or ()
            if not d.get("IsInformational")
        ),
        ZERO,
    )


def zero_money(entity: Json, charges: str, taxes: str) -> None:
    """Set the charges and taxes of a canceled line or order to 0 (oms.md 1.5)."""
    for detail in entity.get(charges) or ():
        detail["ChargeTotal"] = 0
    for detail in entity.get(taxes) or ():
        detail["TaxAmount"] = 0
