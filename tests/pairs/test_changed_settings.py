"""Settings that change between a change in the store and its effect at the OMS."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.pairs.commercetools import ProjectScene
from tests.pairs.test_deleted_orders import configure, delete
from tests.sandbox.simulated_project import Project, an_order

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
BEFORE_DELIVERY = ("captured", "validated")


@pytest.mark.parametrize("is_read_again", [True, False])
def test_a_deletion_is_reported_though_it_was_to_be_canceled_when_it_was_read(
    project: ProjectScene, *, is_read_again: bool
) -> None:
    """What was accepted is owed, unless the deletion is read again before it is sent."""
    configure(project, messages=True, deleted="cancel")
    order = project.place_order(1)
    project.run("orders")
    delete(project, order)
    project.run("orders", steps=BEFORE_DELIVERY)
    configure(project, messages=True, deleted="report")
    for _ in range(2):
        project.run("orders", steps=project.steps if is_read_again else ("delivered",))
    reported = {order["id"]: "order_deleted_in_store"} if is_read_again else {}
    assert project.open_rejections("orders") == reported
    assert project.oms_counts()["cancels"] == (0 if is_read_again else 1)


def test_a_deletion_follows_the_policy_back_and_forth(project: ProjectScene) -> None:
    """From report to cancel, to report again before it is sent, and to cancel."""

    def after(deleted: str, steps: tuple[str, ...]) -> tuple[dict[str, str], int]:
        configure(project, messages=True, deleted=deleted)
        project.run("orders", steps=steps)
        return project.open_rejections("orders"), project.oms_counts()["cancels"]

    configure(project, messages=True, deleted="report")
    order = project.place_order(1)
    project.run("orders")
    delete(project, order)
    reported = {order["id"]: "order_deleted_in_store"}
    assert after("report", project.steps) == (reported, 0)
    assert after("cancel", BEFORE_DELIVERY) == ({}, 0)
    assert after("report", project.steps) == (reported, 0)
    assert after("cancel", project.steps) == ({}, 1)
    assert after("report", project.steps) == ({}, 1), "it is canceled, and no question any more"


def nodes(project: ProjectScene) -> list[str | None]:
    """Return the node that each line at the OMS ships from."""
    return [
        (line.get("OrderLinePromisingInfo") or {}).get("ShipFromLocationId")
        for line in project.oms_order("1")["OrderLine"]
    ]


def test_a_node_that_is_mapped_otherwise_after_export(project: ProjectScene) -> None:
    """It reaches the OMS with the order's next version, or when its day is replayed."""
    [east] = project.to_store("channels", [{"key": "EAST"}])["ids"]
    base = project.installation.connections["acme"].orders.model_dump(mode="json")

    def mapped(node: str | None) -> None:
        table = {} if node is None else {"EAST": node}
        rules = {"ship_from": "store", "ship_from_nodes": table, "ship_from_unknown": "warn"}
        project.configure(orders=base | rules)

    mapped("DC-1")
    lines = [
        line | {"supplyChannel": {"typeId": "channel", "id": east}}
        for line in an_order()["lineItems"]
    ]
    order = project.place_order(1, lineItems=lines)
    project.run("orders")
    assert nodes(project) == ["DC-1", "DC-1"]
    mapped("DC-2")
    project.run("orders", first=project.today)
    assert nodes(project) == ["DC-1", "DC-1"]
    project.run("orders", first=project.yesterday)
    assert nodes(project) == ["DC-2", "DC-2"]
    mapped("DC-3")
    project.to_store(f"orders/{order['id']}", {"locale": "de-DE"}, "PATCH")
    project.run("orders")
    assert nodes(project) == ["DC-3", "DC-3"]
    mapped(None)
    project.run("orders")
    assert nodes(project) == [None, None], "the OMS decides"
    before = project.effects()
    project.run("orders")
    assert project.effects() == before
    assert project.open_rejections("orders") == {}


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("is_on", [True, False])
def test_changes_of_payments_are_read_or_not_around_a_lost_write(
    project: ProjectScene, kind: str, is_on: bool
) -> None:
    """The authorisation that was being sent reaches the OMS, once."""
    platform = project.installation.connections["acme"].platform.model_dump(mode="json")
    project.configure(platform=platform | {"payment_changes": True})
    [payment] = an_order()["payments"]
    order = project.place_order(1, payments=[payment | {"transactions": []}])
    project.run("orders", first=project.yesterday)
    amount = {"currencyCode": "USD", "centAmount": 4680}
    late = {"type": "Authorization", "state": "Success", "amount": amount, "interactionId": "late"}
    action = {"action": "addTransaction", "transaction": late}
    path = f"/payments/{order['paymentInfo']['payments'][0]['id']}"
    api = Project(project.url, project.store).api
    assert api.post(path, json={"version": 1, "actions": [action]}).status_code == 200
    project.fault("manhattan", {"kind": kind, "method": "POST", "path": "/order/save$"})
    project.run("orders", first=project.today, raise_on_error=False)
    project.fault("manhattan")
    project.configure(platform=platform | {"payment_changes": is_on})
    project.sql_write("UPDATE sync.delivery SET may_act_until = now()")
    project.run("orders")
    held = json.dumps(project.oms_order("1")["Payment"])
    assert held.count('"late"') == 1
    assert project.sql("SELECT count(*) FROM sync.delivery WHERE state = 'in_flight'") == [(0,)]
    before = project.effects()
    project.run("orders")
    assert project.effects() == before
    assert project.open_rejections("orders") == {}
