"""Reading a store's catalog, locations and stock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import pytest

from assets.streams.catalog.store_items import Unusable
from domain.errors import PermanentError
from domain.exchange import Mapped
from domain.records.inventory import StoreItem
from resources.http.rate_limit import LocalQuota
from resources.platforms.bigcommerce.adapter import BigCommerce, build
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import connection, platform, read_items, settings


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
    items = {item.sku: item for page in read_items(reader) for item in page}
    assert {sku: item.tracking for sku, item in items.items()} == {
        "SOLO": "product",
        "SHIRT-S": "variant",
        "SHIRT-L": "variant",
        "OFF": "none",
    }
    assert reader.targets["inventory"].locations() == {"BCLOC": "1", "EAST": "5", "default": "1"}
    assert reader.targets["inventory"].levels(["SHIRT-S", "NOPE"])["SHIRT-S", "5"] == 7
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
    pytest.param({"id": 10**300, "inventory_tracking": "none"}, id="an id of 300 digits"),
    pytest.param({"id": "x", "name": json.loads("[" * 400 + "]" * 400)}, id="400 levels"),
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
        lambda request: httpx.Response(
            200, json={"data": [bad, good] if request.url.params["id:greater"] == "0" else []}
        )
    )
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    [found] = read_items(reader)
    assert [item.sku for item in found if isinstance(item, StoreItem)] == ["GOOD"]
    unusable = [item for item in found if isinstance(item, Unusable)]
    assert all(
        one.source_id and one.problems[0].code == "catalog_item_unusable" and one.problems[0].field
        for one in unusable
    )
    assert len(unusable) in (1, 2)
    reader.close()


@pytest.mark.parametrize("product", [None, 7, {"id": "x"}, {"sku": "A"}])
def test_a_page_of_one_product_without_an_id_is_the_catalogs_last(product: object) -> None:
    """It is a problem of its own, and there is no id to continue from."""
    pages = [[product], [{"id": 11}]]
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": pages.pop(0)}))
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    [[found]] = read_items(reader)
    assert isinstance(found, Unusable)
    assert found.problems[0].code == "catalog_item_unusable"
    reader.close()


def test_a_catalog_of_which_nothing_can_be_read_is_an_error() -> None:
    """Then the answer is at fault, and the catalog that is known stays."""
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"data": [{"id": "11"}, {"id": "12"}], "meta": {}})
    )
    reader = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    with pytest.raises(PermanentError, match="none can be read"):
        list(read_items(reader))
    reader.close()


@pytest.mark.parametrize(
    ("product", "lacks"),
    [
        ({"sku": "A"}, ()),
        ({"sku": "", "variants": [{"id": 7, "sku": "A"}]}, ()),
        ({"sku": "A", "variants": [{"id": 7, "sku": ""}]}, ()),
        ({"sku": "", "variants": [{"id": 7, "sku": ""}]}, ("product 11",)),
        ({"sku": None}, ("product 11",)),
        (
            {"sku": "A", "variants": [{"id": 7, "sku": "B"}, {"id": 8, "sku": ""}, {"id": 9}]},
            ("variant 8", "variant 9"),
        ),
    ],
)
def test_products_and_variants_without_a_sku_are_known(
    product: dict[str, Any], lacks: tuple[str, ...]
) -> None:
    """A product's only variant may have the product's; of several each needs its own."""
    document = {"id": 11, "name": " Mug\n", "type": "digital", "inventory_tracking": "variant"}
    reader = build(settings(), connection(), lambda _: "t", LocalQuota())
    mapped = reader.sources["catalog"].to_canonical(json.dumps(document | product).encode())
    reader.close()
    assert isinstance(mapped, Mapped)
    assert mapped.record.without_sku == lacks
    assert (mapped.record.name, mapped.record.is_digital) == ("Mug", True)


Answers = dict[str, list[httpx.Response]]


@contextmanager
def store(answers: Answers) -> Iterator[tuple[BigCommerce, list[str]]]:
    """Open a store that answers each path with one response after the other; yield its calls.

    Behind the last response its lists are empty.
    """
    calls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(str(request.url).partition("/v3/")[2])
        left = answers[calls[-1].partition("?")[0]]
        return left.pop(0) if left else page([])

    opened = build(
        settings(), connection(), lambda _: "t", LocalQuota(), httpx.MockTransport(answer)
    )
    assert isinstance(opened, BigCommerce)
    with closing(opened):
        yield opened, calls


def page(data: object, pages: object = None) -> httpx.Response:
    """Return a page of a list of so many pages."""
    return httpx.Response(200, json={"data": data, "meta": {"pagination": {"total_pages": pages}}})


def product(number: int, **changes: object) -> dict[str, object]:
    """Return a product of the catalog."""
    return {"id": number, "sku": f"P-{number}", "inventory_tracking": "product"} | changes


@pytest.mark.parametrize(
    ("pages", "expected", "calls"),
    [
        ([page([product(1)], 2), page([product(2)], 2)], [["P-1"], ["P-2"]], 3),
        ([page([product(1)], 1), page([product(2)], 1)], [["P-1"], ["P-2"]], 3),
        ([page([product(1)], 9), page([], 9)], [["P-1"]], 2),
        ([page([product(1)], 9), httpx.Response(204)], [["P-1"]], 2),
        ([page([product(1)], None)], [["P-1"]], 2),
        ([page([product(1)], "many")], [["P-1"]], 2),
        ([httpx.Response(200, json={"data": [product(1)]})], [["P-1"]], 2),
        ([page([], 0)], [], 1),
        ([httpx.Response(204)], [], 1),
    ],
)
def test_pages_are_read_up_to_an_empty_one_whatever_count_is_stated(
    pages: list[httpx.Response], expected: list[list[str]], calls: int
) -> None:
    """A count that is too small hides no product, and no page is read twice."""
    with store({"catalog/products": list(pages)}) as (reader, called):
        found = [[item.sku for item in page] for page in read_items(reader)]
    assert (found, len(called)) == (expected, calls)
    assert [call.rpartition("%3Agreater=")[2] for call in called] == [str(i) for i in range(calls)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"variants": []}, [("P-1", None)]),
        ({"variants": None}, [("P-1", None)]),
        ({"variants": [{"id": 7, "sku": "V-7"}]}, [("V-7", "7")]),
        ({"sku": "", "variants": [{"id": 7, "sku": "V-7"}]}, [("V-7", "7")]),
        ({"sku": None, "variants": [{"id": 7, "sku": ""}]}, []),
        ({"sku": "", "variants": []}, []),
        (
            {"variants": [{"id": 7, "sku": "V-7"}, {"id": 8, "sku": "V-8"}]},
            [("P-1", None)],
        ),
        (
            {
                "inventory_tracking": "variant",
                "variants": [{"id": 7, "sku": "V-7"}, {"id": 8, "sku": None}, {"id": 9, "sku": 9}],
            },
            [("V-7", "7"), ("sku", None)],
        ),
        ({"variants": [None]}, [("variants", None)]),
        ({"inventory_tracking": "variant", "variants": [{"sku": "V"}, None]},
         [("variants.id", None), ("variants", None)]),
    ],
)  # fmt: skip
def test_a_product_is_the_skus_that_hold_its_stock(
    changes: dict[str, object], expected: list[tuple[str, str | None]]
) -> None:
    """With its own SKU or its variants', none without a SKU; a problem names the field."""
    data = [product(1, **changes), product(2)]
    with store({"catalog/products": [page(data)]}) as (reader, _):
        [found] = read_items(reader)
    items = [(item.sku, item.item_id) for item in found if isinstance(item, StoreItem)]
    problems = [
        (problem.field, None)
        for item in found
        if isinstance(item, Unusable)
        for problem in item.problems
    ]
    assert sorted([*items, *problems], key=str) == sorted([*expected, ("P-2", None)], key=str)


@pytest.mark.parametrize(
    "location", [{"code": "EAST"}, {"id": None, "code": "EAST"}, {"id": [], "code": "EAST"}, 7]
)
def test_a_location_that_cannot_be_read_is_an_error(location: object) -> None:
    """Left out, its stock would be taken for missing."""
    with (
        store({"inventory/locations": [page([location])]}) as (reader, _),
        pytest.raises(PermanentError, match="breaks the API's contract"),
    ):
        reader.targets["inventory"].locations()


def test_a_location_without_a_code_is_left_out_unless_it_is_the_default() -> None:
    """Nothing can name it but the word default."""
    own = [{"id": 1}, {"id": 2, "code": "EAST"}]
    answers = {"inventory/locations": [page(own), page([]), page([{"id": 1}])]}
    with store(answers) as (reader, calls):
        assert reader.targets["inventory"].locations() == {"EAST": "2", "default": "1"}
    assert ["is_default=true" in call for call in calls] == [False, False, True]


@pytest.mark.parametrize(
    "level",
    [
        {"location_id": 1, "total_inventory_onhand": "many"},
        {"location_id": 1, "total_inventory_onhand": None},
        {"location_id": 1, "total_inventory_onhand": 1e999},
        {"location_id": 1},
        {"total_inventory_onhand": 1},
        None,
    ],
)
def test_a_level_that_cannot_be_read_is_an_error_and_not_zero(level: object) -> None:
    """A store's stock that is not known must not look like the stock that is wanted."""
    good = {"location_id": 2, "total_inventory_onhand": 3}
    item = {"identity": {"sku": "A"}, "locations": [good, level]}
    content = json.dumps({"data": [item]}).replace("Infinity", "1e999")
    answers = {"inventory/items": [httpx.Response(200, content=content.encode())]}
    with store(answers) as (reader, _), pytest.raises(PermanentError, match="can't be read"):
        reader.targets["inventory"].levels(["A"])


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"identity": {"sku": "A"}, "locations": []}, {}),
        ({"identity": {"sku": "A"}}, "without locations"),
        ({"locations": [{"location_id": 1, "total_inventory_onhand": 1}]}, "can't be read"),
        (
            {
                "identity": {"sku": 7},
                "locations": [{"location_id": "1", "total_inventory_onhand": "-4"}],
            },
            {("7", "1"): -4},
        ),
    ],
)
def test_stock_is_read_by_sku_and_location(item: object, expected: Any) -> None:
    """Numbers may be written as text; what names no item can't be assigned."""
    with store({"inventory/items": [page([item])]}) as (reader, _):
        if isinstance(expected, str):
            with pytest.raises(PermanentError, match=expected):
                reader.targets["inventory"].levels(["A"])
        else:
            assert reader.targets["inventory"].levels(["A"]) == expected


def test_a_sku_with_a_comma_is_not_asked_for() -> None:
    """The filter is a list with commas: its parts would name other items."""
    with store({"inventory/items": [page([])]}) as (reader, calls):
        assert reader.targets["inventory"].levels(["A,B"]) == {}
        assert reader.targets["inventory"].levels(["A,B", "C"]) == {}
    [call] = calls
    assert "sku%3Ain=C&" in call
