"""The simulated Manhattan tenant's day, from allocation to returns and repeated events."""

from __future__ import annotations

import csv
import gzip

import pytest

from sandbox.kit.tracking_numbers import CARRIERS, tracking_number
from tests.sandbox.manhattan_caller import SAVE, SEARCH, Caller, codes_of, order_of
from tests.shared import shared_path

_FORMATS = {
    "ups": "UPS",
    "fedex_12": "FEDEX",
    "usps_impb_n": "USPS",
    "usps_impb_c": "USPS",
    "dhl_express": "DHL",
}


@pytest.fixture
def caller() -> Caller:
    """A separate tenant for each test."""
    return Caller()


def _is_valid(carrier: str, number: str) -> bool:
    """Check a number by digit sums that are independent of the generator's."""
    digits = [int(char) if char.isdigit() else (ord(char) - 55 + 2) % 10 for char in number]
    if carrier == "UPS":
        body, check = digits[2:-1], digits[-1]
        return (
            number.startswith("1Z")
            and len(number) == 18
            and (sum(body[0::2]) + 2 * sum(body[1::2]) + check) % 10 == 0
        )
    if carrier == "FEDEX":
        return (
            len(number) == 12
            and sum(d * w for d, w in zip(digits, [3, 1, 7] * 3 + [3, 1], strict=False)) % 11 % 10
            == digits[-1]
        )
    if carrier == "USPS":
        return len(number) == 22 and (sum(digits[-1::-2]) + 3 * sum(digits[-2::-2])) % 10 == 0
    return len(number) == 10 and int(number[:-1]) % 7 == digits[-1]


@pytest.mark.parametrize("carrier", CARRIERS)
def test_tracking_numbers_have_valid_check_digits(carrier: str) -> None:
    """Carrier detection by number must recognise the sandbox's numbers."""
    numbers = {tracking_number(carrier, serial) for serial in range(1, 3000)}
    assert len(numbers) == 2999
    assert all(_is_valid(carrier, number) for number in numbers)


def test_the_check_of_this_file_agrees_with_published_numbers() -> None:
    """The check itself is correct: published numbers pass it, published wrong ones don't."""
    with gzip.open(shared_path("data/tracking-numbers") / "vectors.csv.gz", "rt") as file:
        rows = [
            (row["format_id"], row["number"].replace(" ", ""), row["valid"] == "true")
            for row in csv.DictReader(file)
        ]
    lengths = {"UPS": 18, "FEDEX": 12, "USPS": 22, "DHL": 10}
    known = [
        (_FORMATS[name], number, valid)
        for name, number, valid in rows
        if len(number) == lengths.get(_FORMATS.get(name, ""))
    ]
    assert len(known) > 15
    # One published number is wrong for another reason than its check digit.
    wrong = [number for carrier, number, valid in known if _is_valid(carrier, number) != valid]
    assert wrong in ([], ["9200000000000000000000"])


def test_the_day_advances_step_by_step(caller: Caller) -> None:
    """Each step raises the order to its status and records the release and the milestones."""
    caller.save(order_of())
    for step, status in (
        ("allocate", 2000),
        ("release", 3000),
        ("pick", 3600),
        ("pack", 3700),
        ("ship", 7000),
        ("deliver", 7500),
    ):
        caller.advance(step)
        assert float(caller.read("1001")["MinFulfillmentStatusId"]) == status, step
    order = caller.read("1001")
    names = [milestone["MilestoneDefinitionId"] for milestone in order["OrderMilestone"]]
    assert names == [
        "Created",
        "Allocated",
        "Released",
        "Picked",
        "Packed",
        "Fulfilled",
        "Delivered",
    ]
    released = order["Release"][0]["ReleaseLine"][0]
    assert (released["Quantity"], released["FulfilledQuantity"]) == (2, 2)
    detail, parcel = order["OrderLine"][0]["FulfillmentDetail"][0], order["OrderTrackingInfo"][0]
    assert (detail["TrackingNumber"], detail["Quantity"]) == (parcel["TrackingNumber"], 2)
    assert parcel["PackageStatus"] == {"PackageStatusId": "Delivered"}


def test_a_split_order_ships_in_separate_packages(caller: Caller) -> None:
    """Packages have their own tracking numbers and hold every unit once; carriers are optional."""
    caller.save(order_of(quantities=(2, 3)))
    caller.save(order_of("1002", quantities=(4,)))
    caller.advance("ship", split_rate=1, no_carrier_rate=1)
    for effect in caller.effects().values():
        assert (
            len({package["TrackingNumber"] for package in effect["packages"]})
            == len(effect["packages"])
            == 2
        )
        assert all(package["CarrierCode"] is None for package in effect["packages"])
        shipped = sum(
            line["Quantity"] for package in effect["packages"] for line in package["lines"]
        )
        assert shipped == sum(line["Quantity"] for line in effect["lines"])


def test_a_partial_shipment_is_completed_on_a_later_day(caller: Caller) -> None:
    """The rest is back ordered, so lowest and highest status differ until it ships, too."""
    caller.save(order_of(quantities=(5,)))
    caller.advance("day", partial_rate=1)
    effect = caller.effects()["1001"]
    assert (effect["min_status"], effect["max_status"]) == (1500, 7000)
    assert effect["lines"][0]["units"] == [
        {"Status": 1500.0, "Quantity": 2},
        {"Status": 7000.0, "Quantity": 3},
    ]
    caller.advance("day")
    effect = caller.effects()["1001"]
    assert (effect["min_status"], effect["max_status"], len(effect["packages"])) == (7000, 7500, 2)
    assert sum(line["Quantity"] for package in effect["packages"] for line in package["lines"]) == 5


def test_units_without_stock_are_back_ordered_until_supply_arrives(caller: Caller) -> None:
    """Units beyond the supply stay at 1500, and a second location makes a second release."""
    caller.control("supply", [{"item": "SKU-1", "location": "ST1", "quantity": 20}])
    caller.save(order_of(quantities=(130,)))
    caller.advance("ship")
    effect = caller.effects()["1001"]
    assert {
        unit["Status"]: unit["Quantity"]
        for unit in effect["lines"][0]["units"]
        if unit["Status"] == 1500
    } == {1500.0: 10}
    assert [release["ShipFromLocationId"] for release in caller.read("1001")["Release"]] == [
        "DC1",
        "ST1",
    ]
    caller.control(
        "supply", [{"item": "SKU-1", "location": "DC1", "quantity": 10, "mode": "adjust"}]
    )
    caller.advance("ship")
    assert caller.effects()["1001"]["min_status"] == 7000


def test_the_same_seed_gives_the_same_day(caller: Caller) -> None:
    """Splits, partial shipments, cancellations and tracking numbers depend only on the seed."""
    other = Caller()
    for n in range(60):
        for tenant in (caller, other):
            tenant.control("clock", {"now": "2025-03-01T10:00:00", "freeze": True})
            tenant.save(order_of(f"o{n}", quantities=(1, 2)))
    plan = {"split_rate": 0.3, "partial_rate": 0.3, "cancel_rate": 0.3, "seed": 7}
    counts = caller.advance("day", **plan)
    assert counts == other.advance("day", **plan)
    assert caller.effects() == other.effects()
    assert (
        min(counts[name] for name in ("split", "partial", "canceled_orders", "canceled_lines")) > 0
    )


def test_control_ships_given_units(caller: Caller) -> None:
    """Control ships units under a given tracking number, and refuses too many."""
    caller.save(order_of(quantities=(3,)))
    sent = caller.control(
        "orders/1001/ship",
        {"lines": [{"line": "1", "quantity": 1}], "tracking": "T1", "carrier": "ACME"},
    )
    assert [
        (package["TrackingNumber"], package["CarrierCode"]) for package in sent["packages"]
    ] == [("T1", "ACME")]
    assert (caller.effects()["1001"]["min_status"], caller.effects()["1001"]["max_status"]) == (
        3700,
        7000,
    )
    with pytest.raises(AssertionError, match="1 too many"):
        caller.control("orders/1001/ship", {"lines": [{"line": "1", "quantity": 3}]})


def test_returned_units_are_on_the_parent_line(caller: Caller) -> None:
    """A return is announced at 8000 and completed at 8500."""
    caller.save(order_of(quantities=(3,)))
    caller.advance("ship")
    caller.control(
        "orders/1001/return", {"lines": [{"line": "1", "quantity": 2}], "stage": "pending"}
    )
    assert caller.effects()["1001"]["max_status"] == 8000
    caller.control("orders/1001/return", {"lines": [{"line": "1", "quantity": 2}]})
    units = {
        unit["Status"]: unit["Quantity"] for unit in caller.effects()["1001"]["lines"][0]["units"]
    }
    assert units == {8500.0: 2, 7000.0: 1}


def test_statuses_come_in_both_spellings_and_extended(caller: Caller) -> None:
    """7000 and 7000.000 are one status, and a tenant may add 2000.100."""
    caller.control("settings", {"status_style": "mixed"})
    caller.save(order_of())
    caller.advance("allocate")
    caller.control("orders/1001/status", {"status": "2000.100"})
    order = caller.read("1001")
    assert (
        order["MinFulfillmentStatusId"]
        == order["OrderLine"][0]["QuantityDetail"][0]["StatusId"]
        == "2000.100"
    )
    caller.advance("ship")
    order = caller.read("1001")
    assert {order["MinFulfillmentStatusId"], order["OrderLine"][0]["MinFulfillmentStatusId"]} == {
        "7000",
        "7000.000",
    }


def test_events_can_be_repeated_and_late(caller: Caller) -> None:
    """A touch changes only the time of change; a stale read returns the previous version."""
    caller.save(order_of())
    caller.advance("ship")
    before = caller.read("1001")
    caller.control("orders/1001/touch", {})
    after = caller.read("1001")
    assert after["UpdatedTimestamp"] > before["UpdatedTimestamp"]
    assert {**after, "UpdatedTimestamp": before["UpdatedTimestamp"]} == before
    caller.control("settings", {"stale_reads": 1})
    caller.advance("deliver")
    reads = [
        caller.ok("POST", SEARCH, {"Query": "OrderId = '1001'"})[0]["MinFulfillmentStatusId"]
        for _ in range(2)
    ]
    assert reads == ["7000", "7500"]


def test_correlation_ids_are_kept(caller: Caller) -> None:
    """Every id that a caller sent for an order is recorded."""
    for correlation_id in ("c-1", "c-2", "c-1"):
        caller.call("POST", SAVE, order_of(), x_correlation_id=correlation_id)
    assert caller.effects()["1001"]["correlations"] == ["c-1", "c-2"]
    counts = caller.control("counts", method="GET")
    assert (
        counts["requests"]["save"],
        counts["saves"],
        counts["creates"],
        counts["duplicate_alternate_ids"],
    ) == (3, 3, 1, [])


def test_the_smaller_order_calls_answer(caller: Caller) -> None:
    """Permitted changes, line holds, reasons, custom statuses and the item search work."""
    order = order_of()
    order["OrderLine"][0]["OrderLineHold"] = [{"HoldTypeId": "Review"}]
    caller.save(order)
    base = "/order/api/order/order"
    caller.ok(
        "PUT", f"{base}/orderLine/unhold", {"OrderId": "1001", "OrderLine": [{"OrderLineId": "1"}]}
    )
    assert caller.read("1001")["IsOnHold"] is False
    assert (
        "Order::Cancel"
        in caller.ok("GET", f"{base}/orderId/1001/permittedModTypes")["PermittedModTypes"]
    )
    reasons = caller.ok(
        "POST", "/order/api/order/reason/search", {"Query": "ReasonTypeId = 'Cancel'"}
    )
    assert "Out Of Stock" in {reason["ReasonId"] for reason in reasons}
    caller.ok(
        "POST",
        f"{base}/changeStatus",
        {"OrderId": "1001", "OrderLine": [{"OrderLineId": "1", "StatusId": "1000.500"}]},
    )
    assert codes_of(
        caller.call(
            "POST",
            f"{base}/changeStatus",
            {"OrderId": "1001", "OrderLine": [{"OrderLineId": "1", "StatusId": "7000"}]},
        )[1]
    )
    items = caller.ok(
        "POST", "/item/api/item/item/search", {"Query": "ItemId in ('SKU-3','SKU-1','NOPE')"}
    )
    assert [(item["ItemId"], item["UOM"]) for item in items] == [("SKU-1", "EA"), ("SKU-3", "EA")]
