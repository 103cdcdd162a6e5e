"""Orders by list and id, stock and products: nothing is missed, doubled or taken for zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from domain.connections import InventoryPolicy
from domain.errors import PermanentError, RecordRejected
from domain.exchange import Mapped
from domain.sources import Scope
from domain.values import Window
from resources.oms.extensiv.inventory import InventorySource, StockList
from resources.oms.extensiv.orders.lists import OrderLists
from tests.resources.oms.extensiv.samples import always, client_of, ok, refused, settings_of, view

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def row(number: int, at: datetime = NOON) -> bytes:
    """Return an order changed at a time."""
    return view(cust_ref=f"T-{number}", updated_date_time=at.isoformat())


def answer(rows: list[bytes]) -> httpx.Response:
    """Answer a list."""
    return ok([orjson.Fragment(each) for each in rows])


def lists_of(handler: Any, **lists: Any) -> OrderLists:
    """Return the orders of an account."""
    return OrderLists(client_of(handler), settings_of(lists=lists))


def test_orders_that_leave_a_list_while_it_is_read_hide_no_other() -> None:
    """Those behind them move forward, past a page's edge, and are met on the way back."""
    orders = [row(number) for number in range(6)]
    asked: list[int] = []

    def handle(request: httpx.Request) -> httpx.Response:
        page, size = int(request.url.params["page"]), 2
        asked.append(page)
        shown = answer(orders[(page - 1) * size : page * size])
        if len(asked) == 1:
            del orders[0]  # it has shipped: it is in another list now
        return shown

    lists = lists_of(handle, window=("at_wms",), page_size=2)
    found = [r.source_id for rows in lists.changed_in(Window(NOON, NOON + HOUR)) for r in rows]
    assert sorted(found) == [f"T-{number}" for number in range(6)]
    assert asked == [1, 2, 3, 4, 3, 2, 1]


def test_an_order_in_several_lists_is_read_once() -> None:
    """With the times as they are sent: UTC, its offset encoded, and the end not included."""
    queries: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        queries.append(str(request.url))
        return answer([row(1)] if request.url.params["page"] == "1" else [])

    lists = lists_of(handle, window=("any", "at_wms"))
    [[found]] = list(lists.changed_in(Window(NOON, NOON + HOUR)))
    assert (found.source_id, found.updated_at, found.payload) == ("T-1", NOON, row(1))
    assert "from_date=2026-03-04T12%3A00%3A00%2B00%3A00" in queries[0]
    assert "to_date=2026-03-04T12%3A59%3A59%2B00%3A00" in queries[0]


def test_an_order_whose_list_knows_a_change_that_its_own_time_does_not_is_kept() -> None:
    """It is dated at the window's start: the list's date is in the window."""
    lists = lists_of(
        lambda request: answer([row(1, NOON - HOUR)] if request.url.params["page"] == "1" else []),
        window=("shipped_or_confirmed",),
    )
    [[found]] = list(lists.changed_in(Window(NOON, NOON + HOUR)))
    assert found.updated_at == NOON


def test_a_full_page_of_the_probe_is_answered_by_caution() -> None:
    """The oldest may be on another page."""
    rows = [row(number, NOON + HOUR) for number in range(2)]
    assert lists_of(always(answer(rows)), page_size=2).oldest_since(NOON) == NOON
    assert lists_of(always(answer(rows)), page_size=3).oldest_since(NOON) == NOON + HOUR
    assert lists_of(always(answer([]))).oldest_since(NOON) is None


def test_a_list_of_ids_is_completed_by_reading_each_order() -> None:
    """Where an account's lists have no items and shipments."""

    def handle(request: httpx.Request) -> httpx.Response:
        if "/list/" not in request.url.path:
            return ok(orjson.Fragment(row(1)))
        short = {"cust_ref": "T-1", "updated_date_time": NOON.isoformat()}
        return ok([short] if request.url.params["page"] == "1" else [])

    lists = lists_of(handle, window=("any",), read_each=True)
    [[found]] = list(lists.changed_in(Window(NOON, NOON + HOUR)))
    assert found.payload == row(1)


def test_a_refused_list_is_permanent() -> None:
    """A wrong name of a list is the configuration's fault."""
    lists = lists_of(always(refused("Invalid", "Unknown order status")))
    with pytest.raises(PermanentError):
        lists.oldest_since(NOON)


# -- stock

WIDE = {
    "sku": "SKU-1",
    "qty_available": 7,
    "qty_on_hand": "9",
    "wms_datetime": "2026-03-04 12:00:00",
    "aliases": [],
    "warehouses": {
        "101": {"warehouse": "EAST", "qty_available": "5", "qty_on_hand": 6},
        "102": {"warehouse": "WEST", "qty_available": 2, "qty_on_hand": 3},
    },
}


def source_of(rows: list[Any], **policy: Any) -> InventorySource:
    """Return the stock of an account that lists these rows."""

    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/inventory"):
            return ok(rows if request.url.params["page"] == "1" else [])
        found = [row for row in rows if request.url.path.endswith(f"/{row['sku']}")]
        return ok(found[0]) if found else refused("Failure", "Product not found")

    settings = settings_of()
    return InventorySource(
        StockList(client_of(handle), settings), settings, InventoryPolicy(**policy)
    )


def test_the_same_quantities_have_the_same_content_in_every_form() -> None:
    """Numbers in lists, text alone, another time: no change; another quantity is one."""
    text = WIDE | {
        "qty_available": "7",
        "qty_on_hand": "9.0",
        "wms_datetime": "2026-03-05 01:00:00",
    }
    contents = []
    for shown in (WIDE, text, WIDE | {"qty_available": 6}):
        [page] = source_of([shown]).read(["SKU-1"])
        contents.append(page.records[0].content)
    assert contents[0] == contents[1]
    assert contents[0] != contents[2]


def test_a_level_is_by_warehouse_named_by_id_or_name() -> None:
    """Of each only its own quantities count; a warehouse without the SKU has no row."""
    source = source_of([WIDE], mode="by_node", nodes={"101": "a", "west": "b", "NORTH": "c"})
    *pages, last = source.fetch(Window(NOON, NOON), Scope(["SKU-1"]))
    assert last.complete
    records = [record for page in pages for record in page.records]
    assert [record.source_id for record in records] == ["SKU-1@101", "SKU-1@west"]
    mapped = [source.to_canonical(record.payload) for record in records]
    levels = [one.record for one in mapped if isinstance(one, Mapped)]
    assert [(level.node, level.available, level.on_hand) for level in levels] == [
        ("101", Decimal(5), Decimal(6)),
        ("west", Decimal(2), Decimal(3)),
    ]
    assert orjson.loads(records[0].payload)["row"] == WIDE


def test_a_missing_quantity_is_not_zero_and_a_negative_one_shows_as_zero() -> None:
    """The first is a rejection, the second a warning."""
    source = source_of([])
    with pytest.raises(RecordRejected):
        source.to_canonical(orjson.dumps(WIDE | {"qty_available": None}))
    negative = source.to_canonical(orjson.dumps(WIDE | {"qty_available": "-3"}))
    assert isinstance(negative, Mapped)
    assert negative.record.available == 0
    assert [warning.code for warning in negative.warnings] == ["quantity_negative"]
    assert negative.record.observed_at == NOON


def test_many_skus_are_read_by_one_list() -> None:
    """Those that were not asked for are left out; the list serves the next part of the read."""
    rows = [{"sku": f"S-{n}", "qty_available": n} for n in range(30)]
    source = source_of(rows)
    asked = [f"S-{n}" for n in range(20)]
    found = [r.source_id for page in source.read(asked) for r in page.records]
    assert found == [f"{sku}@NetworkView" for sku in asked]
    everything = [r for page in source.fetch(Window(NOON, NOON)) for r in page.records]
    assert len(everything) == 30
