"""Shipping, handling, gift wrap and fees to charges.

Costs are stated for the consignments and, summed, for the order: a group's own cost is used where
the sums agree, else the order's one.
"""

from __future__ import annotations

from decimal import Decimal
from operator import attrgetter

from domain.builders.orders import LineDraft
from domain.parsing.scalars import ZERO, amount_of
from domain.parsing.text import clean_name
from domain.records.orders import Charge, ChargeKind
from resources.platforms.bigcommerce.orders.consignments import Part
from resources.platforms.bigcommerce.payload import Fee, Order

Cost = tuple[Decimal, Decimal]
"""A cost and its tax."""
Sort = tuple[ChargeKind, str, str]
"""A kind of charge, the stem of its ids, and its name."""
_SHIPPING: Sort = (ChargeKind.SHIPPING, "shipping", "Shipping")
_HANDLING: Sort = (ChargeKind.HANDLING, "handling", "Handling")
_NAMES = ("cost_ex_tax", "cost_tax", "handling_cost_ex_tax", "handling_cost_tax")
"""A consignment's costs, each with its tax; an order's are ``shipping_cost_ex_tax`` and so on."""
_of_part = attrgetter(*_NAMES)
_of_part_included = attrgetter(*[name.replace("_ex_", "_inc_") for name in _NAMES])


def charges_of(
    order: Order, parts: list[Part], lines: list[LineDraft], *, included: bool
) -> list[Charge]:
    """Return the order's charges; the gift wrap of lines stays on the lines where it adds up."""
    shipping = amount_of(order.shipping_cost_inc_tax if included else order.shipping_cost_ex_tax)
    handling = amount_of(order.handling_cost_inc_tax if included else order.handling_cost_ex_tax)
    tax, handling_tax = amount_of(order.shipping_cost_tax), amount_of(order.handling_cost_tax)
    written = _of_part_included if included else _of_part
    shipped: list[Cost] = []
    handled: list[Cost] = []
    for part in parts:
        own, own_tax, own_handling, own_handling_tax = map(amount_of, written(part.raw))
        shipped.append((own, own_tax))
        handled.append((own_handling, own_handling_tax))
    charges: list[Charge] = []
    if shipping or tax or any(map(any, shipped)):
        _add_costs(charges, _SHIPPING, (shipping, tax), parts, shipped)
    if handling or handling_tax or any(map(any, handled)):
        _add_costs(charges, _HANDLING, (handling, handling_tax), parts, handled)
    _add_wrapping(charges, order, lines, included=included)
    if isinstance(order.fees, list) and order.fees:
        charges += _fees(order.fees, included=included)
    return charges


def _add_costs(
    charges: list[Charge], sort: Sort, whole: Cost, parts: list[Part], costs: list[Cost]
) -> None:
    kind, key, name = sort
    amount, tax = whole
    left, tax_left, found = amount, tax, len(charges)
    for part, (own, own_tax) in zip(parts, costs, strict=True):
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
            name = clean_name(fee.display_name_customer or fee.display_name_merchant or "")
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
