"""Charges, discounts and taxes of an order, as entries with ids of their own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

from domain.parsing.json_numbers import to_number
from domain.records.orders import Charge, Discount, OrderLine
from resources.oms.manhattan.wire import ManhattanCodes

Json: TypeAlias = dict[str, object]

DISCOUNT, CHARGE, TAX, ROUNDING = "D", "C", "T", "R"
"""First letters of ids: those of discounts, charges and taxes at the store may collide."""


class ChargeMapper:
    """Maps charges, discounts and taxes by one tenant's codes.

    The entries' ids are derived from the store's ids, so that a replay updates the same entries.
    """

    def __init__(self, codes: ManhattanCodes) -> None:
        self._codes = codes
        self._discount_on = {"DiscountOnId": codes.discount_on} if codes.discount_on else None

    def charges(
        self, charges: Sequence[Charge], discounts: Sequence[Discount], *, tax_included: bool
    ) -> list[Json]:
        """Return the charge details of an order or a line; discounts are negative charges."""
        details = [self._charge(charge, tax_included) for charge in charges]
        details += [self._discount(discount) for discount in discounts]
        return details

    def line_charges(self, line: OrderLine, *, tax_included: bool) -> list[Json]:
        """Return a line's charge details, with the difference of its total from its price."""
        details = (
            self.charges(line.charges, line.discounts, tax_included=tax_included)
            if line.charges or line.discounts
            else []
        )
        if rounding := line.line_total - line.unit_price * line.quantity:
            amount = to_number(rounding, f"OrderLine[{line.line_id}].ChargeTotal")
            identity = f"{ROUNDING}{line.line_id}"
            details.append(_detail(identity, self._codes.rounding_type, amount, "Rounding"))
        return unique(details, "ChargeDetailId")

    def charge_taxes(self, charges: Sequence[Charge], *, tax_included: bool) -> list[Json]:
        """Return the tax details of charges."""
        return [
            self._tax(f"{CHARGE}{charge.charge_id}", charge.name, charge.tax, None, tax_included)
            for charge in charges
            if charge.tax
        ]

    def line_taxes(self, line: OrderLine, *, tax_included: bool) -> list[Json]:
        """Return the tax details of a line and its charges."""
        taxes = [
            self._tax(tax.tax_id, tax.name, tax.amount, tax.rate, tax_included)
            for tax in line.taxes
        ]
        if line.charges:
            taxes += self.charge_taxes(line.charges, tax_included=tax_included)
        return unique(taxes, "TaxDetailId")

    def _charge(self, charge: Charge, tax_included: bool) -> Json:
        kind = self._codes.charge_types[charge.kind]
        amount = to_number(charge.amount, f"ChargeDetail[{charge.charge_id}].ChargeTotal")
        detail = _detail(f"{CHARGE}{charge.charge_id}", kind, amount, charge.name or kind)
        detail["IsTaxIncluded"] = tax_included
        return detail

    def _discount(self, discount: Discount) -> Json:
        kind = self._codes.discount_type if discount.code else self._codes.promotion_type
        identity, name = discount.discount_id, discount.name or discount.code or kind
        amount = to_number(-discount.amount, f"ChargeDetail[{identity}].ChargeTotal")
        detail = _detail(f"{DISCOUNT}{identity}", kind, amount, name)
        if discount.code:
            detail["ChargeReferenceId"] = discount.code
        if self._discount_on is not None:
            detail["DiscountOn"] = self._discount_on
        return detail

    def _tax(
        self, identity: str, name: str, amount: Decimal, rate: Decimal | None, included: bool
    ) -> Json:
        result: Json = {
            "TaxDetailId": f"{TAX}{identity}",
            "TaxTypeId": self._codes.tax_type,
            "TaxAmount": to_number(amount, f"TaxDetail[{identity}].TaxAmount"),
            "IsInformational": included,  # a tax that prices contain must not be added again
        }
        if name:
            result["Jurisdiction"] = name
        if rate is not None:
            result["TaxRate"] = to_number(rate, f"TaxDetail[{identity}].TaxRate")
        return result


def unique(entries: list[Json], key: str) -> list[Json]:
    """Number the entries whose ids the store repeats.

    The OMS would merge them, and the total would be wrong.
    """
    if len(entries) < 2 or len({entry[key] for entry in entries}) == len(entries):
        return entries
    seen: dict[object, int] = {}
    for entry in entries:
        count = seen[entry[key]] = seen.get(entry[key], 0) + 1
        if count > 1:
            entry[key] = f"{entry[key]}.{count}"
    return entries


def _detail(identity: str, kind: str, amount: float, name: str) -> Json:
    return {
        "ChargeDetailId": identity,
        "ChargeType": {"ChargeTypeId": kind},
        "ChargeTotal": amount,
        "ChargeDisplayName": name,
    }
