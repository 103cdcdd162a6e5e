"""What returned units are worth by the prices of their order. Pure.

Of goods only: charges such as shipping and gift wrap stay with the merchant, unless an operator
gives them back. An order's discount is shared by its lines as their amounts are. Amounts are
rounded by the units refunded so far, so that parts come to exactly what was paid for the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

import msgspec

from domain.currencies import minor_unit
from domain.records.orders import Discount, OrderLine

ZERO = Decimal(0)


class PricedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a canonical order that prices depend on."""

    currency: str
    tax_included: bool
    lines: tuple[OrderLine, ...]
    discounts: tuple[Discount, ...] = ()


class TooManyUnits(ValueError):
    """More units of a line than the order has of it; the argument is the line's id."""


def worth(order: PricedOrder, units: Mapping[str, int], before: Mapping[str, int]) -> Decimal:
    """Return what was paid for the next ``units`` of the lines, in the order's minor unit.

    ``before`` are the units by line that were refunded already. Raises ``TooManyUnits`` if both
    together are more than were ordered, and ``KeyError`` for a line that the order has not.
    """
    minor, paid = minor_unit(order.currency), _paid(order)
    ordered = {line.line_id: line.quantity / line.factor for line in order.lines}
    total = ZERO
    for line_id, wanted in units.items():
        was, whole = before.get(line_id, 0), ordered[line_id]
        if was + wanted > whole:
            raise TooManyUnits(line_id)

        def of(number: int, amount: Decimal = paid[line_id], whole: Decimal = whole) -> Decimal:
            return (amount * number / whole).quantize(minor, ROUND_HALF_UP)

        total += of(was + wanted) - of(was)
    return total


def _paid(order: PricedOrder) -> dict[str, Decimal]:
    """Return what was paid for each line, with its tax and its share of the order's discounts."""
    net = {line.line_id: max(line.line_total - line.total_discount(), ZERO) for line in order.lines}
    goods, minor = sum(net.values(), ZERO), minor_unit(order.currency)
    off = min(sum([discount.amount for discount in order.discounts], ZERO), goods)
    paid: dict[str, Decimal] = {}
    reached = shared = ZERO
    for line in order.lines:
        reached += net[line.line_id]
        until = (off * reached / goods).quantize(minor, ROUND_HALF_UP) if goods else ZERO
        tax = ZERO if order.tax_included else line.total_tax()
        paid[line.line_id] = max(net[line.line_id] - (until - shared) + tax, ZERO)
        shared = until
    return paid
