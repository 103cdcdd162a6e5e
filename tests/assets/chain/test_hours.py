"""Chains of a connection whose partitions are hours: each step works on its hour, and on no other.

Also a connection whose grain is changed: nothing is lost and nothing is doubled by it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from assets.chain.run_config import live_config, unfinished_config
from assets.pipeline import validate
from domain.values import DAY, HOUR, Partition
from resources.ledger.captures.windows import not_read_after_end
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=20)

OUTCOMES = ("captured", "accepted", "rejected", "skipped", "superseded", "unvalidated")


@pytest.fixture
def hourly(scene: Scene) -> Scene:
    """Let the partitions of the connection be hours."""
    scene.configure(grain="hour", streams=("orders", "inventory", "shipments"))
    return scene


def hour(scene: Scene, number: int) -> Partition:
    """Return an hour of yesterday."""
    return Partition.of(scene.moment(hour=number), HOUR)


def at(scene: Scene, clock: str) -> datetime:
    """Return a time of yesterday."""
    return datetime.fromisoformat(f"{scene.yesterday}T{clock}+00:00")


def place(scene: Scene, *clocks: str) -> None:
    """Place an order at each time; its number is that of hour and minute."""
    scene.place(*[order(int(clock[:5].replace(":", "")), at(scene, clock)) for clock in clocks])


def sums(scene: Scene, view: str) -> dict[Any, tuple[int, ...]]:
    """Return the orders' counts of ``history``: of yesterday, or by hour of yesterday."""
    key = "source_hour" if view == "hourly_summary" else "0"
    rows = scene.sql(
        f"SELECT {key}, {', '.join(OUTCOMES)} FROM history.{view} "  # noqa: S608 - of this module
        "WHERE stream = 'orders' AND source_day = %s",
        scene.yesterday,
    )
    return {key: tuple(counts) for key, *counts in rows}


def test_a_run_captures_validates_and_delivers_its_hour(hourly: Scene) -> None:
    """Half-open: 11:00:00 is in it, 12:00:00 is not. Its metadata count this hour only."""
    place(hourly, "10:59:59", "11:00:00", "11:30:00", "12:00:00")
    hourly.run("orders", first=hour(hourly, 10))

    ended = hourly.run_in_dagster("orders", first=hour(hourly, 11))

    assert sorted(hourly.oms_orders()) == ["1059", "1100", "1130"]
    for step in hourly.steps:
        [event] = ended.asset_materializations_for_node(f"{NAME}__orders_{step}")
        assert event.partition == f"{hourly.yesterday}-11:00"
    assert event.metadata["total: captured"].value == 2
    assert event.metadata["delivered"].value == 2
    assert sums(hourly, "hourly_summary") == {10: (1, 1, 0, 0, 0, 0), 11: (2, 2, 0, 0, 0, 0)}
    assert sums(hourly, "daily_summary") == {0: (3, 3, 0, 0, 0, 0)}


def test_a_rerun_of_an_hour_touches_no_other(hourly: Scene) -> None:
    """The hour is read and validated again, and sends nothing twice; all that was done stays."""
    place(hourly, "10:10:00", "11:10:00", "12:10:00")
    hourly.run("orders", first=hour(hourly, 10), last=hour(hourly, 12))
    validated = "SELECT source_id, validated_at FROM sync.record WHERE stream = 'orders'"
    before, effects = dict(hourly.sql(validated)), hourly.effects()
    place(hourly, "11:20:00", "12:20:00")

    hourly.run("orders", first=hour(hourly, 11))

    after = dict(hourly.sql(validated))
    assert {key for key in after if after[key] != before.get(key)} == {"1120"}
    assert sorted(hourly.oms_orders()) == ["1010", "1110", "1120", "1210"]
    assert hourly.effects()[-3] == effects[-3] + 1, "one order was created"


def test_an_hours_new_captures_are_found_among_those_of_other_hours(
    hourly: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page without any of the hour is not its end."""
    monkeypatch.setattr(validate, "CHUNK", 1)
    place(hourly, "10:10:00", "10:20:00", "11:10:00", "11:20:00", "12:10:00", "12:20:00")
    hourly.run("orders", first=hour(hourly, 10), last=hour(hourly, 12), steps=["captured"])

    config = unfinished_config(NAME, "orders")
    hourly.run("orders", first=hour(hourly, 11), steps=["validated", "delivered"], config=config)

    assert sorted(hourly.oms_orders()) == ["1110", "1120"]
    assert pending(hourly, HOUR) == [hour(hourly, 10), hour(hourly, 12)]


def test_a_range_of_hours_runs_in_one_run_over_midnight(hourly: Scene) -> None:
    """Each hour has its own materialization, audit row and counts."""
    midnight = hourly.moment(hour=0)
    first = Partition.of(midnight - timedelta(hours=1), HOUR)
    hourly.place(
        order(2359, midnight - timedelta(seconds=1)),
        order(1, midnight),
        order(2, midnight + timedelta(minutes=59)),
    )

    ended = hourly.run_in_dagster("orders", first=first, last=first.next())

    events = ended.asset_materializations_for_node(f"{NAME}__orders_captured")
    assert [(e.partition, e.metadata["captured"].value) for e in events] == [
        (f"{first.start:%Y-%m-%d}-23:00", 1),
        (f"{hourly.yesterday}-00:00", 2),
    ]
    rows = hourly.sql(
        "SELECT source_day, source_hour FROM sync.batch WHERE step = 'delivered' ORDER BY 1, 2"
    )
    assert rows == [(first.start.date(), 23), (hourly.yesterday, 0)]


def test_a_live_window_over_several_hours_is_cut_to_each(hourly: Scene) -> None:
    """A sweep asks for one window over its hours: each reads its part of it."""
    place(hourly, "10:29:59", "10:30:00", "11:15:00", "12:29:59", "12:30:00")
    window = live_config(
        NAME, "orders", at(hourly, "10:30:00").isoformat(), at(hourly, "12:30:00").isoformat()
    )

    hourly.run(
        "orders", first=hour(hourly, 10), last=hour(hourly, 12), config=window, trigger="live"
    )

    assert sorted(hourly.oms_orders()) == ["1030", "1115", "1229"]
    assert sums(hourly, "hourly_summary").keys() == {10, 11, 12}
    assert hourly.sql("SELECT watermark FROM sync.watermark WHERE stream = 'orders'") == [
        (at(hourly, "12:30:00"),)
    ]


def test_a_rejection_belongs_to_its_hour(hourly: Scene) -> None:
    """The hour's table shows it, another hour's does not; the check counts the whole stream."""
    hourly.place(order(1, at(hourly, "10:10:00"), [("NO-SUCH-SKU", 1)]))
    place(hourly, "11:10:00")

    ended = hourly.run_in_dagster("orders", first=hour(hourly, 10), last=hour(hourly, 11))

    events = ended.asset_materializations_for_node(f"{NAME}__orders_validated")
    assert [event.metadata["total: open rejections"].value for event in events] == [1, 0]
    [check] = [
        e for e in ended.get_asset_check_evaluations() if e.check_name == "no_open_rejections"
    ]
    assert f"in 1 partition, the oldest {hour(hourly, 10)}" in str(check.description)
    assert hourly.sql("SELECT source_hour FROM history.rejections") == [(10,)]


def test_stock_is_read_in_the_present_hour_and_in_no_past_one(hourly: Scene) -> None:
    """A snapshot has no past: its levels belong to the hour in which they were read."""
    present = Partition.of(datetime.now(UTC), HOUR)
    hourly.run("inventory", first=hour(hourly, 10))
    assert hourly.sql("SELECT count(*) FROM sync.capture") == [(0,)]

    hourly.run("inventory", first=present)
    if present != Partition.of(datetime.now(UTC), HOUR):
        pytest.skip("the hour ended within the test")

    assert hourly.sql("SELECT DISTINCT source_day, source_hour FROM sync.record") == [
        (present.day, present.hour)
    ]
    assert hourly.store_counts()["inventory_writes"] > 0


def test_a_change_of_grain_loses_and_doubles_nothing(scene: Scene) -> None:
    """From days to hours and back, with work left undone at each change."""
    noon = at(scene, "12:10:00")
    place(scene, "10:10:00", "11:10:00")
    scene.place(order(1, noon, [("NO-SUCH-SKU", 1)]))
    scene.run("orders", first=scene.yesterday)
    place(scene, "11:20:00", "13:10:00")
    scene.run("orders", first=scene.yesterday, steps=["captured"])
    effects = scene.effects()

    scene.configure(grain="hour")
    assert pending(scene, HOUR) == [hour(scene, 11), hour(scene, 13)]
    scene.run("orders", first=hour(scene, 11))
    assert pending(scene, HOUR) == [hour(scene, 13)]
    scene.run("orders", first=hour(scene, 0), last=hour(scene, 12))
    place(scene, "14:10:00")
    scene.run("orders", first=hour(scene, 14), steps=["captured"])
    assert sums(scene, "daily_summary") == {0: (6, 3, 1, 0, 0, 2)}

    scene.configure(grain="day")
    assert pending(scene, DAY) == [Partition.of_day(scene.yesterday)]
    scene.run("orders", first=scene.yesterday)

    assert pending(scene, DAY) == []
    assert sums(scene, "daily_summary") == {0: (6, 5, 1, 0, 0, 0)}
    by_hour = sums(scene, "hourly_summary")
    assert {key: counts[0] for key, counts in by_hour.items()} == {
        10: 1,
        11: 2,
        12: 1,
        13: 1,
        14: 1,
    }
    assert [row["creates"] for row in scene.oms_orders().values()] == [1] * 5
    assert scene.effects()[-3] == effects[-3] + 3, "each order was created once"
    assert scene.open_rejections("orders") == {"1": "sku_unknown"}


def pending(scene: Scene, grain: Any) -> list[Partition]:
    """Return the partitions with unfinished orders."""
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, "orders") as session:
        return session.partitions.pending(grain)


@pytest.mark.parametrize("grain", ["day", "hour"])
def test_a_rerun_of_a_whole_day_after_its_end_closes_it(scene: Scene, grain: str) -> None:
    """By the audit rows of its steps, in each stream; a window of it does not."""
    scene.configure(grain=grain, streams=("orders", "shipments"))
    scene.place_many([1])
    first = Partition.of(scene.moment(hour=0), HOUR if grain == "hour" else DAY)
    last = Partition.of(scene.moment(hour=23), HOUR) if grain == "hour" else first
    days = [scene.yesterday - timedelta(days=1), scene.yesterday]

    def left() -> list[date]:
        assert scene.lockstep is not None
        with scene.lockstep.ledger.session(NAME, "") as session:
            return not_read_after_end(session.db, NAME, ("orders", "shipments"), days)

    scene.run("orders", first=first, last=last)
    assert left() == [scene.yesterday]
    window = live_config(
        NAME, "shipments", first.start.isoformat(), at(scene, "11:00:00").isoformat()
    )
    noon = Partition.of(at(scene, "10:00:00"), HOUR) if grain == "hour" else first
    scene.run("shipments", first=first, last=noon, config=window)
    assert left() == [scene.yesterday]
    scene.run("shipments", first=first, last=last)
    assert left() == []
