"""Standalone prices, and how a product is priced: exactly the fields that are read.

Source: openapi.yaml, ``StandalonePrice``, ``ProductProjection``.
"""

from __future__ import annotations

from domain.parsing.payload import PayloadDecoder
from resources.platforms.commercetools.answers_payload import ANSWER_ADVICE
from resources.platforms.commercetools.base_payload import Camel, Money, Reference, Text, Whole


class Discounted(Camel):
    """A reduced price, and the product discount that it comes from."""

    value: Money | None = None
    discount: Reference | None = None


class Standalone(Camel):
    """What a SKU costs in one scope: currency, country, channel, customer group and period."""

    id: Text = None
    version: Whole = None
    key: Text = None
    sku: Text = None
    value: Money | None = None
    country: Text = None
    channel: Reference | None = None
    customer_group: Reference | None = None
    recurrence_policy: Reference | None = None
    valid_from: Text = None
    valid_until: Text = None
    discounted: Discounted | None = None
    active: bool | None = None


class PricedProduct(Camel):
    """Where a product's prices are: within it (``Embedded``), or by themselves."""

    id: Text = None
    price_mode: Text = None


STANDALONE = PayloadDecoder(Standalone, "a standalone price", ANSWER_ADVICE)
PRICED_PRODUCTS = PayloadDecoder(PricedProduct, "a product", ANSWER_ADVICE)
