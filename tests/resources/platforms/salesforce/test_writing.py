"""Writing to an org: external ids, locked rows, refused rows, the history, stock in halves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from domain.delivery import Claimed, Intent, LevelChange, NewShipment, Outcome, StatusChange
from domain.errors import AccessRefused, RateLimited, TransientError
from domain.exchange import Exchange, ShipmentLine, ShipmentRequest
from domain.records.inventory import StockTarget, StoreItem
from resources.http.rate_limit import LocalQuota
from resources.http.retries import RetryPolicy
from resources.platforms.salesforce.adapter import Salesforce
from sandbox.app import RunningSandbox
from tests import loopback
from tests.resources.platforms.salesforce.orgs import connection, settings
from tests.sandbox.simulated_org import an_order

Json = dict[str, Any]
UPS, OTHER = "1Z5R89390357567127", "1Z8W4R260373687877"


class Shop:
    """One org of the running sandbox, and a connector to it."""

    def __init__(self, sandbox: RunningSandbox, **changes: Any) -> None:
        self.name = f"o{uuid4().hex[:10]}"
        url = f"{sandbox.url}/salesforce/{self.name}"
        self.http = loopback.client(f"{sandbox.url}/_sandbox/salesforce/{self.name}")
        made = settings(my_domain=url, inventory_location="WAREHOUSE", **changes)
        secret = f"sandbox-secret-{self.name}"
        self.connector = Salesforce(made, connection(), lambda _: secret, LocalQuota(), None)
        self.log: list[Exchange] = []

    def control(self, path: str, body: object = None, method: str = "POST") -> Any:
        """Make a control call."""
        answer = self.http.request(method, f"/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return (
            answer.json()
            if answer.headers["content-type"].startswith("application/json")
            else [orjson.loads(line) for line in answer.content.splitlines()]
        )

    def rows(self, name: str) -> list[Json]:
        """Return all records of an object."""
        found: list[Json] = self.control(f"dump/{name}", method="GET")
        return found

    def place(self, number: str = "1001", **changes: Any) -> str:
        """Place an order, and return its id."""
        identifier: str = self.control("orders", [an_order(number, **changes)])["ids"][0]
        return identifier

    def parcel(self, order: str, tracking: str = UPS, units: int = 1) -> ShipmentRequest:
        """Return a parcel of the order's first item."""
        items = [row for row in self.rows("OrderItemSummary") if row["OrderSummaryId"] == order]
        item = min(items, key=lambda row: str(row["Id"]))
        lines = (ShipmentLine(item["Id"], units),)
        return ShipmentRequest(order, item["OrderDeliveryGroupSummaryId"], lines, tracking, "ups")

    def apply(self, stream: str, *claimed: Claimed) -> list[Outcome]:
        """Write, each claim by a call of its own but for stock."""

        async def run() -> list[Outcome]:
            target: Any = self.connector.targets[stream]  # type: ignore[literal-required]
            async with target.writer(self.log.append) as writer:
                if stream == "inventory":
                    return list(await writer.apply(claimed))
                calls: list[Awaitable[list[Outcome]]] = [writer.apply([one]) for one in claimed]
                return [outcome for found in await asyncio.gather(*calls) for outcome in found]

        return asyncio.run(run())


@pytest.fixture
def open_shop(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Shop]]:
    """Return a function that opens an org with changed settings."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, _failures: 0.0)
    opened: list[Shop] = []

    def open_one(**changes: Any) -> Shop:
        opened.append(Shop(sandbox, **changes))
        return opened[-1]

    yield open_one
    for shop in opened:
        shop.connector.close()
        shop.http.close()


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    """Return an org that no other test uses."""
    return open_shop()


def ship(request: ShipmentRequest, key: UUID | None = None) -> Claimed:
    """Claim a shipment."""
    intent = Intent("shipment", key or uuid4(), request.order_id, NewShipment("p", request))
    return Claimed(intent, "ord-1")


def move(order: str, status: str) -> Claimed:
    """Claim a status."""
    return Claimed(Intent("status", uuid4(), order, StatusChange(order, status)), "ord-1")


def test_a_shipment_has_its_items_and_is_made_once_for_a_key(shop: Shop) -> None:
    """However often it is sent."""
    order, key = shop.place(), uuid4()
    request = shop.parcel(order, units=2)
    [first], [second] = (shop.apply("shipments", ship(request, key)) for _ in range(2))
    assert first.state == second.state == "done"
    assert first.target_id == second.target_id
    [row] = shop.rows("Shipment")
    assert (row["TrackingNumber"], row["Provider"], row["ShipToName"]) == (UPS, "ups", "Jane Doe")
    [item] = shop.rows("ShipmentItem")
    assert (item["Quantity"], item["Lockstep_Line__c"]) == (2, request.lines[0].line_id)
    assert shop.rows("FulfillmentOrder") == []


@pytest.mark.parametrize("page", [1, 2])
def test_an_order_whose_lists_come_in_part_is_read_whole_before_a_write(
    shop: Shop, page: int
) -> None:
    """Otherwise units of items or shipments that were not on the first page would be missed."""
    order = shop.place()
    shop.control("settings", {"child_page": page})
    for tracking in (UPS, OTHER, "3"):
        [outcome] = shop.apply("shipments", ship(shop.parcel(order, tracking)))
        assert outcome.state == "done", outcome.error
    [outcome] = shop.apply("shipments", ship(shop.parcel(order, "4")))
    assert [problem.code for problem in outcome.problems] == ["shipment_refused"]
    held = asyncio.run(shop.connector.targets["shipments"].list_shipments([order]))
    assert {each.tracking_number for each in held[order].values()} == {UPS, OTHER, "3"}


def test_a_parcel_has_a_fulfilment_order_where_the_org_has_a_location(
    open_shop: Callable[..., Shop],
) -> None:
    """With its lines, and the shipment refers to it."""
    shop = open_shop()
    shop.place()
    [location] = shop.rows("Location")
    other = open_shop(fulfilled_from=location["Id"])
    order = other.place()
    [outcome] = other.apply("shipments", ship(other.parcel(order)))
    assert outcome.state == "done", outcome.error
    [fulfilment] = other.rows("FulfillmentOrder")
    [line] = other.rows("FulfillmentOrderLineItem")
    [shipment] = other.rows("Shipment")
    assert fulfilment["Status"] == "Fulfilled"
    assert line["OrderItemSummaryId"] == other.rows("ShipmentItem")[0]["Lockstep_Line__c"]
    assert (line["Quantity"], line["UnitPrice"], line["Description"]) == (1, 10, "Mug")
    assert line["Product2Id"] is not None
    assert line["FulfillmentOrderId"] == shipment["FulfillmentOrderId"] == fulfilment["Id"]


def test_a_status_is_noted_in_the_history_of_the_order(open_shop: Callable[..., Shop]) -> None:
    """By the connector's name, while the order has the org's; once, and not without a change."""
    shop = open_shop(statuses={"Fulfilled": "Versandt"})
    order = shop.place()
    for status in ("Allocated", "Fulfilled", "Fulfilled"):
        [outcome] = shop.apply("shipments", move(order, status))
        assert outcome.state == "done", outcome.error
    [row] = shop.rows("OrderSummary")
    assert row["Status"] == "Versandt"
    history = [
        (each["Order_Summary__c"], each["Status__c"]) for each in shop.rows("Lockstep_Status__c")
    ]
    assert history == [(order, "Allocated"), (order, "Fulfilled")]


def test_an_order_that_the_platform_manages_takes_no_status(shop: Shop) -> None:
    """It is the record's fault, with advice."""
    order = shop.place(OrderLifeCycleType="MANAGED")
    [outcome] = shop.apply("shipments", move(order, "Fulfilled"))
    assert [problem.code for problem in outcome.problems] == ["status_refused"]
    assert "UNMANAGED" in outcome.problems[0].advice


def test_locked_rows_are_tried_again_and_double_nothing(shop: Shop) -> None:
    """Nothing of a change was kept; after some tries the record waits for a later one."""
    order = shop.place()
    shop.control("settings", {"locks": {order: 2}})
    [outcome] = shop.apply("shipments", ship(shop.parcel(order)))
    assert outcome.state == "done", outcome.error
    assert len(shop.rows("Shipment")) == len(shop.rows("ShipmentItem")) == 1
    shop.control("settings", {"locks": {order: 50}})
    [outcome] = shop.apply("shipments", ship(shop.parcel(order, OTHER)))
    assert outcome.state == "retry"
    assert isinstance(outcome.fault, TransientError)
    assert len(shop.rows("Shipment")) == 1


def test_orders_of_one_account_are_never_written_at_once(
    shop: Shop,
) -> None:
    """They would lock each other's rows."""
    first = shop.place("1001")
    account = shop.rows("OrderSummary")[0]["AccountId"]
    others = [shop.place(str(n), AccountId=account) for n in range(1002, 1006)]
    claimed = [ship(shop.parcel(each)) for each in (first, *others)]
    rule = {"kind": "delay", "delay_ms": 40, "method": "POST", "path": "/composite"}
    shop.control("faults", [rule])
    outcomes = shop.apply("shipments", *claimed)
    assert {outcome.state for outcome in outcomes} == {"done"}
    ends = sorted((e.at.timestamp() - e.milliseconds / 1000, e.at.timestamp()) for e in shop.log)
    assert len(ends) == 5
    assert all(before[1] <= after[0] + 0.005 for before, after in pairwise(ends))


def test_a_row_that_fails_takes_the_change_back_and_is_a_rejection(shop: Shop) -> None:
    """In an answer with 200; the org's own code and message are shown."""
    order = shop.place()
    request, key = shop.parcel(order), uuid4()
    name = f"lockstep-{key.hex}-{request.lines[0].line_id}"
    for _ in range(2):
        shop.control("put/ShipmentItem", {"Lockstep_Key__c": name})
    [outcome] = shop.apply("shipments", ship(request, key))
    assert outcome.state == "refused"
    assert outcome.problems[0].code == "shipment_refused"
    assert "DUPLICATE_VALUE" in outcome.problems[0].message
    assert shop.rows("Shipment") == []


def test_a_missing_permission_to_write_is_no_records_fault(shop: Shop) -> None:
    """Nor is the day's limit: the records wait."""
    order = shop.place()
    request = shop.parcel(order)
    body = [{"errorCode": "INSUFFICIENT_ACCESS_OR_READONLY", "message": "no"}]
    rule = {"kind": "status", "status": 400, "body": body, "method": "POST", "path": "/composite"}
    shop.control("faults", [rule])
    [outcome] = shop.apply("shipments", ship(request))
    assert isinstance(outcome.fault, AccessRefused)
    body = [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}]
    shop.http.request("DELETE", "/faults")
    shop.control("faults", [rule | {"status": 403, "body": body}])
    [outcome] = shop.apply("shipments", ship(request))
    assert isinstance(outcome.fault, RateLimited)
    assert outcome.state == "retry"


def level(sku: str, quantity: int, location: str = "WAREHOUSE") -> Claimed:
    """Claim a level."""
    item = StoreItem(sku=sku, parent_id="p", item_id=None, tracking="product")
    target = StockTarget(sku=sku, location=location, quantity=quantity)
    return Claimed(Intent("stock", uuid4(), sku, LevelChange(target, item)), "stk-1")


def test_stock_is_written_as_available_plus_reserved(shop: Shop) -> None:
    """And a number that was there before is written again after another one."""
    shop.control("stock", [{"sku": "MUG", "location": "WAREHOUSE", "quantity": 5, "reserved": 2}])
    for quantity in (4, 7, 4):
        claimed = level("MUG", quantity)
        [outcome] = shop.apply("inventory", claimed)
        assert outcome.state == "done", outcome.error
        [row] = shop.control("truth", method="GET")["levels"]
        assert (row["available"], row["on_hand"], row["reserved"]) == (quantity, quantity + 2, 2)
        assert shop.connector.targets["inventory"].levels(["MUG"])["MUG", "WAREHOUSE"] == quantity


def test_refused_rows_of_a_batch_are_found_in_halves(shop: Shop) -> None:
    """All others are written once, with few calls."""
    claimed = [level(f"S{n:02d}", n, "MOON" if n == 40 else "WAREHOUSE") for n in range(64)]
    outcomes = shop.apply("inventory", *claimed)
    refused = [n for n, outcome in enumerate(outcomes) if outcome.state == "refused"]
    assert refused == [40]
    assert "LOCATION_NOT_FOUND" in outcomes[40].problems[0].message
    counts = shop.control("counts", method="GET")
    assert counts["inventory_writes"] == 63
    assert counts["inventory_batches"] <= 13
