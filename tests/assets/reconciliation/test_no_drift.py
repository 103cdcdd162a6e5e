"""What reconciliation leaves as it is: normal processing at either side is not drift."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.assets.reconciliation.comparing import drifts_of, look, shipped, synced, tamper
from tests.assets.scene import Json, Scene

pytestmark = pytest.mark.slow

BENIGN: dict[str, Json] = {
    "text in capitals, with other spacing": {
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
