"""The sensor that turns reruns into runs."""

from __future__ import annotations

import dataclasses
from datetime import date, timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from domain.connections import Installation
from domain.values import Partition
from orchestration.definitions import build
from resources.ledger.rejections import operator_actions, reruns, work_queue
from resources.ledger.rejections.reruns import Rerun
from resources.ledger.rejections.work_queue import RejectionFilter
from sensors.reruns import AT_ONCE, RERUN_TAG, tick
from tests.assets.dagster_run import QUIET
from tests.assets.documents import address, order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow

BOATS = {"shipping_methods": {"Ground": "Ground", "Slow boat": "Standard"}}


def ask(scene: Scene, *asked: Rerun) -> list[int]:
    """Queue reruns."""
    with psycopg.connect(scene.database, autocommit=True) as db:
        return reruns.ask(db, asked)


def rerun(day: date, *records: str, **more: Any) -> Rerun:
    """Return a rerun of some records of a partition, or of all of it."""
    return dataclasses.replace(
        Rerun(
            NAME,
            "orders",
            Partition.of_day(day),
            list(records) or None,
            "as_captured",
            False,
            "ann",
            "test",
        ),
        **more,
    )


def requests_of(scene: Scene, compared: set[str] | None = None) -> list[dg.RunRequest]:
    """Evaluate the sensor once; by default the configuration has been compared already."""
    assert scene.lockstep is not None
    context = dg.build_sensor_context(instance=scene.instance)
    result = tick(
        context, scene.installation, scene.lockstep, {NAME} if compared is None else compared
    )
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def run_request(scene: Scene, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    """Run what the sensor asked for."""
    return scene.job(str(request.job_name)).execute_in_process(
        instance=scene.instance,
        partition_key=request.partition_key,
        asset_selection=list(request.asset_selection or []),
        run_config=request.run_config | QUIET,
        tags=request.tags,
        raise_on_error=False,
    )


def by_boat(scene: Scene, number: int, day: date) -> None:
    """Place an order with an unmapped shipping method."""
    scene.place(
        order(
            number,
            scene.moment(day),
            shipping_addresses=[address(number * 100, shipping_method="Slow boat")],
        )
    )


def test_reruns_of_one_partition_are_merged_and_others_are_not(scene: Scene) -> None:
    """Records of several reruns share a run; another mode, day or ``force`` has its own."""
    day, other = scene.yesterday, scene.yesterday - timedelta(days=1)
    ask(
        scene,
        rerun(day, "1"),
        rerun(day, "2", "1"),
        rerun(other, "3"),
        rerun(day, mode="re_read"),
        rerun(day, "4", force=True),
    )

    found = requests_of(scene)

    requested = [
        (r.partition_key, [key.path[-1] for key in r.asset_selection or ()], r.run_config["ops"])
        for r in found
    ]
    only = {"config": {"only_records": ["1", "2"]}}
    assert requested[0] == (
        str(day),
        ["orders_validated", "orders_delivered"],
        {"acme__orders_validated": only, "acme__orders_delivered": only},
    )
    assert [(key, steps) for key, steps, _ in requested[1:]] == [
        (str(other), ["orders_validated", "orders_delivered"]),
        (str(day), ["orders_captured", "orders_validated", "orders_delivered"]),
        (str(day), ["orders_validated", "orders_delivered"]),
    ]
    assert requested[2][2] == {}
    assert requested[3][2]["acme__orders_delivered"] == {
        "config": {"only_records": ["4"], "force": True}
    }
    assert len({r.run_key for r in found}) == 4
    assert {r.job_name for r in found} == {"sync_acme"}


def test_no_rerun_is_lost_or_run_twice(scene: Scene) -> None:
    """Until a run with its key exists the same run is requested; a newer rerun gets its own."""
    ask(scene, rerun(scene.yesterday, "1"))
    [first] = requests_of(scene)
    ask(scene, rerun(scene.yesterday, "2"))
    again, newer = requests_of(scene)
    assert (again.run_key, again.run_config) == (first.run_key, first.run_config)
    assert newer.run_key != first.run_key
    assert scene.sql("SELECT DISTINCT taken_at FROM sync.rerun") == [(None,)]

    assert run_request(scene, first).success
    assert [r.run_key for r in requests_of(scene)] == [newer.run_key]
    assert scene.sql(
        "SELECT outcome, run_id <> '', taken_at IS NOT NULL FROM sync.rerun ORDER BY rerun_id"
    ) == [
        ("done", True, True),
        ("", False, False),
    ]


def test_a_tick_asks_for_a_bounded_number_of_runs(scene: Scene) -> None:
    """Many partitions come in several ticks, and what is under way is bounded too."""
    scene.configure(streams=("orders",))
    days = [scene.today - timedelta(days=n) for n in range(10)]
    ask(scene, *[rerun(day, str(n), force=n % 2 == 0) for day in days for n in range(4)])
    assert len(requests_of(scene)) == AT_ONCE
    for _ in range(3):
        requests_of(scene)
    assert scene.sql("SELECT count(DISTINCT run_key) FROM sync.rerun WHERE run_key <> ''") == [
        (AT_ONCE,)
    ], "until the first have a run"


def test_a_rerun_that_can_not_run_ends_with_the_reason(scene: Scene) -> None:
    """A connection, stream or day that no longer exists: refused once, and not tried forever."""
    scene.configure(streams=("orders",))
    ask(
        scene,
        rerun(scene.yesterday, connection="gone"),
        rerun(scene.yesterday, stream="shipments"),
        rerun(scene.today + timedelta(days=1)),
    )
    assert requests_of(scene) == []
    outcomes = scene.sql("SELECT outcome, note FROM sync.rerun ORDER BY rerun_id")
    assert [outcome for outcome, _ in outcomes] == ["refused"] * 3
    assert [
        word in note
        for word, (_, note) in zip(("gone", "shipments", "partition"), outcomes, strict=True)
    ] == [True] * 3


def test_a_queued_retry_ends_with_its_run_whether_it_went_through_or_not(scene: Scene) -> None:
    """A failed run leaves the rejection open with its id; the next, with a mapping, closes it."""
    by_boat(scene, 1, scene.yesterday)
    scene.run("orders", first=scene.yesterday)
    with psycopg.connect(scene.database, autocommit=True) as db:
        (found,) = work_queue.find(db, RejectionFilter())
        operator_actions.queue_retry(db, [found], "ann", "re_read", "")
    [request] = requests_of(scene)
    scene.fault("bigcommerce", {"kind": "status", "status": 401})
    assert not run_request(scene, request).success
    assert requests_of(scene) == []
    assert scene.sql("SELECT state FROM sync.rejection") == [("open",)]
    ((outcome, note),) = scene.sql("SELECT outcome, note FROM history.rejection_actions")
    assert (outcome, "ended as failure" in note) == ("failed", True)

    scene.fault("bigcommerce")
    scene.configure(orders=BOATS)
    with psycopg.connect(scene.database, autocommit=True) as db:
        operator_actions.queue_retry(db, [found], "ann", "as_captured", "mapped")
    [request] = requests_of(scene)
    assert run_request(scene, request).success
    assert requests_of(scene) == []
    assert scene.sql("SELECT state FROM sync.rejection") == [("resolved",)]
    assert list(scene.oms_orders()) == ["1"]


def test_a_changed_mapping_reruns_exactly_what_it_could_fix(scene: Scene) -> None:
    """Only records with that problem, in their partitions; nothing without a change."""
    other = scene.yesterday - timedelta(days=1)
    by_boat(scene, 1, scene.yesterday)
    by_boat(scene, 2, other)
    scene.place(order(3, scene.moment(), total_inc_tax="999.99"), order(4, scene.moment()))
    scene.run("orders", first=other)
    assert requests_of(scene, set()) == [], "first sight"
    assert requests_of(scene, set()) == [], "no change"
    scene.configure(orders={"default_payment_method": "Unknown"})
    assert requests_of(scene, set()) == [], "a change that could fix none of them"

    scene.configure(orders=BOATS | {"default_payment_method": "Unknown"})
    found = requests_of(scene, set())

    requested = {
        r.partition_key: r.run_config["ops"]["acme__orders_validated"]["config"]["only_records"]
        for r in found
    }
    assert requested == {str(scene.yesterday): ["1"], str(other): ["2"]}
    for request in found:
        assert RERUN_TAG in request.tags
        assert run_request(scene, request).success
    assert sorted(scene.oms_orders()) == ["1", "2", "4"]
    assert scene.open_rejections("orders") == {"3": "tax_mismatch"}
    actions_kept = scene.sql(
        "SELECT who, action, why FROM sync.rejection_action ORDER BY action_id"
    )
    assert set(actions_kept) == {("lockstep", "reopen", "changed: orders.shipping_methods")}


def test_new_code_tries_again_what_it_may_read_better(scene: Scene, monkeypatch: Any) -> None:
    """A new version of Lockstep: values and mappings are tried again, other problems are not."""
    by_boat(scene, 1, scene.yesterday)
    scene.place(order(2, scene.moment(), products=[]))
    scene.run("orders", first=scene.yesterday)
    requests_of(scene, set())
    monkeypatch.setattr("resources.fingerprint._code_digest", lambda *_: b"another version")
    [request] = requests_of(scene, set())
    assert request.run_config["ops"]["acme__orders_validated"] == {
        "config": {"only_records": ["1"]}
    }


def test_the_definitions_have_one_sensor_of_reruns_for_all_connections(scene: Scene) -> None:
    """A hundred connections must not cost a hundred sensors."""
    assert scene.lockstep is not None
    one = scene.installation.connections[NAME]
    two = Installation(start_date=scene.installation.start_date, connections={"a": one, "b": one})
    repository = build(two, scene.lockstep).get_repository_def()
    (sensor,) = [s for s in repository.sensor_defs if s.name == "reruns"]
    assert {job.name for job in sensor.jobs} == {"sync_a", "sync_b"}
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
