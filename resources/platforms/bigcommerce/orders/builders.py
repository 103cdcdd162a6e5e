"""An order's lines and charges on the way from raw to canonical: taxes and discounts can only be settled over all of them.

What is finished is plain values by the canonical models' field names: the whole order is validated at once, in one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.records.orders import ChargeKind, LineKind
from resources.platforms.bigcommerce.parsing import ZERO


@dataclass(slots=True)
class ChargeDraft:
    """A charge with its tax apart."""

    charge_id: str
    kind: ChargeKind
    name: str
    amount: Decimal
    tax: Decimal
    group_id: str | None = None

    def finished(self) -> dict[str, Any]:
        """Return the values of the canonical charge."""
        return {
            "charge_id": self.charge_id,
            "kind": self.kind,
            "name": self.name,
            "amount": self.amount,
            "tax": self.tax,
            "group_id": self.group_id,
        }


@dataclass(slots=True)
class DiscountDraft:
    """A reduction of a line."""

    discount_id: str
    name: str
    amount: Decimal
    code: str | None

    def finished(self) -> dict[str, Any]:
        """Return the values of the canonical discount."""
        return {
            "discount_id": self.discount_id,
            "name": self.name,
            "amount": self.amount,
            "code": self.code,
        }


@dataclass(slots=True)
class LineDraft:
    """A line as the store states it; ``where`` is its path in the payload."""

    line_id: str
    where: str
    group_id: str
    parent_line_id: str | None
    sku: str
    variant_id: str | None
    name: str
    kind: LineKind
    quantity: Decimal
    uom: str
    unit_price: Decimal
    line_total: Decimal
    tax: Decimal
    options: tuple[str, ...]
    gift_message: str
    rounding: Decimal = ZERO
    """The part of the order's tax that is due to rounding and was put on this line."""
    discounts: list[DiscountDraft] = field(default_factory=list)
    charges: list[ChargeDraft] = field(default_factory=list)

    def discounted(self) -> Decimal:
        """Return the sum of the line's discounts."""
        return sum((discount.amount for discount in self.discounts), ZERO)

    def finished(self) -> dict[str, Any]:
        """Return the values of the canonical line."""
        taxes: list[dict[str, Any]] = (
            [{"tax_id": "tax", "name": "Tax", "amount": self.tax}] if self.tax else []
        )
        if self.rounding:
            taxes.append(
                {
                    "tax_id": "rounding",
                    "name": "Rounding of the order's tax",
                    "amount": self.rounding,
                }
            )
        return {
            "line_id": self.line_id,
            "parent_line_id": self.parent_line_id,
            "sku": self.sku,
            "variant_id": self.variant_id,
            "name": self.name,
            "kind": self.kind,
            "quantity": self.quantity,
            "uom": self.uom,
            "unit_price": self.unit_price,
            "line_total": self.line_total,
            "discounts": tuple([d.finished() for d in self.discounts]) if self.discounts else (),
            "taxes": tuple(taxes),
            "charges": tuple([charge.finished() for charge in self.charges])
            if self.charges
            else (),
            "group_id": self.group_id,
            "options": self.options,
            "gift_message": self.gift_message,
        }
