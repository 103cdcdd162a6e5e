"""The composite that makes an org show a return."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.refunds import ReturnedUnits, ReturnRecord
from resources.platforms.salesforce.parts import Part
from resources.platforms.salesforce.returns.parts import MOST_ROWS, return_key, show_return
from resources.platforms.salesforce.returns.payload import RETURNED_ORDERS, ReturnedOrder
from tests.resources.platforms.salesforce.orgs import settings

Json = dict[str, Any]
ID, ITEM, OTHER = "1OsLk0000000001AAA", "10uLk0000000001AAA", "10uLk0000000002AAA"
SETTINGS = settings()
BASE = {"OrderSummaryId": ID, "AccountId": "001", "CurrencyIsoCode": "USD"}


def record(*lines: ReturnedUnits, tracking: str = "1Z", **more: Any) -> ReturnRecord:
    """Return what the org should show of the return RMA-1."""
    return ReturnRecord(ID, "RMA-1", lines, tracking, **more)


def units(expected: int, arrived: int = 0, confirmed: int = 0, **more: Any) -> ReturnedUnits:
    """Return units of the first item."""
    item, refunded = more.pop("item", ITEM), more.pop("refunded", 0)
    return ReturnedUnits(item, arrived, confirmed, refunded, expected=expected, **more)


KEY = return_key(record())


def line(expected: int, received: int = 0, returned: int = 0, item: str = ITEM) -> Json:
    """Return a line of ours; the vendor writes 3 as 3.0."""
    return {
        "Id": "l",
        "Lockstep_Key__c": f"{KEY}-{item}",
        "OrderItemSummaryId": item,
        "Description": None,
        "QuantityExpected": float(expected),
        "QuantityReceived": received,
        "QuantityReturned": returned,
        "Lockstep_Refunded__c": None,
    }


def own(*lines: Json, status: str = "Approved", **more: Any) -> Json:
    """Return the return order of RMA-1 as the org has it."""
    return {
        "Id": "r",
        "Lockstep_Key__c": KEY,
        "Status": status,
        "Lockstep_Return__c": "RMA-1",
        "Lockstep_Tracking__c": "1Z",
        "ReturnOrderLineItems": {"records": [*lines, None]},
    } | more


def order(*returns: Json, **more: Any) -> ReturnedOrder:
    """Return an order with its return orders."""
    items = [{"Id": ITEM, "Product2Id": "01t"}, {"Id": OTHER}, None]
    document = {
        "Id": ID,
        "AccountId": "001",
        "OrderLifeCycleType": "UNMANAGED",
        "CurrencyIsoCode": "USD",
        "OrderItemSummaries": {"records": items},
        "ReturnOrders": {"records": [*returns, None]} if returns else None,
    }
    return RETURNED_ORDERS.decode(orjson.dumps(document | more)).document


def said(parts: list[Part]) -> list[tuple[str, Any]]:
    """Return the reference of each request, and what it writes without keys."""
    found = []
    for part in parts:
        body = part["body"]
        rows = [
            {name: value for name, value in row.items() if name != "attributes"}
            for row in body.get("records", ())
        ]
        found.append((part["referenceId"], rows or body))
    return found


def test_a_new_return_is_made_open_with_its_lines() -> None:
    """Each has an external id, and the order, item and product that it is of."""
    parts = show_return(order(), record(units(2, 1, condition="Good", reason="Size")), SETTINGS)
    assert said(parts) == [
        (
            "return",
            BASE
            | {"Lockstep_Return__c": "RMA-1", "Lockstep_Tracking__c": "1Z", "Status": "Approved"},
        ),
        (
            "lines0",
            [
                {
                    "Lockstep_Key__c": f"{KEY}-{ITEM}",
                    "ReturnOrderId": "@{return.id}",
                    "OrderItemSummaryId": ITEM,
                    "Product2Id": "01t",
                    "QuantityExpected": 2,
                    "QuantityReceived": 1,
                    "QuantityReturned": 0,
                    "Lockstep_Refunded__c": 0,
                    "Description": "Condition Good, reason Size",
                }
            ],
        ),
    ]
    assert parts[0]["url"].endswith(f"/sobjects/ReturnOrder/Lockstep_Key__c/{KEY}")
    assert parts[1]["body"]["allOrNone"] is True


def test_what_an_org_shows_already_is_not_written() -> None:
    """Also where a person has given the open return a status of the org's own."""
    wanted = record(units(2, 1))
    for status in ("Approved", "Inspecting"):
        assert show_return(order(own(line(2, 1), status=status)), wanted, SETTINGS) == []
    assert show_return(order(), record(units(0)), SETTINGS) == [], "canceled before it was shown"


def test_a_return_grows_by_what_differs() -> None:
    """Nothing is written to a line that stays; a new one names its return order by id."""
    wanted = record(units(2, 2, 1, refunded=1), units(1, item=OTHER), tracking="")
    parts = show_return(order(own(line(2, 1))), wanted, SETTINGS)
    assert said(parts) == [
        ("return", {"Lockstep_Tracking__c": None}),
        (
            "lines0",
            [
                {
                    "Lockstep_Key__c": f"{KEY}-{ITEM}",
                    "QuantityReceived": 2,
                    "QuantityReturned": 1,
                    "Lockstep_Refunded__c": 1,
                },
                {
                    "Lockstep_Key__c": f"{KEY}-{OTHER}",
                    "OrderItemSummaryId": OTHER,
                    "QuantityExpected": 1,
                    "QuantityReceived": 0,
                    "QuantityReturned": 0,
                    "Lockstep_Refunded__c": 0,
                    "ReturnOrderId": "@{return.id}",
                },
            ],
        ),
    ]
    [added] = show_return(order(own(line(2))), record(units(2), units(1, item=OTHER)), SETTINGS)
    assert added["body"]["records"][0]["ReturnOrderId"] == "r"


@pytest.mark.parametrize(
    ("wanted", "status"), [(units(2, 2, 2), "Closed"), (units(0), "Canceled"), (units(2, 2), None)]
)
def test_a_return_is_settled_once_all_of_its_units_are(
    wanted: ReturnedUnits, status: str | None
) -> None:
    """All are taken back, or all are canceled; by the org's own names."""
    parts = said(show_return(order(own(line(2))), record(wanted), SETTINGS))
    assert [body for reference, body in parts if reference == "settled"] == (
        [{"Status": status}] if status else []
    )
    names = settings(return_statuses={"closed": "Erledigt"})
    parts = said(show_return(order(), record(units(1, 1, 1)), names))
    assert parts[-1] == ("settled", {"Status": "Erledigt"})


@pytest.mark.parametrize("status", ["Closed", "Canceled"])
def test_a_settled_return_is_opened_for_its_lines(status: str) -> None:
    """And settled again where its units are; one that only was closed by hand stays so."""
    parts = show_return(order(own(line(2, 1), status=status)), record(units(2, 2)), SETTINGS)
    assert said(parts)[0] == ("return", {"Status": "Approved"})
    assert len(parts) == 2
    parts = show_return(order(own(line(2, 1), status=status)), record(units(2, 2, 2)), SETTINGS)
    assert [reference for reference, _ in said(parts)] == ["return", "lines0", "settled"]
    assert show_return(order(own(line(2), status=status)), record(units(2)), SETTINGS) == []


def test_a_line_that_the_oms_has_no_more_is_emptied() -> None:
    """It would show units forever."""
    parts = show_return(order(own(line(2), line(1, item=OTHER))), record(units(2)), SETTINGS)
    [(_, [row])] = said(parts)
    assert row == {"Lockstep_Key__c": f"{KEY}-{OTHER}", "QuantityExpected": 0}


def test_a_return_order_of_the_orgs_own_holds_units_of_its_item_back() -> None:
    """Unless an operator has decided, or it is a draft, canceled, or another connection's."""
    foreign = own(line(1), status="Submitted", Id="x", Lockstep_Key__c=None)
    wanted = record(units(2))
    with pytest.raises(RecordRejected) as raised:
        show_return(order(foreign), wanted, SETTINGS)
    [problem] = raised.value.problems
    assert (problem.code, problem.field) == ("return_made_in_store", f"lines[{ITEM}]")
    assert show_return(order(foreign, own(line(2))), wanted, SETTINGS) == []
    separate = record(units(2), is_separate=True)
    for held, shown in (
        (foreign, separate),
        (foreign | {"Status": "Draft"}, wanted),
        (foreign | {"Status": "Canceled"}, wanted),
        (foreign | {"Lockstep_Key__c": "lockstep-2"}, wanted),
        (foreign, record(units(1, item=OTHER))),
    ):
        assert show_return(order(held), shown, SETTINGS) != []


def test_an_order_that_the_platform_manages_takes_none() -> None:
    """It is the record's fault, with advice."""
    with pytest.raises(RecordRejected) as raised:
        show_return(order(OrderLifeCycleType="MANAGED"), record(units(1)), SETTINGS)
    assert raised.value.problems[0].code == "return_refused"
    assert "UNMANAGED" in raised.value.problems[0].advice


def test_a_large_return_is_several_collections_and_a_bare_order_states_less() -> None:
    """An org of one currency has no field for it."""
    lines = [units(1, item=f"10uLk{n:010d}AAA") for n in range(MOST_ROWS + 1)]
    bare = order(AccountId=None, OrderItemSummaries=None)
    parts = show_return(bare, record(*lines), settings(currency="USD"))
    assert [len(part["body"].get("records", ())) for part in parts] == [0, MOST_ROWS, 1]
    assert {"AccountId", "CurrencyIsoCode"}.isdisjoint(parts[0]["body"])


def test_equal_numbers_of_two_orders_are_two_return_orders() -> None:
    """Another OMS behind the same org may number its returns alike."""
    other = ReturnRecord(f"{ID[:-1]}B", "RMA-1", ())
    assert len({KEY, return_key(other), return_key(ReturnRecord(ID, "RMA-2", ()))}) == 3
