"""Products (``Product2``): exactly the fields that Lockstep reads."""

from __future__ import annotations

from domain.parsing.payload import Document, PayloadAdvice, PayloadDecoder
from domain.parsing.scalars import WrittenAmount
from resources.platforms.salesforce.payload import Pascal, Text


class Price(Pascal):
    """An entry of the standard price book; without a currency in an org with a single one."""

    unit_price: WrittenAmount = None
    is_active: bool | None = None
    is_deleted: bool | None = None
    currency_iso_code: Text = None


class Prices(Document):
    """A list of prices; the vendor writes ``null`` for an empty one."""

    records: list[Price | None] | None = None


class Product(Pascal):
    """A product; a parent of variations is not sold itself, each variation is a product."""

    id: Text = None
    name: Text = None
    description: Text = None
    family: Text = None
    stock_keeping_unit: Text = None
    product_code: Text = None
    product_class: Text = None
    quantity_unit_of_measure: Text = None
    is_active: bool | None = None
    is_deleted: bool | None = None
    pricebook_entries: Prices | None = None
    """Where prices are read."""


def sku_of(product: Product) -> str:
    """Return the SKU that a product is sold under; empty if it has none."""
    return (product.stock_keeping_unit or product.product_code or "").strip()


CAPTURED_PRODUCTS = PayloadDecoder(
    Product,
    "a product",
    PayloadAdvice(
        unreadable="replay the day of the product's last change",
        malformed="correct the product in the org; report it if it looks right there",
    ),
)
