"""Order documents and a catalog for the sandbox systems: small, and with amounts that agree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

PERSON: Json = {
    "first_name": "Jane",
    "last_name": "Doe",
    "company": "",
    "street_1": "123 Main Street",
    "street_2": "",
    "city": "Austin",
    "state": "Texas",
    "zip": "78701",
    "country": "United States",
    "country_iso2": "US",
    "phone": "+1 512-555-0100",
    "email": "jane.doe@example.com",
}
PRICE = Decimal("10.00")
SHIPPING = Decimal("5.00")
SKUS = ("MUG", "LAMP", "TENT", "SHIRT-S", "SHIRT-M")
UNTRACKED, NOT_AT_OMS = "EBOOK-CASE", "STORE-ONLY"
DEPOT = "DC1"

PRODUCTS: list[Json] = [
    {"id": 201, "sku": "MUG", "name": "Mug", "price": "10.00", "inventory_tracking": "product"},
    {"id": 202, "sku": "LAMP", "name": "Lamp", "price": "10.00", "inventory_tracking": "product"},
    {"id": 203, "sku": "TENT", "name": "Tent", "price": "10.00", "inventory_tracking": "product"},
    {
        "id": 204,
        "sku": "SHIRT",
        "name": "Shirt",
        "price": "10.00",
        "inventory_tracking": "variant",
        "variants": [{"id": 2041, "sku": "SHIRT-S"}, {"id": 2042, "sku": "SHIRT-M"}],
    },
    {"id": 205, "sku": UNTRACKED, "name": "Case", "price": "10.00", "inventory_tracking": "none"},
    {
        "id": 206,
        "sku": NOT_AT_OMS,
        "name": "Only in the store",
        "price": "10.00",
        "inventory_tracking": "product",
    },
]
_PRODUCT_IDS = {
    "MUG": (201, 201),
    "LAMP": (202, 202),
    "TENT": (203, 203),
    "SHIRT-S": (204, 2041),
    "SHIRT-M": (204, 2042),
}
ITEMS: list[Json] = [
    {"ItemId": sku, "Description": sku, "BaseUOM": "EA"} for sku in (*SKUS, UNTRACKED)
]


def supply(quantity: int = 1_000) -> list[Json]:
    """Return the same stock of every item at the one depot."""
    return [{"item": sku, "location": DEPOT, "quantity": quantity} for sku in (*SKUS, UNTRACKED)]


def order(
    number: int,
    modified: datetime,
    lines: Sequence[tuple[str, int]] = (("MUG", 2), ("LAMP", 1)),
    **changes: Any,
) -> Json:
    """Return an order of ``lines`` (SKU, units), 10.00 each plus 5.00 for shipping, without tax."""
    products = [
        line(number * 100 + place, sku, units) for place, (sku, units) in enumerate(lines, 1)
    ]
    document: Json = {
        "id": number,
        "status_id": 11,
        "date_created": modified.isoformat(),
        "date_modified": modified.isoformat(),
        "payment_method": "Credit Card",
        "billing_address": dict(PERSON),
        "products": products,
        "shipping_addresses": [address(number * 100)],
    }
    return document | changes


def line(number: int, sku: str, units: int) -> Json:
    """Return an order line."""
    product, variant = _PRODUCT_IDS.get(sku, (0, 0))
    price = str(PRICE)
    return {
        "id": number,
        "sku": sku,
        "product_id": product,
        "variant_id": variant,
        "name": sku,
        "quantity": units,
        "price_ex_tax": price,
        "price_inc_tax": price,
    }


def address(number: int, **changes: Any) -> Json:
    """Return a shipping address with its method and cost."""
    cost = str(SHIPPING)
    return (
        PERSON
        | {"id": number, "shipping_method": "Ground", "cost_ex_tax": cost, "cost_inc_tax": cost}
        | changes
    )


def total_of(document: Json) -> Decimal:
    """Return the order's expected total at the OMS, computed from its lines and addresses."""
    goods = sum(
        (Decimal(entry["price_inc_tax"]) * entry["quantity"] for entry in document["products"]),
        Decimal(0),
    )
    return goods + sum(
        (Decimal(entry["cost_inc_tax"]) for entry in document["shipping_addresses"]), Decimal(0)
    )
