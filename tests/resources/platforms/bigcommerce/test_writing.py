"""Writing stock, shipments and statuses to a store, over real HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import orjson
import pytest
from msgspec.structs import replace

from domain.errors import AccessRefused, PermanentError, RecordRejected, TransientError
from domain.exchange import Exchange, OutcomeUnknown, ShipmentLine, ShipmentRequest
from domain.records.inventory import StockTarget, StoreItem
from resources.http.retries import RetryPolicy
from resources.platforms.bigcommerce.settings import STOCK_BATCH
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import StoreCalls, calls_of, platform, read_items

Use = Callable[[StoreCalls], Awaitable[None]]


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def writing(shop: Shop, use: Use, **changes: object) -> list[Exchange]:
    """Open the store for writing, use it, and return the exchanges that were logged."""
    log: list[Exchange] = []

    async def run() -> None:
        store = platform(shop.url, **changes)
        async with calls_of(store, log.append) as calls:
            await use(calls)
        store.close()

    asyncio.run(run())
    return log


def stocked(shop: Shop) -> dict[tuple[str, int], int]:
    """Return what the store really holds: (SKU, location) -> quantity."""
    rows = [orjson.loads(row) for row in shop.control("GET", "dump/inventory").splitlines()]
    return {(row["sku"], row["location_id"]): row["quantity"] for row in rows}


def catalogued(shop: Shop, count: int = 0) -> dict[str, StoreItem]:
    """Fill the catalog and return its items by SKU."""
    shirt = {"id": 12, "sku": "SHIRT", "variants": [{"sku": "SHIRT-S"}, {"sku": "SHIRT-L"}]}
    many = [{"id": 100 + i, "sku": f"MANY-{i}"} for i in range(count)]
    shop.control(
        "POST",
        "catalog",
        [
            {"id": 11, "sku": "SOLO"},
            shirt,
            {"id": 13, "sku": "OFF", "inventory_tracking": "none"},
            *many,
        ],
    )
    shop.control("POST", "locations", [{"id": 5, "code": "EAST", "label": "East"}])
    reader = platform(shop.url)
    items = {item.sku: item for page in read_items(reader) for item in page}
    reader.close()
    return items


def test_stock_goes_to_each_location_at_the_level_the_item_is_tracked_at(shop: Shop) -> None:
    """One call a location; what can't be written is answered with its reason."""
    items = catalogued(shop)
    targets = [
        StockTarget(sku="SOLO", location="1", quantity=3),
        StockTarget(sku="SHIRT-S", location="5", quantity=4),
        StockTarget(sku="OFF", location="1", quantity=5),
        StockTarget(sku="NOPE", location="1", quantity=6),
        StockTarget(sku="SHIRT-L", location="1", quantity=7),
    ]

    async def use(writer: StoreCalls) -> None:
        answers = await writer.put_stock(targets, items, "test")
        assert [answer.target for answer in answers] == targets
        assert [answer.problem.code if answer.problem else None for answer in answers] == [
            None,
            None,
            "tracking_off",
            "sku_unknown_in_store",
            None,
        ]

    log = writing(shop, use)
    held = stocked(shop)
    assert (held["SOLO", 1], held["SHIRT-S", 5], held["SHIRT-L", 1]) == (3, 4, 7)
    assert [(entry.method, entry.status) for entry in log] == [("PUT", 200), ("PUT", 200)]


def test_an_item_tracked_otherwise_than_known_is_addressed_anew(shop: Shop) -> None:
    """The store names the item and its level; the batch is sent again with that row changed."""
    items = catalogued(shop)
    stale = items | {"SOLO": replace(items["SOLO"], tracking="variant")}
    targets = [
        StockTarget(sku="SOLO", location="1", quantity=3),
        StockTarget(sku="SHIRT-S", location="1", quantity=4),
    ]

    async def use(writer: StoreCalls) -> None:
        answers = await writer.put_stock(targets, stale, "test")
        assert all(answer.problem is None for answer in answers)

    log = writing(shop, use)
    assert (stocked(shop)["SOLO", 1], [entry.status for entry in log]) == (3, [422, 200])


def test_a_failing_row_does_not_keep_the_others_from_being_written(shop: Shop) -> None:
    """The batch is halved until the rows that the store refuses are alone."""
    items = catalogued(shop, count=40)
    gone = items | {
        "GONE": StoreItem(sku="GONE", parent_id="999", item_id=None, tracking="product")
    }
    targets = [StockTarget(sku=f"MANY-{i}", location="1", quantity=i) for i in range(40)]
    targets.insert(17, StockTarget(sku="GONE", location="1", quantity=1))

    async def use(writer: StoreCalls) -> None:
        answers = await writer.put_stock(targets, gone, "test")
        assert {answer.target.sku: answer.problem.code for answer in answers if answer.problem} == {
            "GONE": "stock_refused"
        }

    writing(shop, use)
    held = stocked(shop)
    assert [held[f"MANY-{i}", 1] for i in range(40)] == list(range(40))


def test_tracking_can_be_stopped(shop: Shop) -> None:
    """The product then sells without limit."""
    items = catalogued(shop)

    async def use(writer: StoreCalls) -> None:
        assert (await writer.stop_tracking(items["SOLO"])).target_id == "11"

    writing(shop, use)
    reader = platform(shop.url)
    assert {item.sku: item.tracking for page in read_items(reader) for item in page}[
        "SOLO"
    ] == "none"
    reader.close()


def shipment(shop: Shop, number: int, /, **changes: object) -> ShipmentRequest:
    """Return a request for one unit of an order's first line."""
    line = shop.read(f"v2/orders/{number}/products")[0]
    given: dict[str, object] = {
        "order_id": str(number),
        "group_id": str(line["order_address_id"]),
        "lines": (ShipmentLine(str(line["id"]), 1),),
        "tracking_number": "1Z12345E0291980793",
        "carrier": "ups",
    }
    return ShipmentRequest(**(given | changes))  # type: ignore[arg-type]


def test_a_shipment_and_a_status_arrive(shop: Shop) -> None:
    """With lines, tracking number and carrier; the order's state can be read back."""
    [order_id] = shop.place({})
    request = shipment(shop, order_id)

    async def use(writer: StoreCalls) -> None:
        receipt = await writer.create_shipment(request, "ord-1")
        [held] = await writer.list_shipments(str(order_id))
        assert (held.shipment_id, held.tracking_number, held.lines, held.group_id) == (
            receipt.target_id,
            request.tracking_number,
            request.lines,
            request.group_id,
        )
        await writer.put_status(str(order_id), "10", "ord-1")
        assert (await writer.read_order(str(order_id))).status == "10"
        await writer.put_status(str(order_id), "5", "ord-1")
        assert (await writer.read_order(str(order_id))).is_final

    log = writing(shop, use)
    assert {entry.correlation_id for entry in log} == {"ord-1"}
    assert shop.read(f"v2/orders/{order_id}/shipments")[0]["tracking_carrier"] == "ups"


def test_an_order_without_shipments_has_none(shop: Shop) -> None:
    """204 is an empty list."""
    [order_id] = shop.place({})

    async def use(writer: StoreCalls) -> None:
        assert await writer.list_shipments(str(order_id)) == []

    writing(shop, use)


def test_a_lost_answer_to_a_shipment_is_unknown_and_can_be_looked_up(shop: Shop) -> None:
    """It isn't sent twice, and the look-up finds it."""
    [order_id] = shop.place({})
    request = shipment(shop, order_id)
    shop.fault(kind="drop_after", method="POST", path="/shipments", times=1)

    async def use(writer: StoreCalls) -> None:
        with pytest.raises(OutcomeUnknown):
            await writer.create_shipment(request, "ord-1")
        assert len(await writer.list_shipments(str(order_id))) == 1

    writing(shop, use)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"lines": (ShipmentLine("1", 999),)}, "shipment_refused"),
        ({"group_id": "pickup-7"}, "group_not_shippable"),
        ({"lines": ()}, "shipment_without_lines"),
        ({"tracking_number": "9" * 51}, "tracking_number_too_long"),
        ({"order_id": "1/../2"}, "id_invalid"),
        ({"order_id": "424242"}, "shipment_refused"),
    ],
)
def test_a_shipment_that_the_store_would_refuse_is_a_rejection(
    shop: Shop, changes: dict[str, object], code: str
) -> None:
    """With the store's own reason."""
    [order_id] = shop.place({})
    request = shipment(shop, order_id, **changes)

    async def use(writer: StoreCalls) -> None:
        with pytest.raises(RecordRejected) as raised:
            await writer.create_shipment(request, "ord-1")
        assert raised.value.problems[0].code == code

    writing(shop, use)


def test_a_missing_order_is_a_rejection_and_a_refused_token_permanent(shop: Shop) -> None:
    """The one concerns a record, the other all of them."""

    async def missing(writer: StoreCalls) -> None:
        with pytest.raises(RecordRejected):
            await writer.read_order("424242")
        with pytest.raises(RecordRejected):
            await writer.put_status("424242", "2", "c")

    writing(shop, missing)
    shop.control("POST", "settings", {"token": "other"})

    async def refused(writer: StoreCalls) -> None:
        with pytest.raises(PermanentError):
            await writer.put_status("1", "2", "c")
        with pytest.raises(PermanentError):
            await writer.put_stock([StockTarget(sku="A", location="1", quantity=1)], ITEM, "r")

    writing(shop, refused)


ITEM = {"A": StoreItem(sku="A", parent_id="1", item_id="1", tracking="product")}


def put(shop: Shop, *targets: StockTarget, items: dict[str, StoreItem]) -> list[str]:
    """Set levels; return the code of each problem, empty if there is none."""
    codes: list[str] = []

    async def use(writer: StoreCalls) -> None:
        answers = await writer.put_stock(targets, items, "test")
        assert [answer.target for answer in answers] == list(targets)
        codes.extend(answer.problem.code if answer.problem else "" for answer in answers)

    writing(shop, use)
    return codes


def level(sku: str, quantity: int = 3, location: str = "1") -> StockTarget:
    """Return a level to set."""
    return StockTarget(sku=sku, location=location, quantity=quantity)


def test_a_row_that_has_no_address_in_the_store_is_not_sent(shop: Shop) -> None:
    """An unknown location and an unknown variant keep only themselves back."""
    items = catalogued(shop)
    items["SHIRT-S"] = replace(items["SHIRT-S"], item_id=None)
    targets = [level("SOLO", location=text) for text in ("EAST", "", "1")]
    codes = put(shop, *targets, level("SHIRT-S"), items=items)
    assert codes == ["location_unknown", "location_unknown", "", "variant_unknown"]
    assert stocked(shop)["SOLO", 1] == 3


def test_an_item_that_became_tracked_by_its_variants_is_addressed_by_its_variant(
    shop: Shop,
) -> None:
    """Where its variant is known; else the store's answer is the row's problem."""
    items = catalogued(shop)
    items["SHIRT-S"] = replace(items["SHIRT-S"], tracking="product")
    unknown = replace(items["SHIRT-L"], tracking="product", item_id=None)
    assert put(shop, level("SHIRT-S", 4), items=items) == [""]
    assert put(shop, level("SHIRT-L"), items={"SHIRT-L": unknown}) == ["stock_refused"]
    assert stocked(shop)["SHIRT-S", 1] == 4


@pytest.mark.parametrize("also", [0, 1, 7])
def test_rows_keep_their_places_when_one_is_addressed_anew(shop: Shop, also: int) -> None:
    """Each answer belongs to its target, whatever the locations' order."""
    items = catalogued(shop, count=also)
    items["SOLO"] = replace(items["SOLO"], tracking="variant")
    many = [level(f"MANY-{i}", i, location="5" if i % 2 else "1") for i in range(also)]
    assert put(shop, level("NOPE"), *many, level("SOLO", 9), items=items) == [
        "sku_unknown_in_store",
        *[""] * (also + 1),
    ]
    held = stocked(shop)
    assert held["SOLO", 1] == 9
    assert [held[f"MANY-{i}", 5 if i % 2 else 1] for i in range(also)] == list(range(also))


def test_a_batch_beyond_the_stores_limit_is_the_callers_fault(shop: Shop) -> None:
    """It is refused before anything is sent."""
    targets = [level("SOLO")] * (STOCK_BATCH + 1)
    with pytest.raises(ValueError, match="at most 2000 targets, not 2001"):
        put(shop, *targets, items={})
    assert shop.control("GET", "counts")["requests"] == {}


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (401, {"title": "no"}, AccessRefused, "store_inventory"),
        (403, {"title": "no"}, AccessRefused, "store_inventory"),
        (404, {"title": "gone"}, PermanentError, "trying again won't help"),
        (409, {"title": "busy"}, TransientError, "trying again later may help"),
        (423, "", TransientError, "trying again later may help"),
        (422, "<html>", PermanentError, "isn't JSON"),
    ],
)
def test_a_refusal_of_the_whole_call_is_no_fault_of_its_rows(
    shop: Shop, status: int, body: object, error: type[Exception], text: str
) -> None:
    """Halving the batch would repeat it for each row."""
    items = catalogued(shop)
    shop.fault(kind="status", status=status, body=body, method="PUT")
    with pytest.raises(error, match=text):
        put(shop, level("SOLO"), level("SHIRT-S"), items=items)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"title": "Item is a bundle"}, "the store answers 422: Item is a bundle"),
        ({"title": None}, "the store answers 422: no reason given"),
        ("", "the store answers 422: no reason given"),
        ([1], "the store answers 422: no reason given"),
    ],
)
def test_a_refused_row_has_the_stores_reason(shop: Shop, body: object, reason: str) -> None:
    """Or says that the store gave none."""
    items = catalogued(shop)
    shop.fault(kind="status", status=422, body=body, method="PUT")

    async def use(writer: StoreCalls) -> None:
        [answer] = await writer.put_stock([level("SOLO")], items, "test")
        assert answer.problem is not None
        assert (answer.problem.code, answer.problem.message) == ("stock_refused", reason)

    writing(shop, use)


def test_all_pages_of_an_orders_shipments_are_read(shop: Shop) -> None:
    """A full page is followed by another look, and one that repeats ends it."""
    [order_id] = shop.place({})
    pages = [
        [{"id": number, "order_address_id": 1, "items": []} for number in range(first, last)]
        for first, last in ((1, 51), (51, 101), (101, 104))
    ]
    for page in pages:
        shop.fault(kind="replaced", status=200, body=page, path="/shipments", times=1)

    async def use(writer: StoreCalls) -> None:
        found = await writer.list_shipments(str(order_id))
        assert [shipment.shipment_id for shipment in found] == [str(i) for i in range(1, 104)]

    writing(shop, use)
    assert [rule["hits"] for rule in shop.control("GET", "faults")] == [1, 1, 1]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({"items": []}, "without an id"),
        ({"id": 7, "items": [None]}, "items can't be read"),
        ({"id": 7, "items": [{"quantity": 1}]}, "items can't be read"),
        ({"id": 7, "items": [{"order_product_id": 3}]}, "items can't be read"),
        ({"id": 7, "items": [{"order_product_id": 3, "quantity": "two"}]}, "quantities can't"),
        ({"id": 7, "items": [{"order_product_id": 3, "quantity": "NaN"}]}, "quantities can't"),
    ],
)
def test_a_shipment_that_cannot_be_read_is_an_error(
    shop: Shop, listed: object, message: str
) -> None:
    """Left out, it would be created a second time."""
    [order_id] = shop.place({})
    shop.fault(kind="replaced", status=200, body=[listed], method="GET", path="/shipments")

    async def use(writer: StoreCalls) -> None:
        with pytest.raises(PermanentError, match=message):
            await writer.list_shipments(str(order_id))

    writing(shop, use)
