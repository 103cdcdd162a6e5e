"""The installation's heartbeat: alerts without a run, told when they change."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.health import HEARTBEAT, NOTHING_STUCK, check_name, health_key
from domain.connections import Installation
from orchestration.definitions import build
from resources.lockstep import Lockstep
from resources.notifications import WebhookNotifier
from sensors import changes, health
from tests.assets import documents
from tests.assets.scene import NAME, Scene
from tests.sensors.receiver import Receiver, receiver
from tests.sensors.test_changes import requests_of, run_request

__all__ = ["receiver"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def beat(
    scene: Scene, cursor: str | None = None, lockstep: Lockstep | None = None
) -> tuple[dict[str, dg.AssetCheckEvaluation], str]:
    """Evaluate the sensor once; return what it told by ``stream/check``, and its cursor."""
    used = lockstep or scene.lockstep
    assert used is not None
    with dg.build_sensor_context(instance=scene.instance, cursor=cursor) as context:
        result = health.tick(context, used.installation, used)
    assert result.cursor is not None
    told = {
        e.check_name.replace("_", "/", 1): e
        for e in result.asset_events
        if isinstance(e, dg.AssetCheckEvaluation)
    }
    return told, result.cursor


def rested(cursor: str, **changes: Any) -> str:
    """Return a cursor by which the clocks are read again."""
    return json.dumps(json.loads(cursor) | {"clocks_rest_until": EPOCH.isoformat()} | changes)


def age_captures(scene: Scene) -> None:
    """Let what was captured have been so an hour ago."""
    scene.sql("UPDATE sync.capture SET captured_at = captured_at - interval '1 hour' RETURNING 1")


def test_results_are_told_when_they_change_or_after_an_hour(scene: Scene) -> None:
    """The event log keeps everything for ever, so a tick that found nothing new adds nothing."""
    told, cursor = beat(scene)
    assert {place: event.passed for place, event in told.items()} == {
        f"{stream}/{check}": check == NOTHING_STUCK
        for stream in ("orders", "inventory", "shipments")
        for check in (HEARTBEAT, NOTHING_STUCK)
    }
    told, cursor = beat(scene, cursor)
    assert told == {}

    scene.place(documents.order(1, scene.moment()))
    scene.run("orders", steps=("captured",), first=scene.yesterday)
    age_captures(scene)
    told, cursor = beat(scene, rested(cursor))
    assert set(told) == {"orders/nothing_stuck"}
    assert not told["orders/nothing_stuck"].passed
    assert told["orders/nothing_stuck"].severity is dg.AssetCheckSeverity.ERROR
    assert told["orders/nothing_stuck"].description == "1 captured not delivered"
    assert beat(scene, rested(cursor))[0] == {}

    scene.run("orders", first=scene.yesterday)
    told, cursor = beat(scene, rested(cursor))
    assert told["orders/nothing_stuck"].passed
    an_hour_ago = (datetime.now(UTC) - health.REPEAT).isoformat()
    old = {
        place: (signature, an_hour_ago)
        for place, (signature, _) in json.loads(cursor)["told"].items()
    }
    assert len(beat(scene, rested(cursor, told=old))[0]) == 6


def test_people_are_told_once_that_a_stream_stands_and_once_that_it_goes_again(
    scene: Scene, receiver: Receiver
) -> None:
    """While nobody takes the alert it is kept; it names the stream and what is wrong, and nobody's data."""
    scene.place(documents.order(1, scene.moment()))
    scene.run("orders", steps=("captured",), first=scene.yesterday)
    _, cursor = beat(scene)
    age_captures(scene)
    receiver.status = 503
    cursor = told_people(scene, receiver, cursor)
    assert len(receiver.posted) == 1

    receiver.status = 200
    cursor = told_people(scene, receiver, cursor)
    cursor = told_people(scene, receiver, cursor)
    assert len(receiver.posted) == 2
    assert f"{NAME}/orders/nothing_stuck: 1 captured not delivered" in str(
        receiver.posted[1]["text"]
    )
    assert "jane.doe" not in str(receiver.posted)

    scene.run("orders", first=scene.yesterday)
    told_people(scene, receiver, cursor)
    assert f"{NAME}/orders/nothing_stuck: all right again" in str(receiver.posted[2]["text"])


def told_people(scene: Scene, receiver: Receiver, cursor: str) -> str:
    """Evaluate the sensor once with somebody to tell; return its cursor."""
    assert scene.lockstep is not None
    with dg.build_sensor_context(instance=scene.instance, cursor=rested(cursor)) as context:
        result = health.tick(
            context, scene.installation, scene.lockstep, lambda: WebhookNotifier(receiver.url)
        )
    return str(result.cursor)


def test_clocks_that_take_long_are_read_seldom(scene: Scene) -> None:
    """They look through all captures: a twentieth of the time at most goes to them, and the heartbeat goes on."""
    _, cursor = beat(scene)
    rest = datetime.fromisoformat(json.loads(cursor)["clocks_rest_until"])
    assert (
        datetime.now(UTC) - timedelta(seconds=1) < rest < datetime.now(UTC) + timedelta(minutes=5)
    )
    resting = json.dumps(
        json.loads(cursor)
        | {"clocks_rest_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "told": {}}
    )
    assert {place.split("/")[1] for place in beat(scene, resting)[0]} == {HEARTBEAT}


def test_a_damaged_cursor_costs_telling_everything_once_more(scene: Scene) -> None:
    """Whatever stands there, the sensor goes on."""
    for cursor in (
        "",
        "{",
        "[]",
        '{"told": {"a": 1}}',
        '{"told": {}, "hooks": {}, "clocks_rest_until": "soon"}',
    ):
        assert health.parse(cursor) == health.Memory({}, {}, health.LONG_AGO)
    _, cursor = beat(scene)
    assert health.dump(health.parse(cursor)) == cursor


def test_what_the_sensor_tells_stands_on_the_asset_in_dagster(scene: Scene) -> None:
    """Events without a run are what the UI shows of the check, and what an alert looks at."""
    told, _ = beat(scene)
    scene.instance.report_runless_asset_event(told["orders/heartbeat"])
    key = dg.AssetCheckKey(health_key(NAME), check_name("orders", HEARTBEAT))
    [record] = scene.instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    assert record.status.value == "FAILED"


def test_an_operator_executes_the_checks(scene: Scene) -> None:
    """From the asset's page; and no live run or rerun carries them along."""
    assert scene.lockstep is not None
    definitions = build(scene.installation, scene.lockstep)
    keys = {
        dg.AssetCheckKey(health_key(NAME), check_name("orders", check))
        for check in (HEARTBEAT, NOTHING_STUCK)
    }
    whole = definitions.resolve_implicit_global_asset_job_def()
    ended = whole.get_subset(asset_selection=set(), asset_check_selection=keys).execute_in_process(
        instance=scene.instance
    )
    assert {e.check_name: e.passed for e in ended.get_asset_check_evaluations()} == {
        "orders_heartbeat": False,
        "orders_nothing_stuck": True,
    }
    steps = {
        f"{NAME}__{stream}__{step}"
        for stream in ("orders", "inventory", "shipments")
        for step in Scene.steps
    }
    assert all(
        set(definitions.resolve_job_def(job).graph.node_dict) == steps
        for job in (f"live_{NAME}", f"sync_{NAME}")
    )


def test_a_probe_that_fails_is_noted_and_hides_no_other_stream(scene: Scene) -> None:
    """The OMS is down: its streams say so with the error, and the orders' heartbeat is green."""
    scene.configure(streams=("orders", "shipments"), limits={"probe": "PT1M"})
    assert scene.lockstep is not None
    scene.place(documents.order(1, datetime.now(UTC) - timedelta(seconds=2)))
    scene.fault(
        "manhattan", {"path": "order/search", "kind": "status", "status": 500, "times": None}
    )
    with dg.build_sensor_context(instance=scene.instance) as context:
        result = changes.tick(context, NAME, [NAME], scene.installation, scene.lockstep)
    for request in requests_of(result):
        assert run_request(scene, request).success
    scene.sql(
        "UPDATE sync.watermark SET watermark = now(), probed_at = now() - interval '1 hour' WHERE stream = 'shipments' RETURNING 1"
    )
    told, _ = beat(scene)
    assert told["orders/heartbeat"].passed
    assert not told["shipments/heartbeat"].passed
    assert "500" in str(told["shipments/heartbeat"].description)


@pytest.fixture
def two(scene: Scene, tmp_path: Path) -> Lockstep:
    """Two connections with webhooks: ``acme``, and ``broken``, whose store nobody can reach."""
    secret = tmp_path / "hook"
    secret.touch(mode=0o600)
    secret.write_text("client-secret-of-the-app")
    base = scene.installation.model_dump(mode="json", exclude_none=True)
    acme = base["connections"][NAME]
    acme |= {"webhooks": {"destination": "https://hooks.example.com"}, "streams": ["orders"]}
    acme["platform"] |= {"client_secret": {"file": str(secret)}}
    broken = acme | {
        "platform": acme["platform"]
        | {"store_hash": f"{scene.store}x", "token": {"file": str(tmp_path / "absent")}}
    }
    installation = Installation.model_validate(
        base | {"connections": {"broken": broken, NAME: acme}}
    )
    return Lockstep(installation, lambda: scene.database)


def test_a_hook_that_the_store_switched_off_is_registered_again(
    scene: Scene, two: Lockstep
) -> None:
    """Within ten minutes, without anybody; a connection whose store can't be asked hides neither that nor any alert."""
    told, cursor = beat(scene, lockstep=two)
    assert len([place for place in told if place.startswith("orders/")]) == 2
    [hook] = scene.to_store("hooks", {})["hooks"]
    assert hook["is_active"]

    scene.to_store("hooks", {"switch_off": True})
    assert not scene.to_store("hooks", {})["hooks"][0]["is_active"]
    beat(scene, cursor, lockstep=two)
    assert not scene.to_store("hooks", {})["hooks"][0]["is_active"]  # looked after a moment ago

    due = json.loads(cursor)["hooks"] | {NAME: (datetime.now(UTC) - health.HOOKS_EVERY).isoformat()}
    beat(scene, rested(cursor, hooks=due), lockstep=two)
    assert scene.to_store("hooks", {})["hooks"][0]["is_active"]
    two.close()
