"""Parcels and state of an order of commercetools in one update: fewer requests, the same effects.

``test_commercetools_manhattan`` has lost answers, conflicts and repetitions of such updates.
"""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.app import RunningSandbox
from tests.pairs.commercetools import LINE, ProjectScene
from tests.resources.platforms.commercetools.projects import calls_to_orders

pytestmark = pytest.mark.slow

Json = dict[str, Any]
UPS, UPS_2, UPS_3 = "1Z999AA10123456784", "1Z999AA10123456793", "1Z999AA10123456802"
REFUSED: Json = {
    "statusCode": 400,
    "message": "No.",
    "errors": [{"code": "InvalidOperation", "message": "No."}],
}


def shipped(project: ProjectScene, *parcels: tuple[str, dict[int, int]], number: int = 1) -> Json:
    """Export an order, and ship parcels of its lines at the OMS."""
    order = project.place_order(number)
    project.run("orders", first=project.yesterday)
    for tracking, units in parcels:
        lines = [{"line": LINE.format(number, n), "quantity": q} for n, q in units.items()]
        project.to_oms(f"orders/{number}/ship", {"lines": lines, "tracking": tracking})
    return order


def deliveries(project: ProjectScene) -> dict[str, list[str]]:
    """Return the states of the deliveries to the store, by operation."""
    rows = project.sql(
        "SELECT action, state FROM sync.delivery WHERE stream = 'shipments' ORDER BY action, state"
    )
    found: dict[str, list[str]] = {}
    for action, state in rows:
        found.setdefault(action, []).append(state)
    return found


@pytest.mark.parametrize("parcels", [1, 2, 3])
def test_parcels_and_state_take_one_read_and_one_update(
    project: ProjectScene, sandbox: RunningSandbox, parcels: int
) -> None:
    """Each has a delivery of its own in the ledger; a rerun sends nothing."""
    each: list[tuple[str, dict[int, int]]] = [(UPS, {1: 1}), (UPS_2, {1: 2}), (UPS_3, {2: 1})]
    order = shipped(project, *each[:parcels])
    calls = calls_to_orders(sandbox, project.store)
    project.run("shipments")
    assert calls == ["GET", "POST"]
    held = project.order(order["id"])
    assert held["version"] == order["version"] + 1
    assert held["shipmentState"] == ("Shipped" if parcels == 3 else "Partial")
    assert sorted(tracking for tracking, _ in project.parcels()) == sorted(
        tracking for tracking, _ in each[:parcels]
    )
    assert deliveries(project) == {"shipment": ["delivered"] * parcels, "status": ["delivered"]}
    project.run("shipments")
    assert project.order(order["id"])["version"] == held["version"]
    assert project.open_rejections("shipments") == {}


def test_an_update_that_is_refused_is_sent_in_parts(
    project: ProjectScene, sandbox: RunningSandbox
) -> None:
    """What the store refuses of it is a rejection; the rest is there."""
    order = shipped(project, (UPS, {1: 1}), (UPS_2, {1: 2}))
    rule = {"kind": "status", "status": 400, "body": REFUSED, "method": "POST",
            "path": "/orders/", "times": 2}  # fmt: skip
    project.fault("commercetools", rule)
    project.run("shipments")
    project.fault("commercetools")
    assert len(project.parcels()) == 1
    [rejection] = project.open_rejections("shipments").values()
    assert "shipment_refused" in str(rejection)
    assert project.order(order["id"])["shipmentState"] == "Partial"
    assert deliveries(project) == {
        "shipment": ["delivered", "refused"],
        "status": ["delivered"],
    }


def test_parcels_with_more_units_than_the_order_has_are_refused_for_what_is_too_much(
    project: ProjectScene,
) -> None:
    """Also where each of them would fit alone."""
    order = shipped(project, (UPS, {1: 2}), (UPS_2, {1: 1}))
    lines = order["lineItems"]
    less = [lines[0] | {"quantity": 2}, *lines[1:]]
    project.to_store(f"orders/{order['id']}", {"lineItems": less}, "PATCH")
    project.run("shipments")
    assert [units for _, units in project.parcels()] == [{"MUG": 2}]
    [rejection] = project.open_rejections("shipments").values()
    assert "shipment_refused" in str(rejection)


@pytest.mark.parametrize("kind", ["drop_after", "drop_before"])
def test_after_a_lost_answer_parcels_and_state_are_there_once(
    project: ProjectScene, kind: str
) -> None:
    """Each is looked for, and what is missing is sent by the next run."""
    order = shipped(project, (UPS, {1: 1}), (UPS_2, {1: 2, 2: 1}))
    rule = {"kind": kind, "method": "POST", "path": "/orders/", "times": 1}
    project.fault("commercetools", rule)
    project.run("shipments", raise_on_error=False)
    project.fault("commercetools")
    project.sql_write("UPDATE sync.delivery SET may_act_until = now() WHERE may_act_until > now()")
    project.run("shipments")
    assert sorted(tracking for tracking, _ in project.parcels()) == [UPS, UPS_2]
    assert project.store_counts()["DeliveryAdded"] == 2
    assert project.order(order["id"])["shipmentState"] == "Shipped"
    ended = deliveries(project)
    assert ended["shipment"] == ["delivered"] * 2
    # A state that is uncertain is written again; the first writing of it is then replaced.
    assert ended["status"] in (["delivered"], ["delivered", "superseded"])


def test_the_merchants_own_delivery_is_adopted_one_by_one(
    project: ProjectScene, sandbox: RunningSandbox
) -> None:
    """Units that no delivery of ours has may be one of the parcels."""
    order = shipped(project, (UPS, {1: 1}), (UPS_2, {1: 2}))
    info = project.order(order["id"])["shippingInfo"]
    items = [{"id": LINE.format(1, 1), "quantity": 2}]
    parcel = {"id": "p", "trackingData": {"trackingId": UPS_2}, "items": items}
    info["deliveries"] = [{"id": "by-hand", "items": items, "parcels": [parcel]}]
    project.to_store(f"orders/{order['id']}", {"shippingInfo": info}, "PATCH")
    project.run("shipments")
    assert sorted(units["MUG"] for _, units in project.parcels()) == [1, 2]
    assert project.store_counts()["DeliveryAdded"] == 1
    assert project.order(order["id"])["shipmentState"] == "Partial"
