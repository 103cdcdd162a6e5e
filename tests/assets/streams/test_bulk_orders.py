"""New orders that are created by many in one call, where the connection says so."""

from __future__ import annotations

from typing import Any

import pytest

from domain.identity import correlation_id
from tests.assets import documents
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
BULK, SAVE = "order/bulkImport$", "order/save$"
EXISTS: Json = {
    "success": True,
    "data": {"SuccessCount": 0, "FailedCount": 3, "Orders": []},
    "messages": {
        "Message": [
            {"Type": "ERROR", "Code": "ORDER_EXISTS", "BusinessKeys": {"OrderId": str(number)}}
            for number in (1, 2, 3)
        ]
    },
}


@pytest.fixture
def bulk(scene: Scene) -> Scene:
    """Three orders a call."""
    scene.configure(streams=("orders",), oms={"orders_per_call": 3})
    return scene


def calls(scene: Scene, path: str) -> list[list[str]]:
    """Return the orders of each call of a path, in the order in which the calls were logged."""
    names = {correlation_id(NAME, "order", str(number)): str(number) for number in range(1, 8)}
    rows = scene.sql(
        """SELECT array_agg(correlation_id) FROM sync.message_log WHERE endpoint ~ %s
           GROUP BY at ORDER BY at""",
        path,
    )
    return [sorted(names[one] for one in found) for (found,) in rows]


def test_orders_are_created_by_three_and_each_is_seen_by_itself(bulk: Scene) -> None:
    """Seven orders take three calls; each has a delivery of its own and the call in its trace."""
    bulk.place_many(range(1, 8))

    bulk.run("orders")

    assert set(bulk.oms_orders()) == {str(number) for number in range(1, 8)}
    assert sorted(map(len, calls(bulk, BULK))) == [3, 3]
    assert [len(numbers) for numbers in calls(bulk, SAVE)] == [1]  # the seventh, by itself
    assert {o for _, o in bulk.outcomes("orders").values()} == {"delivered"}
    before = bulk.effects()
    bulk.run("orders")
    assert bulk.effects() == before


def test_changes_and_cancellations_go_by_themselves(bulk: Scene) -> None:
    """The service creates only."""
    bulk.place_many([1, 2, 3])
    bulk.run("orders")
    for number, change in ((1, {"customer_message": "Ring"}), (2, {"customer_message": "Knock"})):
        bulk.to_store(f"orders/{number}", change, "PATCH")
    bulk.to_store("orders/3/status", {"status_id": 5})

    bulk.run("orders")

    assert len(calls(bulk, BULK)) == 1
    assert [bulk.oms_order(n)["OrderNote"][0]["NoteText"] for n in (1, 2)] == ["Ring", "Knock"]
    assert bulk.oms_orders()["3"]["canceled"]


def test_an_order_that_the_oms_refuses_holds_up_no_other(bulk: Scene) -> None:
    """It is sent by itself, so that the rejection says what the OMS has against it."""
    bulk.to_oms("settings", {"currencies": ["USD"]})
    bad = documents.order(2, bulk.moment(), currency_code="EUR", default_currency_code="EUR")
    bulk.place(documents.order(1, bulk.moment()), bad, documents.order(3, bulk.moment()))

    bulk.run("orders", raise_on_error=False)

    assert set(bulk.oms_orders()) == {"1", "3"}
    assert bulk.open_rejections("orders") == {"2": "oms_invalid_currency"}
    assert calls(bulk, SAVE) == [["2"]]


@pytest.mark.parametrize("kind", ["drop_after", "drop_before", "malformed", "truncated"])
def test_a_lost_call_is_looked_up_before_anything_is_sent_again(bulk: Scene, kind: str) -> None:
    """The orders are asked for, and those that did not arrive are sent one by one."""
    bulk.configure(streams=("orders",), max_attempts=9, oms={"orders_per_call": 3, "timeout": 2.0})
    bulk.place_many([1, 2, 3])
    bulk.fault("manhattan", {"kind": kind, "path": BULK})
    bulk.run("orders", raise_on_error=False)
    assert {state for _, _, state, _ in bulk.deliveries("orders")} <= {"failed", "in_flight"}
    bulk.to_store("orders/2", {"customer_message": "B"}, "PATCH")
    bulk.to_store("orders/3/status", {"status_id": 5})
    sent = len(calls(bulk, BULK))
    bulk.fault("manhattan")

    bulk.run("orders")
    bulk.run("orders")

    assert len(calls(bulk, BULK)) == sent
    held = bulk.oms_orders()
    assert [held[number]["creates"] for number in sorted(held)] == [1] * len(held)
    assert {number for number, order in held.items() if not order["canceled"]} == {"1", "2"}
    assert bulk.oms_order(2)["OrderNote"][0]["NoteText"] == "B"
    assert bulk.open_rejections("orders") == {}


def test_orders_that_exist_after_a_lost_answer_are_looked_up(bulk: Scene) -> None:
    """The second attempt of the call is answered that all of them exist: the first has made them.

    The OMS may have moved on since, so nothing is saved without a look.
    """
    bulk.place_many([1, 2, 3])
    bulk.fault("manhattan", {"kind": "drop_after", "path": BULK, "times": 1})

    bulk.run("orders", raise_on_error=False)

    assert bulk.oms_counts()["saves"] == bulk.oms_counts()["creates"] == 3
    assert {state for _, _, state, _ in bulk.deliveries("orders")} == {"in_flight"}
    bulk.run("orders")
    assert {o for _, o in bulk.outcomes("orders").values()} == {"delivered"}
    assert all(order["creates"] == 1 for order in bulk.oms_orders().values())


def test_orders_that_exist_without_a_lost_answer_are_saved_by_themselves(bulk: Scene) -> None:
    """As with one call an order: a save brings what is there to the store's version."""
    bulk.place_many([1, 2, 3])
    answer = {"kind": "replaced", "status": 200, "body": EXISTS, "path": BULK}
    bulk.fault("manhattan", answer)

    bulk.run("orders")

    assert sorted(calls(bulk, SAVE)) == [["1"], ["2"], ["3"]]
    assert all(order["creates"] == 1 for order in bulk.oms_orders().values())
    assert {o for _, o in bulk.outcomes("orders").values()} == {"delivered"}


def test_an_order_that_breaks_the_call_does_not_hold_up_the_others_again(bulk: Scene) -> None:
    """The OMS fails at a call as long as the order is in it; the next run sends one by one."""
    bulk.place_many([1, 2, 3])
    bulk.fault(
        "manhattan",
        {"kind": "status", "status": 500, "path": BULK},
        {
            "kind": "status",
            "status": 500,
            "path": SAVE,
            "correlation": correlation_id(NAME, "order", "2"),
        },
    )
    bulk.run("orders", raise_on_error=False)
    assert bulk.oms_orders() == {}

    bulk.run("orders", raise_on_error=False)

    assert set(bulk.oms_orders()) == {"1", "3"}


@pytest.mark.parametrize("status", [404, 405])
def test_a_tenant_without_the_service_is_named_with_the_setting(bulk: Scene, status: int) -> None:
    """Nothing is sent, and the run says what to correct."""
    bulk.place_many([1, 2, 3])
    bulk.fault("manhattan", {"kind": "status", "status": status, "body": "", "path": BULK})

    result = bulk.run("orders", raise_on_error=False)

    [failure] = result.failures.values()
    assert "oms.orders_per_call to 1" in str(failure)
    assert bulk.oms_orders() == {}
    bulk.configure(streams=("orders",))
    bulk.fault("manhattan")
    bulk.run("orders")
    assert set(bulk.oms_orders()) == {"1", "2", "3"}
