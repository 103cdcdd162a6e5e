"""The comparison finds what was changed in secret, and reports nothing where all is right."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox.app import RunningSandbox
from tests.assets.documents import NOT_AT_OMS, SKUS
from tests.assets.scene import NAME, Scene
from tests.chaos.compare import DUPLICATED, LOST, OPEN, WRONG, _expected_status, differences
from tests.chaos.facts import Facts, gather
from tests.chaos.naming import Hit, unnamed
from tests.chaos.systems import Systems

pytestmark = pytest.mark.slow(seconds=30)


@pytest.fixture
def scene(sandbox: RunningSandbox, database: str, tmp_path: Path) -> Iterator[Scene]:
    """A store and an OMS in step: four orders, all shipped, one of them canceled in time."""
    made = Scene(sandbox.url, database, f"c{uuid4().hex[:10]}", tmp_path)
    made.place_many(range(1, 5))
    made.run("orders")
    made.to_store("orders/4/status", {"status_id": 5})
    made.run("orders")
    for number in (1, 2, 3):
        made.to_oms(f"orders/{number}/ship", {"carrier": "UPS", "tracking": f"1Z{number}"})
    made.run("shipments", "inventory")
    yield made
    made.close()


def _facts(scene: Scene) -> Facts:
    systems = Systems(scene.url, scene.store)
    try:
        return gather(systems, scene.database, NAME, set(SKUS) - {NOT_AT_OMS}, with_messages=True)
    finally:
        systems.close()


def _ship_again(scene: Scene) -> None:
    """Create a shipment twice, like a connector that repeats what it should look up."""
    row = next(row for row in scene.store_shipments() if row["order_id"] == 1)
    items = [
        {"order_product_id": item["order_product_id"], "quantity": item["quantity"]}
        for item in row["items"]
    ]
    extra = {
        "order_address_id": row["order_address_id"],
        "tracking_number": row["tracking_number"],
        "items": items,
    }
    scene.to_store(
        f"orders/{row['order_id']}",
        {"products": [{"id": item["order_product_id"], "quantity": 4} for item in row["items"]]},
        "PATCH",
    )
    scene.http.post(
        f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}"
        f"/v2/orders/{row['order_id']}/shipments",
        json=extra,
        headers={"X-Auth-Token": f"sandbox-token-{scene.store}", "Accept": "application/json"},
    ).raise_for_status()


TAMPERING: dict[str, tuple[Callable[[Scene], object], tuple[str, str]]] = {
    "an order never captured": (lambda s: s.place_many([9]), (LOST, "order 9")),
    "another quantity in the store": (
        lambda s: s.to_store("orders/1", {"products": [{"id": 101, "quantity": 5}]}, "PATCH"),
        (WRONG, "order 1"),
    ),
    "a cancellation that the OMS never got": (
        lambda s: s.to_store("orders/2/status", {"status_id": 5}),
        (LOST, "order 2"),
    ),
    "another status in the store": (
        lambda s: s.to_store("orders/3/status", {"status_id": 11}),
        (WRONG, "order 3"),
    ),
    "a shipment twice": (_ship_again, (DUPLICATED, "shipment of order 1")),
    "a parcel that the store does not know": (
        lambda s: s.to_oms("orders/3/track", {"tracking": "1Z-OTHER", "carrier": "UPS"}),
        (LOST, "shipment of order 3"),
    ),
    "stock behind the back of the store": (
        lambda s: s.to_oms("supply", [{"item": "MUG", "location": "DC1", "quantity": 7}]),
        (WRONG, "stock of MUG"),
    ),
    "a delivery in flight": (
        lambda s: s.sql(
            "UPDATE sync.delivery SET state = 'in_flight' "
            "WHERE source_id = '1' AND action = 'create' RETURNING 1"
        ),
        (OPEN, "orders 1"),
    ),
    "a record without an outcome": (
        lambda s: s.sql(
            "UPDATE sync.record SET outcome = NULL "
            "WHERE source_id = '2' AND state = 'accepted' RETURNING 1"
        ),
        (OPEN, "captures"),
    ),
}


@pytest.mark.parametrize("name", list(TAMPERING))
def test_what_was_tampered_with_is_reported(scene: Scene, name: str) -> None:
    """In step nothing differs; after one change behind Lockstep's back exactly that record does."""
    assert differences(_facts(scene)) == []
    tamper, expected = TAMPERING[name]
    tamper(scene)
    assert expected in {
        (difference.kind, difference.record) for difference in differences(_facts(scene))
    }


def test_an_order_of_the_oms_that_the_store_does_not_have_is_reported(scene: Scene) -> None:
    """The picture is compared both ways."""
    facts = _facts(scene)
    del facts.store_orders["1"]
    assert (WRONG, "order 1") in {
        (difference.kind, difference.record) for difference in differences(facts)
    }


def test_a_fault_is_recorded_only_where_the_ledger_has_it(scene: Scene) -> None:
    """A 503 that the client met is in the message log; one that it never met is reported."""
    scene.fault(
        "manhattan",
        {"path": "order/save$", "method": "POST", "kind": "status", "status": 503, "times": 1},
    )
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    scene.place_many([8])
    scene.run("orders")
    systems = Systems(scene.url, scene.store)
    hits = [
        Hit(system="manhattan", **row)
        for row in systems.rows(f"manhattan/{scene.store}/faults/hits")
    ]
    systems.close()
    assert [(hit.status, hit.has_effect) for hit in hits] == [(503, True)]
    facts = _facts(scene)
    assert unnamed(hits, facts) == []
    invented = Hit(
        "manhattan", "status", 503, "POST", "/order/api/order/order/save", "made-up", hits[0].at
    )
    assert unnamed([invented], facts) == [str(invented)]


def test_an_order_of_which_a_gift_certificate_is_left_is_not_canceled() -> None:
    """The lines that leave in a parcel decide only as long as there is one."""
    units = {
        "9000": [{"Status": 9000.0, "Quantity": 1}],
        "1000": [{"Status": 1000.0, "Quantity": 1}],
    }
    mug = {"OrderLineId": "1", "canceled": True, "units": units["9000"]}
    gift = {"OrderLineId": "2", "canceled": False, "units": units["1000"]}
    order = {"products": [{"id": 1, "type": "physical"}, {"id": 2, "type": "giftcertificate"}]}
    assert _expected_status(order, {"lines": [mug, gift]}) == ()
    assert _expected_status(order, {"lines": [mug, gift | {"units": units["9000"]}]}) == (5, 6)
