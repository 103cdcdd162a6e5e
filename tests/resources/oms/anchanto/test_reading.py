"""Reading orders: windows, unsorted lists, joined shipments, single orders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.values import Window
from resources.oms.anchanto.orders import lists as lists_module
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.payload import split_order
from tests.resources.oms.anchanto.samples import (
    Json,
    listed,
    order_row,
    reader_of,
    settings_of,
    shipment_row,
)

DAY = datetime(2026, 3, 4, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))


def stamp(minutes: int) -> str:
    """Return a time of the day."""
    return f"{DAY + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


class Account:
    """Orders and shipments in the order in which they are listed."""

    def __init__(self, orders: list[Json], shipments: list[Json], **settings: Any) -> None:
        self.orders, self.shipments = orders, shipments
        self.asked: list[str] = []
        chosen = settings_of(**settings)
        self.lists = OrderLists(reader_of(self.answer, chosen), chosen)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer a list."""
        path = request.url.path.removeprefix("/rest/v1")
        self.asked.append(f"{path} {request.url.params.get('page[number]')}")
        rows = self.orders if path == "/orders" else self.shipments
        if numbers := request.url.params.get_list("filter[order_number][]"):
            rows = [row for row in rows if row["order_number"] in numbers]
        return listed(rows, request)

    def read(self) -> dict[str, RawRecord]:
        """Read the day."""
        found = [record for page in self.lists.changed_in(WINDOW) for record in page]
        assert len({record.source_id for record in found}) == len(found)
        return {record.source_id: record for record in found}


def orders(*minutes: int, **fields: Any) -> list[Json]:
    """Return orders that were changed at these minutes of the day."""
    return [order_row(number=f"T-{n}", updated_at=stamp(n), **fields) for n in minutes]


def test_an_order_is_captured_with_its_own_shipments() -> None:
    """Each row as it came, in a lasting order, whichever was changed last; the same once."""
    rows = [
        shipment_row(("SKU-1", 1), shipment_number=name, order_number=number)
        for name, number in (("S10", "T-1"), ("S9", "T-1"), ("S11", "T-2"), ("S9", "T-1"))
    ]
    found = Account(orders(1, 2), rows).read()
    for number, names in (("T-1", ["S9", "S10"]), ("T-2", ["S11"])):
        row, shipments = split_order(found[number].payload)
        assert orjson.loads(row)["attributes"]["number"] == number
        assert [orjson.loads(each)["shipment_number"] for each in shipments] == names


def test_without_a_query_by_order_shipments_are_listed_from_the_oldest_order_on() -> None:
    """An account may have no such query."""
    rows = [shipment_row(("SKU-1", 1), order_number=number) for number in ("T-9", "OTHER")]
    account = Account(orders(1), rows, wire={"params": {"order_numbers": None}})
    [record] = account.read().values()
    assert len(split_order(record.payload)[1]) == 0
    rows[0]["order_number"] = "T-1"
    [record] = account.read().values()
    assert len(split_order(record.payload)[1]) == 1


def test_a_sorted_list_is_left_behind_the_window() -> None:
    """Any other is read to its end, or orders would be lost; so is one that is not as it says."""
    later = [24 * 60 + n for n in range(30)]
    account = Account(orders(1, 2, *later, status="New"), [], page_size=4, sorted_lists=True)
    assert set(account.read()) == {"T-1", "T-2"}
    assert [call for call in account.asked if call.startswith("/orders")] == ["/orders 1"] * 2
    for minutes, is_sorted in (((*later, 2, 1), False), ((*reversed(later), 2, 1), True)):
        rows = orders(*minutes, status="New")
        mixed = Account(rows, [], page_size=4, sorted_lists=is_sorted)
        assert set(mixed.read()) == {"T-1", "T-2"}


def test_the_probe_returns_the_oldest_change_or_where_to_begin() -> None:
    """One full page of an unsorted list may lack the oldest."""
    assert Account([], []).lists.oldest_since(DAY) is None
    assert Account(orders(3, 5), []).lists.oldest_since(DAY) == DAY + timedelta(minutes=3)
    for is_sorted, minutes, oldest in ((False, (3, 5), 0), (True, (5, 3), 0), (True, (3, 5), 3)):
        full = Account(orders(*minutes), [], page_size=2, sorted_lists=is_sorted)
        assert full.lists.oldest_since(DAY) == DAY + timedelta(minutes=oldest)


def test_a_row_without_number_or_time_is_captured() -> None:
    """And rejected by the mapping, which says why."""
    found = Account([order_row(number=None), order_row(updated_at="soon")], []).read()
    assert sorted(name[:3] for name in found) == ["T-1", "unr"]


def test_a_list_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that ignores the page would be read forever."""
    monkeypatch.setattr(lists_module, "MOST_PAGES", 5)
    page = httpx.Response(200, content=orjson.dumps({"data": orders(1, status="New")}))
    lists = OrderLists(reader_of(lambda _: page), settings_of())
    with pytest.raises(PermanentError, match="no end"):
        list(lists.changed_in(WINDOW))


def test_an_order_is_read_by_its_own_number_only() -> None:
    """A text that can be no number is not asked for; an answer with another order is none."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path.rpartition("/")[2])
        if asked[-1] == "T-3":
            return httpx.Response(404, json={"response": "error", "message": "Order not found"})
        row = None if request.url.path.endswith("/shipments") else order_row(number="T-1")
        return httpx.Response(200, content=orjson.dumps({"data": row or []}))

    lists = OrderLists(reader_of(answer), settings_of())
    assert lists.read(["", "x" * 300]) == []
    assert asked == []
    assert [each.source_id for each in lists.read(["T-2", "T-3", "T-1", "T-1"])] == ["T-1"]
    assert asked[:3] == ["T-2", "T-3", "T-1"]
    assert set(asked[3:]) == {"shipments"}
