"""Where lists end: at an empty page, whatever their counts and the lengths of pages suggest."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

import httpx
import orjson
import pytest

from domain.errors import PermanentError
from domain.ports import CommercePlatform
from resources.http.async_client import AsyncApiClient
from resources.http.rate_limit import LocalQuota
from resources.http.reply import Reply
from resources.platforms.bigcommerce.adapter import build
from resources.platforms.bigcommerce.shipments.writer import BigCommerceWriter
from tests.resources.platforms.bigcommerce.stores import (
    ORDER,
    connection,
    feed_of,
    line_of,
    order,
    read_items,
    read_orders,
    settings,
)
from tests.resources.platforms.bigcommerce.test_reading import DAY

Json = dict[str, Any]
LEVEL = {"location_id": 5, "total_inventory_onhand": 3}


class Lists:
    """A store whose pages are as short as it likes, and whose counts are wrong."""

    def __init__(self, lists: Mapping[str, Sequence[Json]], at_once: int) -> None:
        self.lists, self.at_once, self.asked = lists, at_once, list[str]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer a page; V3 claims that there is only one."""
        path, params = request.url.path.partition("/stores/acme1")[2], request.url.params
        self.asked.append(path)
        rows = self.lists[path]
        if after := params.get("id:greater", params.get("min_id")):
            first = int(after) + ("id:greater" in params)
            page = [row for row in rows if row["id"] >= first][: self.at_once]
        else:
            start = (int(params["page"]) - 1) * self.at_once
            page = list(rows[start : start + self.at_once])
        if path.startswith("/v2"):
            return httpx.Response(200 if page else 204, json=page or None)
        meta = {"pagination": {"total": len(page), "total_pages": 1, "current_page": 1}}
        return httpx.Response(200, json={"data": page, "meta": meta})


@pytest.fixture(params=[1, 3, 7])
def at_once(request: pytest.FixtureRequest) -> int:
    """How many rows the store puts on a page."""
    return int(request.param)


def store_of(lists: Lists, **changes: Any) -> CommercePlatform:
    """Build a connector to the lists."""
    transport = httpx.MockTransport(lists)
    return build(settings(**changes), connection(), lambda _: "t", LocalQuota(), transport)


def test_orders_behind_a_short_page_are_read(at_once: int) -> None:
    """A page of 7 where 250 were asked for may have been cut by the server."""
    lists = Lists({"/v2/orders": [order(id=n) for n in range(1, 18)]}, at_once)
    store = store_of(lists)
    found = [record.source_id for page in read_orders(store, DAY) for record in page]
    assert found == [str(n) for n in range(1, 18)]
    store.close()


def test_lines_behind_a_short_page_are_read(at_once: int) -> None:
    """An order must not go out without the lines that a page was too short for."""
    lines = [line_of(ORDER) | {"id": n, "quantity": 1} for n in range(1, 10)]
    lists = Lists(
        {"/v2/orders": [order(items_total=9)], "/v2/orders/1001/products": lines}, at_once
    )
    store = store_of(lists)
    [[record]] = read_orders(store, DAY)
    assert [line["id"] for line in orjson.loads(record.payload)["products"]] == list(range(1, 10))
    store.close()


def test_a_catalog_whose_count_is_too_small_is_read_to_its_end(at_once: int) -> None:
    """``total_pages`` that is too small would take the rest for deleted."""
    products = [
        {"id": n, "sku": f"S-{n}", "inventory_tracking": "product", "variants": []}
        for n in range(1, 20)
    ]
    store = store_of(Lists({"/v3/catalog/products": products}, at_once))
    found = [item for page in read_items(store) for item in page]
    assert [getattr(item, "sku", "") for item in found] == [f"S-{n}" for n in range(1, 20)]
    store.close()


def test_locations_and_levels_behind_a_short_page_are_read(at_once: int) -> None:
    """A location that is missed gets no stock; a level that is missed counts as unknown."""
    places = [{"id": n, "code": f"L-{n}"} for n in range(1, 12)]
    rows = [{"identity": {"sku": f"S-{n}"}, "locations": [LEVEL]} for n in range(1, 12)]
    lists = Lists({"/v3/inventory/locations": places, "/v3/inventory/items": rows}, at_once)
    store = store_of(lists)
    assert {f"L-{n}" for n in range(1, 12)} < store.targets["inventory"].locations().keys()
    assert store.targets["inventory"].levels([f"S-{n}" for n in range(1, 13)]) == {
        (f"S-{n}", "5"): 3 for n in range(1, 12)
    }
    store.close()


def test_levels_that_were_all_found_cost_no_further_call() -> None:
    """A SKU is on the list once, so nothing can follow."""
    rows = [{"identity": {"sku": f"S-{n}"}, "locations": [LEVEL]} for n in range(3)]
    lists = Lists({"/v3/inventory/items": rows}, 50)
    store = store_of(lists)
    assert len(store.targets["inventory"].levels(["S-0", "S-1", "S-2"])) == 3
    assert len(lists.asked) == 1
    store.close()


def test_a_webhook_behind_a_short_page_is_not_registered_again(at_once: int) -> None:
    """The store would refuse the second one."""
    url = "https://hooks.acme.com/hooks/acme/platform"
    row = {"destination": url, "is_active": True, "headers": {}}
    hooks = [row | {"id": n, "scope": f"store/cart/{n}"} for n in range(1, 9)]
    hooks.append(row | {"id": 9, "scope": "store/order/*"})
    store = store_of(Lists({"/v3/hooks": hooks}, at_once), client_secret={"env": "X"})
    assert feed_of(store).ensure(url) == []
    store.close()


class Shipped:
    """The client of a store that lists an order's shipments."""

    def __init__(self, count: int, at_once: int) -> None:
        self._rows = [
            {"id": n, "order_address_id": 9, "items": [{"order_product_id": 5, "quantity": 1}]}
            for n in range(1, count + 1)
        ]
        self._at_once = at_once

    async def request(self, method: str, path: str, params: Mapping[str, str]) -> Reply:
        """Answer a page of the list."""
        assert method == "GET"
        start = (int(params["page"]) - 1) * self._at_once
        page = self._rows[start : start + self._at_once]
        return Reply(200 if page else 204, {}, orjson.dumps(page) if page else b"", 0.0, path)


def test_shipments_behind_a_short_page_are_read(at_once: int) -> None:
    """A shipment that is missed would be created a second time."""
    writer = BigCommerceWriter(cast("AsyncApiClient", Shipped(11, at_once)), settings())
    found = asyncio.run(writer.list_shipments("1001"))
    assert [shipment.shipment_id for shipment in found] == [str(n) for n in range(1, 12)]


@pytest.mark.parametrize("path", ["/v3/catalog/products", "/v3/inventory/locations"])
def test_a_store_that_ignores_the_page_is_an_error_and_no_endless_loop(path: str) -> None:
    """Each page would be the first one again."""
    row = {"id": 3, "code": "L", "sku": "S", "inventory_tracking": "none", "variants": []}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"data": [row, row]}))
    store = build(settings(), connection(), lambda _: "t", LocalQuota(), transport)
    reads: dict[str, Any] = {
        "/v3/catalog/products": lambda: read_items(store),
        "/v3/inventory/locations": store.targets["inventory"].locations,
    }
    with pytest.raises(PermanentError, match=f"GET {path} gave .*trying again won't help"):
        reads[path]()
    store.close()
