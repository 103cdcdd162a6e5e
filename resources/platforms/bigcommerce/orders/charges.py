"""Shipping, handling, gift wrap and fees to charges.

Costs are stated for the consignments and, summed, for the order: a group's own cost is used where
the sums agree, else the order's one.
"""

from __future__ import annotations

from decimal import Decimal

from domain.order_builder import LineDraft
from domain.records.orders import Charge, ChargeKind
from domain.scalars import ZERO, WrittenAmount, amount_of
from domain.text import clean_text
from resources.platforms.bigcommerce.orders.consignments import Part
from resources.platforms.bigcommerce.payload import Fee, Order

Cost = tuple[WrittenAmount, WrittenAmount]
"""A cost and its tax, as written."""
Sort = tuple[ChargeKind, str, str]
"""A kind of charge, the stem of its ids, and its name."""
_SHIPPING: Sort = (ChargeKind.SHIPPING, "shipping", "Shipping")
_HANDLING: Sort = (ChargeKind.HANDLING, "handling", "Handling")


def charges_of(
    order: Order, parts: list[Part], lines: list[LineDraft], *, included: bool
) -> list[Charge]:
    """Return the order's charges; the gift wrap of lines stays on the lines where it adds up."""
    shipping = order.shipping_cost_inc_tax if included else order.shipping_cost_ex_tax
    handling = order.handling_cost_inc_tax if included else order.handling_cost_ex_tax
    shipped: list[Cost] = []
    handled: list[Cost] = []
    for part in parts:
        raw = part.raw
        shipped.append((raw.cost_inc_tax if included else raw.cost_ex_tax, raw.cost_tax))
        cost = raw.handling_cost_inc_tax if included else raw.handling_cost_ex_tax
        handled.append((cost, raw.handling_cost_tax))
    charges: list[Charge] = []
    _add_costs(charges, _SHIPPING, (shipping, order.shipping_cost_tax), parts, shipped)
    _add_costs(charges, _HANDLING, (handling, order.handling_cost_tax), parts, handled)
    _add_wrapping(charges, order, lines, included=included)
    if isinstance(order.fees, list) and order.fees:
        charges += _fees(order.fees, included=included)
    return charges


def _add_costs(
    charges: list[Charge], sort: Sort, whole: Cost, parts: list[Part], costs: list[Cost]
) -> None:
    kind, key, name = sort
    amount, tax = amount_of(whole[0]), amount_of(whole[1])
    left, tax_left, found = amount, tax, len(charges)
    for part, (written, written_tax) in zip(parts, costs, strict=True):
        own, own_tax = amount_of(written), amount_of(written_tax)
        if own or own_tax:
            left, tax_left = left - own, tax_left - own_tax
            group_id = part.group_id if part.lines else None
            charges.append(_charge(f"{key}-{part.group_id}", kind, name, own, own_tax, group_id))
    if left or tax_left:
        charges[found:] = [_charge(key, kind, name, amount, tax)] if amount or tax else []


def _add_wrapping(
    charges: list[Charge], order: Order, lines: list[LineDraft], *, included: bool
) -> None:
    amount = amount_of(order.wrapping_cost_inc_tax if included else order.wrapping_cost_ex_tax)
    tax = amount_of(order.wrapping_cost_tax)
    wrapped, wrapped_tax = ZERO, ZERO
    for line in lines:
        for charge in line.charges:
            wrapped, wrapped_tax = wrapped + charge.amount, wrapped_tax + charge.tax
    if wrapped == amount and wrapped_tax == tax:
        return
    # The lines and the order disagree: the order's cost is what was charged.
    for line in lines:
        line.charges.clear()
    if amount or tax:
        charges.append(_charge("gift_wrap", ChargeKind.GIFT_WRAP, "Gift wrap", amount, tax))


def _fees(fees: list[Fee | None], *, included: bool) -> list[Charge]:
    charges = []
    for i, fee in enumerate(fees):
        if fee is None:
            continue
        amount = amount_of(fee.cost_inc_tax if included else fee.cost_ex_tax)
        tax = amount_of(fee.cost_tax)
        if amount or tax:
            name = clean_text(fee.display_name_customer or fee.display_name_merchant or "")
            fee_id = f"fee-{fee.id or i}"
            charges.append(_charge(fee_id, ChargeKind.FEE, name or "Fee", amount, tax))
    return charges


def _charge(
    charge_id: str,
    kind: ChargeKind,
    name: str,
    amount: Decimal,
    tax: Decimal,
    group_id: str | None = None,
) -> Charge:
    return Charge(
        charge_id=charge_id, kind=kind, name=name, amount=amount, tax=tax, group_id=group_id
    )
