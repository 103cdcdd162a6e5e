"""What the account really holds, without the vendor's shapes."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.kit.truth import TruePrice
from sandbox.oms.extensiv.book import CANCELED, Order
from sandbox.oms.extensiv.state import State
from sandbox.oms.extensiv.stock import as_number

Json = dict[str, Any]


def truth_of(state: State) -> Json:
    """Return all orders with their parcels, and all levels."""
    stock = state.stock
    levels = [
        {
            "sku": sku,
            "location": name,
            "available": as_number(stock.available(sku, name)),
            "on_hand": as_number(quantity),
            "reserved": as_number(stock.held.get((sku, name), Decimal(0))),
        }
        for sku, places in sorted(stock.on_hand.items())
        for name, quantity in sorted(places.items())
    ]
    orders = [true_order(order) for order in state.orders.values()]
    return {"orders": orders, "levels": levels, "prices": true_prices(state)}


def true_prices(state: State) -> list[TruePrice]:
    """Return the products' retail prices; one of 0 is none."""
    return [
        {
            "sku": sku,
            "price_list": "",
            "currency": "",
            "regular": f"{Decimal(row['retail_price']).normalize():f}",
            "sale": "",
        }
        for sku, row in sorted(state.stock.products.items())
        if Decimal(row["retail_price"])
    ]


def true_order(order: Order) -> Json:
    """Return one order; ``creates`` counts what was taken, ``refused`` what came again."""
    return {
        "id": order.cust_ref,
        "number": order.document.get("cust_po_no") or order.cust_ref,
        "state": order.status,
        "canceled": order.status == CANCELED,
        "creates": order.creates,
        "refused": order.refused,
        "lines": [
            {
                "line": item.get("line_item_id"),
                "sku": item["item"],
                "quantity": as_number(Decimal(str(item["quantity"]))),
            }
            for item in order.items
        ],
        "parcels": [
            {
                "key": shipment["items"][0]["carton_code"],
                "tracking": shipment["tracking_no"],
                "carrier": shipment["carrier"],
                "lines": [
                    {"sku": item["item"], "quantity": as_number(Decimal(item["quantity"]))}
                    for item in shipment["items"]
                ],
            }
            for shipment in order.shipments
        ],
        "total": str(order.document.get("grand_total") or 0),
        "correlations": order.correlations,
    }
