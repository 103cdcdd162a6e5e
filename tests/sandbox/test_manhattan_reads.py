"""Reads of the simulated Manhattan tenant: searches, availability, and a restart."""

from __future__ import annotations

import pytest

from sandbox.oms.manhattan import ManhattanTenant
from tests.sandbox.manhattan_caller import (
    LOCATION,
    NETWORK,
    SEARCH,
    Caller,
    codes_of,
    order_of,
)


@pytest.fixture
def caller() -> Caller:
    """A separate tenant for each test."""
    return Caller()


def test_a_search_pages_by_time_of_change(caller: Caller) -> None:
    """The total is text, pages start at 0, and a cursor finds exactly the later changes."""
    for n in range(5):
        caller.save(order_of(f"10{n}"))
    cursor = caller.save({"OrderId": "102", "CustomerEmail": "x@example.com"})["UpdatedTimestamp"]
    body = {
        "Query": f"UpdatedTimestamp >= '{cursor}' and OrgId = 'SANDBOX'",
        "Template": {"OrderId": None, "OrderLine": {"ItemId": None}},
    }
    assert {"OrderId": "102", "OrderLine": [{"ItemId": "SKU-1"}]} in caller.ok("POST", SEARCH, body)
    _, envelope = caller.call(
        "POST", SEARCH, {"Query": "OrderId in ('100','101','104')", "Page": 1, "Size": 2}
    )
    assert envelope["header"] == {"totalCount": "3", "page": 1, "size": 2}
    assert [row["OrderId"] for row in envelope["data"]] == ["104"]
    newest = caller.ok(
        "POST", SEARCH, {"Sort": [{"attribute": "OrderId", "direction": "desc"}], "Size": 1}
    )
    assert newest[0]["OrderId"] == "104"
    found = caller.ok(
        "POST",
        SEARCH,
        {
            "Query": "MaxFulfillmentStatusId < '2000.000' and OrderLine.ItemId = 'SKU-1' "
            "and AlternateOrderId != 'alt-100'"
        },
    )
    assert len(found) == 4


@pytest.mark.parametrize(
    "query",
    [
        "OrderId ~ 'x'",
        "OrderId = 'x' or OrderId = 'y'",
        "OrderId = 'x",
        "OrderId in 'x'",
        "UpdatedTimestamp > 'soon'",
    ],
)
def test_a_query_outside_the_grammar_is_refused(caller: Caller, query: str) -> None:
    """An invalid query never returns everything."""
    status, envelope = caller.call("POST", SEARCH, {"Query": query})
    assert (status, codes_of(envelope)) == (400, ["INVALID_QUERY"])


def test_the_two_views_differ_for_unknown_items(caller: Caller) -> None:
    """The network view answers zero for an unknown item, the location view no row."""
    network = caller.ok("POST", NETWORK, {"ViewName": "Web", "Items": ["SKU-1", "NOPE"]})
    assert [(row["ItemId"], row["TotalQuantity"], row["StatusCode"]) for row in network] == [
        ("SKU-1", 100, 2),
        ("NOPE", 0, 0),
    ]
    location = caller.ok(
        "POST",
        LOCATION,
        {"ViewName": "Web", "Items": ["SKU-1", "NOPE"], "Locations": ["DC1", "DC9"]},
    )
    assert [(row["ItemId"], row["LocationId"], row["Quantity"]) for row in location] == [
        ("SKU-1", "DC1", 100)
    ]
    assert codes_of(
        caller.call("POST", NETWORK, {"ViewName": "Web", "Items": [str(n) for n in range(101)]})[1]
    ) == ["TOO_MANY_ITEMS"]


def test_availability_is_supply_less_what_is_held_and_never_negative(caller: Caller) -> None:
    """Open demand lowers the network view, allocation both, shipping the supply itself."""

    def seen() -> tuple[int, int]:
        network = caller.ok("POST", NETWORK, {"ViewName": "Web", "Items": ["SKU-1"]})[0][
            "TotalQuantity"
        ]
        return network, caller.ok("POST", LOCATION, {"ViewName": "Web", "Items": ["SKU-1"]})[0][
            "Quantity"
        ]

    caller.save(order_of(quantities=(30,)))
    assert seen() == (70, 100)
    caller.advance("allocate")
    assert seen() == (70, 70)
    caller.advance("ship")
    assert seen() == (70, 70)
    caller.control("supply", [{"item": "SKU-1", "location": "DC1", "protection": 80}])
    assert seen() == (0, 0)
    expected = [{"date": "2030-01-01T00:00:00", "quantity": 5}]
    caller.control(
        "supply",
        [
            {
                "item": "SKU-1",
                "location": "DC1",
                "protection": 0,
                "infinite": True,
                "expected": expected,
            }
        ],
    )
    row = caller.ok("POST", NETWORK, {"ViewName": "Web", "Items": ["SKU-1"]})[0]
    assert (row["IsInfiniteAvailability"], row["NextAvailabilityDate"]) == (
        True,
        "2030-01-01T00:00:00",
    )
    caller.control("locations", [{"LocationId": "DC1", "outage": True}])
    assert seen() == (0, 0)


def test_a_restored_tenant_continues_where_it_stopped(caller: Caller) -> None:
    """State, tokens and stock survive a restart, byte for byte."""
    caller.save(order_of(quantities=(2, 1)))
    caller.advance("ship", split_rate=1)
    kept = caller.tenant.snapshot()
    again = ManhattanTenant("acme")
    again.restore(kept)
    assert again.snapshot() == kept
    before, caller.tenant = caller.read("1001"), again
    assert caller.read("1001") == before
    assert caller.save(order_of("1002", quantities=(1,)))["OrderId"] == "1002"
