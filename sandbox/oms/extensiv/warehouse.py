"""The warehouse behind the account: it takes orders, and ships them in cartons.

What happens to an order depends on the seed, its id and its progress, so a run is repeatable.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from sandbox.kit.tracking_numbers import CARRIERS, tracking_number
from sandbox.kit.warehouse import Plan
from sandbox.oms.extensiv.book import AT_WMS, ERROR, NEW, PARTIAL, SHIPPED, Order
from sandbox.oms.extensiv.clock import written
from sandbox.oms.extensiv.state import State

Json = dict[str, Any]

TARGETS = ("wms", "ship", "day")
SERVICES = {"UPS": "Ground", "FEDEX": "Express", "USPS": "Priority", "DHL": "Worldwide"}


def advance(state: State, plan: Plan, cust_refs: list[str] | None) -> Counter[str]:
    """Advance the named orders (None = all) and count what happened.

    Raises KeyError for an unknown order, ValueError for an unknown step.
    """
    if plan.to not in TARGETS:
        raise ValueError(f"unknown step {plan.to!r}; known: {', '.join(TARGETS)}")
    chosen = (
        [state.orders[i] for i in cust_refs] if cust_refs is not None else state.orders.values()
    )
    counts: Counter[str] = Counter()
    for order in list(chosen):
        if order.on_hold or order.sending_canceled:
            counts["held"] += order.status == NEW
            continue
        if order.status == NEW and plan.cancels(order.cust_ref, len(order.shipments)):
            state.cancel(order)
            counts["canceled_orders"] += 1
        if order.status in (NEW, ERROR):
            counts["wms" if send(state, order) else "errors"] += 1
        if plan.to != "wms" and order.status in (AT_WMS, PARTIAL):
            _ship_by_plan(state, plan, order, counts)
    return +counts


def send(state: State, order: Order) -> bool:
    """Send an order to the WMS; return false where it becomes an error instead."""
    codes = state.settings.ship_codes
    if codes is not None and order.document.get("ship_code") not in codes:
        fail(state, order, f"No ship method is mapped for {order.document.get('ship_code')}")
        return False
    order.warehouse = state.stock.choose(order.ordered())
    state.stock.hold(order.ordered(), order.warehouse, 1)
    order.status, order.error_reason = AT_WMS, ""
    state.touch(order, AT_WMS)
    return True


def fail(state: State, order: Order, reason: str) -> None:
    """Put an order that the WMS does not have into error, with the reason that operators see."""
    if order.status not in (NEW, ERROR):
        raise ValueError(f"order {order.cust_ref!r} is {order.status}, and can't be in error")
    order.status, order.error_reason = ERROR, reason
    order.failed_sends += 1
    state.touch(order, ERROR)


def _ship_by_plan(state: State, plan: Plan, order: Order, counts: Counter[str]) -> None:
    number, shipped = order.cust_ref, len(order.shipments)
    carrier, cartons = plan.parcels(order.left(), number, shipped, counts)
    for content in cartons:
        ship(state, order, content, carrier=carrier)
    counts["ship"] += 1


def ship(
    state: State,
    order: Order,
    content: dict[str, Decimal],
    *,
    carrier: str | None = None,
    tracking: str | None = None,
    labelled: bool = True,
) -> Json:
    """Ship units by SKU in one carton of its own tracking number; raises ValueError for too many.

    ``labelled`` false ships without a number, which follows later or never.
    """
    if order.status in (NEW, ERROR):
        send(state, order)
    if order.status not in (AT_WMS, PARTIAL):
        raise ValueError(f"order {order.cust_ref!r} is {order.status}, and can't ship")
    left = order.left()
    if not content or any(n <= 0 or n > left.get(sku, Decimal(0)) for sku, n in content.items()):
        raise ValueError(f"order {order.cust_ref!r} has only {left} left to ship, not {content}")
    serial, carrier = state.next_serial(), carrier or "UPS"
    if tracking is None and labelled:
        tracking = tracking_number(carrier if carrier in CARRIERS else "UPS", serial)
    shipment = _carton(state, order, content, serial) | {
        "carrier": carrier,
        "method": SERVICES.get(carrier, ""),
        "tracking_no": tracking or "",
    }
    for sku, quantity in content.items():
        state.stock.ship(sku, order.warehouse, quantity, state.clock.now())
    order.shipments.append(shipment)
    order.status = state.settings.partial_status if order.left() else SHIPPED
    state.touch(order, "loaded")
    return shipment


def _carton(state: State, order: Order, content: dict[str, Decimal], serial: int) -> Json:
    """Return the shipment of a carton before it has a carrier; cartons count up in an order."""
    carton = len({item["carton_num"] for s in order.shipments for item in s["items"]}) + 1
    return {
        "tracking_no_secondary": None,
        "tracking_url": None,
        "date": written(state.clock.now()),
        "total_cost": "0.00",
        "package_weight_lbs": "1.00",
        "bill_of_lading": None,
        "sscc_barcode": None,
        "whs_location": order.warehouse,
        "items": [
            {
                "item": sku,
                "quantity": str(quantity),
                "carton_code": f"C{serial:08d}",
                "carton_num": carton,
                "lot_code": None,
            }
            for sku, quantity in content.items()
        ],
    }


def relabel(
    state: State, order: Order, place: int, tracking: str | None, carrier: str | None
) -> None:
    """Give a shipment another tracking number, or its first; the WMS loads it again."""
    shipment = order.shipments[place]
    shipment["carrier"] = carrier or shipment["carrier"]
    if tracking is None:
        tracking = tracking_number(
            shipment["carrier"] if shipment["carrier"] in CARRIERS else "UPS", state.next_serial()
        )
    shipment["tracking_no"] = tracking
    state.touch(order, "loaded")
