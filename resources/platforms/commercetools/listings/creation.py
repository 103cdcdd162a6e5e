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
from resources.platforms.commercetools.listings.attributes import (
    ATTRIBUTES,
    ENUMS,
    LOCALIZED,
    TEXT,
    enum_key,
    unknown_brand,
)
from resources.platforms.commercetools.listings.payload import AttributeDefinition, ProductType
from resources.platforms.commercetools.settings import (
    BRAND_ATTRIBUTE,
    UNKNOWN_SIZE,
    CommercetoolsSettings,
)

LONGEST_SLUG = 200
_NO_SLUG = re.compile(r"[^A-Za-z0-9]+")
Draft = dict[str, Any]


def key_of(listing: Listing) -> str:
    """Return the key of a new product: equal for each attempt, whatever else is asked for."""
    return f"lockstep-{content_digest(sku_key(listing.sku).encode()).hex()}"


def draft_of(
    new: NewListing,
    settings: CommercetoolsSettings,
    kind: ProductType,
    locale: str,
    categories: Sequence[str] = (),
) -> Draft:
    """Return the draft; ``kind`` is the type that the settings name, ``categories`` are ids.

    Raises ``RecordRejected`` with all that the type or the project has no place for.
    """
    listing = new.listing
    texts = {name: listing.texts.get(name, "") for name in ATTRIBUTES}
    made = _Draft(new.currency, texts, kind, locale)
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
    if made.problems:
        raise RecordRejected(*made.problems)
    return draft | _where_given(listing, settings, locale, categories)


def _where_given(
    listing: Listing, settings: CommercetoolsSettings, locale: str, categories: Sequence[str]
) -> Draft:
    """Return the fields that a draft has only if there is something to put there."""
    given: Draft = {}
    if listing.description:
        given["description"] = {locale: listing.description}
    if categories:
        given["categories"] = [{"typeId": "category", "id": one} for one in categories]
    if settings.tax_category is not None:
        given["taxCategory"] = {"typeId": "tax-category", "id": settings.tax_category}
    return given


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
    made = _Draft(save.currency, {}, kind, locale)
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

    def __init__(
        self, currency: str, texts: Mapping[str, str], kind: ProductType, locale: str
    ) -> None:
        """``texts`` are those that are attributes, by name; an empty one is none."""
        self._currency, self._locale = currency, locale
        self._definitions = {
            one.name.casefold(): one
            for one in kind.attributes or ()
            if one is not None and one.name
        }
        self.problems: list[Problem] = []
        self._everywhere: list[Draft] = []
        self.of_product: list[Draft] = []
        for name, text in texts.items():
            if not text:
                continue
            definition = self._definitions.get(name)
            is_whole = definition is not None and definition.level == "Product"
            (self.of_product if is_whole else self._everywhere).extend(
                self._attributes([Attribute(name=name, value=text)], of_product=is_whole)
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
            if value is None and one.name == BRAND_ATTRIBUTE:
                self._keep(unknown_brand(one.value))
                continue
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
            return enum_key(kind, text)
        return None

    def note(self, field: str, message: str, advice: str) -> None:
        """Note what the type, or the product, has no place for."""
        self._keep(Problem("listing_field_not_taken", field, message, advice))

    def _keep(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)
