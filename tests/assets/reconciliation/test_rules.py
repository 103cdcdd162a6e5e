"""The rules of reconciliation, one small scene each: no drift, not repaired, what operators see."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import pytest

from assets.reconciliation import run as reconciling
from assets.reconciliation.asset import NO_DRIFT, reconciliation_key
from assets.reconciliation.run import Report, Request, reconcile
from domain.connections import INVENTORY, ORDERS, SHIPMENTS
from orchestration.definitions import build
from tests.assets.scene import NAME, QUIET, Json, Scene

pytestmark = pytest.mark.slow


def look(scene: Scene, *, repair: bool = False) -> Report:
    """Reconcile yesterday's and today's orders and stock in one report."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "reconciliation")
    found = Report()
    for day in (scene.yesterday, scene.today):
        one = reconcile(
            sync, Request(day, (ORDERS, INVENTORY, SHIPMENTS), repair, confirm_seconds=0)
        )
        found.drifts += one.drifts
        found.closed += one.closed
        found.pending += one.pending
        found.reruns += one.reruns
    return found


def drifts_of(report: Report) -> list[tuple[Any, ...]]:
    """Return (class, entity, record, field, can be repaired) of each drift, once."""
    return sorted({(*drift.key, drift.can_repair) for drift in report.drifts})


def tamper(scene: Scene, number: int, change: Json, *, silent: bool = True) -> None:
    """Change an order at the OMS past its API."""
    scene.to_oms(f"orders/{number}/tamper", {"change": change, "silent": silent})


def synced(scene: Scene, *numbers: int) -> None:
    """Place orders and bring them over."""
    scene.place_many(numbers)
    scene.run("orders", first=scene.yesterday)


def shipped(scene: Scene, number: int) -> None:
    """Ship an order at the OMS, and bring that to the store."""
    scene.to_oms(f"orders/{number}/ship", {"tracking": f"TRACK{number}", "carrier": "UPS"})
    scene.run("shipments", first=scene.today)


BENIGN: dict[str, Json] = {
    "text in capitals, with other blanks": {
        "OrderLine": [{"OrderLineId": "101", "ShipToAddress": {"Address": {"City": " AUSTIN  "}}}]
    },
    "a postcode with four more digits": {
        "OrderLine": [
            {"OrderLineId": "101", "ShipToAddress": {"Address": {"PostalCode": "78701-1234"}}}
        ]
    },
    "a verified address": {
        "OrderLine": [
            {
                "OrderLineId": "101",
                "ShipToAddress": {
                    "IsAddressVerified": True,
                    "Address": {"Address1": "123 Main St"},
                },
            }
        ]
    },
    "a price as text, rounded below a cent": {
        "OrderLine": [{"OrderLineId": "101", "UnitPrice": "10.004"}]
    },
    "a note and attributes of the tenant's own": {
        "OrderNote": [{"NoteId": "x", "NoteText": "seen"}],
        "Extended": {"Tier": "A"},
    },
    "a hold of the tenant's own": {
        "OrderHold": [{"HoldTypeId": "Credit Check", "StatusId": "1000"}]
    },
    "an informational tax": {
        "OrderLine": [
            {
                "OrderLineId": "101",
                "OrderLineTaxDetail": [
                    {"TaxDetailId": "i", "TaxAmount": 3, "IsInformational": True}
                ],
            }
        ]
    },
    "a charge of nothing": {"OrderChargeDetail": [{"ChargeDetailId": "z", "ChargeTotal": 0}]},
}


@pytest.mark.parametrize("change", list(BENIGN.values()), ids=list(BENIGN))
def test_what_the_oms_does_to_an_order_by_itself_is_no_drift(scene: Scene, change: Json):
    """Normalised values and the tenant's own attributes leave what was sold as it is."""
    synced(scene, 1)
    tamper(scene, 1, change)

    assert drifts_of(look(scene)) == []


def test_a_charge_unknown_to_the_store_is_reported_and_left_to_an_operator(scene: Scene):
    """Whose charge it is no machine can know, so it is not taken away."""
    synced(scene, 1)
    tamper(scene, 1, {"OrderChargeDetail": [{"ChargeDetailId": "own", "ChargeTotal": 4}]})

    assert drifts_of(look(scene, repair=True)) == [
        ("differs", "order", "1", "charges_added", False)
    ]


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


def test_a_status_that_the_merchant_moved_on_is_the_merchants(scene: Scene):
    """Completed by hand after shipping, refunded, or in manual verification: none is a drift."""
    synced(scene, 1, 2, 3)
    for number in (1, 2, 3):
        shipped(scene, number)
    for number, status in ((1, 10), (2, 4), (3, 12)):
        scene.to_store(f"orders/{number}/status", {"status_id": status})

    assert drifts_of(look(scene)) == []


def test_a_shipment_created_again_by_hand_replaces_the_deleted_one(scene: Scene):
    """The store shows the parcel, entered by hand: nothing is created a second time."""
    synced(scene, 1)
    shipped(scene, 1)
    (shipment,) = scene.store_shipments()
    url = f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders/1/shipments"
    headers = {"X-Auth-Token": f"sandbox-token-{scene.store}"}
    scene.http.delete(f"{url}/{shipment['shipment_id']}", headers=headers).raise_for_status()
    items = [{"order_product_id": 101, "quantity": 2}, {"order_product_id": 102, "quantity": 1}]
    body = {"order_address_id": 100, "items": items, "tracking_number": "TRACK1"}
    scene.http.post(url, json=body, headers=headers).raise_for_status()

    assert drifts_of(look(scene, repair=True)) == []


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


def test_orders_of_another_source_in_the_same_tenant_are_none_of_ours(scene: Scene):
    """Only orders with the connection's prefix and a selling channel of its own are looked up."""
    scene.configure(orders={"order_id_prefix": "BC-"})
    synced(scene, 1)
    scene.to_oms("orders/BC-1/copy", {"order_id": "POS-7", "alternate": "7"})
    scene.to_oms("orders/BC-1/copy", {"order_id": "BC-8", "alternate": "8"})
    tamper_at = {"change": {"SellingChannel": {"SellingChannelId": "Call Center"}}}
    scene.to_oms("orders/BC-8/tamper", tamper_at)
    assert drifts_of(look(scene)) == []

    scene.to_oms("orders/BC-1/copy", {"order_id": "BC-9", "alternate": "9"})
    scene.to_oms("orders/BC-1/copy", {"order_id": "BC-1-B"})

    assert drifts_of(look(scene)) == [
        ("duplicate", "order", "BC-1-B", "", False),
        ("missing_at_source", "order", "BC-9", "", False),
    ]


def test_an_order_that_waits_within_its_limit_is_not_stuck(scene: Scene):
    """The limit is the connection's: captured_not_delivered."""
    scene.place_many([1])
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    assert drifts_of(look(scene)) == []

    scene.configure(limits={"captured_not_delivered": timedelta(0)})

    assert drifts_of(look(scene)) == [("stuck", "order", "1", "delivery", True)]


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
    """Of 60 orders, none shipped: one page of the store's list per day, one look-up at the OMS."""
    synced(scene, *range(1, 61))
    before_store, before_oms = scene.store_counts()["requests"], scene.oms_counts()["requests"]

    look(scene)

    store = {
        name: n - before_store.get(name, 0) for name, n in scene.store_counts()["requests"].items()
    }
    oms = {name: n - before_oms.get(name, 0) for name, n in scene.oms_counts()["requests"].items()}
    assert store["GET v2/orders"] <= 3
    assert store.get("GET v2/orders/{id}/shipments", 0) == 0
    assert oms["search"] <= 4


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
