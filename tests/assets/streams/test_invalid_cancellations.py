"""A cancellation needs nothing of its order's content, so nothing in that may keep it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.assets.documents import order
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=20)

CANCELED = {"status_id": 5}


def forget_method(scene: Scene) -> None:
    """Take the order's shipping method out of the connection's table."""
    policy: dict[str, Any] = scene.installation.connections[NAME].orders.model_dump(mode="json")
    scene.configure(orders=policy | {"shipping_methods": {"Express": "Express"}})


def add_unknown_item(scene: Scene) -> None:
    """Add a line whose item the OMS does not have."""
    line = {"sku": "NOSUCH", "product_id": 9, "variant_id": 9, "name": "No such", "quantity": 1}
    prices = {"price_ex_tax": "10.00", "price_inc_tax": "10.00"}
    scene.to_store("orders/1", {"products": [line | prices]}, "PATCH")


def empty_address(scene: Scene) -> None:
    """Clear the address, as for a person who asked for that."""
    names = ("first_name", "last_name", "street_1", "city", "zip", "country", "country_iso2")
    emptied = {"id": 100, **dict.fromkeys(names, "")}
    scene.to_store("orders/1", {"shipping_addresses": [emptied]}, "PATCH")


def change_total(scene: Scene) -> None:
    """State a discount that no amount of the order agrees with."""
    scene.to_store("orders/1", {"discount_amount": "7.77", "total_inc_tax": "1.00"}, "PATCH")


@pytest.mark.parametrize("spoil", [forget_method, add_unknown_item, empty_address, change_total])
def test_an_order_that_would_be_rejected_is_canceled_at_the_oms(
    scene: Scene, spoil: Callable[[Scene], None]
) -> None:
    """Otherwise the OMS ships what the shopper has canceled."""
    scene.place(order(1, scene.moment()))
    scene.run("orders")
    spoil(scene)
    scene.to_store("orders/1", {"customer_message": "Ring twice"}, "PATCH")
    scene.run("orders")
    assert len(scene.open_rejections("orders")) == 1, "it can't be changed in this form"

    scene.to_store("orders/1", dict(CANCELED), "PATCH")
    scene.run("orders")

    assert scene.oms_orders()["1"]["canceled"]
    assert scene.open_rejections("orders") == {}
    assert drifts_of(look(scene)) == []
    before = scene.effects()
    scene.run("orders", "shipments")
    assert scene.effects() == before
