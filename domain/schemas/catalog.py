"""Batch rules of products, for a frame with a row per product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
import pandera.pandas as pa

from domain.errors import Problem
from domain.records.catalog import Product
from domain.schemas.batch import Rule, booleans, failures, texts

RULES: dict[str, Rule] = {
    "product_id_duplicate": Rule(
        "product_id",
        "another product of the batch has this id",
        "find out why the store sent it twice",
    ),
    "product_without_variants": Rule(
        "variants",
        "the product has nothing that could be bought",
        "complete the product in the store, or delete it there",
    ),
    "product_variant_duplicate": Rule(
        "variants.id",
        "two variants of the product have the same id",
        "find out why the store sent the variant twice",
    ),
    "product_price_negative": Rule(
        "price",
        "a price is below zero",
        "correct the price in the store",
    ),
}


class Products(pa.DataFrameModel):
    """One row per product."""

    product_id: str
    has_variants: bool
    has_variant_twice: bool
    is_priced_below_zero: bool

    @pa.check("product_id", name="product_id_duplicate")
    def _unique(cls, ids: pd.Series[str]) -> pd.Series[bool]:
        return ~ids.duplicated(keep=False)

    @pa.check("has_variants", name="product_without_variants")
    def _sold(cls, sold: pd.Series[bool]) -> pd.Series[bool]:
        return sold

    @pa.check("has_variant_twice", name="product_variant_duplicate")
    def _variants(cls, twice: pd.Series[bool]) -> pd.Series[bool]:
        return ~twice

    @pa.check("is_priced_below_zero", name="product_price_negative")
    def _prices(cls, below: pd.Series[bool]) -> pd.Series[bool]:
        return ~below


def product_problems(products: Sequence[Product]) -> Mapping[int, Sequence[Problem]]:
    """Return the problems of the failing products by position."""
    frame = pd.DataFrame(
        {
            "product_id": texts([product.product_id for product in products]),
            "has_variants": booleans([one.is_gone or bool(one.variants) for one in products]),
            "has_variant_twice": booleans([_has_variant_twice(one) for one in products]),
            "is_priced_below_zero": booleans([_is_priced_below_zero(one) for one in products]),
        }
    )
    return failures(Products, frame, RULES)


def _has_variant_twice(product: Product) -> bool:
    ids = [variant.variant_id for variant in product.variants]
    return len(set(ids)) < len(ids)


def _is_priced_below_zero(product: Product) -> bool:
    prices = [product.price, product.sale_price, *(variant.price for variant in product.variants)]
    return any(price is not None and price < 0 for price in prices)
