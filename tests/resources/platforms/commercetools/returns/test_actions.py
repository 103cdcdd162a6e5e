"""Update actions that make an order show a return."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.refunds import ReturnedUnits, ReturnRecord
from resources.platforms.commercetools.answers_payload import HELD_ORDERS
from resources.platforms.commercetools.payload import Order
from resources.platforms.commercetools.returns.actions import item_prefix, show_return
from tests.resources.platforms.commercetools.projects import settings

Json = dict[str, Any]
SETTINGS = settings(stock_conditions=("Good",), unusable_conditions=("Damaged",))
PREFIX = item_prefix("R-1", "line")


def order(*items: Json) -> Order:
    """Return an order with return items."""
    document = {"id": "o", "version": 1, "returnInfo": [{"items": list(items)}]}
    return HELD_ORDERS.decode(orjson.dumps(document)).document


def item(start: int, quantity: int, state: str = "Returned", payment: str = "Initial") -> Json:
    """Return an item of ours."""
    return {
        "id": f"i{start}",
        "key": f"{PREFIX}{start}",
        "lineItemId": "line",
        "quantity": quantity,
        "shipmentState": state,
        "paymentState": payment,
    }


def record(arrived: int, confirmed: int = 0, refunded: int = 0, **more: Any) -> ReturnRecord:
    """Return what the order should show."""
    condition = more.pop("condition", "")
    units = ReturnedUnits("line", arrived, confirmed, refunded, condition, "Too small")
    return ReturnRecord("o", "R-1", (units,), "1Z", **more)


def actions(held: Order, wanted: ReturnRecord) -> list[tuple[str, Any]]:
    """Return kind and content of each action."""
    found = []
    for action in show_return(held, wanted, SETTINGS):
        content = [i["quantity"] for i in action["items"]] if "items" in action else None
        state = action.get("shipmentState", action.get("paymentState"))
        found.append((action["action"], content or (action["returnItemKey"], state)))
    return found


def test_units_that_arrive_are_added_once() -> None:
    """The rest becomes an item of its own, with the number of units before it in its key."""
    [added] = show_return(order(), record(2, condition="Good"), SETTINGS)
    assert added == {
        "action": "addReturnInfo",
        "returnTrackingId": "1Z",
        "items": [
            {
                "key": f"{PREFIX}0",
                "lineItemId": "line",
                "quantity": 2,
                "shipmentState": "Returned",
                "comment": "Return R-1, condition Good, reason Too small",
            }
        ],
    }
    assert actions(order(item(0, 2)), record(2)) == []
    [more] = show_return(order(item(0, 2)), record(3), SETTINGS)
    assert [(i["key"], i["quantity"]) for i in more["items"]] == [(f"{PREFIX}2", 1)]


def test_an_item_moves_once_all_of_its_units_have() -> None:
    """By the condition and by the money, each once."""
    held = order(item(0, 2), item(2, 1))
    wanted = record(3, 2, 2, condition="Damaged")
    assert actions(held, wanted) == [
        ("setReturnShipmentState", (f"{PREFIX}0", "Unusable")),
        ("setReturnPaymentState", (f"{PREFIX}0", "Refunded")),
    ]
    assert actions(order(item(0, 2, "Unusable", "Refunded"), item(2, 1)), wanted) == []
    assert actions(order(item(0, 3)), record(3, 2, 2, condition="Good")) == []
    assert actions(order(item(0, 3)), record(3, 3, 0, condition="Odd")) == []


def test_an_exchange_and_a_canceled_return_are_not_refunded() -> None:
    """Their items stay, since none can be removed."""
    assert actions(order(item(0, 1)), record(1, 1, is_refunded=False)) == [
        ("setReturnPaymentState", (f"{PREFIX}0", "NotRefunded"))
    ]
    assert actions(order(item(0, 1)), record(0)) == [
        ("setReturnPaymentState", (f"{PREFIX}0", "NotRefunded"))
    ]
    assert actions(order(), record(0)) == []


def test_a_split_line_is_returned_by_its_line_item() -> None:
    """Each of its lines has items of its own."""
    split = replace(record(1), lines=(ReturnedUnits("line~fast", 1, 0, 0),))
    [added] = show_return(order(item(0, 1)), split, SETTINGS)
    [entry] = added["items"]
    assert entry["lineItemId"] == "line"
    assert not entry["key"].startswith(PREFIX)


def test_items_of_others_are_not_doubled_unless_an_operator_says_so() -> None:
    """Another return's items of ours are not a conflict, nor is another line."""
    other = {"id": "x", "lineItemId": "line", "quantity": 1, "shipmentState": "Advised"}
    with pytest.raises(RecordRejected) as raised:
        show_return(order(other), record(1), SETTINGS)
    assert raised.value.problems[0].code == "return_made_in_store"
    assert len(actions(order(other), record(1, is_separate=True))) == 1
    elsewhere = other | {"lineItemId": "another"}
    of_another = item(0, 1) | {"key": f"{item_prefix('R-2', 'line')}0"}
    assert len(actions(order(elsewhere, of_another), record(1))) == 1
