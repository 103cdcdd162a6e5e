"""Batch rules of products."""

from __future__ import annotations

from decimal import Decimal

from domain.records.catalog import Product, Variant, deleted_product
from domain.schemas.catalog import product_problems

GOOD = Product(product_id="1", variants=(Variant(variant_id="1", price=Decimal(0)),))


def test_good_products_and_deleted_ones_pass() -> None:
    """A deleted one has no variants."""
    assert product_problems([GOOD, deleted_product("2")]) == {}


def test_each_rule_fails_its_own_product_and_no_other() -> None:
    """The good one between them goes on."""
    below = Decimal(-1)
    bad = [
        Product(product_id="2"),
        Product(product_id="3", variants=(Variant(variant_id="1"), Variant(variant_id="1"))),
        Product(product_id="4", variants=(Variant(variant_id="1", price=below),)),
        Product(product_id="5", sale_price=below, variants=(Variant(variant_id="1"),)),
        Product(product_id="6", variants=(Variant(variant_id="1"),)),
        Product(product_id="6", variants=(Variant(variant_id="1"),)),
    ]
    found = product_problems([GOOD, *bad])
    assert {place: [one.code for one in problems] for place, problems in found.items()} == {
        1: ["product_without_variants"],
        2: ["product_variant_duplicate"],
        3: ["product_price_negative"],
        4: ["product_price_negative"],
        5: ["product_id_duplicate"],
        6: ["product_id_duplicate"],
    }
