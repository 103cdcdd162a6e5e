"""An order that the store opens again after the OMS has canceled it: an operator decides."""

from __future__ import annotations

import pytest

from assets.streams.inventory.undelivered import orders_under_way
from tests.assets.actions import act, with_actions
from tests.assets.documents import order
from tests.assets.reconciliation.comparing import look
from tests.assets.scene import NAME, Json, Scene

pytestmark = pytest.mark.slow(seconds=15)

OPEN, CANCELED = 11, 5
REJECTED = {"1": "reopened_after_cancel"}


def set_status(scene: Scene, status: int, **more: object) -> None:
    """Let the staff of the store set the order's status."""
    scene.to_store("orders/1", {"status_id": status, **more}, "PATCH")


def under_way(scene: Scene) -> dict[str, int]:
    """Return the units that are taken off the OMS's stock."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "test")
    with sync.ledger.session(NAME, "inventory") as session:
        return orders_under_way(sync, session)


def assert_left_alone(scene: Scene) -> None:
    """Run, compare and repair, and see that the order stays open at the store, with its reason."""
    for _ in range(2):
        look(scene, repair=True)
        scene.run("orders", "shipments")
    assert scene.store_orders()[1]["status_id"] == OPEN
    assert scene.oms_orders()["1"]["canceled"]
    assert scene.open_rejections("orders") == REJECTED
    assert scene.open_rejections("shipments") == {}


def test_its_units_are_not_sold_again_until_an_operator_has_decided(scene: Scene) -> None:
    """The OMS has them in its stock again, and the store has promised them to the shopper."""
    scene.place(order(1, scene.moment(), [("MUG", 3)]))
    scene.run("orders")
    set_status(scene, CANCELED)
    scene.run("orders")
    assert under_way(scene) == {}
    set_status(scene, OPEN)
    scene.run("orders")
    assert scene.open_rejections("orders") == REJECTED
    assert under_way(scene) == {"mug": 3}
    scene.sql_write("UPDATE sync.rejection SET state = 'discarded' WHERE state = 'open'")
    assert under_way(scene) == {}


@pytest.mark.parametrize("seen", [True, False], ids=["fulfilment was read", "was not"])
def test_an_order_that_the_store_canceled_and_opens_again(scene: Scene, seen: bool) -> None:
    """Neither fulfilment nor a reconciliation cancels it once more."""
    scene.place_many([1])
    scene.run("orders")
    set_status(scene, CANCELED)
    scene.run("orders")
    if seen:
        scene.run("shipments")
    set_status(scene, OPEN)
    scene.run("orders")
    assert_left_alone(scene)


def test_an_order_that_the_oms_canceled_and_the_store_opens_again(scene: Scene) -> None:
    """The store had followed the OMS, for lack of stock."""
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("orders/1/cancel", {"reason": {"ReasonId": "Out Of Stock"}})
    scene.run("shipments")
    scene.run("orders")
    assert scene.store_orders()[1]["status_id"] == CANCELED
    set_status(scene, OPEN)
    scene.run("orders")
    assert_left_alone(scene)


def test_an_order_that_is_opened_again_while_the_oms_moves(scene: Scene) -> None:
    """Its fulfilment is read before its new status is: the status counts."""
    scene.place_many([1])
    scene.run("orders")
    set_status(scene, CANCELED)
    scene.run("orders")
    set_status(scene, OPEN)
    scene.to_oms("orders/1/touch", {})
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == OPEN
    scene.run("orders")
    assert_left_alone(scene)


def test_an_order_that_is_opened_again_with_a_change(scene: Scene) -> None:
    """Sent by force as well: canceled is final at the OMS."""
    scene.place_many([1])
    scene.run("orders")
    set_status(scene, CANCELED)
    scene.run("orders", "shipments")
    set_status(scene, OPEN, customer_message="Ring twice")
    scene.run("orders")
    force: Json = {"config": {"force": True}}
    forced = {f"acme__{stream}_delivered": force for stream in ("orders", "shipments")}
    scene.run("orders", "shipments", config=forced)
    assert_left_alone(scene)


@pytest.mark.parametrize("seen", [True, False], ids=["seen as canceled", "not seen"])
def test_an_order_that_an_agent_canceled_and_the_store_opens_again(
    scene: Scene, seen: bool
) -> None:
    """It stays canceled at the OMS, and an operator sees that it waits in the store."""
    with_actions(scene)
    scene.place(order(1, scene.moment()))
    scene.run("orders")
    assert act(scene, "cancel", 1) == ("done", "")
    scene.run("shipments")
    if seen:
        scene.run("orders")
    assert scene.store_orders()[1]["status_id"] == CANCELED
    assert scene.open_rejections("orders") == {}
    set_status(scene, OPEN)
    scene.run("orders")
    assert_left_alone(scene)
    set_status(scene, CANCELED)
    scene.run("orders", "shipments")
    assert scene.open_rejections("orders") == {}


def test_an_order_that_the_oms_cancels_after_it_was_opened_again_is_canceled(scene: Scene) -> None:
    """The store had withdrawn it before it was sent, and the OMS never canceled it then."""
    scene.place_many([1])
    set_status(scene, CANCELED)
    scene.run("orders")
    set_status(scene, OPEN)
    scene.run("orders")
    assert not scene.oms_orders()["1"]["canceled"]
    scene.to_oms("orders/1/cancel", {"reason": {"ReasonId": "Out Of Stock"}})

    scene.run("shipments")

    assert scene.store_orders()[1]["status_id"] == CANCELED


def test_an_order_that_the_oms_canceled_before_its_creation_was_known_is_canceled(
    scene: Scene,
) -> None:
    """The store has never canceled it, so it was not opened again: it follows the OMS."""
    scene.place_many([1])
    scene.fault("manhattan", {"kind": "drop_after", "method": "POST", "path": "/order/save$"})
    scene.run("orders", raise_on_error=False)
    scene.fault("manhattan")
    scene.to_oms("orders/1/cancel", {"reason": {"ReasonId": "Out Of Stock"}})
    scene.sql_write("UPDATE sync.delivery SET may_act_until = now()")

    scene.run("orders")
    assert scene.open_rejections("orders") == {}
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == CANCELED
    scene.run("orders", "shipments")
    assert scene.open_rejections("orders") == {}
    assert under_way(scene) == {}


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("is_answered_first", [True, False])
def test_an_order_that_is_opened_again_before_the_oms_has_answered(
    scene: Scene, *, accepted: bool, is_answered_first: bool
) -> None:
    """Canceled late, it is an operator's to decide; otherwise it is what the store wants again."""
    scene.to_oms("settings", {"late_cancellation": True})
    scene.place_many([1])
    scene.run("orders")
    scene.to_oms("advance", {"to": "release", "cancel_rate": 0.0})
    set_status(scene, CANCELED)
    scene.run("orders")
    scene.run("shipments")
    set_status(scene, OPEN)
    if is_answered_first:
        scene.to_oms("orders/1/cancel_outcome", {"accepted": accepted})
    scene.run("orders")
    if not is_answered_first:
        scene.to_oms("orders/1/cancel_outcome", {"accepted": accepted})

    scene.run("shipments")
    scene.run("orders")

    if accepted:
        assert_left_alone(scene)
    else:
        assert scene.open_rejections("orders") == {}
        assert not scene.oms_orders()["1"]["canceled"]
        scene.to_oms("orders/1/ship", {})
        scene.run("shipments")
        assert scene.store_orders()[1]["status_id"] == 2


def test_an_order_whose_cancellation_was_lost_and_that_is_opened_again(scene: Scene) -> None:
    """Its fulfilment shows the cancellation before the run that looks for its outcome."""
    scene.place_many([1])
    scene.run("orders")
    set_status(scene, CANCELED)
    scene.fault("manhattan", {"kind": "drop_after", "method": "POST", "path": "/cancel$"})
    scene.run("orders", raise_on_error=False)
    scene.fault("manhattan")
    assert scene.oms_orders()["1"]["canceled"]
    set_status(scene, OPEN)
    scene.run("shipments")
    assert scene.store_orders()[1]["status_id"] == OPEN
    scene.sql_write("UPDATE sync.delivery SET may_act_until = now() WHERE may_act_until > now()")
    scene.run("orders")
    assert_left_alone(scene)
