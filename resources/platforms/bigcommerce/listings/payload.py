"""What a store answers about products that listings change, in its own names.

Source: catalog.v3.yml and products_catalog.v3.yml.
"""

from __future__ import annotations

import msgspec

from domain.parsing.payload import Document, Id, PayloadDecoder, Scalar
from resources.platforms.bigcommerce.answers_payload import ANSWER_ADVICE, NULL, Variant


class ListedProduct(Document):
    """A product as a listing changes it."""

    id: Id = None
    name: str | None = ""
    description: str | None = ""
    warranty: str | None = ""
    sku: Scalar = None
    brand_id: Id = None
    categories: list[Id] | None = None
    images: list[msgspec.Raw] | None = None
    variants: list[Variant | None] | None = None


class FoundBySku(Document):
    """A product, or a variant of one, that was looked for by its SKU."""

    id: Id = None
    product_id: Id = None
    sku: Scalar = None


class OptionValue(Document):
    """A value of one of a product's options."""

    id: Id = None
    option_id: Id = None
    option_display_name: str | None = None
    label: str | None = None


class OptionedVariant(Document):
    """A variant by the values that distinguish it."""

    option_values: list[OptionValue | None] | None = None


class PartialAnswer(Document):
    """What of a product was not saved, in the store's words; 207 of products_catalog.v3.yml."""

    errors: msgspec.Raw = NULL


FOUND_BY_SKU = PayloadDecoder(FoundBySku, "a product or variant", ANSWER_ADVICE)
OPTIONED_VARIANTS = PayloadDecoder(OptionedVariant, "a product or variant", ANSWER_ADVICE)
OPTION_VALUES = PayloadDecoder(OptionValue, "a product or variant", ANSWER_ADVICE)
LISTED_PRODUCTS = PayloadDecoder(ListedProduct, "a product", ANSWER_ADVICE)
PARTIAL_ANSWERS = PayloadDecoder(PartialAnswer, "an object", ANSWER_ADVICE)
