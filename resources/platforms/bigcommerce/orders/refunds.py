"""Units that were refunded before they were shipped: the OMS neither ships nor charges them.

A refund changes nothing in the order's document but ``quantity_refunded`` of its lines, and its
status: prices and totals stay those of the whole order. So an order is settled as it was placed,
and the refunded units are taken off afterwards (``domain.builders.removals``).

Of a line's units only those can be taken off that the store does not show as shipped; a refund of
shipped units is a return, and changes nothing at the OMS. So is one that Lockstep has made for a
return, whatever the store shows as shipped: its units had shipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Literal, TypeAlias

from domain.builders.orders import LineDraft
from domain.parsing.problems import LOOK, DocumentProblems
from domain.parsing.scalars import ZERO
from resources.platforms.bigcommerce.orders.consignments import lines_of
from resources.platforms.bigcommerce.orders.lines import whole_number
from resources.platforms.bigcommerce.payload import Line, Order, Refunds
from resources.platforms.bigcommerce.returns.payload import PRODUCT, Refund
from resources.platforms.bigcommerce.statuses import PARTIALLY_REFUNDED, REFUNDED, REFUNDS

Refunded: TypeAlias = Literal["", "part", "whole"]
MARK = re.compile(r"Return (.{1,255}) \(lockstep ([0-9a-f]{32})\)")
"""The reason of an item that Lockstep has refunded: the return's id and the delivery's key."""


def refund_of(order: Order, products: list[Line | None] | None) -> Refunded:
    """Return what was refunded of an order, by its status or by its lines that have not shipped.

    The merchant may move a refunded order to any other status.
    """
    status = order.status_id
    if type(status) is int and status in REFUNDS:
        return REFUNDS[status]
    for line in products if products is not None else lines_of(order):
        if line is None or not (line.quantity_refunded or line.is_refunded is True):
            continue
        some = line.is_refunded is True or whole_number(line.quantity_refunded) != 0
        if some and line.quantity_shipped != line.quantity:
            return "part"
    return ""


def own_units(refunds: list[Refund | None] | Refunds | None) -> Mapping[str, int]:
    """Return line id -> units that Lockstep has refunded, by what it notes on its refunds.

    A number that can't be read takes no unit from those that the store refunded otherwise.
    """
    found = refunds.data if isinstance(refunds, Refunds) else refunds
    units: dict[str, int] = {}
    for refund in found or ():
        for item in (refund.items if refund is not None else None) or ():
            if item is None or item.item_type != PRODUCT or item.item_id is None:
                continue
            if MARK.fullmatch(str(item.reason or "")):
                line_id = str(item.item_id)
                units[line_id] = units.get(line_id, 0) + (whole_number(item.quantity) or 0)
    return units


def refunded_units(
    raw: Line,
    draft: LineDraft,
    problems: DocumentProblems,
    *,
    everything: bool,
    returned: int = 0,
) -> Decimal:
    """Return how many units of a line are refunded and not shipped.

    ``everything`` is for an order that was refunded as a whole, whatever its lines say;
    ``returned`` are units that were refunded for returns.
    """
    path = f"{draft.where}quantity_refunded"
    refunded, shipped = whole_number(raw.quantity_refunded), whole_number(raw.quantity_shipped)
    if refunded is None or shipped is None:
        name = path if refunded is None else f"{draft.where}quantity_shipped"
        message, advice = "the number of units must be a whole number", "correct it in the store"
        problems.reject("quantity_invalid", name, message, advice)
        return ZERO
    ordered = int(draft.quantity)
    if everything or (raw.is_refunded is True and not refunded):
        refunded = ordered
    refunded = max(0, min(refunded, ordered) - returned)
    unshipped = max(0, ordered - shipped)
    if refunded > unshipped:
        message = f"{refunded - unshipped} units were refunded after they had shipped"
        advice = "record their return at the OMS, unless they came back without one"
        problems.warn("refunded_after_shipping", path, message, advice)
    return Decimal(min(refunded, unshipped))


def warn_of_amounts(order: Order, lines: list[LineDraft], problems: DocumentProblems) -> None:
    """Warn of a refund that is not of units, which the OMS can't be asked to follow."""
    if order.status_id != PARTIALLY_REFUNDED or any(line.removed for line in lines):
        return
    if any(warning.code == "refunded_after_shipping" for warning in problems.warnings):
        return
    message = "the order is partially refunded, and none of its units are"
    advice = f"{LOOK}: an amount was refunded, which the OMS still charges"
    problems.warn("refund_without_units", "status_id", message, advice)


def is_refunded(order: Order) -> bool:
    """Return whether an order was refunded as a whole."""
    return order.status_id == REFUNDED
