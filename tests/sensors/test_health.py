"""The installation's heartbeat: alerts without a run, reported when they change."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from assets.health import HEARTBEAT, NOTHING_STUCK, check_name, health_key
from domain.connections import Installation
from domain.values import LONG_AGO
from orchestration.definitions import build
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from resources.notifications import WebhookNotifier
from sensors import changes, health
from tests.assets import documents
from tests.assets.scene import NAME, Scene
from tests.sensors.receiver import Receiver, receiver
from tests.sensors.test_changes import requests_of, run_request

pytestmark = pytest.mark.slow(seconds=15)

__all__ = ["receiver"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def beat(
    scene: Scene, cursor: str | None = None, lockstep: Lockstep | None = None
) -> tuple[dict[str, dg.AssetCheckEvaluation], str]:
    """Evaluate the sensor once; return what it reported by ``stream/check``, and its cursor."""
    used = lockstep or scene.lockstep
    assert used is not None
    with dg.build_sensor_context(instance=scene.instance, cursor=cursor) as context:
        result = health.tick(context, used.installation, used)
    assert result.cursor is not None
    reported = {
        e.check_name.replace("_", "/", 1): e
        for e in result.asset_events
        if isinstance(e, dg.AssetCheckEvaluation)
    }
    return reported, result.cursor


def rested(cursor: str, **changes: Any) -> str:
    """Return a cursor by which stuck records are read again."""
    return json.dumps(json.loads(cursor) | {"read_stuck_after": EPOCH.isoformat()} | changes)


def age_captures(scene: Scene) -> None:
    """Date what was captured back by an hour."""
    scene.sql("UPDATE sync.capture SET captured_at = captured_at - interval '1 hour' RETURNING 1")


def test_results_are_reported_when_they_change_or_after_an_hour(scene: Scene) -> None:
    """The event log keeps everything forever, so a tick that found nothing new adds nothing."""
    reported, cursor = beat(scene)
    assert {place: event.passed for place, event in reported.items()} == {
        f"{stream}/{check}": check == NOTHING_STUCK
        for stream in ("orders", "inventory", "shipments")
        for check in (HEARTBEAT, NOTHING_STUCK)
    }
    reported, cursor = beat(scene, cursor)
    assert reported == {}

    scene.place(documents.order(1, scene.moment()))
    scene.run_in_dagster("orders", steps=("captured",), first=scene.yesterday)
    age_captures(scene)
    reported, cursor = beat(scene, rested(cursor))
    assert set(reported) == {"orders/nothing_stuck"}
    assert not reported["orders/nothing_stuck"].passed
    assert reported["orders/nothing_stuck"].severity is dg.AssetCheckSeverity.ERROR
    assert reported["orders/nothing_stuck"].description == "1 captured not delivered"
    assert beat(scene, rested(cursor))[0] == {}

    scene.run_in_dagster("orders", first=scene.yesterday)
    reported, cursor = beat(scene, rested(cursor))
    assert reported["orders/nothing_stuck"].passed
    an_hour_ago = (datetime.now(UTC) - health.REPEAT).isoformat()
    old = {
        place: (signature, an_hour_ago)
        for place, (signature, _) in json.loads(cursor)["reported"].items()
    }
    assert len(beat(scene, rested(cursor, reported=old))[0]) == 6


def test_an_alert_is_sent_once_when_a_stream_is_stuck_and_once_when_it_recovers(
    scene: Scene, receiver: Receiver
) -> None:
    """An alert that can't be sent is kept; it names stream and problem, and no personal data."""
    scene.place(documents.order(1, scene.moment()))
    scene.run_in_dagster("orders", steps=("captured",), first=scene.yesterday)
    _, cursor = beat(scene)
    age_captures(scene)
    receiver.status = 503
    cursor = alerted(scene, receiver, cursor)
    assert len(receiver.posted) == 1

    receiver.status = 200
    cursor = alerted(scene, receiver, cursor)
    cursor = alerted(scene, receiver, cursor)
    assert len(receiver.posted) == 2
    assert f"{NAME}/orders/nothing_stuck: 1 captured not delivered" in str(
        receiver.posted[1]["text"]
    )
    assert "jane.doe" not in str(receiver.posted)

    scene.run_in_dagster("orders", first=scene.yesterday)
    alerted(scene, receiver, cursor)
    assert f"{NAME}/orders/nothing_stuck: recovered" in str(receiver.posted[2]["text"])


def alerted(scene: Scene, receiver: Receiver, cursor: str) -> str:
    """Evaluate the sensor once with a notifier; return its cursor."""
    assert scene.lockstep is not None
    with dg.build_sensor_context(instance=scene.instance, cursor=rested(cursor)) as context:
        result = health.tick(
            context, scene.installation, scene.lockstep, lambda: WebhookNotifier(receiver.url)
        )
    return str(result.cursor)


def test_stuck_records_are_read_seldom_where_it_takes_long(scene: Scene) -> None:
    """Reading them takes at most a twentieth of the time, and the heartbeat goes on."""
    _, cursor = beat(scene)
    rest = datetime.fromisoformat(json.loads(cursor)["read_stuck_after"])
    assert (
        datetime.now(UTC) - timedelta(seconds=1) < rest < datetime.now(UTC) + timedelta(minutes=5)
    )
    resting = json.dumps(
        json.loads(cursor)
        | {"read_stuck_after": (datetime.now(UTC) + timedelta(hours=1)).isoformat(), "reported": {}}
    )
    assert {place.split("/")[1] for place in beat(scene, resting)[0]} == {HEARTBEAT}


def test_a_damaged_cursor_only_repeats_every_report(scene: Scene) -> None:
    """Whatever it contains, the sensor goes on."""
    for cursor in (
        "",
        "{",
        "[]",
        '{"reported": {"a": 1}}',
        '{"reported": {}, "webhooks": {}, "read_stuck_after": "soon"}',
    ):
        assert health.parse(cursor) == health.Memory({}, {}, LONG_AGO)
    _, cursor = beat(scene)
    assert health.dump(health.parse(cursor)) == cursor


def test_the_sensors_results_are_shown_on_the_asset(scene: Scene) -> None:
    """Events without a run are what the UI shows of the check, and what an alert looks at."""
    reported, _ = beat(scene)
    scene.instance.report_runless_asset_event(reported["orders/heartbeat"])
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
        f"{NAME}__{stream}_{step}"
        for stream in ("orders", "inventory", "shipments")
        for step in Scene.steps
    }
    assert all(
        set(definitions.resolve_job_def(job).graph.node_dict) == steps
        for job in (f"live_{NAME}", f"sync_{NAME}")
    )


def test_a_failed_probe_is_recorded_and_hides_no_other_stream(scene: Scene) -> None:
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
        "UPDATE sync.watermark SET watermark = now(), probed_at = now() - interval '1 hour' "
        "WHERE stream = 'shipments' RETURNING 1"
    )
    reported, _ = beat(scene)
    assert reported["orders/heartbeat"].passed
    assert not reported["shipments/heartbeat"].passed
    assert "500" in str(reported["shipments/heartbeat"].description)


@pytest.fixture
def two(scene: Scene, tmp_path: Path) -> Lockstep:
    """Two connections with webhooks: ``acme``, and ``broken``, whose store can't be reached."""
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
    with psycopg.connect(scene.database, autocommit=True) as db:
        resume(db, "broken", ["orders"], "test")
    return Lockstep(installation, lambda: scene.database)


def test_a_webhook_that_the_store_switched_off_is_registered_again(
    scene: Scene, two: Lockstep
) -> None:
    """Within ten minutes, automatically; a store that can't be reached hides nothing else."""
    reported, cursor = beat(scene, lockstep=two)
    assert len([place for place in reported if place.startswith("orders/")]) == 2
    [hook] = scene.to_store("hooks", {})["hooks"]
    assert hook["is_active"]

    scene.to_store("hooks", {"switch_off": True})
    assert not scene.to_store("hooks", {})["hooks"][0]["is_active"]
    beat(scene, cursor, lockstep=two)
    assert not scene.to_store("hooks", {})["hooks"][0]["is_active"]  # checked a moment ago

    due = json.loads(cursor)["webhooks"] | {
        NAME: (datetime.now(UTC) - health.WEBHOOKS_EVERY).isoformat()
    }
    beat(scene, rested(cursor, webhooks=due), lockstep=two)
    assert scene.to_store("hooks", {})["hooks"][0]["is_active"]
    calls = scene.sql("SELECT method FROM sync.message_log WHERE stream = 'webhooks' ORDER BY at")
    assert calls == [("POST",), ("PUT",)], "each call that changes the store is in the log"
    two.close()
