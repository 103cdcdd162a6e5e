"""Products (``Product2``): exactly the fields that Lockstep reads."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from domain.parsing.payload import Document, PayloadAdvice, PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount
from resources.platforms.salesforce.payload import Pascal, Text
from resources.platforms.salesforce.product_settings import ProductSettings


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


class MediaGroup(Pascal):
    """A kind of pictures."""

    usage_type: Text = None


class Media(Pascal):
    """A content that is shown with a product."""

    electronic_media_id: Text = None
    electronic_media_group: MediaGroup | None = None
    is_deleted: bool | None = None


class Attributes(Pascal):
    """Of which parent a product is a variation, with what distinguishes it."""

    variant_parent_id: Text = None
    is_deleted: bool | None = None


class Added(Pascal):
    """What ``details.py`` has added to a product's row."""

    media: list[Media | None] | None = None
    parent_media: list[Media | None] | None = None
    addresses: dict[str, Scalar] | None = None
    """Content -> address of its picture."""
    stock: int | None = None
    """Units that are available at all locations."""


def sku_of(product: Product) -> str:
    """Return the SKU that a product is sold under; empty if it has none."""
    return (product.stock_keeping_unit or product.product_code or "").strip()


ADVICE = PayloadAdvice(
    unreadable="replay the day of the product's last change",
    malformed="correct the product in the org; report it if it looks right there",
)
CAPTURED_PRODUCTS = PayloadDecoder(Product, "a product", ADVICE)


def captured_products(products: ProductSettings) -> PayloadDecoder[Product]:
    """Return the decoder of products with the fields of an org's own that settings name."""
    if not products.fields and not products.completes:
        return CAPTURED_PRODUCTS
    product = _with_fields(Product, products.fields)
    attributes = _with_fields(Attributes, products.options.values())
    added = msgspec.defstruct(
        "Added",
        [("attributes", list[attributes | None] | None, None), ("parent", product | None, None)],  # type: ignore[valid-type]
        bases=(Added,),
        gc=False,
    )
    captured: Any = msgspec.defstruct(
        "CapturedProduct",
        [("added", added | None, msgspec.field(name="Lockstep", default=None))],
        bases=(product,),
        gc=False,
    )
    return PayloadDecoder(captured, "a product", ADVICE)


def written(document: Document, name: str) -> Scalar:
    """Return what a field has, by the name that the vendor's document has for it."""
    value: Scalar = getattr(document, _names(type(document))[name])
    return value


@lru_cache(maxsize=64)
def _names(kind: type[Document]) -> dict[str, str]:
    return {field.encode_name: field.name for field in msgspec.structs.fields(kind)}


def _with_fields(kind: type[Document], fields: Iterable[str]) -> Any:
    """Return a kind of document with more fields; those that it has already stay as they are."""
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    more = [
        (f"own_{place}", Scalar, msgspec.field(name=name, default=None))
        for place, name in enumerate(dict.fromkeys(fields))
        if name not in known
    ]
    return msgspec.defstruct(kind.__name__, more, bases=(kind,), gc=False)
