"""Units that a commercetools workflow cancels after an OMS that takes no changes has the order."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.local.simulated import Pair
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import OpenPair, PairScene

pytestmark = pytest.mark.slow(seconds=15)

Json = dict[str, Any]


@pytest.fixture(params=["extensiv", "anchanto"])
def shop(
    short_waits: None, request: pytest.FixtureRequest, open_pair: OpenPair
) -> tuple[PairScene, str]:
    """Make a connection that has sent an order with a line of several units."""
    scene = open_pair(Pair("commercetools", request.param))
    connection = scene.installation.connections["acme"]
    platform = connection.platform.model_dump(mode="json", exclude_unset=True)
    scene.configure(platform=platform | {"workflow_states": {"canceled": ["dropped"]}})
    control(scene, "states", [{"key": key} for key in ("dropped", "packing")])
    placed = scene.simple(40)
    chosen = next(
        store_id
        for store_id, order in placed
        if len(order["products"]) > 1 and any(line["quantity"] > 2 for line in order["products"])
    )
    scene.run("orders")
    return scene, chosen


def control(scene: PairScene, path: str, body: Any) -> None:
    """Make a control call of the project itself."""
    scene._control("POST", f"commercetools/{scene.store}/{path}", body)


def order_of(scene: PairScene, order_id: str) -> Json:
    """Return an order as the project holds it."""
    rows = scene._ask(f"commercetools/{scene.store}/dump/orders")
    [found] = [row for row in rows if row["id"] == order_id]
    held: Json = found
    return held


def move(scene: PairScene, order_id: str, state: str, sku: str, units: int | None = None) -> None:
    """Move units of a line to a state, and let the orders' chain read it."""
    item = {"sku": sku} | ({"quantity": units} if units else {})
    control(scene, f"orders/{order_id}/workflow", {"state": state, **item})
    scene.run("orders")


def at_oms(scene: PairScene, number: str) -> Json:
    """Return the order at the OMS, neutrally."""
    [held] = [row for row in scene.truth_of(scene.pair.oms)["orders"] if row["id"] == number]
    found: Json = held
    return found


def test_a_part_that_is_canceled_is_an_operators_and_the_whole_is_canceled(
    shop: tuple[PairScene, str],
) -> None:
    """The rejection names the line, ends when the units come back, and the OMS keeps the order."""
    scene, order_id = shop
    order = order_of(scene, order_id)
    line = next(one for one in order["lineItems"] if one["quantity"] > 2)
    sku, before = line["variant"]["sku"], at_oms(scene, order["orderNumber"])

    move(scene, order_id, "dropped", sku, 1)
    assert scene.open_rejections("orders") == {order_id: "order_not_changeable"}
    [(problems,)] = scene.sql("SELECT problems::text FROM sync.rejection WHERE closed_at IS NULL")
    units = sum(one["quantity"] for one in order["lineItems"] if one["variant"]["sku"] == sku)
    assert f"{sku} {units - 1} instead of {units}" in problems
    assert at_oms(scene, order["orderNumber"]) == before

    move(scene, order_id, "packing", sku)
    assert scene.open_rejections("orders") == {}
    assert drifts_of(look(scene)) == []

    for one in order["lineItems"]:
        move(scene, order_id, "dropped", one["variant"]["sku"])
    assert at_oms(scene, order["orderNumber"])["canceled"]
    assert scene.open_rejections("orders") == {}


def test_a_canceled_part_that_ships_all_the_same_is_shown(shop: tuple[PairScene, str]) -> None:
    """The project shows every parcel that has left, and the order has the warning."""
    scene, order_id = shop
    order = order_of(scene, order_id)
    number = order["orderNumber"]
    line = next(one for one in order["lineItems"] if one["quantity"] > 2)
    move(scene, order_id, "dropped", line["variant"]["sku"], 1)
    scene.to_oms(f"orders/{number}/ship", {"tracking": "1Z999AA10123456784"})
    for _ in range(2):
        scene.run("shipments")
        scene.run("orders")
    [held] = [one for one in scene.truth_of("commercetools")["orders"] if one["id"] == order_id]
    shipped = sum(row["quantity"] for parcel in held["parcels"] for row in parcel["lines"])
    assert shipped == sum(one["quantity"] for one in order["lineItems"])
    query = "SELECT code FROM history.warnings WHERE source_id = %s"
    assert ("canceled_after_shipping",) in scene.sql(query, order_id)
