"""Sources with other clocks: live changes go through at once, and none is ever lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from domain.values import DAY, Partition
from sensors import windows
from sensors.cursor import Chain
from tests.assets import documents
from tests.assets.scene import NAME, Scene
from tests.sensors.test_changes import requests_of, run_request, tick

pytestmark = pytest.mark.slow(seconds=45)

BEHIND, AHEAD = timedelta(minutes=-10), timedelta(minutes=10)
skews = pytest.mark.parametrize(
    "skew", [BEHIND, AHEAD], ids=["10 minutes behind", "10 minutes ahead"]
)


def settled(scene: Scene, holds: Callable[[], bool] | None = None) -> None:
    """Let the running second pass, tick, and run all that the sensor asks for; and again.

    A source's time is known to a second: on a busy machine the change may lie in the second that
    is not over yet, or in one of the next if the source's answers take as long. With ``holds``
    until that is so.
    """
    for _ in range(2 if holds is None else 5):
        time.sleep(1.1)
        for request in requests_of(tick(scene)):
            assert run_request(scene, request).success
        if holds is not None and holds():
            return
    assert holds is None, "five ticks have not brought the change"


def has_shipments_of(scene: Scene, orders: set[int]) -> bool:
    """Return whether the store has shipments of just these orders."""
    return {row["order_id"] for row in scene.store_shipments()} == orders


def has_orders(scene: Scene, orders: set[str]) -> bool:
    """Return whether the OMS has just these orders."""
    return set(scene.oms_orders()) == orders


def watermark(scene: Scene, stream: str) -> datetime:
    """Return how far a stream has been captured."""
    return scene.sql("SELECT watermark FROM sync.watermark WHERE stream = %s", stream)[0][0]


def skip_near_midnight(skew: timedelta) -> None:
    """Skip minutes in which a source that is ahead is in tomorrow, which has its own test."""
    now = datetime.now(UTC)
    if (now + skew + timedelta(minutes=1)).date() > now.date():
        pytest.skip("the source's day would start within the test")


@skews
def test_orders_of_a_store_with_another_clock_reach_the_oms_at_once(
    scene: Scene, skew: timedelta
) -> None:
    """Each order is at the OMS within ticks, without a sweep; reruns of days change nothing."""
    skip_near_midnight(skew)
    scene.configure(streams=("orders",), overlap="PT5S")
    scene.to_store("settings", {"clock_offset_s": skew.total_seconds()})
    for number in (1, 2):
        scene.place(documents.order(number, datetime.now(UTC) + skew))
        settled(scene, partial(has_orders, scene, {str(n) for n in range(1, number + 1)}))
        assert watermark(scene, "orders") <= datetime.now(UTC) + skew + timedelta(seconds=1)
        scene.run("orders", first=scene.today)  # by our clock, as a person or a sweep does
        assert watermark(scene, "orders") <= datetime.now(UTC) + skew + timedelta(seconds=1)
    assert {order["creates"] for order in scene.oms_orders().values()} == {1}


@skews
def test_shipments_of_an_oms_with_another_clock_reach_the_store_at_once(
    scene: Scene, skew: timedelta
) -> None:
    """The same for what flows back: each parcel is in the store within ticks."""
    skip_near_midnight(skew)
    scene.to_oms("clock", {"now": (datetime.now(UTC) + skew).isoformat()})
    scene.place_many(range(1, 4))
    scene.run("orders", first=scene.yesterday)
    scene.configure(streams=("shipments",), overlap="PT5S")
    for number in (1, 2):
        scene.to_oms(f"orders/{number}/ship", {})
        settled(scene, partial(has_shipments_of, scene, set(range(1, number + 1))))
        scene.run("shipments", first=scene.today)
        assert watermark(scene, "shipments") <= datetime.now(UTC) + skew + timedelta(seconds=1)
    assert len(scene.store_shipments()) == 2


def test_a_source_that_is_in_tomorrow_already_waits_for_our_midnight(scene: Scene) -> None:
    """Tomorrow's partition does not exist yet: today's is read to its end, the rest comes later."""
    scene.configure(streams=("orders",))
    now = datetime.now(UTC)
    midnight = Partition.of(now, DAY).end
    scene.to_store("settings", {"clock_offset_s": (midnight - now).total_seconds() + 300})
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) "
        "VALUES ('acme', 'orders', %s) RETURNING 1",
        now,
    )
    scene.place(
        documents.order(1, midnight - timedelta(seconds=30)),
        documents.order(2, midnight + timedelta(seconds=30)),
    )

    [request] = requests_of(tick(scene))
    assert run_request(scene, request).success

    assert request.partition_key == scene.today.isoformat()
    assert set(scene.oms_orders()) == {"1"}
    assert watermark(scene, "orders") == midnight
    assert requests_of(tick(scene)) == []
    # What the sensor will ask for in tomorrow's first minute.
    assert scene.lockstep is not None
    [due] = windows.probe(scene.lockstep, Chain(NAME, "orders"), midnight + timedelta(minutes=1))
    assert due.partition.day == midnight.date()
    assert midnight + timedelta(seconds=30) in due.window


def test_a_clock_that_is_set_back_loses_nothing(scene: Scene) -> None:
    """The watermark was the store's present; after the correction new orders are still found."""
    skip_near_midnight(AHEAD)
    scene.configure(streams=("orders",), overlap="PT5S")
    scene.to_store("settings", {"clock_offset_s": AHEAD.total_seconds()})
    scene.place(documents.order(1, datetime.now(UTC) + AHEAD))
    settled(scene)
    scene.to_store("settings", {"clock_offset_s": 0})
    scene.place(documents.order(2, datetime.now(UTC)))
    for _ in range(6):  # the clock's median follows after five answers
        tick(scene)
    settled(scene)
    assert set(scene.oms_orders()) == {"1", "2"}


@pytest.mark.parametrize("change", ["cancel", "edit", "two edits"])
def test_a_change_after_the_clock_was_set_back_is_no_older_version(
    scene: Scene, change: str
) -> None:
    """It is dated before the version that the ledger has, and it is what the store holds."""
    skip_near_midnight(AHEAD)
    scene.configure(streams=("orders",), overlap="PT5S")
    scene.to_store("settings", {"clock_offset_s": AHEAD.total_seconds()})
    scene.place(documents.order(1, datetime.now(UTC) + AHEAD, [("MUG", 2)]))
    settled(scene)
    scene.to_store("settings", {"clock_offset_s": 0})
    for _ in range(4):  # the clock follows after three answers
        tick(scene)
    if change == "cancel":
        scene.to_store("orders/1/status", {"status_id": 5})
    for units in {"edit": [5], "two edits": [5, 3]}.get(change, []):
        edit = {"products": [{"id": 101, "quantity": units}]}
        scene.to_store("orders/1", edit, "PATCH")
        settled(scene)
    settled(scene)
    effect = scene.oms_orders()["1"]
    units = scene.oms_order(1)["OrderLine"][0]["Quantity"]
    assert effect["canceled"] == (change == "cancel")
    assert units == {"cancel": 0, "edit": 5, "two edits": 3}[change]


def test_a_clock_that_is_set_back_over_midnight_leaves_the_later_day_superseded(
    scene: Scene,
) -> None:
    """The newer version lies in the partition of the day before; a rerun sends no older one."""
    scene.configure(streams=("orders",), overlap="PT5S")
    now = datetime.now(UTC)
    scene.place(documents.order(1, now, [("MUG", 2)]))
    scene.run("orders", first=scene.today)
    late = scene.moment(scene.yesterday, 23) + timedelta(minutes=50)
    scene.to_store("settings", {"clock_offset_s": (late - now).total_seconds()})
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders", first=scene.yesterday)
    assert scene.oms_orders()["1"]["canceled"]
    before = scene.oms_counts()["saves"]
    scene.run("orders", first=scene.today)
    assert scene.oms_counts()["saves"] == before
    assert scene.open_rejections("orders") == {}


def test_a_watermark_that_our_clock_had_moved_too_far_is_corrected(scene: Scene) -> None:
    """As an older release left it for a slow store: orders up to it would wait for a sweep."""
    scene.configure(streams=("orders",), overlap="PT5S")
    scene.to_store("settings", {"clock_offset_s": BEHIND.total_seconds()})
    now = datetime.now(UTC)
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) "
        "VALUES ('acme', 'orders', %s) RETURNING 1",
        now,
    )
    scene.place(documents.order(1, now + BEHIND))
    settled(scene)
    assert set(scene.oms_orders()) == {"1"}
