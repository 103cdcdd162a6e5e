"""The orders chain, run by Dagster between a sandbox store and a sandbox OMS."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.assets.documents import NOT_AT_OMS, order, total_of
from tests.assets.scene import Scene

Json = dict[str, Any]


def test_a_partition_run_captures_validates_and_delivers_each_order_once(scene: Scene) -> None:
    """One run of one partition brings every order of that day to the OMS, created once, with its lines, units and total."""
    placed = scene.place_many(range(1, 6))
    scene.place(order(90, scene.moment(scene.today, 0)))

    scene.run("orders", first=scene.yesterday)

    held = scene.oms_orders()
    assert sorted(held) == ["1", "2", "3", "4", "5"], "and none of another day"
    for document in placed:
        at_oms = held[str(document["id"])]
        assert at_oms["creates"] == 1
        assert Decimal(at_oms["saved_total"]) == total_of(document)
        bought = {str(entry["id"]): (entry["sku"], entry["quantity"]) for entry in document["products"]}
        assert {row["OrderLineId"]: (row["ItemId"], row["Quantity"]) for row in at_oms["lines"]} == bought
    assert scene.outcomes("orders") == {str(n): ("accepted", "delivered") for n in range(1, 6)}
    assert all(state == "delivered" for _, _, state, _ in scene.deliveries("orders"))


def test_a_rerun_of_a_partition_sends_nothing_twice(scene: Scene) -> None:
    """The counts of effects at both systems are the same before and after a rerun of all chains."""
    scene.place_many(range(1, 4))
    scene.run("orders", "inventory", "shipments")
    scene.to_oms("advance", {"to": "ship"})
    scene.run("shipments", "inventory")
    before = scene.effects()

    scene.run("orders", "inventory", "shipments")

    assert scene.effects() == before
    assert before[0] > 0, "there were shipments"
    assert before[3] > 0, "and stock was written"
