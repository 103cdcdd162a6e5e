"""Products to create: how the store finds them by SKU, and the document that creates them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from domain.delivery import NewListing
from domain.prices import exact_number
from domain.records.listings import NewVariant
from domain.skus import sku_key
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.catalog import PRODUCTS_PATH, READS_PRODUCTS
from resources.platforms.bigcommerce.client import entries_of, page_of
from resources.platforms.bigcommerce.listings.payload import FOUND_BY_SKU

VARIANTS_PATH = "/v3/catalog/variants"


def products_with(http: ApiClient, sku: str) -> list[str]:
    """Return the ids of the products that have a SKU, of their own or of one of their variants.

    The store takes a SKU as the same in any case. Its lists are filtered by the exact text, so that
    another spelling is left to the store's own refusal.
    """
    found = {
        str(number)
        for path, name in ((PRODUCTS_PATH, "id"), (VARIANTS_PATH, "product_id"))
        for number in _owners(http, path, name, sku)
    }
    return sorted(found)


def _owners(http: ApiClient, path: str, name: str, sku: str) -> Iterator[int]:
    page = page_of(http, path, {"sku": sku, "limit": 10}, READS_PRODUCTS)
    for entry in entries_of(path, page, FOUND_BY_SKU):
        number = getattr(entry, name)
        if number and isinstance(entry.sku, str) and sku_key(entry.sku) == sku_key(sku):
            yield number


def document_of_new(new: NewListing, named: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that creates a product, which has all that the store requires of one.

    ``named`` are its brand and categories.
    """
    listing = new.listing
    tracking = "variant" if listing.variants else "product"
    document: dict[str, Any] = {
        **{name: text for name, text in listing.texts.items() if name != "brand"},
        **named,
        "type": "physical",
        "price": _number(listing.price),
        "weight": _number(listing.weight),
        "is_visible": new.is_visible,
        "inventory_tracking": tracking if new.counts_stock else "none",
    }
    if listing.images:
        document["images"] = pictures(listing.images)
    if listing.variants:
        document["variants"] = [_variant(variant) for variant in listing.variants]
    else:
        document["sku"] = listing.sku
    return document


def pictures(images: Sequence[str]) -> list[dict[str, Any]]:
    """Return a product's pictures, which the store fetches from their addresses."""
    return [
        {"image_url": url, "is_thumbnail": place == 0, "sort_order": place}
        for place, url in enumerate(images)
    ]


def _variant(variant: NewVariant) -> dict[str, Any]:
    document: dict[str, Any] = {
        "sku": variant.sku,
        "option_values": [
            {"option_display_name": option.name, "label": option.value}
            for option in variant.options
        ],
    }
    for name, amount in (("price", variant.price), ("weight", variant.weight)):
        if amount is not None:
            document[name] = _number(amount)
    return document


def _number(amount: Decimal | None) -> float:
    """Return an amount as JSON's number. Raises ``RecordRejected`` if none is exact."""
    return exact_number(amount or Decimal(0))
