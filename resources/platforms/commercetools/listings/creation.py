"""The drafts of a product to create, and of variants to add to one. Pure.

A product's key, like the SKUs of its variants, is unique in a project, so that it takes one product
with the key that is made of the first SKU.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.currencies import whole_minor_units
from domain.delivery import ListingSave, NewListing
from domain.errors import Problem, RecordRejected
from domain.identity import content_digest
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from domain.skus import sku_key
from resources.platforms.commercetools.listings.payload import AttributeDefinition, ProductType
from resources.platforms.commercetools.settings import (
    UNKNOWN_SIZE,
    WARRANTY_ATTRIBUTE,
    CommercetoolsSettings,
)

LONGEST_SLUG = 200
TEXT, LOCALIZED, ENUMS = "text", "ltext", ("enum", "lenum")
_NO_SLUG = re.compile(r"[^A-Za-z0-9]+")
Draft = dict[str, Any]


def key_of(listing: Listing) -> str:
    """Return the key of a new product: equal for each attempt, whatever else is asked for."""
    return f"lockstep-{content_digest(sku_key(listing.sku).encode()).hex()}"


def draft_of(
    new: NewListing, settings: CommercetoolsSettings, kind: ProductType, locale: str
) -> Draft:
    """Return the draft; ``kind`` is the type that the settings name.

    Raises ``RecordRejected`` with all that the type or the project has no place for.
    """
    listing = new.listing
    made = _Draft(new.currency, listing.warranty, kind, locale)
    variants = [
        made.variant(one, listing.price if one.price is None else one.price)
        for one in listing.variants or (NewVariant(sku=listing.sku),)
    ]
    variants[0]["images"] = [
        {"url": url, "dimensions": dict(UNKNOWN_SIZE)} for url in listing.images or ()
    ]
    draft: Draft = {
        "key": key_of(listing),
        "productType": {"typeId": "product-type", "id": kind.id},
        "name": {locale: listing.name or ""},
        "slug": {locale: _slug(listing)},
        "masterVariant": variants[0],
        "variants": variants[1:],
        "attributes": made.of_product,
        "priceMode": "Embedded" if listing.price is not None else "Standalone",
        "publish": new.is_visible,
    }
    if listing.description:
        draft["description"] = {locale: listing.description}
    if settings.tax_category is not None:
        draft["taxCategory"] = {"typeId": "tax-category", "id": settings.tax_category}
    if made.problems:
        raise RecordRejected(*made.problems)
    return draft


def _slug(listing: Listing) -> str:
    """Return the part of an address that is unique in a project."""
    readable = _NO_SLUG.sub("-", listing.sku).strip("-").lower()[:LONGEST_SLUG]
    return f"{readable}-{key_of(listing)[-8:]}".lstrip("-")


def added_variants(
    save: ListingSave, kind: ProductType, locale: str, *, has_prices: bool
) -> list[Draft]:
    """Return the variants that are added to a product of a type.

    ``has_prices``: the product has prices of its own, not standalone ones. Raises
    ``RecordRejected`` with all that the type, or the product, has no place for.
    """
    made = _Draft(save.currency, None, kind, locale)
    drafts = [made.variant(one, one.price) for one in save.variants]
    if not has_prices and any("prices" in draft for draft in drafts):
        made.note(
            "price",
            "the product has standalone prices",
            "leave the price out: the stream prices, or the store, sets it",
        )
    if made.problems:
        raise RecordRejected(*made.problems)
    return drafts


class _Draft:
    """Makes variants of a draft, and collects what is wrong with them."""

    def __init__(self, currency: str, warranty: str | None, kind: ProductType, locale: str) -> None:
        self._currency, self._locale = currency, locale
        self._definitions = {
            one.name.casefold(): one
            for one in kind.attributes or ()
            if one is not None and one.name
        }
        self.problems: list[Problem] = []
        self._everywhere: list[Draft] = []
        self.of_product: list[Draft] = []
        if warranty:
            named = Attribute(name=WARRANTY_ATTRIBUTE, value=warranty)
            definition = self._definitions.get(WARRANTY_ATTRIBUTE)
            is_whole = definition is not None and definition.level == "Product"
            (self.of_product if is_whole else self._everywhere).extend(
                self._attributes([named], of_product=is_whole)
            )

    def variant(self, variant: NewVariant, price: Decimal | None) -> Draft:
        """Return a variant with its options as attributes, and its price."""
        attributes = [*self._everywhere, *self._attributes(variant.options, of_product=False)]
        draft: Draft = {"sku": variant.sku, "attributes": attributes}
        if price is not None:
            draft["prices"] = list(self._prices(price))
        return draft

    def _prices(self, price: Decimal) -> Iterator[Draft]:
        currency = self._currency
        if not currency:
            self.note(
                "price",
                "the currency of new products' prices is not known",
                "set prices.currency, or leave the price out",
            )
            return
        units = whole_minor_units(price, currency)
        if units is None:
            self.note("price", f"{currency} has no such fractions", "correct the price")
            return
        yield {"value": {"currencyCode": currency, "centAmount": units}}

    def _attributes(self, named: Sequence[Attribute], *, of_product: bool) -> Iterator[Draft]:
        for one in named:
            definition = self._definitions.get(one.name.casefold())
            if definition is None or (definition.level == "Product") != of_product:
                advice = "add it to the product's type, or name the option as the type does"
                self.note(one.name, f"the product's type has no attribute {one.name}", advice)
                continue
            value = self._value(definition, one.value)
            if value is None:
                message = f"the attribute {one.name} does not allow {one.value}"
                self.note(one.name, message, "use one of the values that the type lists")
                continue
            yield {"name": definition.name, "value": value}

    def _value(self, definition: AttributeDefinition, text: str) -> Any:
        kind = definition.type
        if kind is None or kind.name == TEXT:
            return text if kind is not None else None
        if kind.name == LOCALIZED:
            return {self._locale: text}
        if kind.name in ENUMS:
            for one in kind.values or ():
                if one is not None and text.casefold() in _labels(one.key, one.label):
                    return one.key
        return None

    def note(self, field: str, message: str, advice: str) -> None:
        """Note what the type, or the product, has no place for."""
        problem = Problem("listing_field_not_taken", field, message, advice)
        if problem not in self.problems:
            self.problems.append(problem)


def _labels(key: str | None, label: object) -> set[str]:
    """Return the key and the labels of an enum's value."""
    labels = label.values() if isinstance(label, Mapping) else [label]
    return {text.casefold() for text in (key, *labels) if isinstance(text, str)}
