"""History shows how late an order was, how often it was tried, and who did what."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.documents import address, order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
BOATS = {"shipping_methods": {"Ground": "Ground", "Slow boat": "Standard"}}


def by_boat(scene: Scene) -> None:
    """Place an order with an unmapped shipping method; it is rejected."""
    away = address(100, shipping_method="Slow boat")
    scene.place(order(1, scene.moment(), shipping_addresses=[away]))
    scene.run("orders", first=scene.yesterday)


def events(scene: Scene) -> dict[str, tuple[str, str]]:
    """Return detail and run of each event of the order, by its name."""
    rows = scene.sql(
        "SELECT event, detail, run_id FROM history.order_timeline WHERE source_id = '1'"
    )
    return {event: (detail, run) for event, detail, run in rows}


def test_the_time_counts_from_the_capture_and_from_the_change(scene: Scene) -> None:
    """An order that waited 18 minutes for a run is 18 minutes late, however fast the OMS was."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    scene.sql(
        "UPDATE sync.capture SET captured_at = captured_at - interval '18 minutes' RETURNING 1"
    )

    scene.run("orders", first=scene.yesterday, steps=("delivered",))

    (row,) = scene.sql(
        "SELECT took > interval '18 minutes', took_from_change = settled_at - source_updated_at, "
        "sent_in < interval '18 minutes' FROM history.deliveries"
    )
    assert row == (True, True, True)


def test_all_attempts_are_counted(scene: Scene) -> None:
    """Those of an outage use up nothing, and were made all the same."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    scene.fault("manhattan", {"kind": "status", "status": 503, "path": "order/save$"})
    for _ in range(2):
        scene.run("orders", first=scene.yesterday, steps=("delivered",), raise_on_error=False)
    scene.fault("manhattan")

    scene.run("orders", first=scene.yesterday, steps=("delivered",))

    assert scene.sql("SELECT state, attempts FROM history.deliveries") == [("delivered", 3)]


def test_an_operators_edit_and_retry_are_events_of_the_order(scene: Scene) -> None:
    """With who, why and where, and no values; the rejection ends in the run that decided it."""
    by_boat(scene)
    opened = events(scene)["rejection opened"][1]
    with psycopg.connect(scene.database, autocommit=True) as db:
        (found,) = work_queue.find(db, RejectionFilter())
        changes = operator_actions.planned_edit(db, found, [f"{found.field}=Ground"])
        operator_actions.edit(db, found, changes, "ann", "asked the shop")
        operator_actions.begin_retry(db, [found], "ann", "as_captured", "corrected")
    scene.run("orders", first=scene.yesterday)

    found_events = events(scene)

    edit = found_events["rejection edit by ann"][0]
    assert "asked the shop" in edit
    assert "shipping_method" in edit
    assert "Slow boat" not in edit
    assert "corrected" in found_events["rejection retry by ann"][0]
    assert found_events["rejection opened"][1] == opened
    assert found_events["rejection resolved"][1] not in ("", opened)


def test_each_retry_and_the_edit_before_it_have_their_own_run(scene: Scene) -> None:
    """The first retry changed nothing; the second one applied the edit."""
    by_boat(scene)
    runs = []
    with psycopg.connect(scene.database, autocommit=True) as db:
        for changes in ([], ["Ground"]):
            (found,) = work_queue.find(db, RejectionFilter())
            for value in changes:
                planned = operator_actions.planned_edit(db, found, [f"{found.field}={value}"])
                operator_actions.edit(db, found, planned, "ann", "asked the shop")
            operator_actions.begin_retry(db, [found], "ann", "as_captured", "again")
            run = scene.run("orders", first=scene.yesterday).run_id
            operator_actions.end_retry(db, {found.rejection_id: run})
            runs.append(run)

    rows = scene.sql(
        """SELECT event, run_id FROM history.order_timeline
           WHERE source_id = '1' AND event LIKE '%%by ann' ORDER BY at"""
    )

    assert rows == [
        ("rejection retry by ann", runs[0]),
        ("rejection edit by ann", runs[1]),
        ("rejection retry by ann", runs[1]),
    ]
    assert rows == scene.sql(
        """SELECT 'rejection ' || action || ' by ' || who, run_id FROM history.rejection_actions
           ORDER BY action_id"""
    )


def test_a_discard_is_an_event_of_the_order(scene: Scene) -> None:
    """It was no run, and it is the operator's."""
    by_boat(scene)
    with psycopg.connect(scene.database, autocommit=True) as db:
        operator_actions.discard(db, work_queue.find(db, RejectionFilter()), "ann", "a test order")

    found = events(scene)

    assert found["rejection discard by ann"] == ("shipping_method_unknown: a test order", "")
    assert found["rejection discarded"][1] == ""


def test_warnings_are_listed_by_record(scene: Scene) -> None:
    """An accepted order whose record has a warning shows it in SQL and in its timeline."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday)
    scene.sql(
        """UPDATE sync.record SET warnings = '[{"code": "phone_invalid", "field": "phone",
           "message": "too short", "advice": "", "value": ""}]' RETURNING 1"""
    )

    assert scene.sql("SELECT source_id, code, field FROM history.warnings") == [
        ("1", "phone_invalid", "phone")
    ]
    assert events(scene)["warning"][0] == "phone_invalid: too short"


def test_a_nightly_sweep_moves_nothing_in_an_orders_history(scene: Scene) -> None:
    """It validates the day again: what changes nothing is shown as accepted before its delivery."""
    scene.place_many([1])
    scene.place(order(2, scene.moment(), status_id=0))
    scene.run("orders", first=scene.yesterday)
    shown = "SELECT source_id, at, event, run_id FROM history.order_timeline ORDER BY 1, 2, 3"
    before = scene.sql(shown)
    assert {event for _, _, event, _ in before} >= {"accepted", "skipped"}

    scene.run("orders", first=scene.yesterday, trigger="schedule")

    assert scene.sql(shown) == before
