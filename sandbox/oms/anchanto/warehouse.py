"""The warehouse behind the account: orders are sent to it, packed, labelled and manifested.

What happens to an order depends on the seed, its number and its progress, so a run is repeatable.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from sandbox.kit.tracking_numbers import CARRIERS, tracking_number
from sandbox.kit.warehouse import Plan
from sandbox.oms.anchanto.book import (
    CANCELABLE,
    CANCELED,
    DELIVERED,
    FULFILMENT,
    NEW,
    PACKED,
    PARTIAL,
    READY,
    TRANSIT,
    Order,
)
from sandbox.oms.anchanto.clock import written
from sandbox.oms.anchanto.state import State
from sandbox.oms.anchanto.stock import as_number

Json = dict[str, Any]

TARGETS = ("wms", "ready", "ship", "day")


def advance(state: State, plan: Plan, numbers: list[str] | None) -> Counter[str]:
    """Advance the named orders (None = all) and count what happened.

    Raises KeyError for an unknown order, ValueError for an unknown step.
    """
    if plan.to not in TARGETS:
        raise ValueError(f"unknown step {plan.to!r}; known: {', '.join(TARGETS)}")
    chosen = [*state.orders.values()] if numbers is None else [need(state, n) for n in numbers]
    counts: Counter[str] = Counter()
    for order in chosen:
        if not order.is_shipped_by_seller:
            counts["held"] += 1
            continue
        if order.status == NEW and plan.cancels(order.key[1], len(order.shipments)):
            state.cancel(order)
            counts["canceled_orders"] += 1
        if order.status in (NEW, PARTIAL):
            counts["wms" if send(state, order) else "waiting"] += 1
        if plan.to != "wms" and order.status == FULFILMENT:
            _pack_by_plan(state, plan, order, counts)
        if plan.to in ("ship", "day") and any(s["status"] == READY for s in order.shipments):
            manifest(state, order)
            counts["ship"] += 1
    return +counts


def need(state: State, number: str) -> Order:
    """Return an order; raises KeyError if there is none."""
    order = state.find(number)
    if order is None:
        raise KeyError(number)
    return order


def send(state: State, order: Order) -> bool:
    """Send an order to the warehouse; return false where it waits for stock instead."""
    code = state.stock.choose(order.ordered())
    if state.settings.wait_for_stock and not state.stock.has(order.ordered(), code):
        order.status = PARTIAL
        state.touch(order)
        return False
    order.warehouse, order.status = code, FULFILMENT
    state.stock.hold(order.ordered(), code, 1, state.clock.now())
    state.touch(order)
    return True


def _pack_by_plan(state: State, plan: Plan, order: Order, counts: Counter[str]) -> None:
    number, shipped = order.key[1], len(order.shipments)
    carrier, contents = plan.parcels(order.left(), number, shipped, counts)
    for content in contents:
        pack(state, order, content, carrier=carrier)


def pack(
    state: State,
    order: Order,
    content: dict[str, Decimal],
    *,
    carrier: str | None = None,
    tracking: str | None = None,
    labelled: bool = True,
) -> Json:
    """Pack units by SKU in one shipment, ready to ship with its number; raises ValueError.

    ``labelled`` false packs without a number, which follows later.
    """
    if order.status in CANCELABLE and not order.warehouse:
        send(state, order)
    if order.status not in (FULFILMENT, PACKED, READY):
        raise ValueError(f"order {order.key[1]!r} is {order.status}, and can't be packed")
    left = order.left()
    if not content or any(n <= 0 or n > left.get(sku, Decimal(0)) for sku, n in content.items()):
        raise ValueError(f"order {order.key[1]!r} has only {left} left to ship, not {content}")
    serial = state.next_serial()
    shipment: Json = {
        "id": serial,
        "order_number": order.key[1],
        "store_code": order.key[0],
        "shipment_number": f"S{serial:08d}",
        "tracking_number": "",
        "carrier_code": "",
        "carrier_name": "",
        "manifest_number": "",
        "status": PACKED,
        "shipped_at": None,
        "warehouse_code": order.warehouse,
        "items": [{"sku": sku, "quantity": as_number(n)} for sku, n in content.items()],
    }
    order.shipments.append(shipment)
    if labelled:
        label(state, order, shipment, tracking=tracking, carrier=carrier)
    _changed(state, order, shipment)
    return shipment


def label(
    state: State, order: Order, shipment: Json, *, tracking: str | None, carrier: str | None
) -> None:
    """Give a shipment a tracking number and a carrier: it is ready to ship, if it was packed."""
    name = carrier or shipment["carrier_code"] or "UPS"
    if tracking is None:
        known = name if name in CARRIERS else "UPS"
        tracking = tracking_number(known, state.next_serial())
    shipment |= {"tracking_number": tracking, "carrier_code": name, "carrier_name": name}
    if shipment["status"] == PACKED:
        shipment["status"] = READY
    _changed(state, order, shipment)


def manifest(state: State, order: Order) -> None:
    """Hand all that is ready to the carrier: the manifest makes it shipped."""
    number = f"M{state.next_serial():08d}"
    for shipment in order.shipments:
        if shipment["status"] != READY:
            continue
        shipment |= {
            "manifest_number": number,
            "status": TRANSIT,
            "shipped_at": written(state.clock.now()),
        }
        for item in shipment["items"]:
            quantity = Decimal(str(item["quantity"]))
            state.stock.ship(item["sku"], order.warehouse, quantity, state.clock.now())
        _changed(state, order, shipment)


def deliver(state: State, order: Order) -> None:
    """Show all shipped parcels as delivered."""
    for shipment in order.shipments:
        if shipment["status"] == TRANSIT:
            shipment["status"] = DELIVERED
            _changed(state, order, shipment)


def cancel_shipment(state: State, order: Order, shipment: Json) -> None:
    """Cancel a shipment: its units are to be packed again."""
    shipment["status"] = CANCELED
    _changed(state, order, shipment)


def _changed(state: State, order: Order, shipment: Json) -> None:
    shipment["updated_at"] = written(state.clock.now())
    order.follow_shipments()
    state.touch(order)
