"""Orders that the store holds back: they reach the OMS on hold, and are released later."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from domain.policies import OrdersPolicy, ShipmentsPolicy
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES
from tests.assets.documents import order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
REVIEW, AWAITING, SHIPPABLE, CANCELLED = 12, 11, 9, 5
HOLD = "Fraud Review"


@pytest.fixture
def held(scene: Scene) -> Scene:
    """Order 1 waits for manual verification and has gone out."""
    scene.configure(orders={"hold_statuses": {REVIEW: HOLD}})
    scene.place(order(1, scene.moment(), status_id=REVIEW), order(2, scene.moment()))
    scene.run("orders")
    return scene


def holds(scene: Scene, number: int = 1) -> list[tuple[str, str]]:
    """Return hold type and status of each hold that the OMS has of the order."""
    return [
        (hold["HoldTypeId"], hold["StatusId"])
        for hold in scene.oms_order(number).get("OrderHold") or ()
    ]


def status(scene: Scene, number: int, status_id: int) -> None:
    """Move the order's status in the store, and let the change go out."""
    scene.to_store(f"orders/{number}/status", {"status_id": status_id})
    scene.run("orders")


def test_a_held_order_goes_out_and_is_not_fulfilled(held: Scene) -> None:
    """The OMS has it on hold, and neither allocates nor ships it; its neighbour goes on."""
    assert holds(held) == [(HOLD, "1000")]
    assert holds(held, 2) == []
    held.to_oms("advance", {"to": "ship", "cancel_rate": 0, "partial_rate": 0})
    orders = held.oms_orders()
    assert (orders["1"]["on_hold"], orders["1"]["max_status"]) == (True, 1000)
    assert orders["2"]["min_status"] == 7000


def test_the_hold_is_resolved_when_the_status_leaves_it(held: Scene) -> None:
    """Only the hold is sent, as resolved, and the order can ship; a new review holds it again."""
    status(held, 1, AWAITING)
    assert holds(held) == [(HOLD, "2000")]
    status(held, 1, REVIEW)
    assert holds(held) == [(HOLD, "1000")]
    status(held, 1, SHIPPABLE)
    assert holds(held) == [(HOLD, "2000")]
    held.to_oms("advance", {"to": "ship", "cancel_rate": 0, "partial_rate": 0})
    assert held.oms_orders()["1"]["min_status"] == 7000
    assert held.oms_orders()["1"]["creates"] == 1


def test_a_held_order_that_is_canceled_becomes_a_cancel_request(held: Scene) -> None:
    """A cancellation goes by its own call."""
    status(held, 1, CANCELLED)
    assert held.oms_orders()["1"]["canceled"]


def test_a_hold_is_resolved_even_if_the_run_that_did_it_died(held: Scene) -> None:
    """What a dead run may have sent is sent whole, including the removed hold."""
    held.to_store("orders/1/status", {"status_id": AWAITING})
    held.fault("manhattan", {"kind": "status", "status": 503, "path": "/order/save"})
    held.run("orders", raise_on_error=False)
    held.fault("manhattan")
    with_state = (
        "UPDATE sync.delivery SET state = 'in_flight', settled_at = NULL "
        "WHERE action = 'update' RETURNING source_id"
    )
    assert held.sql(with_state) == [("1",)]
    held.run("orders")
    assert holds(held) == [(HOLD, "2000")]


def test_a_forced_resend_resolves_what_is_held_no_more(held: Scene) -> None:
    """``force`` sends the whole order, and still says that the hold is over."""
    held.to_store("orders/1/status", {"status_id": AWAITING})
    held.run("orders", steps=("captured", "validated"))
    held.run(
        "orders",
        steps=("delivered",),
        config={"acme__orders_delivered": {"config": {"force": True}}},
    )
    assert holds(held) == [(HOLD, "2000")]


def test_a_status_is_either_a_hold_or_a_cancellation() -> None:
    """A configuration that says both, or names no hold type, is refused with the status."""
    policy = OrdersPolicy(hold_statuses={5: HOLD})
    [fault] = ORDER_STATUSES.unusable(policy, ShipmentsPolicy())
    assert "status 5 is in hold_statuses and in cancel_statuses" in fault.message
    with pytest.raises(ValidationError, match="names no hold type for status 12"):
        OrdersPolicy(hold_statuses={12: " "})
