"""What the project really holds, without the vendor's shapes (sandbox/kit/truth.py)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.kit.truth import TrueLine, Truth
from sandbox.platforms.commercetools import deliveries, payments
from sandbox.platforms.commercetools.customers import true_customers
from sandbox.platforms.commercetools.orders import STATES
from sandbox.platforms.commercetools.prices import Prices
from sandbox.platforms.commercetools.seed_lines import DIGITAL_TYPE
from sandbox.platforms.commercetools.ways import rates, taxed_prices

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
AWAITING = {
    "orderState": ("Open", "Confirmed"),
    "paymentState": ("Paid",),
    "shipmentState": ("Pending",),
}
"""States of an order that is paid, and of which nothing has happened yet."""


def truth_of(project: Project) -> Truth:
    """Return all orders with their parcels, the levels and the customers."""
    keys = {channel["id"]: channel["key"] for channel in project.channels}
    return {
        "orders": [_order(order) for order in project.orders],
        "levels": [
            {
                "sku": entry["sku"],
                "location": keys.get(entry.get("supplyChannel", {}).get("id"), "default"),
                "available": entry["availableQuantity"],
                "on_hand": entry["quantityOnStock"],
                "reserved": entry["quantityOnStock"] - entry["availableQuantity"],
            }
            for entry in project.inventory
        ],
        "customers": true_customers(project),
        "returns": [one for order in project.orders for one in _returns(order)],
        "refunds": [one for order in project.orders for one in payments.refunds_of(project, order)],
        "prices": Prices(project).truth(),
        "products": [
            {
                "sku": variant["sku"],
                "name": str(next(iter(product["name"].values()), "")),
                "pictures": len(product["masterVariant"].get("images") or ()),
            }
            for product in project.products
            for variant in (product["masterVariant"], *product["variants"])
            if variant.get("sku")
        ],
    }


def _order(order: Json) -> Any:
    skus = {line["id"]: line["variant"].get("sku") or "" for line in order["lineItems"]}
    parcels = [
        {
            "key": parcel.get("key"),
            "tracking": (parcel.get("trackingData") or {}).get("trackingId", ""),
            "carrier": (parcel.get("trackingData") or {}).get("carrier", ""),
            "lines": [
                {"line": item["id"], "sku": skus.get(item["id"], ""), "quantity": item["quantity"]}
                for item in (parcel.get("items") or delivery["items"])
            ],
        }
        for delivery in deliveries.deliveries_of(order)
        for parcel in delivery["parcels"]
    ]
    return {
        "id": order["id"],
        "number": order.get("orderNumber") or order["id"],
        "canceled": order["orderState"] == "Cancelled",
        "awaits_fulfilment": all(order.get(name) in wanted for name, wanted in AWAITING.items()),
        "places": len(order["shipping"]) or int(order.get("shippingAddress") is not None),
        "state": {name: order.get(name) for name in STATES},
        "lines": [_line(line) for line in order["lineItems"]],
        "parcels": parcels,
        "total": _amount(_total(order)),
    }


def _returns(order: Json) -> Any:
    """Return each return of an order, with the states of its items."""
    skus = {line["id"]: line["variant"].get("sku") or "" for line in order["lineItems"]}
    return [
        {
            "id": info["items"][0]["id"],
            "order": order["id"],
            "tracking": info.get("returnTrackingId", ""),
            "lines": [
                {
                    "line": item.get("lineItemId"),
                    "sku": skus.get(item.get("lineItemId"), ""),
                    "quantity": item["quantity"],
                    "state": item["shipmentState"],
                    "payment": item["paymentState"],
                    "comment": item.get("comment", ""),
                }
                for item in info["items"]
            ],
            "confirmed": [],
        }
        for info in order.get("returnInfo", [])
    ]


def _line(line: Json) -> TrueLine:
    shown: TrueLine = {
        "line": line["id"],
        "sku": line["variant"].get("sku") or "",
        "quantity": line["quantity"],
    }
    if line["productType"] == DIGITAL_TYPE:
        shown["emailed"] = _amount(_gross(line))
    return shown


def _total(order: Json) -> Json:
    """Return what the shopper owes: with taxes, where the prices do not contain them."""
    taxed: Json = order.get("taxedPrice") or {}
    items = (*order["lineItems"], *order["customLineItems"])
    included = any(rate["includedInPrice"] for each in items for rate in rates(each))
    total: Json = order["totalPrice"]
    return total if included or not taxed else taxed["totalGross"]


def _gross(line: Json) -> Json:
    parts = [part["totalGross"] for part in taxed_prices(line)]
    if not parts:
        whole: Json = line["totalPrice"]
        return whole
    gross: Json = parts[0] | {"centAmount": sum(part["centAmount"] for part in parts)}
    return gross


def _amount(money: Json) -> str:
    return str(Decimal(money["centAmount"]).scaleb(-int(money["fractionDigits"])))
