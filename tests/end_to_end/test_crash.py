"""kill -9 at every critical place of the orders chain: nothing is lost or done twice."""

from __future__ import annotations

import pytest

from assets.chain.run_config import live_config
from tests.assets import documents
from tests.assets.scene import NAME, Json, Scene
from tests.end_to_end.agreement import assert_nothing_open, assert_orders_once
from tests.end_to_end.conftest import Runner
from tests.end_to_end.places import (
    CAPTURES,
    DELIVERIES,
    ENGINE,
    OMS_WRITER,
    RECORDS,
    STORE,
    Place,
    kill,
)

pytestmark = pytest.mark.slow(seconds=60)

ORDERS = [
    Place(CAPTURES, "Captures.add", "before"),
    Place(CAPTURES, "Captures.add", "after"),
    Place(STORE, "Session.batch", "before"),
    Place(RECORDS, "Records.put", "before"),
    Place(RECORDS, "Records.put", "after"),
    Place(DELIVERIES, "Deliveries.claim", "after"),
    Place(ENGINE, "Settlement.claim", "after"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "before"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "after"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "after", 4),
    Place(ENGINE, "Settlement.settle", "before"),
    Place(DELIVERIES, "Deliveries.settle", "after"),
    Place(DELIVERIES, "Deliveries.put_targets", "after"),
    Place(ENGINE, "Settlement.settle", "after"),
    Place(RECORDS, "Records.settle", "after"),
    Place(STORE, "Session.note", "before"),
]


@pytest.mark.parametrize("place", ORDERS, ids=str)
def test_orders_are_at_the_oms_exactly_once_after_a_kill(
    scene: Scene, runner: Runner, place: Place
) -> None:
    """Wherever the run dies that exports new orders, the next one leaves each at the OMS once."""
    placed = scene.place_many(range(1, 7))

    kill(scene, runner, "orders", place, scene.yesterday)
    scene.run("orders", first=scene.yesterday)

    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


LIVE = [
    Place(STORE, "Session.move_watermark", "before"),
    Place(STORE, "Session.move_watermark", "after"),
    Place(RECORDS, "Records.settle", "before"),
]


@pytest.mark.parametrize("place", LIVE, ids=str)
def test_a_killed_live_run_leaves_no_gap_behind_the_watermark(
    scene: Scene, runner: Runner, place: Place
) -> None:
    """If the watermark passed an order, its capture is stored; the same window completes it."""
    placed = scene.place_many(range(1, 4))
    since, until = scene.moment(hour=11).isoformat(), scene.moment(hour=13).isoformat()
    config = live_config(NAME, "orders", since, until)

    kill(scene, runner, "orders", place, scene.yesterday, config=config, trigger="live")

    passed = scene.sql("SELECT 1 FROM sync.watermark WHERE watermark IS NOT NULL") != []
    stored = scene.sql("SELECT count(*) FROM sync.capture")[0][0]
    assert stored == len(placed) or not passed
    scene.run("orders", first=scene.yesterday, config=config, trigger="live")
    assert_orders_once(scene, placed)
    assert_nothing_open(scene, "orders")


CHANGES = [
    Place(ENGINE, "Settlement.claim", "after"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "before"),
    Place(OMS_WRITER, "ManhattanWriter.save_order", "after"),
    Place(OMS_WRITER, "ManhattanWriter.cancel_order", "before"),
    Place(OMS_WRITER, "ManhattanWriter.cancel_order", "after"),
    Place(ENGINE, "Settlement.settle", "before"),
    Place(ENGINE, "Settlement.settle", "after"),
    Place(RECORDS, "Records.settle", "after"),
]


@pytest.mark.parametrize("place", CHANGES, ids=str)
def test_changes_and_cancellations_survive_a_kill(
    scene: Scene, runner: Runner, place: Place
) -> None:
    """Wherever the run dies that sends changes, the next one leaves the OMS with all of them."""
    placed = scene.place_many(range(1, 5))
    scene.run("orders", first=scene.yesterday)
    for number in (1, 2):
        scene.to_store(f"orders/{number}", {"customer_message": "Leave it at the door"}, "PATCH")
    scene.to_store("orders/3/status", {"status_id": 5})

    kill(scene, runner, "orders", place, scene.today)
    scene.run("orders", first=scene.today)

    _assert_changed(scene, placed)


@pytest.mark.parametrize("place", CHANGES[:3], ids=str)
def test_a_newer_version_after_a_kill_wins_over_what_the_dead_run_sent(
    scene: Scene, runner: Runner, place: Place
) -> None:
    """The order changes between the kill and the next run: the OMS ends with the last version."""
    placed = scene.place_many(range(1, 4))
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1", {"customer_message": "First"}, "PATCH")
    kill(scene, runner, "orders", place, scene.today)
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
        assert [note["NoteText"] for note in scene.oms_order(number)["OrderNote"]] == [
            "Leave it at the door"
        ]
    assert {number: order["canceled"] for number, order in scene.oms_orders().items()} == {
        "1": False,
        "2": False,
        "3": True,
        "4": False,
    }
    assert_nothing_open(scene, "orders")


def test_an_order_canceled_after_a_lost_create_is_canceled_at_the_oms_too(
    scene: Scene, runner: Runner
) -> None:
    """The run died after the OMS created the order: the cancellation must still be sent."""
    scene.place_many([1])
    kill(
        scene,
        runner,
        "orders",
        Place(OMS_WRITER, "ManhattanWriter.save_order", "after"),
        scene.yesterday,
    )
    assert "1" in scene.oms_orders()
    scene.to_store("orders/1/status", {"status_id": 5})

    scene.run("orders")

    assert scene.oms_orders()["1"]["canceled"]
    assert_nothing_open(scene, "orders")


SAVE = "ManhattanWriter.save_order"


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_orphaned_creation_is_finished_though_the_newest_version_is_not_sent(
    scene: Scene, runner: Runner, when: str
) -> None:
    """The run died around the creation, and the store moved the order on: it is still owed."""
    scene.place_many([1])
    kill(scene, runner, "orders", Place(OMS_WRITER, SAVE, when), scene.yesterday)
    scene.to_store("orders/1/status", {"status_id": 1})

    scene.run("orders")

    assert scene.oms_orders()["1"]["creates"] == 1
    made = [row[1:3] for row in scene.deliveries("orders")]
    # The OMS is read first: what it has, it gets again, as a whole change.
    again = [("update", "delivered")] if when == "after" else []
    assert made == [("create", "delivered"), *again]
    assert_nothing_open(scene, "orders")
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders")
    assert scene.oms_orders()["1"]["canceled"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_orphaned_change_arrives_though_the_newest_version_is_not_sent(
    scene: Scene, runner: Runner, when: str
) -> None:
    """The change would have been sent before the store moved the order on; twice has one effect."""
    scene.place(documents.order(1, scene.moment(), customer_message="A"))
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1", {"customer_message": "B"}, "PATCH")
    kill(scene, runner, "orders", Place(OMS_WRITER, SAVE, when), scene.today)
    scene.to_store("orders/1/status", {"status_id": 1})

    scene.run("orders", first=scene.today)

    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["B"]
    assert scene.oms_orders()["1"]["creates"] == 1
    assert_nothing_open(scene, "orders")


def test_a_change_that_is_taken_back_after_a_kill_is_taken_back_at_the_oms(
    scene: Scene, runner: Runner
) -> None:
    """The dead run's change may have arrived, so a version equal to the one before it is sent."""
    scene.place(documents.order(1, scene.moment(), customer_message="A"))
    scene.run("orders", first=scene.yesterday)
    scene.to_store("orders/1", {"customer_message": "B"}, "PATCH")
    kill(
        scene,
        runner,
        "orders",
        Place(OMS_WRITER, "ManhattanWriter.save_order", "after"),
        scene.today,
    )
    scene.to_store("orders/1", {"customer_message": "A"}, "PATCH")

    scene.run("orders", first=scene.today)

    assert [note["NoteText"] for note in scene.oms_order(1)["OrderNote"]] == ["A"]
    assert_nothing_open(scene, "orders")
