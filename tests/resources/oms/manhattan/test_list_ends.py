"""Where searches end: at an empty page, whatever counts and the lengths of pages suggest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import httpx
import orjson
import pytest

from assets.streams.catalog.store_items import master_items
from domain.errors import PermanentError
from resources.oms.manhattan.catalog import CatalogSource
from resources.oms.manhattan.client import any_of
from tests.resources.oms.manhattan.orders.test_search import (
    START,
    Book,
    ids_of,
    search_of,
    stamps_of,
)
from tests.resources.oms.manhattan.samples import settings_of

Json = dict[str, Any]


@pytest.mark.parametrize("cap", [1, 4, 9])
@pytest.mark.parametrize("count", [1, 8, 23])
def test_orders_behind_a_short_page_are_read(cap: int, count: int) -> None:
    """A tenant may cut pages shorter than asked for, and count nothing."""
    book = Book(stamps_of(count))
    book.cap = cap
    assert ids_of(search_of(book)) == list(book.stamps)


def test_orders_of_one_time_behind_a_short_page_are_read() -> None:
    """Time does not separate them, only the page's number does."""
    book = Book({f"B-{n:02}": START for n in range(19)})
    book.cap = 4
    assert ids_of(search_of(book)) == list(book.stamps)


@pytest.mark.parametrize("stated", [0, 3, 10])
def test_a_count_that_is_too_small_ends_no_search(stated: int) -> None:
    """Whatever the header claims, the orders behind the first page are read."""
    book = Book(stamps_of(35))

    def answer(request: httpx.Request) -> httpx.Response:
        content = orjson.loads(book(request).content)
        return httpx.Response(200, json=content | {"header": {"totalCount": str(stated)}})

    assert ids_of(search_of(answer)) == list(book.stamps)


def test_a_live_window_costs_a_call_and_one_that_finds_its_end() -> None:
    """Nearly all windows have a row or two."""
    for count in (1, 2, 5):
        book = Book(stamps_of(count))
        assert len(ids_of(search_of(book))) == count
        assert book.calls == 2
    quiet = Book({})
    assert ids_of(search_of(quiet)) == []
    assert quiet.calls == 1


def test_a_tenant_that_ignores_the_page_is_an_error_and_no_endless_loop() -> None:
    """More orders of one time than a page holds could never be read."""
    book = Book({f"B-{n:02}": START for n in range(35)})

    def answer(request: httpx.Request) -> httpx.Response:
        body = orjson.loads(request.content) | {"Page": 0}
        return book(httpx.Request("POST", request.url, content=orjson.dumps(body)))

    with pytest.raises(PermanentError, match="the tenant ignores Page"):
        ids_of(search_of(answer))


class Rows:
    """A search by ids that puts few rows on a page, and claims that they are all."""

    def __init__(self, attribute: str, rows: Sequence[Json], at_once: int) -> None:
        self.attribute, self.rows, self.at_once, self.calls = attribute, rows, at_once, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one page."""
        self.calls += 1
        body = orjson.loads(request.content)
        wanted = set(re.findall("'([^']+)'", body["Query"]))
        found = [row for row in self.rows if row[self.attribute] in wanted]
        size = min(self.at_once, body["Size"])
        page = found[body["Page"] * size : (body["Page"] + 1) * size]
        header = {"totalCount": str(len(page)), "size": len(page)}
        return httpx.Response(200, json={"success": True, "header": header, "data": page})


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_orders_looked_up_behind_a_short_page_are_found(at_once: int) -> None:
    """An order that is missed would be created a second time."""
    stamp = {"UpdatedTimestamp": "2026-03-04T01:00:00.000"}
    rows = Rows("OrderId", [{"OrderId": f"T-{n}"} | stamp for n in range(10)], at_once)
    ids = [f"T-{n}" for n in range(12)]
    found = search_of(rows).matching(any_of("OrderId", ids), len(ids))
    assert [record.source_id for record in found] == ids[:10]


def test_orders_that_were_all_found_cost_no_further_call() -> None:
    """An order has one row, so nothing can follow."""
    rows = Rows("OrderId", [{"OrderId": "T-1"}, {"OrderId": "T-2"}], 50)
    assert len(search_of(rows).matching(any_of("OrderId", ["T-1", "T-2"]), 2)) == 2
    assert rows.calls == 1


@pytest.mark.parametrize("at_once", [1, 3, 50])
def test_items_behind_a_short_page_are_found(at_once: int) -> None:
    """The orders for an item that is missed would be rejected as unknown."""
    rows = Rows("ItemId", [{"ItemId": f"S-{n}", "BaseUOM": "EA"} for n in range(10)], at_once)
    source = CatalogSource(search_of(rows)._client, settings_of())
    skus = [f"S-{n}" for n in range(12)]
    assert list(master_items(source, skus)) == skus[:10]
