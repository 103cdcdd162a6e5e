"""Orders whose items the OMS has discontinued since it got them."""

from __future__ import annotations

import pytest

from tests.assets.documents import address, order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=15)

HELD = 12


def test_an_order_with_a_discontinued_item_can_still_be_held_and_sent_elsewhere(
    scene: Scene,
) -> None:
    """The OMS has the line; a line that it has not is rejected as before."""
    policy = scene.installation.connections[NAME].orders.model_dump(mode="json")
    scene.configure(orders=policy | {"hold_statuses": {HELD: "Customer Service"}})
    scene.place(*(order(n, scene.moment(), [("MUG", 2)]) for n in (1, 2, 3)))
    scene.run("orders")
    scene.to_oms("items/remove", ["MUG", "LAMP"])
    scene.sql_write("DELETE FROM sync.item WHERE side = 'oms'")
    scene.to_store("orders/1/status", {"status_id": HELD})
    moved = address(200, street_1="9 New Street")
    scene.to_store("orders/2", {"shipping_addresses": [moved]}, "PATCH")
    more = {"sku": "LAMP", "product_id": 202, "variant_id": 202, "name": "LAMP", "quantity": 1}
    prices = {"price_ex_tax": "10.00", "price_inc_tax": "10.00"}
    scene.to_store("orders/3", {"products": [more | prices]}, "PATCH")
    scene.place(order(4, scene.moment(), [("MUG", 1)]))

    scene.run("orders")

    assert scene.open_rejections("orders") == {"3": "sku_unknown", "4": "sku_unknown"}
    [hold] = scene.oms_order(1)["OrderHold"]
    assert hold["HoldTypeId"] == "Customer Service"
    [line] = scene.oms_order(2)["OrderLine"]
    assert line["ShipToAddress"]["Address"]["Address1"] == "9 New Street"
