"""Orders by list and id, stock and products: nothing is missed, doubled or taken for zero."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import orjson
import pytest

from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import Mapped, MasterItem
from domain.identity import is_fallback_id
from domain.policies import InventoryPolicy
from domain.sources import EVERYTHING, Scope
from domain.values import Window
from resources.oms.extensiv import stock_list
from resources.oms.extensiv.catalog import CatalogSource
from resources.oms.extensiv.inventory import InventorySource
from resources.oms.extensiv.orders import lists as lists_module
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.stock_list import StockList
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


def test_an_empty_window_is_not_asked_for() -> None:
    """Both bounds of a query are included, so that it would find the next window's orders."""
    lists = lists_of(always(httpx.Response(500)), window=("any",))
    assert list(lists.changed_in(Window(NOON, NOON))) == []
    half = timedelta(milliseconds=500)
    lists = lists_of(lambda request: answer([row(1)] if request.url.params["page"] == "1" else []))
    # Times have whole seconds: this order is the window's that ends within its second.
    assert list(lists.changed_in(Window(NOON + half, NOON + 2 * half))) == []


def test_only_orders_of_the_configured_source_are_asked_for() -> None:
    """One merchant's account has those of all its stores."""
    asked: list[str | None] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("order_source"))
        return answer([])

    for source in ("web", None):
        assert lists_of(handle, source=source).oldest_since(NOON) is None
    assert asked == ["web", None]


def test_a_list_without_end_stops_the_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that leaves out the page's number would be read forever."""
    monkeypatch.setattr(lists_module, "MOST_PAGES", 3)
    lists = lists_of(always(answer([row(1)])), window=("any",))
    with pytest.raises(PermanentError, match="the list any has no end"):
        list(lists.changed_in(Window(NOON, NOON + HOUR)))


def test_reading_by_id_returns_only_the_orders_that_were_asked_for() -> None:
    """Not one that does not exist, and not another one that the account answers with."""
    answers = {"T-1": ok(orjson.Fragment(row(1))), "T-2": ok(orjson.Fragment(row(9)))}
    missing = refused("Failure", "Order not found")
    lists = lists_of(lambda r: answers.get(r.url.path.rsplit("/", 1)[1], missing))
    assert [found.source_id for found in lists.read(["T-1", "T-2", "T-3", "T-1"])] == ["T-1"]


def test_a_read_that_is_refused_is_not_a_missing_order() -> None:
    """An order that seems missing could be sent a second time."""
    answered = refused("Invalid", "Unknown path")
    answered.headers["X-CartRover-Process-ID"] = "P-77"
    lists = lists_of(always(answered))
    with pytest.raises(PermanentError, match=r"Unknown path \(process id P-77\)"):
        lists.read(["T-1"])


@pytest.mark.parametrize(
    "changes",
    [
        {"updated_date_time": None},
        {"updated_date_time": "soon"},
        {"updated_date_time": "0001-01-01"},
    ],
)
def test_an_order_without_a_usable_time_is_captured_at_the_windows_start(changes: Any) -> None:
    """It is not lost, whatever its time says."""
    shown = answer([view(**changes)])
    lists = lists_of(
        lambda request: shown if request.url.params["page"] == "1" else answer([]), window=("any",)
    )
    [[found]] = list(lists.changed_in(Window(NOON, NOON + HOUR)))
    assert (found.source_id, found.updated_at) == ("T-1", NOON)


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
    assert found == [f"{sku}@AllWarehouses" for sku in asked]
    everything = [r for page in source.fetch(Window(NOON, NOON)) for r in page.records]
    assert len(everything) == 30


@pytest.mark.parametrize(
    "changes",
    [
        {"warehouses": [{"warehouse": "EAST", "qty_available": 5}]},
        {"warehouses": None},
        {"warehouses": "EAST"},
        {"warehouses": {"101": "closed"}},
        {"warehouses": {"101": {"warehouse": {}, "qty_available": 5}}},
    ],
)
def test_warehouses_that_can_not_be_read_are_rejected_and_not_missing(changes: Any) -> None:
    """A level that is missing becomes 0 in the store."""
    source = source_of([WIDE | changes], mode="by_node", nodes={"EAST": "a"})
    [record] = [record for page in source.read(["SKU-1"]) for record in page.records]
    assert (record.source_id, record.content) == ("SKU-1@EAST", None)
    with pytest.raises(RecordRejected) as rejected:
        source.to_canonical(record.payload)
    assert rejected.value.problems[0].code == "oms_payload_unreadable"


def test_a_warehouse_that_can_not_be_read_hides_no_other() -> None:
    """By id or by name; one that the row does not have is absent."""
    places = {**WIDE["warehouses"], "103": []}  # type: ignore[dict-item]
    source = source_of(
        [WIDE | {"warehouses": places}], mode="by_node", nodes={"west": "b", "101": "a"}
    )
    [page] = source.read(["SKU-1"])
    mapped = [source.to_canonical(record.payload) for record in page.records]
    assert [one.record.available for one in mapped if isinstance(one, Mapped)] == [2, 5]
    empty = source_of([WIDE | {"warehouses": []}], mode="by_node", nodes={"west": "b"})
    assert [page.records for page in empty.read(["SKU-1"])] == [[]]


def test_a_record_of_a_warehouse_that_its_row_lacks_is_a_rejection() -> None:
    """Of a capture that is mapped again under another configuration."""
    payload = orjson.dumps({"node": "NORTH", "row": WIDE})
    with pytest.raises(RecordRejected, match="no such warehouse"):
        source_of([], mode="by_node", nodes={"NORTH": "a"}).to_canonical(payload)


@pytest.mark.parametrize("skus", [["SKU-1"], [f"S-{n}" for n in range(20)]])
@pytest.mark.parametrize("policy", [{}, {"mode": "by_node", "nodes": {"EAST": "a"}}])
@pytest.mark.parametrize("sku", [None, " ", {"id": "SKU-1"}])
def test_a_row_of_stock_without_a_sku_is_captured_and_rejected(
    skus: Any, policy: Any, sku: Any
) -> None:
    """It may be the row that seems to be missing, whose level would become 0 in the store."""
    bare = WIDE | {"sku": sku}

    def handle(request: httpx.Request) -> httpx.Response:
        is_list = request.url.path.endswith("/inventory")
        return ok([bare] if request.url.params["page"] == "1" else []) if is_list else ok(bare)

    settings = settings_of()
    stock = StockList(client_of(handle), settings)
    source = InventorySource(stock, settings, InventoryPolicy(**policy))
    [record] = [record for page in source.read(skus) for record in page.records]
    assert is_fallback_id(record.source_id)
    with pytest.raises(RecordRejected):
        source.to_canonical(record.payload)


@pytest.mark.parametrize("shown", [ok(None), ok([]), ok(WIDE | {"sku": "SKU-2"})])
def test_an_answer_about_no_or_another_sku_is_no_stock_of_the_one_asked_for(shown: Any) -> None:
    """Its quantities are never taken for those of the SKU."""
    settings = settings_of()
    assert list(StockList(client_of(always(shown)), settings).rows(["SKU-1"])) == []


def test_skus_that_the_account_does_not_stock_have_no_rows() -> None:
    """However many are asked for; no row of another SKU stands in for one."""
    source = source_of([WIDE])
    for skus in (["GONE"], [f"GONE-{n}" for n in range(20)]):
        assert list(source.read(skus)) == []


def test_a_quantity_that_is_no_number_is_a_rejection_and_no_state() -> None:
    """It is not compared with what was read before, which would leave out the rejection."""
    source = source_of([WIDE | {"qty_available": "many"}])
    [page] = source.read(["SKU-1"])
    assert page.records[0].content is None
    with pytest.raises(RecordRejected) as rejected:
        source.to_canonical(page.records[0].payload)
    assert [problem.field for problem in rejected.value.problems] == ["qty_available"]


def test_stock_that_is_refused_is_not_taken_for_absent() -> None:
    """One SKU or all: everything would become 0 in the store."""
    settings = settings_of()
    stock = StockList(client_of(always(refused("Invalid", "Unknown path"))), settings)
    for skus in (["SKU-1"], [f"S-{n}" for n in range(20)]):
        with pytest.raises(PermanentError, match="Unknown path"):
            list(stock.rows(skus))
    stock = StockList(client_of(always(ok({"sku": "SKU-1"}))), settings)
    with pytest.raises(TransientError, match="not a list"):
        list(stock.everything())


def test_a_list_of_stock_shows_each_sku_once_and_serves_again_while_it_is_kept() -> None:
    """A SKU that moves to a later page is not doubled; a list too long to keep is read again."""
    asked: list[str] = []
    pages = {"1": [{"sku": "A"}, {"sku": "B"}], "2": [{"sku": "B"}], "3": [{"sku": "C"}]}

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["page"])
        return ok(pages.get(asked[-1], []))

    for most_kept, calls in ((3, 4), (2, 8), (1, 8)):
        asked.clear()
        stock = StockList(client_of(handle), settings_of(most_kept=most_kept))
        for _ in range(2):
            rows = [row for page in stock.everything() for row in page]
            assert [orjson.loads(row)["sku"] for row in rows] == ["A", "B", "C"]
        assert len(asked) == calls


def test_a_list_of_stock_serves_the_run_that_read_it_and_no_later_one() -> None:
    """Both in one process, within the time for which the list is kept."""
    levels = {f"SKU-{n}": 5 for n in range(30)}
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["page"])
        rows = [{"sku": sku, "qty_available": number} for sku, number in levels.items()]
        return ok(rows if asked[-1] == "1" else [])

    settings = settings_of()
    source = InventorySource(StockList(client_of(handle), settings), settings, InventoryPolicy())

    def read(scope: Scope) -> set[int]:
        rows = [row for page in source.fetch(Window(NOON, NOON), scope) for row in page.records]
        return {orjson.loads(row.payload)["qty_available"] for row in rows}

    first = datetime.now(UTC)
    skus = list(levels)
    assert read(Scope(skus[:15], first)) == read(Scope(skus[15:], first)) == {5}
    assert len(asked) == 2
    levels = dict.fromkeys(levels, 4)
    assert read(Scope(skus[:15], datetime.now(UTC))) == {4}
    levels = dict.fromkeys(levels, 3)
    assert read(Scope(skus)) == {3}
    levels = dict.fromkeys(levels, 2)
    assert read(EVERYTHING) == {2}
    levels = dict.fromkeys(levels, 1)
    found = [row for page in source.read(skus) for row in page.records]
    assert {orjson.loads(row.payload)["qty_available"] for row in found} == {1}


def test_a_list_of_stock_without_end_stops_the_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """An account that leaves out the page's number would be read forever."""
    monkeypatch.setattr(stock_list, "MOST_PAGES", 3)
    stock = StockList(client_of(always(ok([WIDE]))), settings_of())
    with pytest.raises(PermanentError, match="no end"):
        list(stock.everything())


def test_stock_has_no_query_for_changes_so_each_read_is_due() -> None:
    """The probe never says that nothing has changed; quantities on hand may be absent."""
    source = source_of([])
    assert source.probe(NOON) == NOON
    mapped = source.to_canonical(orjson.dumps({"sku": "A", "qty_available": "0"}))
    assert isinstance(mapped, Mapped)
    level = mapped.record
    assert (level.on_hand, level.status, level.observed_at) == (None, "out_of_stock", None)


# -- products


def catalog_of(handle: Any) -> CatalogSource:
    """Return the products of an account."""
    client, settings = client_of(handle), settings_of(item_uom="EA")
    return CatalogSource(client, StockList(client, settings), settings)


def products(known: list[str], stocked: list[str], asked: list[str]) -> Any:
    """Answer by products that the account knows, and by those that it has stock of."""

    def handle(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        asked.append(path.rsplit("/", 1)[1])
        if path.endswith("/inventory"):
            return ok([{"sku": s} for s in stocked] if request.url.params["page"] == "1" else [])
        sku = asked[-1]
        return ok({"sku": sku}) if sku in known else refused("Failure", "Product not found")

    return handle


def test_many_products_are_looked_up_in_the_stock_and_the_rest_one_by_one() -> None:
    """A product may have no stock; one that the account does not know is absent."""
    asked: list[str] = []
    stocked = [f"S-{n}" for n in range(15)]
    catalog = catalog_of(products(["NEW"], [*stocked, "OTHER"], asked))
    pages = catalog.fetch(Window(NOON, NOON), Scope([*stocked, "NEW", "GONE"]))
    *found, last = pages
    assert last.complete
    ids = [record.source_id for page in found for record in page.records]
    assert ids == [*stocked, "NEW"]
    assert asked == ["inventory", "inventory", "NEW", "GONE"]


def test_each_spelling_of_a_sku_is_looked_up() -> None:
    """Case may count at the account: an order for the SKU that it knows would be rejected."""
    for names in (["sku-1", "SKU-1"], ["SKU-1", "sku-1"]):
        catalog = catalog_of(products(["sku-1"], [], []))
        assert [r.source_id for page in catalog.read(names) for r in page.records] == ["sku-1"]
    many = [f"S-{n}" for n in range(15)]
    catalog = catalog_of(products([], many, []))
    found = [r.source_id for page in catalog.read([*many, "s-0"]) for r in page.records]
    assert sorted(found) == sorted([*many, "s-0"])


def test_products_can_only_be_looked_up_by_sku() -> None:
    """A read of all of them is an error, not an empty catalog."""
    catalog = catalog_of(always(ok([])))
    assert catalog.probe(NOON) == NOON
    with pytest.raises(PermanentError, match="no SKUs were named"):
        list(catalog.fetch(Window(NOON, NOON)))


def test_a_product_that_can_not_be_looked_up_is_not_an_unknown_one() -> None:
    """Orders for it would be rejected as if the account did not have it."""
    catalog = catalog_of(always(refused("Invalid", "Unknown path")))
    with pytest.raises(PermanentError, match="Unknown path"):
        list(catalog.read(["SKU-1"]))


def test_a_product_has_the_connections_unit_and_its_name_or_description() -> None:
    """A row without a SKU is none."""
    catalog = catalog_of(always(ok([])))
    for row_of, text in (
        ({"name": " Anvil ", "description": "x"}, "Anvil"),
        ({"name": "", "description": "Heavy"}, "Heavy"),
        ({}, ""),
    ):
        mapped = catalog.to_canonical(orjson.dumps({"sku": "A", **row_of}))
        assert isinstance(mapped, Mapped)
        assert mapped.record == MasterItem("A", "EA", text)
    for payload in (b'{"sku": " "}', b"{}", b"[]", b'{"sku": {"a": 1}}', b"null"):
        with pytest.raises(RecordRejected):
            catalog.to_canonical(payload)


@pytest.mark.parametrize("quantity", ["NaN", "sNaN", "-Infinity", "1e400", "1e99999999"])
def test_a_quantity_without_a_size_has_no_content_and_holds_up_no_other_row(quantity: str) -> None:
    """The row is captured and rejected when it is mapped."""
    source = source_of([WIDE | {"qty_available": quantity}, WIDE | {"sku": "SKU-2"}])
    *pages, last = source.fetch(Window(NOON, NOON))
    bad, good = [record for page in pages for record in page.records]
    assert last.complete
    assert (bad.content, good.content is not None) == (None, True)
    with pytest.raises(RecordRejected):
        source.to_canonical(bad.payload)


def test_a_quantity_of_very_small_size_is_written_in_few_characters() -> None:
    """The content of a row is kept for each SKU."""
    source = source_of([WIDE | {"qty_available": "1e-99999999"}])
    [page] = source.read(["SKU-1"])
    assert len(page.records[0].content or b"") < 100
