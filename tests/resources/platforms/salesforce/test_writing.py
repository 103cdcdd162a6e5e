"""Writing to an org: external ids, locked rows, refused rows, the history, stock in halves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.delivery import Claimed, Intent, LevelChange, NewShipment, ShipmentChange, StatusChange
from domain.errors import AccessRefused, PermanentError, RateLimited, TransientError
from domain.exchange import ShipmentRequest
from domain.records.inventory import StockTarget, StoreItem
from domain.targets import NO_LEVEL
from tests.resources.platforms.salesforce.conftest import UPS, Shop

Json = dict[str, Any]
OTHER = "1Z8W4R260373687877"


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


@pytest.mark.parametrize("has_history", [True, False])
def test_a_note_is_made_once_and_leaves_the_order_as_it_is(
    open_shop: Callable[..., Shop], *, has_history: bool
) -> None:
    """Also where an attempt was forgotten, as after a restored backup, and of a managed order."""
    shop = open_shop(has_history=has_history)
    order = shop.place(OrderLifeCycleType="MANAGED")
    [before] = shop.rows("OrderSummary")
    for _ in range(2):
        note = StatusChange(order, "Created", is_noted=True)
        [outcome] = shop.apply("shipments", Claimed(Intent("status", uuid4(), order, note), "ord"))
        assert outcome.state == "done", outcome.error
    assert shop.rows("OrderSummary") == [before]
    noted = [row["Status__c"] for row in shop.rows("Lockstep_Status__c")]
    assert noted == ["Created"] * has_history


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


UNKNOWN = "1OsLk0000009999AAA"


def test_an_order_that_the_store_does_not_have_is_a_rejection(shop: Shop) -> None:
    """Also a text that is not an id, which is a part of no query: it finds no other order."""
    shop.place()
    for order in (UNKNOWN, "x' OR Id != '"):
        [outcome] = shop.apply("shipments", move(order, "Fulfilled"))
        assert outcome.state == "refused"
        [problem] = outcome.problems
        assert (problem.code, problem.value) == ("order_missing_in_store", order)


def test_a_query_that_is_refused_before_a_write_is_no_records_fault(shop: Shop) -> None:
    """An object that can't be seen is missing for all orders; nothing is written."""
    order = shop.place()
    body = [{"errorCode": "INVALID_TYPE", "message": "sObject type 'OrderSummary'"}]
    rule = {"kind": "status", "status": 400, "body": body, "method": "GET", "path": "/query"}
    shop.control("faults", [rule])
    [outcome] = shop.apply("shipments", move(order, "Fulfilled"))
    assert isinstance(outcome.fault, PermanentError)
    assert "deploy/salesforce" in str(outcome.fault)
    assert outcome.problems == ()
    assert shop.rows("OrderSummary")[0]["Status"] == "Approved"


def test_tracking_is_changed_of_a_shipment_that_the_order_still_has(shop: Shop) -> None:
    """One that was voided since is a rejection."""
    order = shop.place()
    request = shop.parcel(order)
    [made] = shop.apply("shipments", ship(request))
    changed = ShipmentChange("p", made.target_id, shop.parcel(order, OTHER))
    claimed = Claimed(Intent("tracking", uuid4(), order, changed), "ord-1")
    [outcome] = shop.apply("shipments", claimed)
    assert outcome.state == "done", outcome.error
    assert [row["TrackingNumber"] for row in shop.rows("Shipment")] == [OTHER]
    shop.control("put/Shipment", {"Id": made.target_id, "Status": "Voided"})
    [outcome] = shop.apply("shipments", claimed)
    [problem] = outcome.problems
    assert (problem.code, problem.value) == ("shipment_update_refused", made.target_id)


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [{"referenceId": "shipment", "httpStatusCode": 200, "body": {"success": True}}],
        [{"referenceId": "shipment", "httpStatusCode": 200, "body": None}],
        [{"referenceId": "other", "httpStatusCode": 200, "body": {"success": True, "id": "1"}}],
    ],
)
def test_an_answer_that_is_not_to_all_requests_doubles_nothing(
    shop: Shop, parts: list[Json]
) -> None:
    """The outcome of the write is unknown; the next try finds the shipment by its key."""
    request, key = shop.parcel(shop.place()), uuid4()
    rule = {"kind": "replaced", "status": 200, "body": {"compositeResponse": parts}, "times": 1}
    shop.control("faults", [rule | {"method": "POST", "path": "/composite"}])
    [outcome] = shop.apply("shipments", ship(request, key))
    assert outcome.state == "unknown"
    [again] = shop.apply("shipments", ship(request, key))
    assert again.state == "done", again.error
    assert [row["Id"] for row in shop.rows("Shipment")] == [again.target_id]


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


def test_a_level_that_is_refused_by_its_call_is_a_rejection(shop: Shop) -> None:
    """With the org's words; the other levels of the batch are written."""
    body = [{"errorCode": "INVALID_INPUT", "message": "onHand is out of range"}]
    rule = {"kind": "status", "status": 400, "body": body, "times": 2, "path": "batch-update"}
    shop.control("faults", [rule])
    outcomes = shop.apply("inventory", level("MUG", 1), level("CAP", 2))
    assert [outcome.state for outcome in outcomes] == ["refused", "done"]
    [problem] = outcomes[0].problems
    assert (problem.code, problem.value) == ("stock_refused", "MUG")
    assert "onHand is out of range" in problem.message
    held = shop.connector.targets["inventory"].levels(["MUG", "CAP"])
    assert held == {("MUG", "WAREHOUSE"): NO_LEVEL, ("CAP", "WAREHOUSE"): 2}
