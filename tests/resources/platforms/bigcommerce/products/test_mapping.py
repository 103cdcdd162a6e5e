"""Captured products to canonical ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.records.catalog import Attribute, Dimensions, Product
from resources.platforms.bigcommerce.products.mapping import to_product

Json = dict[str, Any]
VARIANT: Json = {
    "id": 7,
    "sku": " MUG-S ",
    "price": 9.5,
    "upc": "123",
    "weight": 0,
    "inventory_level": 3,
    "image_url": "https://cdn.example.com/s.jpg",
    "option_values": [{"option_display_name": "Size", "label": "S"}],
}
PRODUCT: Json = {
    "id": 11,
    "name": "Mug ",
    "type": "physical",
    "sku": "MUG",
    "description": "<p>A\nmug</p>",
    "warranty": "2 years",
    "brand_id": 3,
    "categories": [5, 6],
    "price": 7.95,
    "sale_price": 0,
    "weight": 1.25,
    "width": 0,
    "gtin": "999",
    "custom_fields": [{"name": "Glaze", "value": "blue"}, {"name": "", "value": "x"}],
    "images": [
        {"url_standard": "https://cdn.example.com/2.jpg", "sort_order": 1},
        {"url_standard": "https://cdn.example.com/1.jpg", "is_thumbnail": True, "sort_order": 2},
        {"url_standard": ""},
    ],
    "variants": [VARIANT, {**VARIANT, "id": 8, "sku": "MUG-L", "upc": ""}],
}


def capture(product: Any, **more: Any) -> bytes:
    """Return a capture."""
    return orjson.dumps({"product": product, **more} if more else product)


def mapped(product: Json, **more: Any) -> Product:
    """Return the product of a capture."""
    return to_product(capture(product, **more)).record


def problems(product: Any) -> list[tuple[str, str]]:
    """Return code and field of all that is wrong."""
    with pytest.raises(RecordRejected) as caught:
        to_product(capture(product))
    return [(problem.code, problem.field) for problem in caught.value.problems]


def test_a_group_product_has_its_variants_with_their_own_values() -> None:
    """Names of brand and categories, pictures with the thumbnail first, sizes of 0 as none."""
    product = mapped(PRODUCT, brand_name="Kiln", category_names=["Kitchen", None])
    assert (product.product_id, product.name, product.sku) == ("11", "Mug", "MUG")
    assert (product.brand, product.categories, product.warranty) == (
        "Kiln",
        ("Kitchen",),
        "2 years",
    )
    assert product.description == "<p>A\nmug</p>"
    assert (product.price, product.sale_price) == (Decimal("7.95"), None)
    assert product.images == ("https://cdn.example.com/1.jpg", "https://cdn.example.com/2.jpg")
    assert product.attributes == (Attribute(name="Glaze", value="blue"),)
    assert product.dimensions == Dimensions(weight=Decimal("1.25"))
    assert product.is_group
    small, large = product.variants
    assert (small.variant_id, small.sku, small.price, small.stock) == (
        "7",
        "MUG-S",
        Decimal("9.50"),
        3,
    )
    assert small.options == (Attribute(name="Size", value="S"),)
    assert small.barcodes == (Attribute(name="upc", value="123"),)
    assert large.barcodes == ()


def test_a_single_product_lends_its_variant_what_it_lacks() -> None:
    """SKU and codes; one without any variant is bought itself."""
    [only] = mapped(PRODUCT | {"variants": [{"id": 7, "sku": ""}]}).variants
    assert (only.variant_id, only.sku) == ("7", "MUG")
    assert only.barcodes == (Attribute(name="gtin", value="999"),)
    [itself] = mapped(PRODUCT | {"variants": [], "inventory_level": 4}).variants
    assert (itself.variant_id, itself.sku, itself.stock) == ("", "MUG", 4)


def test_ids_stand_for_names_that_are_not_known() -> None:
    """A brand that was deleted meanwhile."""
    product = mapped(PRODUCT | {"type": "digital"})
    assert (product.brand, product.categories, product.is_digital) == ("3", ("5", "6"), True)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"id": None}, [("id_missing", "id")]),
        ({"id": "x"}, [("malformed_value", "id")]),
        ({"price": "high"}, [("malformed_value", "price")]),
        ({"sku": "A" * 300}, [("product_invalid", "sku")]),
        ({"price": 10**13}, [("malformed_value", "price")]),
        ({"variants": "x"}, [("malformed_value", "variants")]),
        ({"variants": [None, VARIANT]}, [("id_missing", "variants[0]")]),
        ({"variants": [7, VARIANT]}, [("malformed_value", "variants[0]")]),
        ({"variants": [{**VARIANT, "id": 0}]}, [("id_missing", "variants[0].id")]),
        ({"variants": [{**VARIANT, "sku": "a\x00b"}]}, [("product_invalid", "variants[0].sku")]),
        ({"variants": [{**VARIANT, "weight": -1}]}, [("product_invalid", "variants[0].weight")]),
        ({"images": [7]}, [("malformed_value", "images[0]")]),
    ],
)
def test_what_can_not_be_used_is_named_with_its_field(
    change: Json, expected: list[tuple[str, str]]
) -> None:
    """All at once."""
    assert problems(PRODUCT | change) == expected


@pytest.mark.parametrize("product", [None, 7, "text", [7]])
def test_what_is_no_product_is_rejected(product: Any) -> None:
    """It has no id, whatever else is wrong."""
    assert problems(product)
    with pytest.raises(RecordRejected):
        to_product(b"no JSON")
