"""What is due goes out when its target answers again, and a source is read when it does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from resources.ledger.monitoring.outages import Outage
from resources.ledger.monitoring.quota_waits import QuotaWait
from sensors.attempts import Attempt
from sensors.targets import Targets
from tests.assets.scene import Json, Scene
from tests.sensors import test_changes
from tests.sensors.launching import launch
from tests.sensors.test_changes import place_now, requests_of
from tests.sensors.test_requeue import record, tick

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
PAUSE = timedelta(minutes=5)
DOWN: Json = {"kind": "status", "status": 503, "times": None, "path": "order/(save|search)$"}


def ago(seconds: float) -> datetime:
    """Return a moment before now."""
    return NOW - timedelta(seconds=seconds)


def is_due(last: Attempt | None, error: str = "", **changes: datetime | None) -> bool:
    """Return whether orders are due whose last attempt was this."""
    fields = dict.fromkeys(Outage._fields) | changes
    targets = Targets({"orders": Outage(**fields)}, {}, {"orders": error} if error else {}, None)
    return targets.is_due("orders", last, PAUSE, NOW)


FAILED = Attempt(1, ago(100))


@pytest.mark.parametrize(
    ("changes", "error", "expected"),
    [
        ({}, "", False),
        ({"answering_since": ago(50)}, "", True),
        ({"answering_since": ago(150)}, "", False),
        ({"failing_since": ago(300), "target_failed_at": ago(50)}, "", True),
        ({"failing_since": ago(300), "target_failed_at": ago(50)}, "503", False),
        ({"failing_since": ago(300)}, "", True),  # a minute has passed, and it may take writes
    ],
)
def test_a_sign_that_the_target_answers_ends_the_pause(
    changes: dict[str, datetime], error: str, expected: bool
) -> None:
    """A sign from before the last run says nothing about the next one."""
    assert is_due(FAILED, error, **changes) is expected


def test_a_failing_target_is_not_tried_more_often_than_each_minute_without_a_sign() -> None:
    """Writes may fail where reads are answered: one run a minute shows whether they still do."""
    assert not is_due(Attempt(1, ago(50)), failing_since=ago(300))


def test_a_used_up_quota_holds_up_its_stream_until_its_time_and_no_longer() -> None:
    """Neither earlier, whatever the pause says, nor later."""
    for until, expected in ((NOW + timedelta(seconds=5), False), (ago(1), True)):
        wait = QuotaWait("acme", "orders", "delivered", "oms", until, ago(90))
        targets = Targets({}, {"orders": wait}, {}, None)
        assert targets.is_due("orders", Attempt(1, ago(2)), PAUSE, NOW) is expected
        assert targets.is_due("inventory", None, PAUSE, NOW)


@pytest.mark.slow
def test_orders_go_out_with_the_first_tick_after_the_oms_answers_again(scene: Scene) -> None:
    """Its last run failed just now, and would ask for five minutes of pause."""
    scene.configure(streams=("orders",))
    scene.place_many([1, 2, 3, 4, 5, 6])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    scene.fault("manhattan", DOWN)
    scene.run("orders", first=scene.yesterday, steps=("delivered",), raise_on_error=False)
    [request] = tick(scene)
    record(scene, request)
    assert tick(scene) == []
    error = scene.sql("SELECT delivery_error FROM history.lag WHERE stream = 'orders'")[0][0]
    assert "503" in error
    scene.fault("manhattan")

    assert len(tick(scene)) == 1


@pytest.mark.slow
def test_a_renewed_token_is_noticed_with_the_next_tick(scene: Scene, tmp_path: Path) -> None:
    """The process that probes has read the old one, and its last run has failed just now."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [request] = requests_of(test_changes.tick(scene))
    token = Path(str(scene.installation.connections["acme"].platform.model_dump()["token"]["file"]))
    good = token.read_text()
    token.write_text("revoked")
    assert launch(scene, request) is False
    with pytest.raises(dg.Failure, match="Every probe"):
        test_changes.tick(scene)
    token.write_text(good)

    [again] = requests_of(test_changes.tick(scene))

    assert again.tags["sync/attempt"] == "2"
    assert launch(scene, again)
    assert set(scene.oms_orders()) == {"1"}


@pytest.mark.slow
def test_a_source_that_answers_again_is_read_without_the_pause_of_its_failed_run(
    scene: Scene,
) -> None:
    """It was down when its window was read, and when it was probed after that; now it answers."""
    scene.configure(streams=("orders",))
    place_now(scene, 1)
    [request] = requests_of(test_changes.tick(scene))
    scene.fault("bigcommerce", {"path": "/v2/", "kind": "status", "status": 403, "times": None})
    assert launch(scene, request) is False
    with pytest.raises(dg.Failure, match="Every probe"):
        test_changes.tick(scene)
    with pytest.raises(dg.Failure, match="Every probe"):
        test_changes.tick(scene)
    state = scene.sql("SELECT probe_failures FROM history.lag WHERE stream = 'orders'")
    assert state == [(2,)]
    scene.fault("bigcommerce")

    assert len(requests_of(test_changes.tick(scene))) == 1
