"""What a new connection asks the OMS about the orders that the store has from before."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair
from tests.pairs.pair_scene import OpenPair

pytestmark = pytest.mark.slow(seconds=15)

SHIPPED = 2
READS = {"manhattan": ("search", 1), "extensiv": ("view", 4), "anchanto": ("read", 4)}
"""OMS -> its call that reads orders, and how many of them four orders to create take."""


@pytest.mark.parametrize("oms", READS)
def test_an_old_order_is_looked_for_once(open_pair: OpenPair, oms: str) -> None:
    """Validation asks for the canceled one only, and delivery for those that it is to create."""
    scene, (call, to_create) = open_pair(Pair("bigcommerce", oms)), READS[oms]
    scene.sql_write("UPDATE sync.activation SET started_at = now()")
    placed = [order_id for order_id, _ in scene.simple(10)]
    scene.cancel(placed[0])
    for order_id in placed[1:6]:
        scene.to_store(f"orders/{order_id}/status", {"status_id": SHIPPED})

    scene.run("orders", steps=("captured", "validated"))
    assert scene.oms_counts()["requests"][call] == 1
    scene.run("orders", steps=("delivered",))
    assert scene.oms_counts()["requests"][call] == 1 + to_create
    assert scene.oms_counts()["creates"] == 4
