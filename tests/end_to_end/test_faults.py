"""Faults of networks and overloaded systems: lost answers, dropped connections, 429, 500."""

from __future__ import annotations

import pytest

from resources.http.policy import ClientPolicy
from tests.assets import documents
from tests.assets.scene import Json, Scene
from tests.end_to_end.agreement import (
    assert_nothing_open,
    assert_orders_once,
    assert_shipments_once,
    assert_stock_right,
)

pytestmark = pytest.mark.slow(seconds=70)

STORM = {"Retry-After": "0"}
SAVE, SHIPMENTS, STOCK = "order/save$", "/shipments$", "adjustments/absolute$"
SLOW = "slower than the time-out"
TROUBLE: dict[str, list[Json]] = {
    "answer lost after the effect": [{"kind": "drop_after", "times": 3}],
    "connection lost before the effect": [{"kind": "drop_before", "times": 3}],
    "429 with Retry-After": [{"kind": "status", "status": 429, "headers": STORM, "times": 4}],
    "500": [{"kind": "status", "status": 500, "times": 3}],
    "503 with HTML": [
        {"kind": "status", "status": 503, "body": "<html>Service Unavailable</html>", "times": 3}
    ],
    "truncated answer": [{"kind": "truncated", "times": 2}],
    "malformed answer": [{"kind": "malformed", "times": 2}],
    SLOW: [{"kind": "delay", "delay_ms": 2600, "times": 1}],
    "everything at once": [
        {"kind": "drop_after", "probability": 0.3, "seed": 1, "times": 8},
        {"kind": "status", "status": 500, "probability": 0.3, "seed": 2, "times": 8},
        {
            "kind": "status",
            "status": 429,
            "headers": STORM,
            "probability": 0.3,
            "seed": 3,
            "times": 8,
        },
    ],
}
UNDER_WAY_SECONDS = 3.0
"""Longer than an abandoned request takes to have its effect here; the product allows more."""
cases = pytest.mark.parametrize("trouble", list(TROUBLE.values()), ids=list(TROUBLE))


def meet(scene: Scene, system: str, trouble: list[Json], **where: str) -> None:
    """Let a system be in trouble where it is called."""
    if trouble == TROUBLE[SLOW]:
        scene.wait_briefly()
    scene.fault(system, *(where | rule for rule in trouble))


@cases
def test_orders_are_at_the_oms_once_whatever_happens_to_the_saves(
    scene: Scene, trouble: list[Json]
) -> None:
    """After the run that met the fault, and one more, each order was created once."""
    placed = scene.place_many(range(1, 9))
    meet(scene, "manhattan", trouble, path=SAVE, method="POST")

    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.fault("manhattan")
    scene.run("orders", first=scene.yesterday)

    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


@cases
def test_shipments_are_at_the_store_once_whatever_happens_to_their_creation(
    scene: Scene, trouble: list[Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shipment is not idempotent: where its answer is lost it is looked up, not created again."""
    if trouble == TROUBLE[SLOW]:
        monkeypatch.setattr(ClientPolicy, "acts_for", UNDER_WAY_SECONDS)
    scene.place_many(range(1, 6))
    scene.run("orders", first=scene.yesterday)
    for number in range(1, 6):
        scene.to_oms(f"orders/{number}/ship", {"lines": [{"line": f"{number}01", "quantity": 1}]})
        scene.to_oms(f"orders/{number}/ship", {})
    meet(scene, "bigcommerce", trouble, path=SHIPMENTS, method="POST")

    scene.run("shipments", first=scene.today, raise_on_error=False)
    scene.fault("bigcommerce")
    scene.run("shipments", first=scene.today)

    assert_shipments_once(scene)
    assert_nothing_open(scene, "shipments")


@cases
def test_stock_is_right_whatever_happens_to_the_writes(scene: Scene, trouble: list[Json]) -> None:
    """Levels are absolute, so a batch whose answer was lost is simply sent again."""
    meet(scene, "bigcommerce", trouble, path=STOCK, method="PUT")

    scene.run("inventory", first=scene.today, raise_on_error=False)
    scene.fault("bigcommerce")
    scene.run("inventory", first=scene.today)

    assert_stock_right(scene)
    assert_nothing_open(scene, "inventory")


@cases
def test_trouble_at_the_source_loses_no_order(scene: Scene, trouble: list[Json]) -> None:
    """Reads are tried again; what a failed read left out, the next run brings."""
    placed = scene.place_many(range(1, 5))
    meet(scene, "bigcommerce", trouble, path="/v2/orders$", method="GET")

    scene.run("orders", first=scene.yesterday, raise_on_error=False)
    scene.fault("bigcommerce")
    scene.run("orders", first=scene.yesterday)

    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


def test_a_shipment_whose_answer_and_look_up_are_lost_is_looked_up_by_the_next_run(
    scene: Scene,
) -> None:
    """The answer and the look-up are lost: the next run finds the effect before creating it."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms(
        "orders/1/ship",
        {
            "lines": [{"line": "101", "quantity": 2}],
            "carrier": "UPS",
            "tracking": "1Z999AA10123456784",
        },
    )
    lost: Json = {"path": SHIPMENTS, "method": "POST", "kind": "drop_after"}
    scene.fault("bigcommerce", lost, {"path": SHIPMENTS, "method": "GET", "kind": "drop_before"})

    ended = scene.run("shipments", first=scene.today, raise_on_error=False)

    assert not ended.success
    assert ("1", "shipment", "in_flight", 1) in scene.deliveries("shipments")
    scene.fault("bigcommerce")
    scene.run("shipments", first=scene.today)
    assert_shipments_once(scene)
    assert len(scene.store_shipments()) == 1
    assert_nothing_open(scene, "shipments")


def test_a_change_that_failed_and_is_taken_back_is_taken_back_at_the_oms(scene: Scene) -> None:
    """Every answer to the change was lost, so it counts as failed; its reversal is sent too."""
    scene.place(documents.order(1, scene.moment(), customer_message="A"))
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1", {"customer_message": "B"}, "PATCH")
    scene.fault("manhattan", {"path": SAVE, "kind": "drop_after"})
    assert not scene.run("orders", first=scene.today, raise_on_error=False).success
    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["B"]
    scene.fault("manhattan")
    scene.to_store("orders/1", {"customer_message": "A"}, "PATCH")

    scene.run("orders", first=scene.today)

    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["A"]
    assert_nothing_open(scene, "orders")


def test_an_older_version_that_the_oms_refuses_does_not_hold_the_newer_one_up(scene: Scene) -> None:
    """The first version's outcome was unknown and is then refused: the corrected one is sent."""
    scene.to_oms("settings", {"payment_types": ["PayPal"]})
    scene.configure(orders={"payment_methods": {"Credit Card": "Credit Card", "PayPal": "PayPal"}})
    scene.place(documents.order(1, scene.moment()))
    scene.fault("manhattan", {"path": SAVE, "kind": "drop_before"})
    assert not scene.run("orders", first=scene.yesterday, raise_on_error=False).success
    scene.fault("manhattan")
    scene.to_store("orders/1", {"payment_method": "PayPal"}, "PATCH")

    scene.run("orders")

    assert scene.oms_orders()["1"]["creates"] == 1
    assert scene.outcomes("orders") == {"1": ("accepted", "delivered")}
    assert scene.open_rejections("orders") == {}
