"""What an order's document states of its fulfilment. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from domain.errors import RecordRejected
from domain.parsing.scalars import to_moment
from domain.reconciliation import StoreSnapshot
from resources.platforms.commercetools.orders.groups import MAIN
from resources.platforms.commercetools.payload import ORDERS, Delivery, Order
from resources.platforms.commercetools.statuses import FULFILMENT, shown_status


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


def delivered_by_item(order: Order) -> dict[str, int]:
    """Return the id of a line item or custom line item -> its units in all deliveries."""
    units: dict[str, int] = {}
    info = order.shipping_info
    if not order.shipping and (info is None or not info.deliveries):
        return units
    for _, delivery in deliveries_of(order):
        for item in delivery.items or ():
            if item is not None and item.id is not None:
                units[item.id] = units.get(item.id, 0) + (item.quantity or 0)
    return units


def delivered_units(order: Order) -> int:
    """Return the units of line items in all deliveries; custom line items are none."""
    delivered = delivered_by_item(order)
    if not delivered:
        return 0
    lines = {line.id for line in order.line_items or () if line is not None}
    return sum(units for item, units in delivered.items() if item in lines)


def to_store_snapshot(payload: bytes) -> StoreSnapshot:
    """Return the fulfilment that an order's document states; an unreadable one states none."""
    order = order_in(payload)
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
        placed_at=to_moment(order.completed_at or order.created_at or ""),
    )


def order_in(payload: bytes) -> Order:
    """Return a captured order; an empty one if it can't be read."""
    try:
        return ORDERS.decode(payload).document
    except RecordRejected:
        return Order()
