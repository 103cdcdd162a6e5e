"""What the store really holds, without the vendor's shapes (sandbox/kit/truth.py)."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

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
            {"sku": row["sku"], "name": store.catalog.products[row["product_id"]]["name"]}
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
        "cancelled": order["status_id"] in CANCELLED,
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
