"""Sensors and schedules leave paused streams out, and take them up again once they are resumed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.definitions import build
from resources.ledger.monitoring import activation
from resources.lockstep import Lockstep
from sensors import requeue
from tests.assets.scene import NAME, Scene
from tests.sensors.test_changes import place_now, requests_of, run_request, tick
from tests.sensors.test_health import beat, two
from tests.sensors.test_reruns import ask, rerun
from tests.sensors.test_reruns import requests_of as rerun_requests

__all__ = ["two"]

pytestmark = pytest.mark.slow
BOTH = ("orders", "shipments")


def switch(scene: Scene, *streams: str, active: bool) -> None:
    """Pause or resume streams."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        change = activation.resume if active else activation.pause
        change(db, NAME, streams, "ann", "test")


def test_a_paused_stream_is_not_probed_and_catches_up_once_it_is_resumed(scene: Scene) -> None:
    """The other streams go on; what changed during the pause is delivered once."""
    scene.configure(streams=BOTH)
    place_now(scene, 1)
    [request] = requests_of(tick(scene))
    run_request(scene, request)
    switch(scene, "orders", active=False)
    place_now(scene, 2)
    before = scene.store_counts()

    assert {request.tags["sync/chains"] for request in requests_of(tick(scene))} == {
        "acme/shipments"
    }
    assert scene.store_counts() == before, "the store was asked"

    switch(scene, "orders", active=True)
    [request] = requests_of(tick(scene))
    assert "acme/orders" in request.tags["sync/chains"].split(",")
    run_request(scene, request)
    assert {n: held["creates"] for n, held in scene.oms_orders().items()} == {"1": 1, "2": 1}


def test_a_lane_that_is_paused_as_a_whole_says_so(scene: Scene) -> None:
    """The tick is skipped with the reason and what to do; nothing is asked."""
    scene.configure(streams=BOTH)
    with psycopg.connect(scene.database, autocommit=True) as db:
        db.execute("DELETE FROM sync.activation WHERE stream = 'orders'")
    switch(scene, "shipments", active=False)
    before = scene.store_counts(), scene.oms_counts()
    result = tick(scene)
    assert isinstance(result, dg.SkipReason)
    assert result.skip_message is not None
    assert "acme/orders is paused: it was never started" in result.skip_message
    assert "acme/shipments is paused by ann" in result.skip_message
    assert (scene.store_counts(), scene.oms_counts()) == before


def test_a_run_that_was_requested_before_the_pause_writes_nothing(scene: Scene) -> None:
    """It is queued or starting when the operator pauses; its records stay due."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [request] = requests_of(tick(scene))
    switch(scene, "orders", active=False)
    assert run_request(scene, request).success
    assert scene.oms_orders() == {}

    assert requests_of(tick_unfinished(scene)) == []
    assert "acme/orders is paused by ann" in str(tick_unfinished(scene).skip_message)  # type: ignore[union-attr]
    switch(scene, "orders", active=True)
    [unfinished] = requests_of(tick_unfinished(scene))
    assert unfinished.tags["sync/chains"] == "acme/orders"


def tick_unfinished(scene: Scene) -> Any:
    """Evaluate the sensor of unfinished partitions."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    return requeue.tick(context, NAME, scene.installation, scene.lockstep)


def test_a_rerun_of_a_paused_stream_waits_for_it(scene: Scene) -> None:
    """A retry or repair is neither run nor refused."""
    ask(scene, rerun(scene.yesterday, "1"), rerun(scene.yesterday, stream="shipments"))
    switch(scene, "orders", active=False)
    [request] = rerun_requests(scene)
    assert {key.path[1] for key in request.asset_selection or ()} == {
        "shipments_validated",
        "shipments_delivered",
    }
    switch(scene, "orders", active=True)
    streams = {
        key.path[1].partition("_")[0]
        for request in rerun_requests(scene)
        for key in request.asset_selection or ()
    }
    assert streams == {"orders", "shipments"}


@pytest.fixture(scope="module")
def stored_instance() -> Iterator[dg.DagsterInstance]:
    """Return an instance whose runs a schedule can look at."""
    with dg.DagsterInstance.local_temp() as made:
        yield made


@pytest.mark.parametrize("name", ["closing_sweep", "status_sweep", "reconcile"])
def test_schedules_leave_paused_streams_out(
    scene: Scene, name: str, stored_instance: dg.DagsterInstance
) -> None:
    """And request nothing where all are paused."""
    assert scene.lockstep is not None
    schedule = build(scene.installation, scene.lockstep).resolve_schedule_def(f"{name}_{NAME}")
    context = dg.build_schedule_context(
        instance=stored_instance, scheduled_execution_time=datetime.now(UTC)
    )
    switch(scene, "orders", active=False)
    if name != "reconcile":
        asked: Any = schedule(context)
        assert {key.path[1].partition("_")[0] for key in asked.asset_selection} == {"shipments"}
    else:
        assert isinstance(schedule(context), list)
    switch(scene, "inventory", "shipments", active=False)
    assert isinstance(schedule(context), dg.SkipReason)


def test_a_pause_is_a_warning_of_the_health_check(scene: Scene) -> None:
    """Visible until it ends, and no error: an operator wanted it."""
    scene.configure(streams=("orders",))
    switch(scene, "orders", active=False)
    reported, cursor = beat(scene)
    found = reported["orders/heartbeat"]
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "acme/orders is paused by ann" in str(found.description)
    assert "orders/heartbeat" not in beat(scene, cursor)[0]

    switch(scene, "orders", active=True)
    again = beat(scene, cursor)[0]["orders/heartbeat"]
    assert "Never captured" in str(again.description)


def test_the_store_of_a_paused_connection_gets_no_webhooks(scene: Scene, two: Lockstep) -> None:
    """Registering them is a write at the store, too."""
    switch(scene, "orders", active=False)
    beat(scene, lockstep=two)
    assert scene.to_store("hooks", {})["hooks"] == []
    switch(scene, "orders", active=True)
    beat(scene, lockstep=two)
    assert len(scene.to_store("hooks", {})["hooks"]) == 1
    two.close()
