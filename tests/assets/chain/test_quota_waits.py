"""A used-up quota delays only what needs that system, and each wait is shown."""

from __future__ import annotations

import time

import dagster as dg
import pytest

from resources.http.rate_limit import ASK_EVERY_SECONDS
from sensors import changes, requeue
from tests.assets.scene import NAME, Scene
from tests.sensors.test_changes import place_now, requests_of

pytestmark = pytest.mark.slow
WAITED = "waited for quota: "
WAITS = "waits for quota: "


def waited(scene: Scene, step: str) -> dict[str, float]:
    """Run yesterday's orders; return the seconds that a step has waited, by bucket."""
    ended = scene.run_in_dagster("orders", first=scene.yesterday)
    (event,) = ended.asset_materializations_for_node(f"{NAME}__orders_{step}")
    return {
        name.removeprefix(WAITED): float(str(value.value))
        for name, value in event.metadata.items()
        if name.startswith(WAITED)
    }


def throttle(scene: Scene, system: str, path: str = "") -> None:
    """Let a system answer once that its quota is used up for a second."""
    rule = {"kind": "status", "status": 429, "times": 1, "headers": {"Retry-After": "1"}}
    scene.fault(system, rule | {"path": path})


def test_waiting_for_the_oms_is_shown_where_it_delivers(scene: Scene) -> None:
    """The step that waited names the OMS's bucket and about a second."""
    scene.place_many([1])
    throttle(scene, "manhattan", "order/save$")

    found = waited(scene, "delivered")

    assert len(found) == 1
    assert 0.9 <= next(iter(found.values())) < 10


def test_waiting_for_the_store_is_shown_where_it_reads(scene: Scene) -> None:
    """Another system, another bucket; the step that sends to the OMS did not wait."""
    scene.place_many([1])
    throttle(scene, "bigcommerce")

    assert len(waited(scene, "captured")) == 1


def test_a_step_that_did_not_wait_says_nothing(scene: Scene) -> None:
    """The waits of an earlier step of the same process are not its own."""
    scene.place_many([1])
    throttle(scene, "bigcommerce")

    assert waited(scene, "delivered") == {}


def use_up(scene: Scene, bucket: str, minutes: float = 10) -> None:
    """Let the quota of a system whose bucket starts so be used up, as other apps may do."""
    scene.sql(
        """INSERT INTO sync.quota (bucket, permits, resets_at)
           SELECT bucket, 0, now() + make_interval(mins => %s) FROM sync.quota
           WHERE starts_with(bucket, %s)
           ON CONFLICT (bucket) DO UPDATE SET permits = 0, pace = 0,
               resets_at = excluded.resets_at, refilled_at = now() RETURNING 1""",
        minutes,
        bucket,
    )


def waits(scene: Scene, ended: dg.ExecuteInProcessResult, node: str) -> list[str]:
    """Return the buckets that a step gave way to by its metadata."""
    (event,) = ended.asset_materializations_for_node(f"{NAME}__{node}")
    return [name.removeprefix(WAITS) for name in event.metadata if name.startswith(WAITS)]


def requested(scene: Scene) -> list[str]:
    """Return the chains that the sensor for unfinished partitions requests."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    found = requests_of(requeue.tick(context, NAME, scene.installation, scene.lockstep))
    return [request.tags["sync/chains"] for request in found]


def permits_are_back(scene: Scene) -> None:
    """Let the waits be over."""
    scene.sql("UPDATE sync.quota SET resets_at = now() RETURNING 1")
    scene.sql("UPDATE sync.quota_wait SET until = now() RETURNING 1")
    time.sleep(ASK_EVERY_SECONDS + 0.1)


def test_a_target_that_asks_to_wait_holds_up_no_other_chain(scene: Scene) -> None:
    """The OMS takes no orders for ten minutes; stock goes out, and the orders stay due."""
    scene.place_many([1, 2])
    rule = {"kind": "status", "status": 429, "headers": {"Retry-After": "600"}}
    scene.fault("manhattan", rule | {"path": "order/save$"})
    started = time.monotonic()

    ended = scene.run_in_dagster(
        "orders", "inventory", first=scene.today, last=scene.today, trigger="live"
    )
    ended = scene.run_in_dagster("orders", first=scene.yesterday, trigger="live")

    assert ended.success
    assert time.monotonic() - started < 60
    assert len(waits(scene, ended, "orders_delivered")) == 1
    assert {sku: row["quantity"] for sku, row in scene.store_stock().items()}["MUG"] > 0
    assert scene.outcomes("orders") == {"1": ("accepted", None), "2": ("accepted", None)}
    assert {attempts for *_, attempts in scene.deliveries("orders")} == {0}
    assert scene.sql("SELECT count(*) FROM history.lag WHERE state = 'failing'") == [(0,)]
    assert f"{NAME}/orders" not in requested(scene)
    scene.fault("manhattan")
    permits_are_back(scene)
    assert f"{NAME}/orders" in requested(scene)
    ended = scene.run_in_dagster(
        "orders", first=scene.yesterday, steps=("delivered",), trigger="requeue"
    )
    assert set(scene.oms_orders()) == {"1", "2"}
    assert scene.sql("SELECT count(*) FROM sync.quota_wait") == [(0,)]


def test_a_source_without_permits_is_read_later_and_no_other_waits(scene: Scene) -> None:
    """The store's quota is used up by another app: its orders wait, the OMS's fulfilment does not.

    The window stays due, since the watermark does not move.
    """
    scene.place_many([1])
    scene.run_in_dagster("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {})
    place_now(scene, 2)
    time.sleep(1.1)
    use_up(scene, "bigcommerce")
    started = time.monotonic()

    ended = scene.run_in_dagster("orders", "shipments", trigger="live")

    assert ended.success
    assert time.monotonic() - started < 30
    assert "2" not in scene.outcomes("orders")
    captured = scene.sql("SELECT count(*) FROM sync.capture WHERE stream = 'shipments'")
    assert captured[0][0] > 0
    steps = scene.sql("SELECT stream, step FROM sync.quota_wait ORDER BY 1, 2")
    assert steps == [("orders", "captured"), ("shipments", "delivered")]
    assert "orders" not in sensed(scene)
    permits_are_back(scene)
    assert "orders" in sensed(scene)


def test_the_store_that_is_probed_without_permits_has_not_failed(scene: Scene) -> None:
    """Waiting is not a fault: the tick succeeds, says what it waits for, and counts no failure."""
    scene.run_in_dagster("orders", first=scene.yesterday)
    use_up(scene, "bigcommerce")
    scene.configure(streams=("orders",))
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)

    result = changes.tick(context, NAME, [NAME], scene.installation, scene.lockstep)

    assert isinstance(result, dg.SensorResult)
    assert "quota is used up" in str(result.skip_reason)
    assert scene.sql("SELECT sum(probe_failures) FROM sync.watermark") == [(0,)]


def test_a_run_that_no_sensor_repeats_takes_its_turn_later(scene: Scene) -> None:
    """A rerun by an operator: the step is repeated by Dagster after the wait, in the same run."""
    scene.place_many([1])
    rule = {"kind": "status", "status": 429, "times": 1, "headers": {"Retry-After": "6"}}
    scene.fault("bigcommerce", rule)

    found = waited(scene, "captured")

    assert 5 <= next(iter(found.values())) < 30
    assert set(scene.oms_orders()) == {"1"}


def sensed(scene: Scene) -> list[str]:
    """Return the streams of which the lane's sensor requests a run."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    result = changes.tick(context, NAME, [NAME], scene.installation, scene.lockstep)
    return [
        chain.rpartition("/")[2]
        for request in requests_of(result)
        for chain in request.tags["sync/chains"].split(",")
    ]
