"""Captured products of Salesforce to canonical ones."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.catalog import Attribute
from resources.platforms.salesforce.products.mapping import to_product

Json = dict[str, Any]
PRODUCT: Json = {
    "attributes": {"type": "Product2"},
    "Id": "01t000000000001AAA",
    "Name": "Mug ",
    "Description": "A\nmug",
    "Family": "Kitchen",
    "StockKeepingUnit": " MUG-1 ",
    "ProductCode": "M1",
    "ProductClass": "Simple",
    "QuantityUnitOfMeasure": "Each",
    "IsActive": True,
    "IsDeleted": False,
    "SystemModstamp": "2026-03-19T10:00:00.000+0000",
}


def mapped(**changes: Any) -> Any:
    """Return the product of a changed row."""
    found = to_product(orjson.dumps(PRODUCT | changes))
    assert isinstance(found, Mapped)
    return found.record


def test_a_product_is_its_one_variant() -> None:
    """With its SKU, or else its code."""
    product = mapped()
    assert (product.product_id, product.name, product.description) == (
        "01t000000000001AAA",
        "Mug",
        "A\nmug",
    )
    assert product.categories == ("Kitchen",)
    assert product.attributes == (Attribute(name="unit", value="Each"),)
    assert [one.sku for one in product.variants] == ["MUG-1"]
    bare = mapped(StockKeepingUnit=None, Family=None, QuantityUnitOfMeasure=None)
    assert [one.sku for one in bare.variants] == ["M1"]
    assert (bare.categories, bare.attributes) == ((), ())


@pytest.mark.parametrize("changes", [{"IsDeleted": True}, {"IsActive": False}])
def test_a_product_that_is_deleted_or_not_active_is_gone(changes: Json) -> None:
    """It is not sold any more."""
    assert mapped(**changes).is_gone


def test_a_parent_of_variations_is_skipped() -> None:
    """Each variation is a product of its own."""
    found = to_product(orjson.dumps(PRODUCT | {"ProductClass": "VariationParent"}))
    assert isinstance(found, Skipped)
    assert found.rule == "product_of_variations"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"Id": None}, [("id_missing", "Id")]),
        ({"Id": [7]}, [("malformed_value", "Id")]),
        ({"StockKeepingUnit": "x" * 300}, [("product_invalid", "StockKeepingUnit")]),
        ({"IsDeleted": "maybe"}, [("malformed_value", "IsDeleted")]),
    ],
)
def test_what_can_not_be_used_is_named_with_its_field(
    changes: Json, expected: list[tuple[str, str]]
) -> None:
    """All at once."""
    with pytest.raises(RecordRejected) as caught:
        mapped(**changes)
    assert [(one.code, one.field) for one in caught.value.problems] == expected
