"""What an order's document states of its fulfilment, and of its units. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from domain.errors import RecordRejected
from domain.memo import remembered
from domain.parsing.payload import Scalar
from domain.parsing.scalars import to_amount, to_moment
from domain.reconciliation import StoreSnapshot
from resources.platforms.salesforce.payload import ORDERS, Item, Order, Shipment
from resources.platforms.salesforce.statuses import FULFILMENT, StatusNames

PRODUCT, DELIVERY = "Order Product", "Delivery Charge"
VOIDED = "Voided"


class Units(NamedTuple):
    """Units of an order's lines."""

    ordered: int
    shipped: int


def items_of(order: Order) -> Iterator[tuple[int, Item]]:
    """Yield each item that could be read with its place."""
    summaries = order.order_item_summaries
    for place, item in enumerate((summaries.records if summaries else None) or ()):
        if item is not None:
            yield place, item


def lines_of(order: Order) -> Iterator[tuple[int, Item]]:
    """Yield the items that are goods."""
    return ((place, item) for place, item in items_of(order) if is_goods(item))


def is_goods(item: Item) -> bool:
    """Return whether an item is a product; ``Type`` may be empty."""
    return item.type in (None, "", PRODUCT)


def whole_units(value: Scalar) -> int | None:
    """Return a quantity, ``None`` if it is not a whole number; the vendor writes 3 as 3.0."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return _whole_units(value)


@remembered(4096)
def _whole_units(value: str | float) -> int | None:
    amount = to_amount(value)
    if amount is None or amount != amount.to_integral_value():
        return None
    return int(amount)


def shipments_of(order: Order) -> Iterator[Shipment]:
    """Yield the shipments that have not been voided."""
    found = order.shipments.records if order.shipments is not None else None
    for shipment in found or ():
        if shipment is not None and shipment.status != VOIDED:
            yield shipment


def shipped_by_line(order: Order) -> dict[str, int]:
    """Return line -> units in shipments."""
    units: dict[str, int] = {}
    for shipment in shipments_of(order):
        items = shipment.shipment_items.records if shipment.shipment_items is not None else None
        for item in items or ():
            if item is not None and item.line:
                number = whole_units(item.quantity) or 0
                units[item.line] = units.get(item.line, 0) + max(number, 0)
    return units


def units_of(order: Order) -> Units:
    """Return the ordered and the shipped units of the order's goods."""
    shipped = shipped_by_line(order)
    lines = {item.id: max(whole_units(item.quantity) or 0, 0) for _, item in lines_of(order)}
    return Units(
        sum(lines.values()), sum(number for line, number in shipped.items() if line in lines)
    )


def sku_of(item: Item) -> str:
    """Return the SKU of an item's product."""
    named = item.product2.stock_keeping_unit if item.product2 is not None else None
    return (named or item.product_code or "").strip()


def ordered_units(payload: bytes) -> dict[str, Decimal]:
    """Return SKU -> units that a captured order takes from stock, as far as it can be read."""
    units: dict[str, Decimal] = {}
    for _, item in lines_of(_order(payload)):
        sku, number = sku_of(item), whole_units(item.quantity)
        if sku and number is not None and number > 0:
            units[sku] = units.get(sku, Decimal(0)) + number
    return units


def to_store_snapshot(payload: bytes, names: StatusNames) -> StoreSnapshot:
    """Return the fulfilment that an order's document states; an unreadable one states none."""
    order = _order(payload)
    if not order.id:
        return StoreSnapshot("", is_final=False, is_archived=False, shipped_units=0, milestone=None)
    status = status_of(order, names)
    known = FULFILMENT[status]
    return StoreSnapshot(
        status,
        known.is_final,
        is_archived=False,
        shipped_units=units_of(order).shipped,
        milestone=known.shows,
        number=order.order_number or order.id,
        placed_at=to_moment(order.ordered_date or ""),
    )


def status_of(order: Order, names: StatusNames) -> str:
    """Return the connector's status of an order."""
    return names.read(
        order.status or "", order.sales_store_id or "", (order.billing_country or "").strip()
    )


def _order(payload: bytes) -> Order:
    try:
        return ORDERS.decode(payload).document
    except RecordRejected:
        return Order()
