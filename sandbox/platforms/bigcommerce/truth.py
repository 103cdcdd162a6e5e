"""What the store really holds, without the vendor's shapes (sandbox/kit/truth.py)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.kit.truth import TrueLevel, TrueLine, TrueOrder, TrueRefund, Truth

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.stock import Level
    from sandbox.platforms.bigcommerce.store import BigCommerceStore

AWAITING_FULFILMENT = 11
CANCELLED = (5, 6)


def truth_of(store: BigCommerceStore) -> Truth:
    """Return all orders with their shipments and refunds, and all levels that show by now."""
    loaded = (store.book.load(number) for number in store.book.by_id)
    documents = [document for document in loaded if document is not None]
    return {
        "orders": [_order(document) for document in documents],
        "refunds": [
            _refund(document, refund)
            for document in documents
            for refund in document.get("refunds") or ()
        ],
        "levels": [
            TrueLevel(sku=sku, location=str(location), available=level.quantity)
            for sku, _, location, level in levels_of(store)
        ],
        "customers": store.customers.truth(),
        "prices": store.prices.truth(),
        "products": [
            {
                "sku": row["sku"],
                "name": store.catalog.products[row["product_id"]]["name"],
                "pictures": len(store.catalog.products[row["product_id"]]["images"]),
            }
            for row in store.catalog.variants.values()
            if row["sku"]
        ],
        "pending": len(store.stock.pending),
    }


def _order(document: dict[str, Any]) -> TrueOrder:
    order, skus = document["order"], {line["id"]: line["sku"] for line in document["products"]}
    return {
        "id": str(order["id"]),
        "number": str(order["id"]),
        "canceled": order["status_id"] in CANCELLED,
        "awaits_fulfilment": order["status_id"] == AWAITING_FULFILMENT,
        "places": len({line["order_address_id"] for line in document["products"]} - {0, None}),
        "lines": [_line(line) for line in document["products"]],
        "parcels": [
            {
                "key": str(shipment["id"]),
                "tracking": shipment["tracking_number"],
                "carrier": shipment["tracking_carrier"],
                "lines": [
                    {
                        "line": str(item["order_product_id"]),
                        "sku": skus.get(item["order_product_id"], ""),
                        "quantity": item["quantity"],
                    }
                    for item in shipment["items"]
                ],
            }
            for shipment in document["shipments"]
        ],
        "total": str(order["total_inc_tax"]),
    }


def _line(line: dict[str, Any]) -> TrueLine:
    shown: TrueLine = {"line": str(line["id"]), "sku": line["sku"], "quantity": line["quantity"]}
    if line["type"] != "physical":
        off = [Decimal(str(part["amount"])) for part in line.get("applied_discounts") or ()]
        shown["emailed"] = str(_amount(line["total_inc_tax"]) - sum(off, Decimal(0)))
    return shown


def _amount(value: object) -> Decimal:
    """Return an amount; what is none, as imports leave it, counts as nothing."""
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)


def _refund(document: dict[str, Any], refund: dict[str, Any]) -> TrueRefund:
    skus = {line["id"]: line["sku"] for line in document["products"]}
    return {
        "id": str(refund["id"]),
        "order": str(refund["order_id"]),
        "amount": f"{refund['total_amount']:.2f}",
        "lines": [
            {
                "line": str(item["item_id"]),
                "sku": skus.get(item["item_id"], ""),
                "quantity": item["quantity"],
            }
            for item in refund["items"]
        ],
    }


def levels_of(store: BigCommerceStore) -> Iterator[tuple[str, int, int, Level]]:
    """Yield SKU, variant, location and level, by the SKU that the store accepts for a level."""
    for (variant_id, location), level in sorted(store.stock.levels.items()):
        variant = store.catalog.variants.get(variant_id)
        if variant is not None:
            product = store.catalog.products[variant["product_id"]]
            is_products = product["inventory_tracking"] == "product"
            sku = product["sku"] or variant["sku"] if is_products else variant["sku"]
            yield sku, variant_id, location, level


def dump_order(store: BigCommerceStore, number: int) -> bytes:
    """Return an order in short, as JSON."""
    document = store.book.load(number)
    assert document is not None
    order = document["order"]
    shown = {
        key: order[key]
        for key in (
            "id",
            "status_id",
            "date_created",
            "date_modified",
            "date_shipped",
            "total_inc_tax",
        )
    }
    lines = [
        {key: line[key] for key in ("id", "sku", "type", "quantity", "quantity_shipped")}
        for line in document["products"]
    ]
    shown["external_order_id"] = order["external_order_id"]
    return orjson.dumps(shown | {"products": lines, "shipments": len(document["shipments"])})


def dump_inventory(store: BigCommerceStore) -> list[bytes]:
    """Return all levels with the number of their writes, as JSON."""
    return [
        orjson.dumps(
            {
                "sku": sku,
                "variant_id": variant_id,
                "product_id": store.catalog.variants[variant_id]["product_id"],
                "location_id": location,
                "quantity": level.quantity,
                "writes": level.writes,
            }
        )
        for sku, variant_id, location, level in levels_of(store)
    ]
