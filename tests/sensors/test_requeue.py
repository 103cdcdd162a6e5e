"""The requeueing of unfinished partitions is fair, and waits for no run that works elsewhere."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from domain.values import Partition
from sensors import attempts, requeue
from sensors.attempts import Attempt
from tests.assets import documents
from tests.assets.scene import NAME, Scene
from tests.sensors.test_changes import requests_of

pytestmark = pytest.mark.slow


def tick(scene: Scene) -> list[dg.RunRequest]:
    """Evaluate the sensor once."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    return requests_of(requeue.tick(context, NAME, scene.installation, scene.lockstep))


def days_of(requests: list[dg.RunRequest]) -> list[date]:
    """Return the partitions of requests in order."""
    return [date.fromisoformat(str(request.partition_key)) for request in requests]


def record(
    scene: Scene,
    request: dg.RunRequest,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.FAILURE,
) -> dg.DagsterRun:
    """Record a run of the request that ended, or stays, in this status without doing anything."""
    return scene.instance.create_run_for_job(
        scene.job(),
        tags={**request.tags, "dagster/partition": str(request.partition_key)},
        status=status,
        asset_selection=frozenset(request.asset_selection or ()),
    )


def unfinished_days(scene: Scene, number: int) -> list[date]:
    """Capture orders of the last days, without validating them; return the days, oldest first."""
    days = [scene.today - timedelta(days=back) for back in range(number, 0, -1)]
    scene.place(*[documents.order(n, scene.moment(day)) for n, day in enumerate(days, 1)])
    scene.run("orders", first=days[0], last=days[-1], steps=("captured",))
    return days


def test_five_days_that_keep_failing_do_not_starve_a_sixth(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sixth comes as soon as the others have had their turn, also when no pause holds them."""
    scene.configure(streams=("orders",))
    days = unfinished_days(scene, 6)
    first = tick(scene)
    assert days_of(first) == days[:5]
    for request in first:
        record(scene, request)

    [sixth] = tick(scene)
    assert days_of([sixth]) == days[5:]

    monkeypatch.setattr(requeue, "REPEAT_SECONDS", 0)
    assert days_of(tick(scene)) == [days[5], *days[:4]]
    record(scene, sixth)
    again = tick(scene)
    assert days_of(again) == days[:5]
    assert {request.tags["sync/attempt"] for request in again} == {"2"}


def test_a_day_that_has_no_partition_holds_up_no_other(scene: Scene) -> None:
    """The start date was moved, or a store's clock is days ahead: Dagster has no such partition."""
    scene.configure(streams=("orders",))
    first, second = unfinished_days(scene, 2)
    scene.sql_write(
        "INSERT INTO sync.unvalidated SELECT (jsonb_populate_record(u, jsonb_build_object("
        "'source_day', %s::date))).* FROM sync.unvalidated u WHERE source_day = %s",
        scene.today + timedelta(days=2),
        second,
    )
    scene.installation = scene.installation.model_copy(update={"start_date": second})
    assert (first < second, days_of(tick(scene))) == (True, [second])


def test_a_partition_waits_longer_after_each_failure() -> None:
    """Five minutes, ten, and never more than a quarter of an hour."""
    now = datetime.now(UTC)
    waits = [
        requeue.pause_between_runs(Attempt(number, now)).total_seconds() for number in range(6)
    ]
    assert waits == [300, 300, 600, 900, 900, 900]


def test_a_days_old_failure_does_not_hold_up_what_is_new(scene: Scene) -> None:
    """A partition that failed is left out for a while; one that was never tried is not."""
    scene.configure(streams=("orders",))
    old, new = unfinished_days(scene, 2)
    record(scene, tick(scene)[0])
    assert days_of(tick(scene)) == [new]
    assert old < new


@pytest.mark.parametrize("lane", [True, False], ids=["live run", "backfill"])
def test_a_busy_connection_does_not_keep_the_unfinished_waiting(scene: Scene, lane: bool) -> None:
    """Only the partitions that the active run covers are left to it."""
    scene.configure(streams=("orders",))
    days = unfinished_days(scene, 3)
    tags = {"sync/chains": "acme/orders", "sync/lane": NAME, "sync/trigger": "live"}
    busy = dg.RunRequest(
        partition_key=days[1].isoformat(),
        tags=tags if lane else {},
        asset_selection=[dg.AssetKey([NAME, "orders_captured"])],
    )
    run = record(scene, busy, dg.DagsterRunStatus.STARTED)
    assert days_of(tick(scene)) == [days[0], days[2]]
    scene.instance.delete_run(run.run_id)
    assert days_of(tick(scene)) == days


def test_runs_under_way_count_and_are_not_requested_twice(scene: Scene) -> None:
    """At most five at once, and an ended one makes room for the sixth."""
    scene.configure(streams=("orders",))
    days = unfinished_days(scene, 7)
    requests = tick(scene)
    runs = [record(scene, request, dg.DagsterRunStatus.STARTING) for request in requests]
    assert tick(scene) == []
    scene.instance.delete_run(runs[0].run_id)
    assert days_of(tick(scene)) == days[:1]
    record(scene, requests[0], dg.DagsterRunStatus.CANCELED)
    assert days_of(tick(scene)) == [days[5]]


def test_no_stream_starves_another(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six days of orders that fail, one of shipments: it has its turn in the second tick."""
    days = unfinished_days(scene, 6)
    scene.run("orders", first=days[5], last=days[5])
    scene.to_oms("orders/6/ship", {})
    scene.run("shipments", first=scene.today, last=scene.today, steps=("captured",))
    monkeypatch.setattr(requeue, "REPEAT_SECONDS", 0)
    for request in tick(scene):
        record(scene, request)
    second = {(r.tags["sync/chains"], r.partition_key) for r in tick(scene)}
    assert ("acme/shipments", scene.today.isoformat()) in second


def test_a_partition_is_finished_by_the_run_that_was_requested(scene: Scene) -> None:
    """From captures without an outcome to the OMS, after an attempt that failed."""
    scene.configure(streams=("orders",))
    [day] = unfinished_days(scene, 1)
    record(scene, tick(scene)[0])
    assert tick(scene) == []
    assert scene.run("orders", first=day, steps=("validated", "delivered")).success
    assert tick(scene) == []
    assert set(scene.oms_orders()) == {"1"}


@pytest.mark.parametrize("stream", ["orders", "shipments", "inventory"])
def test_an_outage_ends_although_nothing_is_due_that_would_show_it(
    scene: Scene, stream: str
) -> None:
    """One cheap call of the tick does; as long as it fails, the stream is shown as failing."""
    system = "manhattan" if stream == "orders" else "bigcommerce"
    scene.run("orders", "inventory", first=scene.today)
    scene.sql_write(
        "INSERT INTO sync.watermark (connection, stream, failing_since) VALUES (%s, %s, now()) "
        "ON CONFLICT (connection, stream) DO UPDATE SET failing_since = now()",
        NAME,
        stream,
    )
    failing = "SELECT stream FROM sync.watermark WHERE failing_since IS NOT NULL"
    scene.fault(system, {"kind": "status", "status": 503})
    tick(scene)
    assert scene.sql(failing) == [(stream,)]
    scene.fault(system)
    tick(scene)
    assert scene.sql(failing) == []


A_PARTITION = Partition.parse("2026-03-10")


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"dagster/partition": "2026-03-10"}, True),
        ({"dagster/partition": "2026-03-11"}, False),
        (dict(zip(attempts.RANGE_TAGS, ("2026-03-01", "2026-03-15"), strict=True)), True),
        (dict(zip(attempts.RANGE_TAGS, ("2026-03-11", "2026-03-15"), strict=True)), False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("selected", [True, False], ids=["selection", "whole job"])
def test_a_run_covers_the_partitions_and_chains_that_it_was_launched_for(
    tags: dict[str, Any], expected: bool, selected: bool
) -> None:
    """By key, by range, by selection of assets, and as a whole job."""
    keys = frozenset([dg.AssetKey([NAME, "orders_validated"])])
    run = dg.DagsterRun(f"sync_{NAME}", tags=tags, asset_selection=keys if selected else None)
    assert attempts.covers(run, NAME, "orders", A_PARTITION) is expected
    assert attempts.covers(run, NAME, "shipments", A_PARTITION) is (expected and not selected)
    assert not attempts.covers(run, "other", "orders", A_PARTITION)
