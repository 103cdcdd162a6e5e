"""What the account really holds, without the API's shapes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.oms.anchanto.book import CANCELED, LABELLED, Order
from sandbox.oms.anchanto.state import State
from sandbox.oms.anchanto.stock import ZERO, as_number

Json = dict[str, Any]


def truth_of(state: State) -> Json:
    """Return all orders with their parcels, and all levels."""
    stock = state.stock
    levels = [
        {
            "sku": sku,
            "location": code,
            "available": as_number(stock.available(sku, code)),
            "on_hand": as_number(stock.on_hand.get((sku, code), ZERO)),
            "reserved": as_number(stock.held.get((sku, code), ZERO)),
        }
        for sku, code in stock.places()
    ]
    return {"orders": [true_order(order) for order in state.orders.values()], "levels": levels}


def true_order(order: Order) -> Json:
    """Return one order; ``creates`` counts what was taken, ``refused`` what came again.

    A parcel counts from the moment it is ready to ship: then the store is to show its tracking.
    """
    number = order.key[1]
    return {
        "id": number,
        "number": number,
        "state": order.status,
        "canceled": order.status == CANCELED,
        "creates": order.creates,
        "refused": order.refused,
        "lines": [
            {
                "line": item.get("line_id"),
                "sku": item["sku"],
                "quantity": as_number(Decimal(str(item["quantity"]))),
            }
            for item in order.items
        ],
        "parcels": [
            {
                "key": shipment["shipment_number"],
                "tracking": shipment["tracking_number"],
                "carrier": shipment["carrier_code"],
                "lines": shipment["items"],
            }
            for shipment in order.shipments
            if shipment["status"] in LABELLED
        ],
        "total": str(order.total()),
        "correlations": order.correlations,
    }
