"""Products with their published and their staged data: exactly the fields that are read.

Source: openapi.yaml, ``Product``, ``ProductCatalogData``, ``ProductData``, ``ProductType``.
"""

from __future__ import annotations

from domain.parsing.payload import PayloadDecoder
from resources.platforms.commercetools.answers_payload import ANSWER_ADVICE
from resources.platforms.commercetools.base_payload import Camel, Names, Reference, Text, Whole
from resources.platforms.commercetools.products.payload import Attribute, Image


class ListedVariant(Camel):
    """A variant, with what a listing changes of it."""

    id: Whole = None
    sku: Text = None
    attributes: list[Attribute | None] | None = None
    images: list[Image | None] | None = None


class ProductData(Camel):
    """What a product shows, or would show once it is published."""

    name: Names = None
    description: Names = None
    categories: list[Reference | None] | None = None
    attributes: list[Attribute | None] | None = None
    master_variant: ListedVariant | None = None
    variants: list[ListedVariant | None] | None = None


class MasterData(Camel):
    """A product's published data, and the staged data that publishing puts in their place."""

    published: bool | None = None
    current: ProductData | None = None
    staged: ProductData | None = None


class ListedProduct(Camel):
    """A product in one version."""

    id: Text = None
    version: Whole = None
    product_type: Reference | None = None
    price_mode: Text = None
    master_data: MasterData | None = None


class EnumValue(Camel):
    """A value of an enum; its label is a text, or a text by language."""

    key: Text = None
    label: str | dict[str, object] | None = None


class AttributeType(Camel):
    """The type of an attribute's values: ``text``, ``ltext`` (a text by language), and others."""

    name: Text = None
    values: list[EnumValue | None] | None = None


class AttributeDefinition(Camel):
    """An attribute that the products of a type may have, of the product or of each variant."""

    name: Text = None
    type: AttributeType | None = None
    level: Text = None


class ProductType(Camel):
    """The attributes of products."""

    id: Text = None
    attributes: list[AttributeDefinition | None] | None = None


class CategoryRow(Camel):
    """A category, and the one that it is in."""

    id: Text = None
    key: Text = None
    name: Names = None
    parent: Reference | None = None


LISTED_PRODUCTS = PayloadDecoder(ListedProduct, "a product", ANSWER_ADVICE)
CATEGORIES = PayloadDecoder(CategoryRow, "a category", ANSWER_ADVICE)
PRODUCT_TYPES = PayloadDecoder(ProductType, "a product type", ANSWER_ADVICE)
