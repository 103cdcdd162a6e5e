"""What a store answers of prices: products_catalog.v3.yml, price_lists.v3.yml."""

from __future__ import annotations

import msgspec

from domain.parsing.payload import Document, PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount
from resources.platforms.bigcommerce.answers_payload import ANSWER_ADVICE


class PricedVariant(Document):
    """A variant of a product; without a price of its own it has the product's."""

    id: Scalar = None
    sku_id: Scalar = None
    """``null`` of a base variant, whose prices are the product's."""
    price: WrittenAmount = None
    sale_price: WrittenAmount = None


class PricedProduct(Document):
    """A product with its prices."""

    id: Scalar = None
    price: WrittenAmount = None
    sale_price: WrittenAmount = None
    variants: list[PricedVariant | None] | None = None


class PriceRecord(Document):
    """A variant's price in a price list, in one currency."""

    variant_id: Scalar = None
    currency: Scalar = None
    price: WrittenAmount = None
    sale_price: WrittenAmount = None


class PriceList(Document):
    """A price list."""

    name: Scalar = None
    active: Scalar = None


class PriceListAnswer(Document):
    """V3's envelope around it."""

    data: PriceList | None = None


class StoreCurrency(Document):
    """The store's default currency, in which its catalog's prices are (V2)."""

    currency: Scalar = None


class WrittenRow(Document):
    """A product or variant that was changed."""

    id: Scalar = None


class WrittenRows(Document):
    """V3's envelope around what a batch has changed."""

    data: list[WrittenRow | None] | None = None


class WrittenRecords(Document):
    """What a batch of price records is answered with: an envelope with nothing of use in it."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    meta: msgspec.Raw = msgspec.Raw(b"null")


PRICED_PRODUCTS = PayloadDecoder(PricedProduct, "a product", ANSWER_ADVICE)
PRICE_RECORDS = PayloadDecoder(PriceRecord, "a price record", ANSWER_ADVICE)
PRICE_LISTS = PayloadDecoder(PriceListAnswer, "an object", ANSWER_ADVICE)
STORE_CURRENCIES = PayloadDecoder(StoreCurrency, "an object", ANSWER_ADVICE)
WRITTEN_ROWS = PayloadDecoder(WrittenRows, "an object", ANSWER_ADVICE)
WRITTEN_RECORDS = PayloadDecoder(WrittenRecords, "an object", ANSWER_ADVICE)
