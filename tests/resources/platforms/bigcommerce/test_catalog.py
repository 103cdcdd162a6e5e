"""Reading a store's catalog, locations and stock."""

from __future__ import annotations

import httpx
import pytest

from domain.errors import PermanentError
from domain.exchange import Unusable
from domain.records.inventory import StoreItem
from resources.http.rate_limit import LocalQuota
from resources.platforms.bigcommerce.adapter import build
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import connection, platform, settings


def test_catalog_locations_and_stock_are_read(shop: Shop) -> None:
    """SKUs with their tracking level, locations by code and as the default, quantities on hand."""
    shop.control(
        "POST",
        "catalog",
        [
            {"id": 11, "sku": "SOLO"},
            {"id": 12, "sku": "SHIRT", "variants": [{"sku": "SHIRT-S"}, {"sku": "SHIRT-L"}]},
            {"id": 13, "sku": "OFF", "inventory_tracking": "none"},
        ],
    )
    shop.control("POST", "locations", [{"id": 5, "code": "EAST", "label": "East"}])
    shop.control("POST", "stock", [{"sku": "SHIRT-S", "location_id": 5, "quantity": 7}])
    reader = platform(shop.url)
    items = {item.sku: item for page in reader.fetch_items() for item in page}
    assert {sku: item.tracking for sku, item in items.items()} == {
        "SOLO": "product",
        "SHIRT-S": "variant",
        "SHIRT-L": "variant",
        "OFF": "none",
    }
    assert reader.location_ids() == {"BCLOC": "1", "EAST": "5", "default": "1"}
    assert reader.read_stock(["SHIRT-S", "NOPE"])["SHIRT-S", "5"] == 7
    reader.close()


BAD_PRODUCTS = [
    None,
    7,
    "text",
    [],
    {},
    {"id": 1},
    {"id": "x", "sku": "A", "inventory_tracking": "product"},
    {"id": 2, "sku": "A", "inventory_tracking": None},
    {"id": 3, "sku": "A\x00", "inventory_tracking": "product"},
    {"id": 4, "sku": ["A"], "inventory_tracking": "product"},
    {"id": 5, "sku": "A" * 300, "inventory_tracking": "product"},
    {"id": 6, "sku": "A", "inventory_tracking": "variant", "variants": "x"},
    {"id": 7, "inventory_tracking": "variant", "variants": [None, {"id": None, "sku": "B"}]},
    {"id": True, "sku": "A", "inventory_tracking": "none"},
    {"id": 2**70, "sku": "A", "inventory_tracking": "none"},
]


@pytest.mark.parametrize("bad", BAD_PRODUCTS, ids=str)
def test_a_bad_product_does_not_stop_the_catalog(bad: object) -> None:
    """It is a problem under its own id or a fallback id; the other products are read."""
    good = {
        "id": 11,
        "sku": "GOOD",
        "inventory_tracking": "product",
        "variants": [{"id": 12, "sku": "GOOD"}],
    }
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"data": [bad, good], "meta": {}})
    )
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    [found] = reader.fetch_items()
    assert [item.sku for item in found if isinstance(item, StoreItem)] == ["GOOD"]
    unusable = [item for item in found if isinstance(item, Unusable)]
    assert all(
        one.source_id and one.problems[0].code == "catalog_item_unusable" and one.problems[0].field
        for one in unusable
    )
    assert len(unusable) in (1, 2)
    reader.close()


def test_a_catalog_of_which_nothing_can_be_read_is_an_error() -> None:
    """Then the answer is at fault, and the catalog that is known stays."""
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"data": [{"id": "11"}, {"id": "12"}], "meta": {}})
    )
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    with pytest.raises(PermanentError, match="none can be read"):
        list(reader.fetch_items())
    reader.close()
