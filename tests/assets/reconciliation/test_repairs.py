"""What reconciliation repairs, and what it leaves to an operator or to the next run."""

from __future__ import annotations

from typing import Any

import pytest

from assets.reconciliation import run as reconciling
from assets.reconciliation.run import Report
from tests.assets.reconciliation.comparing import drifts_of, look, shipped, synced, tamper
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow


def test_a_charge_unknown_to_the_store_is_reported_and_left_to_an_operator(scene: Scene):
    """Whose charge it is no machine can know, so it is not taken away."""
    synced(scene, 1)
    tamper(scene, 1, {"OrderChargeDetail": [{"ChargeDetailId": "own", "ChargeTotal": 4}]})

    assert drifts_of(look(scene, repair=True)) == [
        ("differs", "order", "1", "charges_added", False)
    ]


def test_an_order_that_has_left_is_not_sent_to_the_oms_a_second_time(scene: Scene):
    """Deleted at the OMS after it was shipped: sent again, it would be fulfilled again."""
    synced(scene, 1, 2)
    shipped(scene, 1)
    scene.run("orders", first=scene.today)
    scene.to_oms("orders/1/remove", {})
    scene.to_oms("orders/2/remove", {})

    assert drifts_of(look(scene, repair=True)) == [
        ("missing_at_target", "order", "1", "", False),
        ("missing_at_target", "order", "2", "", True),
    ]
    assert scene.sql("SELECT stream, mode, source_ids FROM sync.rerun") == [
        ("orders", "as_captured", ["2"])
    ]


def test_a_delivery_in_flight_is_neither_compared_nor_repaired(scene: Scene):
    """Its effect is unknown: the next run looks it up, and a reconciliation must not drop it."""
    synced(scene, 1)
    scene.to_oms("orders/1/remove", {})
    scene.sql("UPDATE sync.delivery SET state = 'in_flight' WHERE source_id = '1' RETURNING 1")

    report = look(scene, repair=True)

    assert drifts_of(report) == []
    assert report.pending > 0
    assert scene.sql("SELECT count(*) FROM sync.target_state WHERE stream = 'orders'") == [(1,)]


def test_a_repair_that_is_out_of_date_is_dropped(scene: Scene, monkeypatch: pytest.MonkeyPatch):
    """A run may deliver between comparison and repair: its target state is newer and stays."""
    synced(scene, 1)
    scene.to_oms("orders/1/remove", {})
    repairing = reconciling.apply_repairs

    def late(*arguments: Any) -> list[int]:
        scene.sql(
            "UPDATE sync.target_state SET sequence = sequence + 1 "
            "WHERE target_key = '1' RETURNING 1"
        )
        return repairing(*arguments)

    monkeypatch.setattr(reconciling, "apply_repairs", late)

    assert look(scene, repair=True).reruns == []
    assert scene.sql("SELECT count(*) FROM sync.target_state WHERE target_key = '1'") == [(1,)]
    assert scene.sql("SELECT state FROM sync.drift") == [("open",)]


def test_a_repair_whose_answer_is_lost_creates_the_shipment_once(scene: Scene):
    """The deleted shipment is created again, answer and look-up are lost, the next run finds it."""
    synced(scene, 1)
    shipped(scene, 1)
    (shipment,) = scene.store_shipments()
    url = (
        f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders/1/shipments/"
        f"{shipment['shipment_id']}"
    )
    scene.http.delete(
        url, headers={"X-Auth-Token": f"sandbox-token-{scene.store}"}
    ).raise_for_status()
    assert look(scene, repair=True).reruns != []
    path = "/shipments$"
    scene.fault(
        "bigcommerce",
        {"path": path, "method": "POST", "kind": "drop_after"},
        {"path": path, "method": "GET", "kind": "drop_before"},
    )
    assert not scene.run(
        "shipments", first=scene.today, steps=("validated", "delivered"), raise_on_error=False
    ).success
    assert drifts_of(look_past_faults(scene)) == []

    scene.run("shipments", first=scene.today, steps=("validated", "delivered"))

    assert len(scene.store_shipments()) == 2  # the one that was deleted, and one in its place
    assert drifts_of(look(scene, repair=True)) == []
    assert scene.sql("SELECT state FROM sync.drift") == [("closed",)]


def look_past_faults(scene: Scene) -> Report:
    """Take the faults away, and reconcile."""
    scene.fault("bigcommerce")
    return look(scene)
