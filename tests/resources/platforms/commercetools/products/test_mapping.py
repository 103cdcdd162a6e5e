"""Captured products of commercetools to canonical ones."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.records.catalog import Attribute, Product
from resources.platforms.commercetools.products.mapping import ProductMapper

Json = dict[str, Any]
UUID = "0c1b2a3d-1111-4222-8333-444455556666"
USD: Json = {
    "value": {
        "type": "centPrecision",
        "currencyCode": "USD",
        "centAmount": 950,
        "fractionDigits": 2,
    }
}
VARIANT: Json = {
    "id": 1,
    "sku": " MUG-S ",
    "prices": [USD, {**USD, "country": "DE"}, None],
    "attributes": [
        {"name": "brand", "value": "Kiln"},
        {"name": "size", "value": {"key": "s", "label": {"de": "klein", "en": "small"}}},
        {"name": "ean", "value": "123"},
        {"name": "gift", "value": True},
        {"name": "weight", "value": {"centAmount": 1}},
    ],
    "images": [{"url": "https://cdn.example.com/1.jpg"}, {"url": "https://cdn.example.com/2.jpg"}],
    "availability": {"availableQuantity": 4},
}
LARGE: Json = {
    **VARIANT,
    "id": 2,
    "sku": "MUG-L",
    "attributes": [
        {"name": "brand", "value": "Kiln"},
        {"name": "size", "value": {"key": "l", "label": {"en": "large"}}},
    ],
    "images": [],
}
PRODUCT: Json = {
    "id": UUID,
    "version": 3,
    "name": {"de": "Becher", "en": "Mug"},
    "description": {"en": "A mug"},
    "categories": [
        {"typeId": "category", "id": "c1", "obj": {"name": {"en": "Kitchen"}}},
        {"typeId": "category", "id": "c2"},
    ],
    "masterVariant": VARIANT,
    "variants": [LARGE],
    "published": True,
}
MAPPER = ProductMapper(("en",))


def mapped(**changes: Any) -> Product:
    """Return the product of a changed document."""
    return MAPPER.to_product(orjson.dumps(PRODUCT | changes)).record


def test_a_product_has_its_variants_and_what_they_share() -> None:
    """Texts in the first language, names of expanded categories, the price that is everybody's."""
    product = mapped()
    assert (product.product_id, product.name, product.description) == (UUID, "Mug", "A mug")
    assert (product.brand, product.categories) == ("Kiln", ("Kitchen", "c2"))
    assert product.attributes == (Attribute(name="brand", value="Kiln"),)
    assert product.images == ("https://cdn.example.com/1.jpg", "https://cdn.example.com/2.jpg")
    assert product.currency == "USD"
    small, large = product.variants
    assert (small.variant_id, small.sku, small.price, small.stock) == (
        "1",
        "MUG-S",
        Decimal("9.50"),
        4,
    )
    assert small.barcodes == (Attribute(name="ean", value="123"),)
    assert Attribute(name="size", value="small") in small.options
    assert Attribute(name="gift", value="yes") in small.options
    assert large.options == (Attribute(name="size", value="large"),)


@pytest.mark.parametrize(
    ("prices", "expected"),
    [
        ([USD, USD], None),
        ([], None),
        ([{"value": {**USD["value"], "type": "highPrecision", "preciseAmount": 9505,
                     "fractionDigits": 3}}], Decimal("9.505")),
    ],
)  # fmt: skip
def test_a_price_is_only_stated_where_there_is_one(
    prices: list[Json], expected: Decimal | None
) -> None:
    """Prices of several currencies or scopes are the stream prices' business."""
    [only] = mapped(masterVariant={**VARIANT, "prices": prices}, variants=[]).variants
    assert only.price == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"id": None}, [("id_missing", "id")]),
        ({"masterVariant": None}, [("id_missing", "masterVariant.id")]),
        ({"variants": [{**LARGE, "id": 0}]}, [("id_missing", "variants[0].id")]),
        ({"variants": [{**LARGE, "sku": "x" * 300}]}, [("product_invalid", "variants[0].sku")]),
        ({"variants": [{**LARGE, "sku": 7.5}]}, []),
        (
            {"masterVariant": {**VARIANT, "prices": [{"value": {"centAmount": 1}}]}},
            [("product_invalid", "masterVariant.prices")],
        ),
        ({"name": ["x"]}, [("malformed_value", "name")]),
        ({"id": "x" * 300}, [("product_invalid", "product_id")]),
    ],
)
def test_what_can_not_be_used_is_named_with_its_field(
    changes: Json, expected: list[tuple[str, str]]
) -> None:
    """All at once."""
    if not expected:
        assert mapped(**changes).variants[1].sku == "7.5"
        return
    with pytest.raises(RecordRejected) as caught:
        mapped(**changes)
    assert [(one.code, one.field) for one in caught.value.problems] == expected


def test_what_is_absent_or_has_no_text_is_left_out() -> None:
    """Entries that are null, attributes without a name, and references."""
    attributes = [None, {"value": "x"}, {"name": "ref", "value": {"typeId": "product", "id": "p"}}]
    product = mapped(
        categories=[None, {"typeId": "category"}],
        masterVariant={**VARIANT, "attributes": attributes},
        variants=[],
    )
    assert (product.categories, product.attributes) == ((), ())


def test_an_attribute_that_can_not_be_read_is_named() -> None:
    """By its place; the document is JSON but for its text."""
    payload = orjson.dumps(PRODUCT).replace(b'"Kiln"', b'"\xf8"', 1)
    with pytest.raises(RecordRejected) as caught:
        MAPPER.to_product(payload)
    fields = [problem.field for problem in caught.value.problems]
    assert fields == ["masterVariant.attributes[0].value"]
