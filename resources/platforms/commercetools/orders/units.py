"""Units of a captured order: those that it takes from stock, and those that have shipped. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from resources.platforms.commercetools.orders.delivered import delivered_units, order_in
from resources.platforms.commercetools.orders.states import NO_UNITS, Standing, StateReader
from resources.platforms.commercetools.payload import Order
from resources.platforms.commercetools.statuses import SHIPPED_STATES


class Units(NamedTuple):
    """Units of an order's lines, without those that are canceled."""

    ordered: int
    shipped: int


def units_of(order: Order, standing: Standing) -> Units:
    """Return the ordered and the shipped units; a shipment state may say that all are shipped."""
    ordered = -standing.units
    for line in order.line_items or ():
        if line is not None:
            ordered += line.quantity or 0
    shipped = delivered_units(order)
    if order.shipment_state in SHIPPED_STATES:
        shipped = max(shipped, ordered)
    return Units(ordered, shipped)


def ordered_units(payload: bytes, states: StateReader | None = None) -> dict[str, Decimal]:
    """Return SKU -> units that a captured order takes from stock, as far as it can be read."""
    order = order_in(payload)
    removed = states.read(order).removed if states is not None else NO_UNITS
    units: dict[str, Decimal] = {}
    for line in order.line_items or ():
        if line is None or line.quantity is None:
            continue
        sku = (line.variant.sku or "").strip() if line.variant is not None else ""
        left = line.quantity - removed.get(line.id or "", 0)
        if sku and left > 0:
            units[sku] = units.get(sku, Decimal(0)) + left
    return units
