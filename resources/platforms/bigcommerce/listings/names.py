"""Brands and categories by their names: what a product shows of them, and how they are written.

UNVERIFIED: that brands and categories are listed with their names, and categories with their
``parent_id``, at ``/v3/catalog/brands`` and ``/v3/catalog/categories``: it is the vendor's public
API, but in none of the files that the connector is built from.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from domain.categories import Categories, Category
from domain.delivery import ListingSave, NewListing
from domain.errors import Problem, RecordRejected
from domain.parsing.text import clean_text
from domain.records.listings import Listing
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.listings.payload import ListedProduct
from resources.platforms.bigcommerce.products.names import names_of, rows_of
from resources.platforms.bigcommerce.settings import BRANDS_PATH, CATEGORIES_PATH

Json = dict[str, Any]


class StoreNames:
    """The store's brands and categories, each read once, and only where a listing names one."""

    def __init__(self, http: ApiClient, *, creates_brands: bool) -> None:
        """``creates_brands``: a brand that the store lacks is created with the product."""
        self._http, self._creates_brands = http, creates_brands

    @cached_property
    def _brands(self) -> Mapping[int, str]:
        return names_of(self._http, BRANDS_PATH)

    @cached_property
    def _categories(self) -> Categories:
        rows = rows_of(self._http, CATEGORIES_PATH)
        return Categories({str(n): Category(name, str(above or "")) for n, name, above in rows})

    def shown(self, product: ListedProduct, listing: Listing) -> Json:
        """Return what a product shows of what a listing names."""
        found: Json = {}
        if listing.brand is not None:
            found["brand"] = self._brands.get(product.brand_id or 0, "")
        if listing.categories is not None:
            ids = [str(number) for number in product.categories or () if number]
            found["categories"] = self._categories.names(ids, listing.categories)
        return found

    def written(self, content: ListingSave | NewListing) -> Json:
        """Return the fields that put a product under its brand and into its categories.

        Raises ``RecordRejected`` for each that the store does not have. A brand may be created with
        the product: the store has one of a name, in any case, however often it is asked for.
        """
        source = content.listing if isinstance(content, NewListing) else content
        fields: Json = {}
        problems: list[Problem] = []
        try:
            if (brand := source.texts.get("brand")) is not None:
                fields |= self._brand(brand)
        except RecordRejected as rejected:
            problems += rejected.problems
        try:
            if source.categories is not None:
                fields["categories"] = [int(one) for one in self._categories.ids(source.categories)]
        except RecordRejected as rejected:
            problems += rejected.problems
        if problems:
            raise RecordRejected(*problems)
        return fields

    def _brand(self, brand: str) -> Json:
        name = clean_text(brand)
        for number, known in self._brands.items():
            if clean_text(known).casefold() == name.casefold():
                return {"brand_id": number}
        if self._creates_brands:
            return {"brand_name": name}
        raise RecordRejected(_unknown(brand))


def _unknown(brand: str) -> Problem:
    return Problem(
        "listing_brand_unknown",
        "brand",
        f"the store has no brand {brand}",
        "correct the name, create the brand in the store, or set catalog.create_brands; then retry",
        brand,
    )
