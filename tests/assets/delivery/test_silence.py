"""A target that takes requests and never answers is failing within a minute."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from assets.delivery import outage
from assets.delivery.system import answers
from assets.health import read_health
from domain.errors import TransientError
from resources.http.silence import Silence
from resources.sync import Sync
from tests.assets.scene import NAME, Scene

TIME_OUT = 0.7
"""Seconds for an answer of a system that hangs; each of a request's attempts takes as long."""


def states(scene: Scene, stream: str) -> tuple[str, bool]:
    """Return the state of a stream, and whether its heartbeat passes."""
    assert scene.lockstep is not None
    health = read_health(scene.lockstep, NAME, with_stuck=False)
    return health.statuses[(NAME, stream)].state, health.results((NAME, stream))[0].passed


def due(scene: Scene, stream: str) -> None:
    """Have something to deliver in a stream."""
    scene.place_many([1])
    if stream == "shipments":
        scene.run("orders")
        scene.to_oms("orders/1/ship", {})
    scene.run(stream, steps=("captured", "validated"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stream", "system", "path"),
    [
        ("orders", "manhattan", "order/save$"),
        ("shipments", "bigcommerce", "shipments$"),
        ("inventory", "bigcommerce", "inventory/"),  # read before it is written
    ],
)
def test_a_target_that_hangs_is_failing_while_it_hangs(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, stream: str, system: str, path: str
) -> None:
    """Red before the run has given up; green with the first record that gets through."""
    due(scene, stream)
    scene.configure(platform={"timeout": TIME_OUT}, oms={"timeout": TIME_OUT})
    monkeypatch.setattr(outage, "SILENT_SECONDS", 0.8)
    monkeypatch.setattr(outage, "WATCH_SECONDS", 0.1)
    scene.fault(system, {"kind": "delay", "delay_ms": 4_000, "path": path})

    scene.run(stream, steps=("delivered",), raise_on_error=False)

    ended_at = datetime.now(UTC)
    [(since,)] = scene.sql("SELECT failing_since FROM sync.watermark WHERE stream = %s", stream)
    assert since < ended_at - timedelta(seconds=1)
    assert states(scene, stream) == ("failing", False)
    scene.fault(system)
    scene.configure()
    scene.sql("UPDATE sync.delivery SET may_act_until = now() RETURNING 1")
    scene.run(stream, raise_on_error=False)
    assert states(scene, stream)[0] != "failing"


@pytest.mark.slow(seconds=8)
def test_a_target_that_takes_no_writes_keeps_no_chunk_for_long(scene: Scene) -> None:
    """It answers reads. A few writes without an answer, and the rest is left to the next run."""
    scene.configure(max_attempts=1, oms={"timeout": TIME_OUT, "push_concurrency": 5})
    scene.place_many(range(1, 21))
    scene.run("orders", steps=("captured", "validated"))
    scene.fault("manhattan", {"kind": "delay", "delay_ms": 4_000, "path": "order/save$"})

    run = scene.run("orders", steps=("delivered",), raise_on_error=False)

    assert not run.success
    sent = "SELECT DISTINCT correlation_id FROM sync.message_log WHERE endpoint LIKE '%%/save'"
    assert 0 < len(scene.sql(sent)) < 15, "each of the 20 takes its time-out, several times"
    assert scene.open_rejections("orders") == {}, "and none has used up its attempt"


def test_only_a_server_that_works_ends_the_silence() -> None:
    """An answer that says that the server fails is an answer, and no sign of life."""
    silence = Silence()
    assert silence.failing_seconds() == 0
    silence.sent()
    time.sleep(0.02)
    silence.sent()
    assert silence.unanswered_seconds() >= 0.02
    silence.answered(is_failing=True)
    assert silence.unanswered_seconds() == 0
    assert silence.failing_seconds() >= 0.02
    silence.answered()
    assert silence.failing_seconds() == 0


def test_a_failing_partition_probes_its_target_once() -> None:
    """The engine and the step ask the same question within a moment."""
    calls: list[datetime] = []

    class System:
        """A system that is down, and its source of fulfilment."""

        def clock(self) -> datetime:
            return datetime.now(UTC)

        def probe(self, since: datetime) -> None:
            calls.append(since)
            raise TransientError("down")

    system = System()
    sync = cast("Sync", SimpleNamespace(oms=system, shipments=system))
    found = [answers(sync, is_oms=True) for _ in range(3)]

    assert (found, len(calls)) == ([False] * 3, 1)
