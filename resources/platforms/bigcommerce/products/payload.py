"""BigCommerce's products (products_catalog.v3.yml): exactly the fields that Lockstep reads."""

from __future__ import annotations

from domain.parsing.payload import Document, Id, PayloadAdvice, PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount

FIELDS = (
    "name",
    "type",
    "sku",
    "description",
    "warranty",
    "brand_id",
    "categories",
    "price",
    "sale_price",
    "weight",
    "width",
    "height",
    "depth",
    "upc",
    "gtin",
    "mpn",
    "inventory_level",
    "date_modified",
)
"""Of a product: what is asked for."""
VOLATILE = ("date_modified", "inventory_level")
"""Fields that change without the product being another one: they make no new version."""


class OptionValue(Document):
    """The value of an option by which a variant is chosen."""

    option_display_name: str | None = ""
    label: str | None = ""


class Variant(Document):
    """A variant; of a single product there is one, too."""

    id: Id = None
    sku: str | None = ""
    price: WrittenAmount = None
    upc: str | None = ""
    gtin: str | None = ""
    mpn: str | None = ""
    weight: WrittenAmount = None
    width: WrittenAmount = None
    height: WrittenAmount = None
    depth: WrittenAmount = None
    inventory_level: Scalar = None
    image_url: str | None = ""
    option_values: list[OptionValue | None] | None = None


class Image(Document):
    """A picture of a product."""

    url_standard: str | None = ""
    is_thumbnail: bool | None = None
    sort_order: int | None = None


class CustomField(Document):
    """A field of the merchant's own."""

    name: str | None = ""
    value: str | None = ""


class Product(Document):
    """A product with its variants, pictures and own fields."""

    id: Id = None
    name: str | None = ""
    type: str | None = ""
    sku: str | None = ""
    description: str | None = ""
    warranty: str | None = ""
    brand_id: Id = None
    categories: list[Id] | None = None
    price: WrittenAmount = None
    sale_price: WrittenAmount = None
    weight: WrittenAmount = None
    width: WrittenAmount = None
    height: WrittenAmount = None
    depth: WrittenAmount = None
    upc: str | None = ""
    gtin: str | None = ""
    mpn: str | None = ""
    inventory_level: Scalar = None
    variants: list[Variant | None] | None = None
    images: list[Image | None] | None = None
    custom_fields: list[CustomField | None] | None = None


class CapturedProduct(Product):
    """A capture: a product, or ``product`` with the names of what it refers to by id."""

    product: Product | None = None
    brand_name: str | None = ""
    category_names: list[str | None] | None = None


CAPTURED_PRODUCTS = PayloadDecoder(
    CapturedProduct,
    "a product",
    PayloadAdvice(
        unreadable="replay the day of the product's last change",
        malformed="correct the product in the store; report it if it looks right there",
    ),
)
