"""The lane's sensor against a sandbox store and tenant."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from resources.lockstep import Lockstep
from sensors import changes, requeue
from tests.assets import documents
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def tick(scene: Scene, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    """Evaluate the lane's sensor once."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance, cursor=cursor)
    return changes.tick(context, NAME, [NAME], scene.installation, scene.lockstep)


def requests_of(result: dg.SensorResult | dg.SkipReason) -> list[dg.RunRequest]:
    """Return the tick's run requests."""
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def place_now(scene: Scene, *numbers: int) -> None:
    """Place orders a moment ago, and let the second pass in which the store sends their events."""
    scene.place(*[documents.order(number, datetime.now(UTC)) for number in numbers])
    time.sleep(1.2 - datetime.now(UTC).microsecond / 1_000_000)


def run_request(scene: Scene, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Run what the sensor asked for."""
    quiet: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    return scene.job(f"live_{NAME}").execute_in_process(
        instance=scene.instance,
        partition_key=request.partition_key,
        asset_selection=list(request.asset_selection or []),
        run_config=dict(request.run_config) | quiet,
        tags=request.tags,
    )


def test_a_placed_order_leads_to_one_run_that_delivers_it(scene: Scene) -> None:
    """From the store's change to the OMS in one tick and one run; the next requests nothing."""
    scene.configure(streams=("orders",))
    place_now(scene, 1001, 1002)
    first = tick(scene)
    [request] = requests_of(first)
    assert request.tags["sync/chains"] == "acme/orders"
    assert run_request(scene, request).success
    assert {order["creates"] for order in scene.oms_orders().values()} == {1}
    assert set(scene.oms_orders()) == {"1001", "1002"}
    assert requests_of(tick(scene)) == []


def test_a_day_before_the_start_date_keeps_no_other_chain_back(scene: Scene) -> None:
    """The date was moved while orders were behind: their probe fails, and stock goes on."""
    place_now(scene, 1001)
    scene.run("orders", first=scene.yesterday)
    scene.sql_write(
        "UPDATE sync.watermark SET watermark = now() - interval '2 days' WHERE stream = 'orders'"
    )
    scene.installation = scene.installation.model_copy(update={"start_date": scene.today})
    assert scene.lockstep is not None
    scene.lockstep.close()
    scene.lockstep = Lockstep(scene.installation, lambda: scene.database)
    [request] = requests_of(tick(scene))
    assert "acme/orders" not in request.tags["sync/chains"]
    [[error]] = scene.sql("SELECT probe_error FROM history.lag WHERE stream = 'orders'")
    assert "start_date" in error


def test_a_tick_asks_for_all_changed_chains_in_one_run(scene: Scene) -> None:
    """Stock is due at the first tick, orders have changed: one run process serves both."""
    place_now(scene, 1003)
    [request] = requests_of(tick(scene))
    assert request.tags["sync/chains"] == "acme/inventory,acme/orders"
    assert request.partition_key == datetime.now(UTC).date().isoformat()


def test_a_quiet_source_leads_to_no_run_and_is_noted_as_probed(scene: Scene) -> None:
    """Nothing changed: no run, but the ledger knows that the source was asked."""
    scene.configure(streams=("orders", "shipments"))
    assert requests_of(tick(scene)) == []
    assert {
        stream
        for (stream,) in scene.sql("SELECT stream FROM sync.watermark WHERE probed_at IS NOT NULL")
    } == {"orders", "shipments"}


def test_a_chain_with_a_run_at_work_is_not_asked_for_again(scene: Scene) -> None:
    """While a run is queued the chain waits; the next tick takes the union of both windows."""
    scene.configure(streams=("orders",))
    place_now(scene, 1004)
    [request] = requests_of(tick(scene))
    run = scene.instance.create_run_for_job(
        scene.job(f"live_{NAME}"),
        run_config=dict(request.run_config),
        tags=dict(request.tags),
        status=dg.DagsterRunStatus.STARTED,
    )
    assert requests_of(tick(scene)) == []
    scene.instance.delete_run(run.run_id)
    assert len(requests_of(tick(scene))) == 1


def test_a_failing_probe_hides_no_other_change(scene: Scene) -> None:
    """The OMS is down: the store's orders are asked for all the same."""
    scene.configure(streams=("orders", "shipments"))
    place_now(scene, 1005)
    scene.fault("manhattan", {"kind": "status", "status": 500, "times": None})
    [request] = requests_of(tick(scene))
    assert request.tags["sync/chains"] == "acme/orders"


def test_a_tick_fails_when_every_probe_failed(scene: Scene) -> None:
    """A wrong token is not the same as nothing to do: the tick is red."""
    scene.configure(streams=("orders",))
    scene.to_store("settings", {"token": "another"})
    with pytest.raises(dg.Failure, match="Every probe"):
        tick(scene)


def test_a_window_over_midnight_is_split_between_two_partitions(scene: Scene) -> None:
    """A change of yesterday found today goes to yesterday's partition, today's to its own."""
    scene.configure(streams=("orders",))
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(minutes=5)
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) "
        "VALUES ('acme', 'orders', %s) RETURNING 1",
        since,
    )
    scene.place(documents.order(1006, since + timedelta(seconds=30)))
    days = [request.partition_key for request in requests_of(tick(scene))]
    assert days == [(midnight - timedelta(days=1)).date().isoformat(), midnight.date().isoformat()]


def test_the_later_run_does_not_leap_over_the_earlier_ones_window(scene: Scene) -> None:
    """If today's run finishes before yesterday's, the watermark stays, and no order is lost."""
    scene.configure(streams=("orders",))
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    since = midnight - timedelta(minutes=5)
    scene.sql(
        "INSERT INTO sync.watermark (connection, stream, watermark) "
        "VALUES ('acme', 'orders', %s) RETURNING 1",
        since,
    )
    scene.place(documents.order(1007, since + timedelta(seconds=30)))
    earlier, later = requests_of(tick(scene))
    assert run_request(scene, later).success
    assert scene.sql("SELECT watermark FROM sync.watermark WHERE stream = 'orders'") == [(since,)]
    assert run_request(scene, earlier).success
    assert scene.sql("SELECT watermark FROM sync.watermark WHERE stream = 'orders'") == [
        (midnight,)
    ]
    assert set(scene.oms_orders()) == {"1007"}


def test_what_a_run_left_behind_is_taken_up(scene: Scene) -> None:
    """Captures without an outcome, as after a killed run, lead to a run over their partition."""
    assert scene.lockstep is not None
    scene.place_many([1008])
    scene.run_in_dagster("orders", steps=("captured",))
    context = dg.build_sensor_context(instance=scene.instance)
    [request] = requests_of(requeue.tick(context, NAME, scene.installation, scene.lockstep))
    assert request.partition_key == scene.yesterday.isoformat()
    scene.run_in_dagster("orders")
    assert requests_of(requeue.tick(context, NAME, scene.installation, scene.lockstep)) == []
