"""The sensors of a connection whose partitions are hours."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import psycopg
import pytest

from domain.values import HOUR, Partition
from orchestration.cli.rejections import retry
from resources.ledger.rejections import operator_actions, reruns, work_queue
from resources.ledger.rejections.reruns import Rerun
from resources.ledger.rejections.work_queue import RejectionFilter
from sensors import cursor, live_runs
from tests.assets import documents
from tests.assets.dagster_run import QUIET
from tests.assets.scene import NAME, Scene
from tests.sensors import test_requeue, test_reruns
from tests.sensors.launching import launch, run_until_quiet, start_at, watermark
from tests.sensors.test_changes import requests_of, tick

pytestmark = pytest.mark.slow


@pytest.fixture
def hourly(scene: Scene) -> Scene:
    """Let the partitions of the connection be hours."""
    scene.configure(grain="hour", streams=("orders",), overlap="PT2M")
    return scene


def run(scene: Scene, request: dg.RunRequest) -> bool:
    """Run a request of the sync job."""
    return (
        scene.job()
        .execute_in_process(
            instance=scene.instance,
            partition_key=request.partition_key,
            asset_selection=list(request.asset_selection or []),
            run_config=dict(request.run_config) | QUIET,
            tags=request.tags,
            raise_on_error=False,
        )
        .success
    )


def test_what_is_behind_is_requested_hour_by_hour_until_all_is_read(hourly: Scene) -> None:
    """Seven hours over midnight: at most five windows in a tick; no order is lost or sent twice."""
    first = Partition.of(hourly.moment(hour=20), HOUR)
    start_at(hourly, first.start + timedelta(minutes=30))
    placed = [first.start + timedelta(minutes=31, hours=n) for n in range(7)]
    placed = [moment for moment in placed if moment < datetime.now(UTC) - timedelta(seconds=2)]
    hourly.place(*[documents.order(n, moment) for n, moment in enumerate(placed, 1)])

    requests = requests_of(tick(hourly))

    assert [request.partition_key for request in requests] == [
        partition.key for partition in first.to(Partition.of(datetime.now(UTC), HOUR))
    ][: cursor.MOST_PIECES]
    assert {launch(hourly, request) for request in requests} == {True}
    run_until_quiet(hourly)
    assert [order["creates"] for order in hourly.oms_orders().values()] == [1] * len(placed)
    assert watermark(hourly) > placed[-1]


def test_a_tick_requests_no_more_runs_than_its_limit(
    hourly: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest come first, and the tick says how many wait."""
    monkeypatch.setattr(live_runs, "MOST_RUNS", 2)
    start_at(hourly, hourly.moment(hour=10))
    hourly.place(*[documents.order(n, hourly.moment(hour=n)) for n in (11, 13)])

    requests = requests_of(tick(hourly))

    assert [request.partition_key for request in requests] == [
        f"{hourly.yesterday}-10:00",
        f"{hourly.yesterday}-11:00",
    ]
    assert {launch(hourly, request) for request in requests} == {True}
    assert [request.partition_key for request in requests_of(tick(hourly))] == [
        f"{hourly.yesterday}-12:00",
        f"{hourly.yesterday}-13:00",
    ]


def test_an_hour_that_was_left_unfinished_is_requested_alone(hourly: Scene) -> None:
    """Two of three hours: each by its own key, and a run on one does not hold up the other."""
    hours = [Partition.of(hourly.moment(hour=n), HOUR) for n in (10, 11, 12)]
    hourly.place(*[documents.order(n, one.start) for n, one in enumerate(hours, 1)])
    hourly.run("orders", first=hours[0], last=hours[2], steps=("captured",))
    hourly.run("orders", first=hours[1])

    requests = test_requeue.tick(hourly)

    assert [request.partition_key for request in requests] == [hours[0].key, hours[2].key]
    test_requeue.record(hourly, requests[0], dg.DagsterRunStatus.STARTED)
    [again] = test_requeue.tick(hourly)
    assert again.partition_key == hours[2].key
    assert run(hourly, again)
    assert sorted(hourly.oms_orders()) == ["2", "3"]


def test_a_retry_of_a_rejection_runs_its_hour(hourly: Scene) -> None:
    """Queued and run here: one run for each hour with rejections."""
    for n in (10, 12):
        hourly.place(documents.order(n, hourly.moment(hour=n), [("NO-SUCH-SKU", 1)]))
    hours = [Partition.of(hourly.moment(hour=n), HOUR) for n in (10, 12)]
    hourly.run("orders", first=hours[0], last=hours[1])
    with psycopg.connect(hourly.database, autocommit=True) as db:
        found = work_queue.find(db, RejectionFilter())
        chunks = retry.chunks(found, "re_read")[NAME]
        assert [(chunk.first, chunk.last) for chunk in chunks] == [(one, one) for one in hours]
        narrowed = RejectionFilter(first_day=hourly.yesterday, hour=12)
        assert [r.source_id for r in work_queue.find(db, narrowed)] == ["12"]
        operator_actions.queue_retry(db, found, "ann", "as_captured", "test")
    requests = test_reruns.requests_of(hourly)
    assert [request.partition_key for request in requests] == [one.key for one in hours]


@pytest.mark.parametrize("mode", ["as_captured", "re_read"])
def test_a_rerun_of_a_day_runs_its_hours(hourly: Scene, mode: reruns.Mode) -> None:
    """It was asked for while partitions were days; one run covers the hours, each once."""
    hourly.place(*[documents.order(n + 1, hourly.moment(hour=n)) for n in (0, 10, 23)])
    day = Partition.of_day(hourly.yesterday)
    hours = day.by(HOUR)
    hourly.run("orders", first=hours[0], last=hours[-1], steps=("captured",))
    asked = Rerun(NAME, "orders", day, None, mode, force=False, asked_by="ann", why="test")
    test_reruns.ask(hourly, asked)

    [request] = test_reruns.requests_of(hourly)

    assert request.partition_key is None
    assert run(hourly, request)
    assert sorted(hourly.oms_orders()) == ["1", "11", "24"]
    validated = hourly.sql("SELECT source_hour FROM sync.batch WHERE step = 'validated'")
    assert sorted(number for (number,) in validated) == list(range(24))


def test_a_rerun_of_an_hour_runs_its_day_where_partitions_are_days_by_now(scene: Scene) -> None:
    """Two hours of a day are one run."""
    hours = Partition.of_day(scene.yesterday).by(HOUR)
    asked = [
        Rerun(NAME, "orders", one, None, "re_read", force=False, asked_by="ann", why="test")
        for one in hours[10:12]
    ]
    test_reruns.ask(scene, *asked)

    [request] = test_reruns.requests_of(scene)

    assert request.partition_key == date.isoformat(scene.yesterday)
