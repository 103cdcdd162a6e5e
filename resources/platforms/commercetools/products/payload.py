"""Published products (ProductProjection.raml): exactly the fields that Lockstep reads."""

from __future__ import annotations

import msgspec

from domain.parsing.payload import PayloadAdvice, PayloadDecoder
from resources.platforms.commercetools.base_payload import (
    Camel,
    Money,
    Names,
    Reference,
    Text,
    Whole,
)


class Attribute(Camel):
    """An attribute of a variant; its value is a text, a number, an enum, or a set of them."""

    name: Text = None
    value: msgspec.Raw = msgspec.Raw(b"null")


class Price(Camel):
    """A price; one without a scope is for everybody."""

    value: Money | None = None
    country: Text = None
    channel: Reference | None = None
    customer_group: Reference | None = None
    valid_from: Text = None
    valid_until: Text = None


class Image(Camel):
    """A picture of a variant."""

    url: Text = None


class Availability(Camel):
    """The stock of a variant without a channel."""

    available_quantity: Whole = None


class Variant(Camel):
    """A variant of a product."""

    id: Whole = None
    sku: Text = None
    prices: list[Price | None] | None = None
    attributes: list[Attribute | None] | None = None
    images: list[Image | None] | None = None
    availability: Availability | None = None


class Category(Camel):
    """A category with its names."""

    name: Names = None


class CategoryReference(Camel):
    """A reference to a category, expanded."""

    id: Text = None
    obj: Category | None = None


class Product(Camel):
    """A product's published data with its variants."""

    id: Text = None
    name: Names = None
    description: Names = None
    categories: list[CategoryReference | None] | None = None
    master_variant: Variant | None = None
    variants: list[Variant | None] | None = None


CAPTURED_PRODUCTS = PayloadDecoder(
    Product,
    "a product",
    PayloadAdvice(
        unreadable="replay the day of the product's last change",
        malformed="correct the product in the store; report it if it looks right there",
    ),
)
