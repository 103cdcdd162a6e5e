"""States of workflows at commercetools: of units of an order's lines, and of the order."""

from __future__ import annotations

from typing import Any

from tests.model.life import Life, NotPossibleError
from tests.model.operations.commercetools import change
from tests.model.operations.neutral import store_order
from tests.model.operations.registry import NUMBER, PLACE, UNITS, among, at

operation = at("commercetools")
DROPPED, ON_HOLD = "dropped", ("backordered", "frozen")
KEYS = ("picking", DROPPED, "backordered")
OF_ORDERS = ("reviewed", "frozen")
MEANING = {"canceled": [DROPPED], "on_hold": list(ON_HOLD)}


@operation("merchant", 2, number=NUMBER, place=PLACE, units=UNITS, state=among(*KEYS))
def move_units(life: Life, number: int, place: int, units: int, state: str) -> None:
    """Move units of a line to a state: on their way, canceled, or to be waited for."""
    order = _order(life, number)
    lines = order["lineItems"]
    line = lines[place % len(lines)]
    sku = line["variant"]["sku"]
    if units > line["quantity"] or sum(one["variant"]["sku"] == sku for one in lines) > 1:
        raise NotPossibleError
    _move(life, order, {"sku": sku, "quantity": units, "state": state})


@operation("merchant", 1, number=NUMBER, state=among(*OF_ORDERS))
def move_workflow(life: Life, number: int, state: str) -> None:
    """Move an order to a state of its workflow, of which one holds it."""
    _move(life, _order(life, number), {"state": state})


@operation("merchant", 1, number=NUMBER, state=among("Complete", "Open"))
def set_order_state(life: Life, number: int, state: str) -> None:
    """Complete an order by hand, or leave it open: neither is a cancellation."""
    states = store_order(life, number)["state"]
    if states["orderState"] in (state, "Cancelled"):
        raise NotPossibleError
    change(life, number, {"orderState": state})
    life.facts.reopened.discard(number)


def _move(life: Life, order: dict[str, Any], body: dict[str, Any]) -> None:
    life.world.to_store(f"orders/{order['id']}/workflow", body)


def _order(life: Life, number: int) -> dict[str, Any]:
    """Return an order of a store whose states mean something to the connection."""
    identifier = store_order(life, number)["id"]
    world = life.world
    if "workflow_states" not in world.sections.get("platform", {}):
        rows = [{"key": key} for key in KEYS]
        rows += [{"key": key, "type": "OrderState"} for key in OF_ORDERS]
        world.to_store("states", rows)
        world.restart(platform={"workflow_states": MEANING})
    found: dict[str, Any] = world.store.orders.need(identifier)
    return found
