"""kill -9 at every critical place of the chains back: one shipment per parcel, correct levels."""

from __future__ import annotations

import pytest

from tests.assets import documents
from tests.assets.scene import Scene
from tests.end_to_end.agreement import (
    assert_nothing_open,
    assert_shipments_once,
    assert_stock_right,
)
from tests.end_to_end.conftest import Runner
from tests.end_to_end.places import (
    CAPTURES,
    CATALOG,
    DELIVERIES,
    ENGINE,
    RECORDS,
    STOCK_WRITER,
    STORE_WRITER,
    Place,
    kill,
)

pytestmark = pytest.mark.slow(seconds=60)

SHIPMENTS = [
    Place(CAPTURES, "Captures.add", "after"),
    Place(RECORDS, "Records.put", "after"),
    Place(DELIVERIES, "Deliveries.claim", "after"),
    Place(ENGINE, "Settlement.claim", "after"),
    Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after"),
    Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after", 5),
    Place(STORE_WRITER, "BigCommerceWriter.read_order", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.put_status", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.put_status", "after"),
    Place(ENGINE, "Settlement.settle", "before"),
    Place(DELIVERIES, "Deliveries.put_targets", "after"),
    Place(ENGINE, "Settlement.settle", "after"),
    Place(RECORDS, "Records.settle", "after"),
]


@pytest.mark.parametrize("place", SHIPMENTS, ids=str)
def test_shipments_are_at_the_store_exactly_once_after_a_kill(
    scene: Scene, runner: Runner, place: Place
) -> None:
    """Wherever the run dies that returns parcels, the next one leaves each as one shipment."""
    _ship_some(scene)

    kill(scene, runner, "shipments", place, scene.today)
    scene.run("shipments", first=scene.today)

    assert_shipments_once(scene)
    assert {o["id"]: o["status_id"] for o in scene.store_orders().values()} == {
        1: 2,
        2: 2,
        3: 3,
        4: 2,
        5: 2,
        6: 9,
    }
    assert_nothing_open(scene, "shipments")


def test_equal_parcels_of_one_order_are_distinguished_after_a_kill(
    scene: Scene, runner: Runner
) -> None:
    """Two parcels with the same units and no number: the existing shipment is one of them."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    for _ in range(2):
        scene.to_oms(
            "orders/1/ship",
            {"lines": [{"line": "101", "quantity": 1}], "carrier": "UPS", "tracking": ""},
        )
    place = Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after")

    kill(scene, runner, "shipments", place, scene.today)
    assert len(scene.store_shipments()) == 1
    scene.run("shipments", first=scene.today)

    assert [row["items"][0]["quantity"] for row in scene.store_shipments()] == [1, 1]
    assert scene.store_orders()[1]["status_id"] == 2
    assert_nothing_open(scene, "shipments")


def _ship_some(scene: Scene) -> None:
    """Let the OMS ship five orders: whole, in two parcels, in part, whole; a sixth is released."""
    scene.place_many(range(1, 7))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("advance", {"to": "release", "orders": ["6"], "cancel_rate": 0.0})
    for number in (1, 4, 5):
        scene.to_oms(f"orders/{number}/ship", {})
    first, second = {"line": "201", "quantity": 2}, {"line": "202", "quantity": 1}
    scene.to_oms(
        "orders/2/ship", {"lines": [first], "carrier": "UPS", "tracking": "1Z999AA10123456784"}
    )
    scene.to_oms(
        "orders/2/ship", {"lines": [second], "carrier": "UPS", "tracking": "1Z999AA10123456785"}
    )
    scene.to_oms("orders/3/ship", {"lines": [{"line": "301", "quantity": 1}]})


INVENTORY = [
    Place(CAPTURES, "Captures.add", "after"),
    Place(CATALOG, "Catalog.replace_store_items", "after"),
    Place(RECORDS, "Records.put", "before"),
    Place(DELIVERIES, "Deliveries.claim", "after"),
    Place(STOCK_WRITER, "StockWriter.put_stock", "before"),
    Place(STOCK_WRITER, "StockWriter.put_stock", "after"),
    Place(ENGINE, "Settlement.settle", "before"),
    Place(ENGINE, "Settlement.settle", "after"),
    Place(RECORDS, "Records.settle", "before"),
]


@pytest.mark.parametrize("place", INVENTORY, ids=str)
def test_stock_is_right_after_a_kill(scene: Scene, runner: Runner, place: Place) -> None:
    """Wherever the run dies that writes stock, the next one leaves each level right."""
    scene.run("inventory", first=scene.today)
    scene.to_oms("supply", documents.supply(77))

    kill(scene, runner, "inventory", place, scene.today)
    scene.run("inventory", first=scene.today)

    assert_stock_right(scene)
    assert scene.store_stock()["MUG"]["quantity"] == 77
    assert_nothing_open(scene, "inventory")


def test_a_store_that_is_down_after_a_kill_does_not_lose_the_orphaned_delivery(
    scene: Scene, runner: Runner
) -> None:
    """The shipment exists, its run died, the next run can't look it up: the third looks first."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {})
    kill(
        scene,
        runner,
        "shipments",
        Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after"),
        scene.today,
    )
    assert len(scene.store_shipments()) == 1
    scene.fault("bigcommerce", {"kind": "status", "status": 503})

    assert not scene.run("shipments", first=scene.today, raise_on_error=False).success
    scene.fault("bigcommerce")
    scene.run("shipments", first=scene.today)

    assert_shipments_once(scene)
    assert_nothing_open(scene, "shipments")


def test_an_orphaned_delivery_is_kept_when_a_later_run_stops_before_it(
    scene: Scene, runner: Runner
) -> None:
    """A revoked token stops that run at its first order, so the shipment is not looked up."""
    scene.place_many(range(1, 9))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {})
    kill(
        scene,
        runner,
        "shipments",
        Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after"),
        scene.today,
    )
    scene.to_oms(
        "advance",
        {"to": "release", "cancel_rate": 0.0, "orders": [str(number) for number in range(2, 9)]},
    )
    scene.configure(oms={"push_concurrency": 1})
    scene.to_store("settings", {"token": "another"})

    assert not scene.run("shipments", first=scene.today, raise_on_error=False).success
    scene.to_store("settings", {"token": f"sandbox-token-{scene.store}"})
    scene.run("shipments", first=scene.today)

    assert_shipments_once(scene)
    assert_nothing_open(scene, "shipments")
