"""What an order's document states of its fulfilment, and of its units. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from domain.errors import RecordRejected
from domain.reconciliation import StoreSnapshot
from resources.platforms.commercetools.orders.groups import MAIN
from resources.platforms.commercetools.payload import ORDERS, Delivery, Order
from resources.platforms.commercetools.statuses import FULFILMENT, SHIPPED_STATES, shown_status


class Units(NamedTuple):
    """Units of an order's lines."""

    ordered: int
    shipped: int


def deliveries_of(order: Order) -> Iterator[tuple[str, Delivery]]:
    """Yield each delivery with the key of its way of shipping."""
    if order.shipping_info is not None:
        for delivery in order.shipping_info.deliveries or ():
            if delivery is not None:
                yield MAIN, delivery
    for entry in order.shipping or ():
        if entry is not None and entry.shipping_info is not None:
            for delivery in entry.shipping_info.deliveries or ():
                if delivery is not None:
                    yield entry.shipping_key or "", delivery


def delivered_units(order: Order) -> int:
    """Return the units of line items in all deliveries; custom line items are none."""
    deliveries = list(deliveries_of(order))
    if not deliveries:
        return 0
    lines = {line.id for line in order.line_items or () if line is not None}
    return sum(
        item.quantity or 0
        for _, delivery in deliveries
        for item in delivery.items or ()
        if item is not None and item.id in lines
    )


def units_of(order: Order) -> Units:
    """Return the ordered and the shipped units; a shipment state may say that all are shipped."""
    ordered = sum((line.quantity or 0) for line in order.line_items or () if line is not None)
    shipped = delivered_units(order)
    if order.shipment_state in SHIPPED_STATES:
        shipped = max(shipped, ordered)
    return Units(ordered, shipped)


def ordered_units(payload: bytes) -> dict[str, Decimal]:
    """Return SKU -> units that a captured order takes from stock, as far as it can be read."""
    units: dict[str, Decimal] = {}
    for line in _order(payload).line_items or ():
        sku = (line.variant.sku or "").strip() if line is not None and line.variant else ""
        if line is not None and sku and line.quantity is not None and line.quantity > 0:
            units[sku] = units.get(sku, Decimal(0)) + line.quantity
    return units


def to_store_snapshot(payload: bytes) -> StoreSnapshot:
    """Return the fulfilment that an order's document states; an unreadable one states none."""
    order = _order(payload)
    if not order.id:
        return StoreSnapshot("", is_final=False, is_archived=False, shipped_units=0, milestone=None)
    status = shown_status(order.order_state, order.shipment_state)
    known = FULFILMENT.get(status)
    return StoreSnapshot(
        status,
        known is not None and known.is_final,
        is_archived=False,
        shipped_units=delivered_units(order),
        milestone=known.shows if known is not None else None,
        number=order.order_number or order.id,
    )


def _order(payload: bytes) -> Order:
    try:
        return ORDERS.decode(payload).document
    except RecordRejected:
        return Order()
