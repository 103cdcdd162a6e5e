"""A success without a usable body, through the streams: looked up, and no other record stops."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.documents import DEPOT
from tests.assets.scene import Json, Scene
from tests.assets.streams.test_late_tracking import NUMBER, in_store

pytestmark = pytest.mark.slow(seconds=45)

HTML = "<!DOCTYPE html><title>Maintenance</title>"
BODIES: dict[str, Any] = {"HTML": HTML, "empty": "", "no id": {}, "truncated": '{"id": 7, "ite'}
bodies = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
ORDERS = range(1, 9)
SHIPMENTS = "/orders/[0-9]+/shipments$"
SAVE = "order/save$"


def answered(path: str, method: str, body: Any, times: int | None = 1) -> Json:
    """Return the fault: the effect, and then 200 with this body."""
    rule = {"kind": "replaced", "status": 200, "body": body, "times": times}
    return rule | {"path": path, "method": method}


def shipped(scene: Scene, numbers: range = ORDERS) -> None:
    """Bring orders to the OMS and let it ship them."""
    scene.place_many(numbers)
    scene.run("orders", first=scene.yesterday)
    for number in numbers:
        scene.to_oms(f"orders/{number}/ship", {"tracking": f"1Z999AA1012345678{number % 10}"})


def of_orders(scene: Scene) -> list[int]:
    """Return the order of each shipment in the store."""
    return sorted(row["order_id"] for row in scene.store_shipments())


@bodies
def test_a_shipment_whose_answer_cannot_be_used_is_found_and_stops_no_other(
    scene: Scene, body: Any
) -> None:
    """One of eight answers is unusable: eight shipments, each once, in the same run."""
    shipped(scene)
    scene.fault("bigcommerce", answered(SHIPMENTS, "POST", body))

    assert scene.run("shipments").success

    assert of_orders(scene) == list(ORDERS)
    assert {row["status_id"] for row in scene.store_orders().values()} == {2}
    assert {(a, s) for _, a, s, _ in scene.deliveries("shipments")} == {
        ("shipment", "delivered"),
        ("status", "delivered"),
    }
    scene.run("shipments")
    assert of_orders(scene) == list(ORDERS)


LOOK_UPS: dict[str, Json] = {
    "HTML": answered(SHIPMENTS, "GET", HTML, times=None),
    "empty 200": answered(SHIPMENTS, "GET", "", times=None),
    "500": {"kind": "status", "status": 500, "path": SHIPMENTS, "method": "GET", "times": None},
}


@pytest.mark.parametrize("look_up", LOOK_UPS.values(), ids=LOOK_UPS.keys())
def test_a_shipment_that_cannot_be_looked_up_either_waits_and_is_not_created_twice(
    scene: Scene, look_up: Json
) -> None:
    """It stays in flight while the others go out; the next run finds it."""
    shipped(scene)
    scene.fault("bigcommerce", answered(SHIPMENTS, "POST", HTML), look_up)

    assert scene.run("shipments").success  # the others got through: the store is not at fault

    assert of_orders(scene) == list(ORDERS)
    states = [state for _, action, state, _ in scene.deliveries("shipments") if action != "status"]
    assert sorted(states) == ["delivered"] * 7 + ["in_flight"]
    assert scene.open_rejections("shipments") == {}
    scene.fault("bigcommerce")
    assert scene.run("shipments").success
    assert of_orders(scene) == list(ORDERS)
    assert {row["status_id"] for row in scene.store_orders().values()} == {2}


def test_a_store_that_answers_nothing_usable_is_not_sent_everything(scene: Scene) -> None:
    """After five in a row the rest waits, unsent; each shipment is created once in the end."""
    numbers = range(1, 21)
    shipped(scene, numbers)
    lost = answered(SHIPMENTS, "POST", HTML, times=None)
    scene.fault("bigcommerce", lost, LOOK_UPS["HTML"])
    assert not scene.run("shipments", raise_on_error=False).success
    assert 5 <= len(of_orders(scene)) < 20
    scene.fault("bigcommerce")

    assert scene.run("shipments").success

    assert of_orders(scene) == list(numbers)
    assert scene.open_rejections("shipments") == {}


def test_a_found_shipment_whose_number_cannot_be_set_is_not_created_again(scene: Scene) -> None:
    """The parcel got another number meanwhile, and the store does not answer to its change."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {"labelled": False, "carrier": None})
    scene.fault("bigcommerce", answered(SHIPMENTS, "POST", HTML), LOOK_UPS["500"])
    scene.run("shipments", raise_on_error=False)
    scene.to_oms("orders/1/track", {"tracking": NUMBER, "carrier": "UPS"})
    not_set = {"kind": "status", "status": 501, "path": "/shipments/", "method": "PUT"}
    scene.fault("bigcommerce", not_set)
    scene.run("shipments", raise_on_error=False)
    assert {s for _, a, s, _ in scene.deliveries("shipments") if a == "shipment"} >= {"in_flight"}
    scene.fault("bigcommerce")

    assert scene.run("shipments").success

    assert [row["tracking_number"] for row in in_store(scene, 1)] == [NUMBER]


@bodies
def test_an_order_whose_answers_cannot_be_used_stops_no_other(scene: Scene, body: Any) -> None:
    """One of eight is answered so each time it is sent: it stays in flight, seven are delivered."""
    scene.place_many(ORDERS)
    # One connection's orders are sent four at once: the fault hits one order five times in turn.
    scene.configure(streams=("orders",), oms={"push_concurrency": 1})
    scene.fault("manhattan", answered(SAVE, "POST", body, times=5))

    assert scene.run("orders", first=scene.yesterday).success

    assert sorted(state for *_, state, _ in scene.deliveries("orders")) == ["delivered"] * 7 + [
        "in_flight"
    ]
    assert scene.open_rejections("orders") == {}
    assert scene.run("orders", first=scene.yesterday).success
    assert {state for *_, state, _ in scene.deliveries("orders")} == {"delivered"}
    assert {order["creates"] for order in scene.oms_orders().values()} == {1}


def test_a_cancellation_whose_answer_cannot_be_used_is_repeated(scene: Scene) -> None:
    """The order is canceled at the OMS, once, and the ledger knows it after the next run."""
    scene.configure(streams=("orders",))
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.fault("manhattan", answered("/cancel$", "POST", HTML, times=None))
    scene.run("orders", raise_on_error=False)
    assert ("1", "cancel", "in_flight", 1) in scene.deliveries("orders")
    scene.fault("manhattan")

    assert scene.run("orders").success

    assert {s for _, a, s, _ in scene.deliveries("orders") if a == "cancel"} == {"delivered"}
    assert scene.oms_orders()["1"]["canceled"]


@bodies
def test_a_level_whose_answer_cannot_be_used_is_written_again(scene: Scene, body: Any) -> None:
    """It stays in flight: until an answer says more, the store holds what was read before."""
    scene.configure(streams=("inventory",))
    scene.fault("bigcommerce", answered("adjustments/absolute$", "PUT", body, times=None))
    assert not scene.run("inventory", raise_on_error=False).success
    assert {state for *_, state, _ in scene.deliveries("inventory")} == {"in_flight"}
    written = "SELECT count(*) FROM sync.target_state WHERE stream = 'inventory' AND sequence > 0"
    assert scene.sql(written) == [(0,)]
    scene.fault("bigcommerce")

    assert scene.run("inventory").success

    assert {state for *_, state, _ in scene.deliveries("inventory")} == {"delivered"}
    assert scene.store_stock()["MUG"]["quantity"] == 1000


@pytest.mark.parametrize("status", [200, 422], ids=["unusable", "refused"])
def test_an_item_whose_tracking_cannot_be_stopped_keeps_back_only_itself(
    scene: Scene, status: int
) -> None:
    """The other levels of its batch are written and settled."""
    scene.configure(streams=("inventory",), inventory={"infinite": "stop_tracking"})
    scene.to_oms("supply", [{"item": "TENT", "location": DEPOT, "quantity": 0, "infinite": True}])
    fault = answered("/v3/catalog/products/", "PUT", HTML, times=None)
    if status == 422:
        fault |= {"kind": "status", "status": 422, "body": {"title": "no"}}
    scene.fault("bigcommerce", fault)

    scene.run("inventory", raise_on_error=False)

    states = {source: state for source, _, state, _ in scene.deliveries("inventory")}
    tent = {state for source, state in states.items() if source.startswith("TENT")}
    assert tent == {"in_flight" if status == 200 else "refused"}
    assert {s for source, s in states.items() if not source.startswith("TENT")} == {"delivered"}
    assert scene.store_stock()["MUG"]["quantity"] == 1000
