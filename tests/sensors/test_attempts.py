"""A window whose run failed, was canceled or crashed is requested until the watermark passes it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from domain.values import DAY, Partition, Window
from sensors import attempts, cursor
from tests.assets import documents
from tests.assets.scene import Json, Scene
from tests.sensors.launching import (
    launch,
    midnight,
    recorded,
    run_until_quiet,
    start_at,
    watermark,
)
from tests.sensors.test_changes import place_now, requests_of, run_request, tick

pytestmark = pytest.mark.slow(seconds=50)

REFUSED: Json = {"path": "/v3/orders/", "kind": "status", "status": 403, "times": None}
"""The token lacks the scope for transactions: the probe works, each window with orders fails."""
PLATFORM = {"fetch_transactions": "all"}


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Request the next attempt at once; the tests of the pause set one."""
    monkeypatch.setattr(cursor, "FIRST_PAUSE", timedelta(0))


def test_days_that_all_failed_after_an_outage_are_requested_again(scene: Scene) -> None:
    """Down for 3.5 days, then one 403 in each day's run: once the token is right all is read."""
    scene.configure(streams=("orders",), overlap="PT2M", platform=PLATFORM)
    now = datetime.now(UTC)
    first = now - timedelta(days=3.5)
    start_at(scene, first)
    pieces = [piece for _, piece in Partition.split(Window(first, now), DAY)]
    placed = [piece.since + timedelta(seconds=1) for piece in pieces]
    scene.place(*[documents.order(number, moment) for number, moment in enumerate(placed, 1)])
    scene.fault("bigcommerce", REFUSED)
    # Four days in the first tick; after a failure all up to the present: five before noon.
    for until in (first + cursor.LONGEST_CATCH_UP, now):
        requests = requests_of(tick(scene))
        assert len(requests) == len(Partition.split(Window(first, until), DAY))
        assert {launch(scene, request) for request in requests} == {False}
    scene.fault("bigcommerce")

    run_until_quiet(scene)

    assert {order["creates"] for order in scene.oms_orders().values()} == {1}
    assert len(scene.oms_orders()) == len(placed)
    assert watermark(scene) > placed[-1]


@pytest.mark.parametrize("stream", ["orders", "shipments"])
def test_yesterdays_piece_that_failed_at_midnight_is_requested_again(
    scene: Scene, stream: str
) -> None:
    """Its window is the same at each tick, and yet it runs again, whichever way it flows."""
    since = midnight() - timedelta(minutes=5)
    scene.configure(streams=("orders",))
    scene.place(documents.order(1, since + timedelta(seconds=30)))
    if stream == "shipments":
        scene.run("orders", first=scene.yesterday)
        scene.to_oms("orders/1/ship", {})
        scene.configure(streams=("shipments",))
        time.sleep(1.1)
    scene.sql("DELETE FROM sync.watermark RETURNING 1")
    start_at(scene, since, stream)
    system = "bigcommerce" if stream == "orders" else "manhattan"
    first = requests_of(tick(scene))
    scene.fault(system, {"path": ".", "kind": "status", "status": 403, "times": None})
    assert launch(scene, first[0]) is False
    scene.fault(system)
    again = requests_of(tick(scene))[0]

    assert again.partition_key == first[0].partition_key == scene.yesterday.isoformat()
    assert again.tags["sync/attempt"] == "2"
    run_until_quiet(scene)
    assert watermark(scene, stream) >= midnight()
    assert len(scene.oms_orders() if stream == "orders" else scene.store_shipments()) == 1


def test_a_snapshot_whose_run_failed_is_requested_before_its_interval_is_over(
    scene: Scene,
) -> None:
    """Stock is read every hour here; one failure must not leave the store an hour behind."""
    scene.configure(streams=("inventory",), inventory={"interval": "PT1H", "catalog_ttl": "PT0S"})
    result = tick(scene)
    [request] = requests_of(result)
    assert isinstance(result, dg.SensorResult)
    scene.fault("manhattan", {"path": ".", "kind": "status", "status": 403, "times": None})
    assert launch(scene, request) is False
    scene.fault("manhattan")

    result = tick(scene, result.cursor)
    [again] = requests_of(result)

    assert isinstance(result, dg.SensorResult)
    assert launch(scene, again)
    assert requests_of(tick(scene, result.cursor)) == []


ENDED = [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE]


@pytest.mark.parametrize("status", ENDED, ids=["canceled", "crashed"])
def test_a_window_whose_run_was_canceled_or_crashed_is_requested_again(
    scene: Scene, status: dg.DagsterRunStatus
) -> None:
    """Whatever ended the run, its window was not read."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [first] = requests_of(tick(scene))
    recorded(scene, first, status)
    [again] = requests_of(tick(scene))
    assert (first.tags["sync/attempt"], again.tags["sync/attempt"]) == ("1", "2")
    assert launch(scene, again)
    assert set(scene.oms_orders()) == {"1"}


def test_a_crashed_run_that_dagster_repeats_is_not_requested_at_the_same_time(
    scene: Scene,
) -> None:
    """Between a crash and its repetition no run is active, and still one is on its way."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [first] = requests_of(tick(scene))
    crashed = recorded(scene, first, dg.DagsterRunStatus.FAILURE, **{"dagster/will_retry": "true"})
    assert requests_of(tick(scene)) == []
    repeated = recorded(scene, first, dg.DagsterRunStatus.STARTED)
    scene.instance.add_run_tags(crashed.run_id, {"dagster/auto_retry_run_id": repeated.run_id})
    assert requests_of(tick(scene)) == []
    scene.instance.delete_run(repeated.run_id)
    assert len(requests_of(tick(scene))) == 1


WAITING = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@pytest.mark.parametrize("status", WAITING, ids=lambda status: status.value)
def test_a_window_is_not_requested_while_its_run_waits_or_works(
    scene: Scene, status: dg.DagsterRunStatus
) -> None:
    """Neither is it while the run is being canceled; deleting the run makes the window free."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [first] = requests_of(tick(scene))
    run = recorded(scene, first, status)
    assert requests_of(tick(scene)) == []
    scene.instance.delete_run(run.run_id)
    assert len(requests_of(tick(scene))) == 1


def test_a_run_that_was_never_queued_blocks_its_window_for_a_while_only(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon died between creating and queueing it: such a run never starts."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [first] = requests_of(tick(scene))
    recorded(scene, first, dg.DagsterRunStatus.NOT_STARTED)
    assert requests_of(tick(scene)) == []
    monkeypatch.setattr(attempts, "NEVER_SUBMITTED", timedelta(0))
    [again] = requests_of(tick(scene))
    assert launch(scene, again)
    assert set(scene.oms_orders()) == {"1"}


def test_failed_attempts_wait_longer_and_longer_and_the_tick_names_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pause is read from the runs: neither a lost cursor nor a restart shortens it."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [request] = requests_of(tick(scene))
    for number in (2, 3):
        failed = recorded(scene, request, dg.DagsterRunStatus.FAILURE)
        monkeypatch.setattr(cursor, "FIRST_PAUSE", timedelta(minutes=1))
        result = tick(scene, cursor=None)
        assert requests_of(result) == []
        assert isinstance(result, dg.SensorResult)
        reason = str(result.skip_reason.skip_message if result.skip_reason else "")
        assert f"acme/orders {scene.today}: attempt {number - 1} failed; the next" in reason
        monkeypatch.setattr(cursor, "FIRST_PAUSE", timedelta(0))
        [request] = requests_of(tick(scene))
        assert request.tags["sync/attempt"] == str(number)
    assert cursor.pause_after(2) == 2 * cursor.pause_after(1)
    scene.instance.delete_run(failed.run_id)
    [request] = requests_of(tick(scene))
    assert request.tags["sync/attempt"] == "2", "a deleted run costs one attempt, not the window"


def test_a_success_ends_the_count_of_attempts(scene: Scene) -> None:
    """The next failure, an hour later, is a first one."""
    scene.configure(streams=("orders",), overlap="PT1S")
    place_now(scene, 1)
    [first] = requests_of(tick(scene))
    recorded(scene, first, dg.DagsterRunStatus.FAILURE)
    [again] = requests_of(tick(scene))
    assert launch(scene, again)
    place_now(scene, 2)
    [later] = requests_of(tick(scene))
    assert later.tags["sync/attempt"] == "1"


def test_a_failing_chain_holds_up_no_other_chain(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They share a run that fails; stock got through, so only orders wait and run by themselves."""
    scene.configure(streams=("orders", "inventory"), platform=PLATFORM)
    place_now(scene, 1)
    [shared] = requests_of(tick(scene))
    scene.fault("bigcommerce", REFUSED)
    assert launch(scene, shared) is False
    scene.sql(
        "UPDATE sync.watermark SET watermark = watermark - interval '1 hour' "
        "WHERE stream = 'inventory' RETURNING 1"
    )
    monkeypatch.setattr(cursor, "FIRST_PAUSE", timedelta(minutes=1))
    [stock] = requests_of(tick(scene))
    assert (stock.tags["sync/chains"], stock.tags["sync/attempt"]) == ("acme/inventory", "1")
    monkeypatch.setattr(cursor, "FIRST_PAUSE", timedelta(0))
    requests = {r.tags["sync/chains"]: r.tags["sync/attempt"] for r in requests_of(tick(scene))}
    assert requests == {"acme/inventory": "1", "acme/orders": "2"}


def test_a_day_that_keeps_failing_does_not_keep_later_days_and_today_waiting(
    scene: Scene,
) -> None:
    """One order of five days ago can't be read: all others arrive, and its day is still asked."""
    scene.configure(streams=("orders",), overlap="PT2M", platform=PLATFORM)
    now = datetime.now(UTC)
    start_at(scene, now - timedelta(days=5))
    moments = [now - timedelta(days=5 - day, minutes=-5) for day in range(5)]
    scene.place(*[documents.order(n, m) for n, m in enumerate([*moments], 1)])
    stuck = {"path": "/v3/orders/1/", "kind": "status", "status": 403, "times": None}
    scene.fault("bigcommerce", stuck)
    place_now(scene, 6)

    for _ in range(4):
        for request in requests_of(tick(scene)):
            assert launch(scene, request) is not None
    place_now(scene, 7)
    requests = requests_of(tick(scene))
    assert [r.partition_key for r in requests if r.tags["sync/attempt"] != "1"] == [
        (now - timedelta(days=5)).date().isoformat()
    ]
    for request in requests:
        launch(scene, request)

    assert set(scene.oms_orders()) == {"2", "3", "4", "5", "6", "7"}
    [alone] = requests_of(tick(scene))
    assert alone.tags["sync/attempt"] == "6", "what was captured ahead is not read again"
    scene.fault("bigcommerce")
    assert all(run_until_quiet(scene))
    assert set(scene.oms_orders()) == {str(number) for number in range(1, 8)}
    assert {order["creates"] for order in scene.oms_orders().values()} == {1}
    assert watermark(scene) >= midnight()


def test_the_first_window_of_a_new_stream_survives_midnight(scene: Scene) -> None:
    """It fails on the stream's first day: the watermark keeps that day's start."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [first] = requests_of(tick(scene))
    recorded(scene, first, dg.DagsterRunStatus.FAILURE)
    assert watermark(scene) == midnight()
    [again] = requests_of(tick(scene))
    assert run_request(scene, again).success
    assert set(scene.oms_orders()) == {"1"}
