"""The products of an org: which of them have an item, and which are named as unusable."""

from __future__ import annotations

from typing import Any

import httpx
import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.records.catalog import Product
from resources.platforms.salesforce.catalog import CatalogSource
from tests.resources.platforms.salesforce.orgs import client_of, settings

Json = dict[str, Any]
ID = "01tLk0000000001AAA"
SOURCE = CatalogSource(client_of(lambda _: httpx.Response(500)), settings())


def result_of(**fields: Any) -> Mapped[Product] | Skipped:
    """Map a product with some fields changed."""
    product: Json = {"Id": ID, "Name": "Mug", "StockKeepingUnit": "MUG", "ProductCode": "M-1"}
    return SOURCE.to_canonical(orjson.dumps(product | fields))


def mapped(**fields: Any) -> Mapped[Product]:
    """Map a product that has a record."""
    result = result_of(**fields)
    assert isinstance(result, Mapped)
    return result


def test_a_product_is_one_item_by_its_sku_or_its_code() -> None:
    """Variations are products of their own; spaces around a SKU are none of it, as in listings."""
    by_code = {"StockKeepingUnit": None}
    for fields, sku in (({}, "MUG"), (by_code, "M-1"), ({"StockKeepingUnit": " MUG "}, "MUG")):
        [item] = mapped(**fields).record.items
        assert (item.sku, item.parent_id, item.item_id) == (sku, ID, None)
        assert item.is_shared
    assert mapped(ProductClass="Variation").record.items


def test_a_product_without_sku_is_listed_as_such() -> None:
    """By its name, or its id; it is not a fault of the catalog's reading."""
    none = {"StockKeepingUnit": None, "ProductCode": ""}
    for fields, shown in (({}, "Mug"), ({"Name": None}, ID)):
        result = mapped(**none, **fields)
        assert (result.record.items, result.record.without_sku) == ((), (shown,))
        assert result.warnings == ()
    assert mapped().record.without_sku == ()


def test_the_parent_of_variations_is_not_sold_itself() -> None:
    """One that can't be read is rejected all the same."""
    skipped = result_of(ProductClass="VariationParent")
    assert isinstance(skipped, Skipped)
    assert skipped.rule == "product_of_variations"
    with pytest.raises(RecordRejected):
        result_of(ProductClass="VariationParent", Id=None)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"Id": None}, "Id"),
        ({"Id": ""}, "Id"),
        ({"Id": "9" * 300, "StockKeepingUnit": None, "ProductCode": None}, "Id"),
        ({"Id": "01t\x00"}, "Id"),
        ({"StockKeepingUnit": "M" * 256}, "StockKeepingUnit"),
        ({"StockKeepingUnit": "MU\x01G"}, "StockKeepingUnit"),
        ({"StockKeepingUnit": ["MUG"], "ProductCode": None}, "StockKeepingUnit"),
    ],
)
def test_a_product_that_can_t_be_used_is_rejected_with_its_field(fields: Json, named: str) -> None:
    """It has no item then."""
    with pytest.raises(RecordRejected) as rejected:
        result_of(**fields)
    [problem] = rejected.value.problems
    assert (problem.code, problem.field) == ("catalog_item_unusable", named)
    assert problem.advice


def test_a_field_beside_the_sku_that_can_t_be_read_is_a_warning() -> None:
    """The item can still be used."""
    result = mapped(Name={"x": 1})
    assert [item.sku for item in result.record.items] == ["MUG"]
    assert [(each.code, each.field) for each in result.warnings] == [
        ("catalog_item_unusable", "Name")
    ]
