"""kill -9 at every place that matters, in a real process: after the next run nothing is lost and nothing was done twice."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import pytest

from assets.config import live_config
from tests.assets import documents
from tests.assets.scene import NAME, Json, Scene
from tests.end_to_end.agreement import assert_nothing_open, assert_orders_once, assert_shipments_once, assert_stock_right
from tests.end_to_end.conftest import Runner

KILLED = {"signal": 9, "exit": None}
LEDGER = "resources.ledger"


class Place(NamedTuple):
    """Where a run dies: before or after the n-th call of a method."""

    module: str
    name: str
    when: str
    call: int = 1

    def __str__(self) -> str:
        return f"{self.when} {self.name} {self.call}"


CAPTURES, RECORDS, DELIVERIES = f"{LEDGER}.captures", f"{LEDGER}.records", f"{LEDGER}.deliveries"
STORE, DESK = f"{LEDGER}.store", "assets.delivery"
OMS_WRITER, STORE_WRITER = "resources.oms.manhattan.writer", "resources.platforms.bigcommerce.writer"

def _kill(scene: Scene, runner: Runner, stream: str, place: Place, first: date, **more: Any) -> None:
    """Run a chain that dies at ``place``: of yesterday alone, or from ``first`` to the present."""
    last = first if first == scene.yesterday else datetime.now(UTC).date()
    assert runner.run(scene, stream, first, last, crash=place._asdict(), **more) == KILLED


ORDERS = [
    Place(CAPTURES, "Captures.add", "before"),
    Place(CAPTURES, "Captures.add", "after"),
    Place(STORE, "Session.batch", "before"),
    Place(RECORDS, "Records.put", "before"),
    Place(RECORDS, "Records.put", "after"),
    Place(DELIVERIES, "Deliveries.claim", "after"),
    Place(DESK, "Desk.claim", "after"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "before"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "after"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "after", 4),
    Place(DESK, "Desk.settle_rows", "before"),
    Place(DELIVERIES, "Deliveries.settle", "after"),
    Place(DELIVERIES, "Deliveries.put_targets", "after"),
    Place(DESK, "Desk.settle_rows", "after"),
    Place(RECORDS, "Records.settle", "after"),
    Place(STORE, "Session.note", "before"),
]


@pytest.mark.parametrize("place", ORDERS, ids=str)
def test_orders_are_at_the_oms_exactly_once_after_a_kill(scene: Scene, runner: Runner, place: Place) -> None:
    """Wherever the run that exports new orders dies, the next one leaves each at the OMS once."""
    placed = scene.place_many(range(1, 7))

    _kill(scene, runner, "orders", place, scene.yesterday)
    scene.run("orders", first=scene.yesterday)

    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


LIVE = [
    Place(STORE, "Session.move_watermark", "before"),
    Place(STORE, "Session.move_watermark", "after"),
    Place(RECORDS, "Records.settle", "before"),
]


@pytest.mark.parametrize("place", LIVE, ids=str)
def test_a_killed_live_run_leaves_no_gap_behind_the_watermark(scene: Scene, runner: Runner, place: Place) -> None:
    """If the watermark passed an order, its capture is stored; the same window again then completes it."""
    placed = scene.place_many(range(1, 4))
    since, until = scene.moment(hour=11).isoformat(), scene.moment(hour=13).isoformat()
    config = live_config(NAME, "orders", since, until)

    _kill(scene, runner, "orders", place, scene.yesterday, config=config, trigger="live")

    passed = scene.sql("SELECT 1 FROM sync.watermark WHERE watermark IS NOT NULL") != []
    stored = scene.sql("SELECT count(*) FROM sync.capture")[0][0]
    assert stored == len(placed) or not passed
    scene.run("orders", first=scene.yesterday, config=config, trigger="live")
    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


CHANGES = [
    Place(DESK, "Desk.claim", "after"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "before"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "after"),
    Place(OMS_WRITER, "ManhattanWriter.cancel_order", "before"),
    Place(OMS_WRITER, "ManhattanWriter.cancel_order", "after"),
    Place(DESK, "Desk.settle_rows", "before"),
    Place(DESK, "Desk.settle_rows", "after"),
    Place(RECORDS, "Records.settle", "after"),
]


@pytest.mark.parametrize("place", CHANGES, ids=str)
def test_changes_and_cancellations_survive_a_kill(scene: Scene, runner: Runner, place: Place) -> None:
    """Wherever the run dies that sends a change and a cancellation, the next one leaves the OMS with both."""
    placed = scene.place_many(range(1, 5))
    scene.run("orders", first=scene.yesterday)
    for number in (1, 2):
        scene.to_store(f"orders/{number}", {"customer_message": "Leave it at the door"}, "PATCH")
    scene.to_store("orders/3/status", {"status_id": 5})

    _kill(scene, runner, "orders", place, scene.today)
    scene.run("orders", first=scene.today)

    _assert_changed(scene, placed)


@pytest.mark.parametrize("place", CHANGES[:3], ids=str)
def test_a_newer_version_after_a_kill_wins_over_what_the_dead_run_had_begun(scene: Scene, runner: Runner, place: Place) -> None:
    """The order changes again between the kill and the next run: the OMS ends with the last version."""
    placed = scene.place_many(range(1, 4))
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1", {"customer_message": "First"}, "PATCH")
    _kill(scene, runner, "orders", place, scene.today)
    scene.to_store("orders/1", {"customer_message": "Second"}, "PATCH")

    scene.run("orders", first=scene.today)

    notes = [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]]
    assert notes == ["Second"]
    assert scene.oms_orders()["1"]["creates"] == 1
    assert len(placed) == len(scene.oms_orders())
    assert_nothing_open(scene, "orders")


def _assert_changed(scene: Scene, placed: list[Json]) -> None:
    assert_orders_once(scene, [d for d in placed if d["id"] != 3] + [placed[2]])
    for number in (1, 2):
        assert [note["NoteText"] for note in scene.oms_order(number)["OrderNote"]] == ["Leave it at the door"]
    assert {number: order["cancelled"] for number, order in scene.oms_orders().items()} == {"1": False, "2": False, "3": True, "4": False}
    assert_nothing_open(scene, "orders")


SHIPMENTS = [
    Place(CAPTURES, "Captures.add", "after"),
    Place(RECORDS, "Records.put", "after"),
    Place(DELIVERIES, "Deliveries.claim", "after"),
    Place(DESK, "Desk.claim", "after"),
    Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after"),
    Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after", 5),
    Place(STORE_WRITER, "BigCommerceWriter.read_order", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.put_status", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.put_status", "after"),
    Place(DESK, "Desk.settle_rows", "before"),
    Place(DELIVERIES, "Deliveries.put_targets", "after"),
    Place(DESK, "Desk.settle_rows", "after"),
    Place(RECORDS, "Records.settle", "after"),
]


@pytest.mark.parametrize("place", SHIPMENTS, ids=str)
def test_shipments_are_at_the_store_exactly_once_after_a_kill(scene: Scene, runner: Runner, place: Place) -> None:
    """Wherever the run dies that brings whole and split parcels back, the next one leaves each at the store as one shipment."""
    _ship_some(scene)

    _kill(scene, runner, "shipments", place, scene.today)
    scene.run("shipments", first=scene.today)

    assert_shipments_once(scene)
    assert {o["id"]: o["status_id"] for o in scene.store_orders().values()} == {1: 2, 2: 2, 3: 3, 4: 2, 5: 2, 6: 9}
    assert_nothing_open(scene, "shipments")


def test_equal_parcels_of_one_order_are_told_apart_after_a_kill(scene: Scene, runner: Runner) -> None:
    """Two parcels with the same units and no tracking number: the one that was created before the kill is not taken for both."""
    scene.place(documents.order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    for _ in range(2):
        scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 1}], "carrier": "UPS", "tracking": ""})
    place = Place(STORE_WRITER, "BigCommerceWriter.create_shipment", "after")

    _kill(scene, runner, "shipments", place, scene.today)
    assert len(scene.store_shipments()) == 1
    scene.run("shipments", first=scene.today)

    assert [row["items"][0]["quantity"] for row in scene.store_shipments()] == [1, 1]
    assert scene.store_orders()[1]["status_id"] == 2
    assert_nothing_open(scene, "shipments")


def _ship_some(scene: Scene) -> None:
    """Let the OMS ship five orders: whole, in two parcels, in part, and whole again; a sixth is released only."""
    scene.place_many(range(1, 7))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("advance", {"to": "release", "orders": ["6"], "cancel_rate": 0.0})
    for number in (1, 4, 5):
        scene.to_oms(f"orders/{number}/ship", {})
    first, second = {"line": "201", "quantity": 2}, {"line": "202", "quantity": 1}
    scene.to_oms("orders/2/ship", {"lines": [first], "carrier": "UPS", "tracking": "1Z999AA10123456784"})
    scene.to_oms("orders/2/ship", {"lines": [second], "carrier": "UPS", "tracking": "1Z999AA10123456785"})
    scene.to_oms("orders/3/ship", {"lines": [{"line": "301", "quantity": 1}]})


INVENTORY = [
    Place(CAPTURES, "Captures.add", "after"),
    Place(f"{LEDGER}.catalogue", "Catalogue.replace_store_items", "after"),
    Place(RECORDS, "Records.put", "before"),
    Place(DELIVERIES, "Deliveries.claim", "after"),
    Place(STORE_WRITER, "BigCommerceWriter.put_stock", "before"),
    Place(STORE_WRITER, "BigCommerceWriter.put_stock", "after"),
    Place(DESK, "Desk.settle_rows", "before"),
    Place(DESK, "Desk.settle_rows", "after"),
    Place(RECORDS, "Records.settle", "before"),
]


@pytest.mark.parametrize("place", INVENTORY, ids=str)
def test_stock_is_right_after_a_kill(scene: Scene, runner: Runner, place: Place) -> None:
    """Wherever the run dies that writes stock, the next one leaves each level right."""
    scene.run("inventory", first=scene.today)
    scene.to_oms("supply", documents.supply(77))

    _kill(scene, runner, "inventory", place, scene.today)
    scene.run("inventory", first=scene.today)

    assert_stock_right(scene)
    assert scene.store_stock()["MUG"]["quantity"] == 77
    assert_nothing_open(scene, "inventory")
