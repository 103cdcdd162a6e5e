"""States of a merchant's workflows: units that are canceled or on hold, before export and after."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.commercetools import LINE, ProjectScene

pytestmark = pytest.mark.slow(seconds=15)

Json = dict[str, Any]
STATES: Json = {"canceled": ["dropped"], "on_hold": ["waiting"]}


def configure(project: ProjectScene, states: Json | None = None, **orders: Any) -> None:
    """Use named states, and changed rules of orders."""
    connection = project.installation.connections["acme"]
    platform = connection.platform.model_dump(mode="json")
    platform |= {"workflow_states": STATES if states is None else states}
    project.configure(platform=platform, orders=connection.orders.model_dump(mode="json") | orders)


def move(project: ProjectScene, order: Json, state: str, **item: Any) -> None:
    """Move units of an item to a state."""
    project.to_store(f"orders/{order['id']}/workflow", {"state": state, **item})


def placed(project: ProjectScene, number: int = 1) -> Json:
    """Place an order of three mugs and a lamp in a project that has the states."""
    if number == 1:
        project.to_store("states", [{"key": key} for key in ("dropped", "waiting", "packing")])
    return project.place_order(number)


def units_at_oms(project: ProjectScene, number: int = 1) -> dict[str, int]:
    """Return the units by SKU that the OMS has to ship."""
    return {
        line["ItemId"]: line["Quantity"]
        for line in project.oms_order(number)["OrderLine"]
        if line["Quantity"] and not line.get("IsCancelled")
    }


def test_units_that_a_workflow_has_canceled_before_export_are_not_sent(
    project: ProjectScene,
) -> None:
    """Nor do they come back with the next change; an order of none is skipped."""
    configure(project)
    order, gone = placed(project), placed(project, 2)
    move(project, order, "dropped", sku="MUG", quantity=2)
    for sku in ("MUG", "LAMP"):
        move(project, gone, "dropped", sku=sku)
    project.run("orders")
    assert units_at_oms(project) == {"MUG": 1, "LAMP": 1}
    assert project.outcomes("orders")[gone["id"]] == ("skipped", "cancelled_before_export")
    move(project, order, "packing", sku="LAMP")
    before = project.effects()
    project.run("orders")
    assert project.effects()[1:] == before[1:]
    assert project.open_rejections("orders") == {}


def test_units_that_are_canceled_afterwards_are_canceled_at_the_oms(project: ProjectScene) -> None:
    """By unit, by line, and as a whole, each once; what is left ships and completes the order."""
    configure(project)
    order = placed(project)
    project.run("orders")
    move(project, order, "dropped", sku="MUG", quantity=2)
    project.run("orders")
    assert units_at_oms(project) == {"MUG": 1, "LAMP": 1}
    move(project, order, "dropped", sku="LAMP")
    project.run("orders")
    assert units_at_oms(project) == {"MUG": 1}
    assert project.oms_counts()["cancels"] == 0
    before = project.effects()
    project.run("orders")
    assert project.effects() == before
    lines = [{"line": LINE.format(1, 1), "quantity": 1}]
    project.to_oms("orders/1/ship", {"lines": lines})
    project.run("shipments")
    assert project.order(order["id"])["shipmentState"] == "Shipped"
    assert project.open_rejections("shipments") == {}

    other = placed(project, 2)
    project.run("orders")
    for sku in ("MUG", "LAMP"):
        move(project, other, "dropped", sku=sku)
    project.run("orders")
    assert project.oms_orders()["2"]["canceled"]
    assert project.open_rejections("orders") == {}


def test_units_that_are_to_be_sent_after_all_are_sent_or_an_operators(
    project: ProjectScene,
) -> None:
    """A part of a line comes back; a line and an order that the OMS has canceled can't."""
    configure(project)
    order = placed(project)
    project.run("orders")

    def back(sku: str, units: int) -> dict[str, str]:
        move(project, order, "dropped", sku=sku, quantity=units)
        project.run("orders")
        move(project, order, "packing", sku=sku)
        project.run("orders")
        return project.open_rejections("orders")

    assert back("MUG", 2) == {}
    assert units_at_oms(project) == {"MUG": 3, "LAMP": 1}
    assert back("LAMP", 1) == {order["id"]: "line_not_eligible"}
    assert units_at_oms(project) == {"MUG": 3}
    move(project, order, "dropped", sku="LAMP")
    assert back("MUG", 3) == {order["id"]: "reopened_after_cancel"}
    assert project.oms_orders()["1"]["canceled"]


def test_a_reconciliation_knows_canceled_units(project: ProjectScene) -> None:
    """Neither before the rest has left nor afterwards is anything different."""
    configure(project)
    order = placed(project)
    project.run("orders", first=project.yesterday)
    move(project, order, "dropped", sku="MUG", quantity=2)
    project.to_store(f"orders/{order['id']}/touch", {"at": project.moment(hour=13).isoformat()})
    project.run("orders", first=project.yesterday)
    assert units_at_oms(project) == {"MUG": 1, "LAMP": 1}
    assert drifts_of(look(project)) == []
    project.to_oms("orders/1/ship", {})
    project.run("shipments")
    project.run("orders")
    assert drifts_of(look(project)) == []
    assert project.open_rejections("orders") == {}


def test_an_order_on_hold_waits_and_is_sent_once_its_units_are_released(
    project: ProjectScene,
) -> None:
    """Without a hold type it waits in the store, with one it waits at the OMS."""
    configure(project)
    order = placed(project)
    move(project, order, "waiting", sku="MUG", quantity=1)
    project.run("orders")
    assert project.outcomes("orders")[order["id"]] == ("skipped", "status_not_exported")
    move(project, order, "packing", sku="MUG")
    project.run("orders")
    assert units_at_oms(project) == {"MUG": 3, "LAMP": 1}

    configure(project, hold_statuses={"OnHold": "Backorder"})
    move(project, order, "waiting", sku="LAMP")
    project.run("orders")
    assert holds(project) == [("Backorder", "1000")]
    move(project, order, "packing", sku="LAMP")
    project.run("orders")
    assert holds(project) == [("Backorder", "2000")]
    assert project.open_rejections("orders") == {}


def holds(project: ProjectScene) -> list[tuple[str, str]]:
    """Return type and status of each hold at the OMS."""
    held = project.oms_order(1).get("OrderHold", [])
    return [(hold["HoldTypeId"], hold["StatusId"]) for hold in held]


def test_a_state_that_no_setting_names_is_a_warning_in_the_ledger(project: ProjectScene) -> None:
    """Its units are sent, and an analyst can see that they are."""
    configure(project, {})
    project.to_store("states", [{"key": "backordered"}])
    order = project.place_order(1)
    move(project, order, "backordered", sku="MUG", quantity=1)
    project.run("orders")
    assert units_at_oms(project) == {"MUG": 3, "LAMP": 1}
    query = "SELECT warnings::text FROM sync.record WHERE source_id = %s AND state = 'accepted'"
    [(warnings,)] = project.sql(query, order["id"])
    assert "workflow_state_unnamed" in warnings


def test_a_state_that_is_named_later_counts_from_the_next_read_on(project: ProjectScene) -> None:
    """A change of the settings sends nothing by itself; replaying the order's day does."""
    configure(project, {})
    order = placed(project)
    move(project, order, "dropped", sku="MUG", quantity=2)
    project.run("orders")
    assert units_at_oms(project) == {"MUG": 3, "LAMP": 1}
    configure(project)
    project.run("orders", first=project.today)
    project.run("orders", first=project.yesterday, last=project.today)
    assert units_at_oms(project) == {"MUG": 1, "LAMP": 1}
    configure(project, {})
    project.run("orders", first=project.yesterday, last=project.today)
    assert units_at_oms(project) == {"MUG": 3, "LAMP": 1}, "and back"
