"""Which product a listing is about, and what is wrong where that product is another one. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from domain.errors import Problem
from domain.skus import sku_key


def moved_skus(wanted: Iterable[str], sold: Iterable[str]) -> list[Problem]:
    """Return a problem for each SKU that a listing names and its product no longer sells."""
    keys = {sku_key(sku) for sku in sold}
    return [_moved(sku) for sku in wanted if sku_key(sku) not in keys]


def product_gone(product_id: str) -> Problem:
    """Return the problem of a listing whose product the store no longer sells."""
    return Problem(
        "listing_product_gone",
        "product_id",
        "the store no longer has the product",
        "look for the product in the store, and import the row again under its present SKU",
        product_id,
    )


def _moved(sku: str) -> Problem:
    return Problem(
        "listing_product_gone",
        "sku",
        f"the product no longer sells the SKU {sku} in the store, so it was not changed",
        "run the stream catalog, discard this rejection, and import the row again",
        sku,
    )
