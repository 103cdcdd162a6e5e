"""Shipping, handling, gift wrap and fees -> charges. Pure.

Costs stand on the consignments and, summed, on the order: a group's own cost is used where the sums agree, else the order's one.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from domain.records.orders import ChargeKind
from domain.text import clean_text
from resources.platforms.bigcommerce.orders.builders import ChargeDraft, LineDraft
from resources.platforms.bigcommerce.orders.consignments import Consignment
from resources.platforms.bigcommerce.parsing import ZERO, Findings, mapping, money, number_id, text

# Kind, prefix on a consignment, prefix on the order, name.
COSTS = (
    (ChargeKind.SHIPPING, "", "shipping_", "Shipping"),
    (ChargeKind.HANDLING, "handling_", "handling_", "Handling"),
)


def charges_of(
    order: Mapping[str, Any],
    consignments: list[Consignment],
    lines: list[LineDraft],
    basis: str,
    findings: Findings,
) -> list[ChargeDraft]:
    """Return the order's charges; the gift wrap of lines stays on the lines where it adds up."""
    charges: list[ChargeDraft] = []
    for kind, own, total, name in COSTS:
        charges += _costs(order, consignments, basis, findings, kind, own, total, name)
    _settle_wrapping(order, lines, charges, basis, findings)
    charges += _fees(order.get("fees"), basis, findings)
    return charges


def _costs(
    order: Mapping[str, Any],
    consignments: list[Consignment],
    basis: str,
    findings: Findings,
    kind: ChargeKind,
    own: str,
    total: str,
    name: str,
) -> list[ChargeDraft]:
    amount, tax = (
        money(order, f"{total}cost_{basis}_tax", "", findings),
        money(order, f"{total}cost_tax", "", findings),
    )
    parts = []
    cost_key, tax_key = f"{own}cost_{basis}_tax", f"{own}cost_tax"
    for c in consignments:
        part, part_tax = (
            money(c.raw, cost_key, c.where, findings),
            money(c.raw, tax_key, c.where, findings),
        )
        if part or part_tax:
            parts.append(
                ChargeDraft(
                    f"{kind}-{c.group_id}",
                    kind,
                    name,
                    part,
                    part_tax,
                    c.group_id if c.items else None,
                )
            )
    if parts and _sum(parts) == (amount, tax):
        return parts
    return [ChargeDraft(f"{kind}", kind, name, amount, tax)] if amount or tax else []


def _settle_wrapping(
    order: Mapping[str, Any],
    lines: list[LineDraft],
    charges: list[ChargeDraft],
    basis: str,
    findings: Findings,
) -> None:
    amount, tax = (
        money(order, f"wrapping_cost_{basis}_tax", "", findings),
        money(order, "wrapping_cost_tax", "", findings),
    )
    wraps = [charge for line in lines for charge in line.charges]
    if not wraps and not amount and not tax:
        return
    if _sum(wraps) == (amount, tax):
        return
    # The lines don't say what the order says: the order's cost is what was charged.
    for line in lines:
        line.charges.clear()
    if amount or tax:
        charges.append(
            ChargeDraft(f"{ChargeKind.GIFT_WRAP}", ChargeKind.GIFT_WRAP, "Gift wrap", amount, tax)
        )


def _fees(value: object, basis: str, findings: Findings) -> list[ChargeDraft]:
    if not isinstance(value, list):
        return []  # a link: the order was read without its fees, and its total then shows whether it has any
    fees = []
    for i, entry in enumerate(value):
        where = f"fees[{i}]."
        raw = mapping(entry, where[:-1], findings)
        amount, tax = (
            money(raw, f"cost_{basis}_tax", where, findings),
            money(raw, "cost_tax", where, findings),
        )
        name = text(raw, "display_name_customer", where, findings) or text(
            raw, "display_name_merchant", where, findings
        )
        if amount or tax:
            fee_id = number_id(raw, "id", where, findings)
            fees.append(
                ChargeDraft(
                    f"fee-{fee_id or i}", ChargeKind.FEE, clean_text(name) or "Fee", amount, tax
                )
            )
    return fees


def _sum(charges: list[ChargeDraft]) -> tuple[Decimal, Decimal]:
    amount = tax = ZERO
    for charge in charges:
        amount += charge.amount
        tax += charge.tax
    return amount, tax
