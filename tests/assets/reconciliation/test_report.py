"""What a reconciliation reports: each drift once, no personal values, counts and a check."""

from __future__ import annotations

import dagster as dg
import pytest

from assets.reconciliation.asset import NO_DRIFT, reconciliation_key
from orchestration.definitions import build
from tests.assets.dagster_run import QUIET
from tests.assets.reconciliation.comparing import look, synced, tamper
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def test_personal_values_are_named_and_never_shown(scene: Scene):
    """The drift names the differing parts of the address; their values are nowhere."""
    synced(scene, 1)
    tamper(
        scene,
        1,
        {
            "CustomerEmail": "zoe@example.net",
            "OrderLine": [{"OrderLineId": "101", "ShipToAddress": {"Address": {"City": "Waco"}}}],
        },
    )

    found = look(scene)

    assert {(d.field, d.found) for d in found.drifts} == {
        ("address", "differs in City"),
        ("customer", "differs in CustomerEmail"),
    }
    kept = str(scene.sql("SELECT * FROM sync.drift"))
    assert "Waco" not in kept and "Austin" not in kept and "example" not in kept


def test_a_drift_is_one_row_until_it_is_gone(scene: Scene):
    """Found again it is counted, fixed by hand it closes by itself, and later it is a new one."""
    synced(scene, 1)
    tamper(scene, 1, {"CurrencyCode": "EUR"})
    look(scene)
    look(scene)
    assert scene.sql("SELECT field, expected, found, state, seen_count > 1 FROM sync.drift") == [
        ("currency", "USD", "EUR", "open", True)
    ]

    tamper(scene, 1, {"CurrencyCode": "USD"})
    assert look(scene).closed == 1
    tamper(scene, 1, {"CurrencyCode": "EUR"})
    look(scene)

    assert scene.sql("SELECT state FROM sync.drift ORDER BY drift_id") == [("closed",), ("open",)]


def test_the_asset_reports_counts_a_table_and_a_check(scene: Scene):
    """Counts per class plot, the table has the advice, a missing order makes the check an error."""
    synced(scene, 1, 2)
    scene.to_oms("orders/1/remove", {})
    tamper(scene, 2, {"OrderLine": [{"OrderLineId": "201", "Quantity": 7}]})
    assert scene.lockstep is not None
    job = build(scene.installation, scene.lockstep).resolve_job_def(f"reconcile_{NAME}")

    ended = job.execute_in_process(
        instance=scene.instance,
        partition_key=scene.yesterday.isoformat(),
        run_config=QUIET | {"ops": {f"{NAME}__reconciliation": {"config": {"confirm_seconds": 0}}}},
    )

    (made,) = ended.asset_materializations_for_node(f"{NAME}__reconciliation")
    assert made.asset_key == reconciliation_key(NAME)
    values = {
        name: made.metadata[name].value
        for name in ("drift: missing_at_target", "drift: differs", "drift: stuck", "repairable")
    }
    assert values == {
        "drift: missing_at_target": 1,
        "drift: differs": 1,
        "drift: stuck": 0,
        "repairable": 2,
    }
    table = made.metadata["drifts found"].value
    assert {record.data["record"] for record in table.records} == {"1", "2/201"}
    (check,) = ended.get_asset_check_evaluations()
    assert (check.check_name, check.passed, check.severity) == (
        NO_DRIFT,
        False,
        dg.AssetCheckSeverity.ERROR,
    )


def test_the_calls_of_a_reconciliation_are_few(scene: Scene):
    """Of 60 orders, none shipped: a page of the store's list, and those that end each list."""
    synced(scene, *range(1, 61))
    before_store, before_oms = scene.store_counts()["requests"], scene.oms_counts()["requests"]

    look(scene)

    store = {
        name: n - before_store.get(name, 0) for name, n in scene.store_counts()["requests"].items()
    }
    oms = {name: n - before_oms.get(name, 0) for name, n in scene.oms_counts()["requests"].items()}
    assert store["GET v2/orders"] <= 4
    assert store.get("GET v2/orders/{id}/shipments", 0) == 0
    assert oms["search"] <= 4
