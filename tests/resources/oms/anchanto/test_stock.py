"""Reading stock and items: sums by SKU or levels by warehouse, kept lists, rows that don't fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import PermanentError, RecordRejected
from domain.exchange import Mapped
from domain.policies import InventoryPolicy
from domain.records.record import LONGEST_KEY
from domain.sources import Scope
from domain.values import Window
from resources.oms.anchanto import inventory as inventory_module
from resources.oms.anchanto.catalog import CatalogSource
from resources.oms.anchanto.inventory import InventorySource, StockList, StockMapper
from tests.resources.oms.anchanto.samples import (
    Json,
    listed,
    reader_of,
    settings_of,
)

DAY = datetime(2026, 3, 4, tzinfo=UTC)
WINDOW = Window(DAY, DAY + timedelta(days=1))


def row(sku: str | None, site: str, available: object, **fields: Any) -> Json:
    """Return a row of stock."""
    return {"attributes": {"sku": sku, "warehouse_code": site, "available": available} | fields}


def levels(rows: list[Json], policy: InventoryPolicy, *skus: str, **settings: Any) -> Json:
    """Return the levels that a source maps: (SKU, node) -> available units."""
    chosen = settings_of(**settings)
    reader = reader_of(lambda request: listed(rows, request), chosen)
    source = InventorySource(StockList(reader, chosen), chosen, policy)
    pages = list(source.fetch(WINDOW, Scope(skus or None)))
    assert pages[-1].complete
    found: Json = {}
    for record in (each for page in pages for each in page.records):
        mapped = source.to_canonical(record.payload)
        assert isinstance(mapped, Mapped)
        name = f"{mapped.record.sku}@{mapped.record.node}"
        assert record.source_id == name
        assert name not in found
        found[name] = int(mapped.record.available)
    return found


ROWS = [row("A", "EAST", 3), row("B", "EAST", 1), row("A", "WEST", "4"), row("A", "EAST", 3)]
BY_NODE = InventoryPolicy(mode="by_node", nodes={"east": "default", "NORTH": "n"})


@pytest.mark.parametrize("mode", ["aggregate", "by_node"])
def test_the_longest_sku_keeps_its_key_when_its_level_changes(mode: Any) -> None:
    """Under an id of its content each level would be another record, and a drift would be lost."""
    sku, site = "S" * LONGEST_KEY, "N" * LONGEST_KEY
    policy = InventoryPolicy(mode=mode, nodes={site: "default"} if mode == "by_node" else {})
    for units in (3, 4):
        assert list(levels([row(sku, site, units)], policy, sku).values()) == [units]


@pytest.mark.parametrize("size", [1, 2, 100])
def test_the_rows_of_a_sku_are_added_up_or_shown_by_warehouse(size: int) -> None:
    """However they lie on pages; a warehouse that is not the connection's is left out."""
    both = {"A@AllWarehouses": 7, "B@AllWarehouses": 1}
    assert levels(ROWS, InventoryPolicy(), page_size=size) == both
    assert levels(ROWS, InventoryPolicy(), "a", "NO", page_size=size) == {"A@AllWarehouses": 7}
    assert levels(ROWS, BY_NODE, page_size=size) == {"A@east": 3, "B@east": 1}
    no_query = {"params": {"skus": None}}
    assert levels(ROWS, InventoryPolicy(), "B", wire=no_query) == {"B@AllWarehouses": 1}


def test_more_sold_than_there_is_shows_as_none() -> None:
    """One warehouse's units make up for another's; a missing quantity is never zero."""
    assert levels([row("A", "EAST", -5), row("A", "WEST", 7)], InventoryPolicy()) == {
        "A@AllWarehouses": 2
    }
    assert levels([row("A", "EAST", -5)], InventoryPolicy()) == {"A@AllWarehouses": 0}
    for bad in (row("A", "EAST", None), row("A", "EAST", "many"), row(None, "EAST", 1)):
        with pytest.raises(RecordRejected):
            levels([bad], InventoryPolicy())


def test_a_row_whose_place_can_t_be_read_is_captured_and_rejected() -> None:
    """It may be at one of the connection's warehouses; so is one of a warehouse that was."""
    settings = settings_of()
    rows = [row("A", "", 3), row(None, "EAST", 1), row("L" * 300, "EAST", 1), row("A", "EAST", 3)]
    reader = reader_of(lambda request: listed(rows, request))
    source = InventorySource(StockList(reader, settings), settings, BY_NODE)
    found = [each for page in source.fetch(WINDOW) for each in page.records]
    assert [each.source_id == "A@east" for each in found] == [False, False, False, True]
    assert len({each.source_id for each in found}) == 4
    for record, field in zip(found[:2], ("warehouse_code", "sku"), strict=True):
        with pytest.raises(RecordRejected) as rejected:
            source.to_canonical(record.payload)
        assert field in [problem.field for problem in rejected.value.problems]
    moved = InventoryPolicy(mode="by_node", nodes={"NORTH": "n"})
    other = InventorySource(StockList(reader, settings), settings, moved)
    with pytest.raises(RecordRejected) as rejected:
        other.to_canonical(found[3].payload)
    [problem] = rejected.value.problems
    assert (problem.field, problem.value) == ("warehouse_code", "EAST")


@pytest.mark.parametrize("body", [b'{"stock_rows":[]}', b'{"stock_rows":', b'{"stock_rows":[1]}'])
def test_a_payload_without_rows_of_stock_is_rejected(body: bytes) -> None:
    """By each who maps it; its content can't be compared."""
    settings = settings_of()
    stock = StockList(reader_of(lambda request: listed([], request)), settings)
    for mapping in (InventorySource(stock, settings, BY_NODE), CatalogSource(stock, settings)):
        with pytest.raises(RecordRejected) as rejected:
            mapping.to_canonical(body)
        assert [problem.code for problem in rejected.value.problems] == ["oms_payload_unreadable"]
    assert StockMapper(settings, BY_NODE).content(body) is None


def test_stock_without_an_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that ignores the page would be read forever."""
    monkeypatch.setattr(inventory_module, "MOST_PAGES", 5)
    page = httpx.Response(200, content=orjson.dumps({"data": ROWS}))
    stock = StockList(reader_of(lambda _: page), settings_of())
    with pytest.raises(PermanentError, match="no end"):
        list(stock.everything())


@pytest.mark.parametrize(("most", "reads"), [(3, 1), (2, 2), (1, 2)])
def test_a_list_that_is_too_long_to_keep_is_read_each_time(most: int, reads: int) -> None:
    """Whole, and each row once."""
    settings, firsts = settings_of(page_size=1, most_kept=most), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params["page[number]"] == "1":
            firsts.append(str(request.url))
        return listed(ROWS, request)

    stock = StockList(reader_of(answer, settings), settings)
    for _ in range(2):
        found = [stock.key_of(each) for page in stock.everything() for each in page]
        assert found == [("A", "EAST"), ("B", "EAST"), ("A", "WEST")]
    assert len(firsts) == reads


def test_a_kept_list_serves_a_run_and_no_later_one() -> None:
    """Items may be looked up in it; a level that is older than the run's start is read again."""
    settings, calls = settings_of(wire={"params": {"skus": None}}), list[str]()

    def answer(request: httpx.Request) -> httpx.Response:
        calls.append(str(request.url))
        return listed(ROWS, request)

    stock = StockList(reader_of(answer, settings), settings)
    source = InventorySource(stock, settings, InventoryPolicy())
    started = datetime.now(UTC)
    for _ in range(2):
        list(source.fetch(WINDOW, Scope(["A"], started)))
        list(CatalogSource(stock, settings).read(["A"]))
    assert len(calls) == 2, "one list, and its end"
    list(source.fetch(WINDOW, Scope(["A"], datetime.now(UTC))))
    assert len(calls) == 4


def test_a_level_differs_by_its_quantities_only() -> None:
    """A time that moves at each look is not a change."""
    settings = settings_of()
    contents = []
    early, late = "2026-03-04T00:01:00Z", "2026-03-04T00:02:00Z"
    for available, moment in ((3, early), ("3.0", late), (4, late)):
        rows = [row("A", "EAST", available, updated_at=moment, on_hand=9)]
        reader = reader_of(lambda request, rows=rows: listed(rows, request))
        source = InventorySource(StockList(reader, settings), settings, InventoryPolicy())
        contents += [record.content for page in source.read(["A"]) for record in page.records]
    assert contents[0] == contents[1] != contents[2]


def test_a_sku_with_a_row_is_an_item() -> None:
    """In the spelling that was asked for; case does not count."""
    settings = settings_of()
    reader = reader_of(lambda request: listed(ROWS, request))
    catalog = CatalogSource(StockList(reader, settings), settings)
    found = [record for page in catalog.read(["a", "A", "NO"]) for record in page.records]
    assert sorted(record.source_id for record in found) == ["A", "a"]
    mapped = catalog.to_canonical(found[0].payload)
    assert isinstance(mapped, Mapped)
    assert (mapped.record.sku, mapped.record.uom) == ("A", "EACH")
    for bad, field in ((row(None, "EAST", 1), "sku"), (row("A", "EAST", "many"), "available")):
        with pytest.raises(RecordRejected) as rejected:
            catalog.to_canonical(orjson.dumps(bad))
        [problem] = rejected.value.problems
        assert (problem.code, problem.field) == ("oms_payload_unreadable", field)
