"""Rejections of orders that the OMS has fulfilled or canceled end where no one needs to act."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.documents import address, order
from tests.assets.scene import Scene
from tests.assets.streams.test_deleted_orders import archive, configure
from tests.assets.streams.test_links import run_reruns

pytestmark = pytest.mark.slow

CODES: dict[str, Any] = {"shipping_methods": {"Ground": "Ground"}, "default_shipping_method": None}


def ends(scene: Scene) -> dict[str, tuple[str, str]]:
    """Return state and reason of each rejection of an order."""
    rows = scene.sql("SELECT code, state, closed_why FROM sync.rejection WHERE stream = 'orders'")
    return {code: (state, why) for code, state, why in rows}


@pytest.mark.parametrize(("done", "end"), [("ship", "fulfilled"), ("cancel", "canceled")])
def test_a_deleted_order_needs_no_operator_once_the_oms_is_done_with_it(
    scene: Scene, done: str, end: str
) -> None:
    """Also where the store can't be shown that, and after a rerun of its day."""
    configure(scene, "report")
    scene.place_many([1])
    scene.run("orders")
    archive(scene)
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "order_deleted_in_store"}
    scene.fault("bigcommerce", {"kind": "status", "status": 404, "path": "/orders/1"})
    scene.to_oms(f"orders/1/{done}", {})
    scene.run("shipments", raise_on_error=False)
    assert run_reruns(scene) == ["orders"]
    assert ends(scene) == {"order_deleted_in_store": ("resolved", "obsolete: deleted_after_end")}
    [(ended,)] = scene.sql("SELECT ended FROM sync.standing")
    assert ended == end
    scene.fault("bigcommerce")
    scene.run("orders")
    assert scene.open_rejections("orders") == {}


def test_what_could_not_be_sent_is_owed_no_more_once_the_oms_has_canceled_the_order(
    scene: Scene,
) -> None:
    """Whether it can't be mapped, or fails a check; that of an order that has shipped stays."""
    scene.configure(orders=CODES)
    for number in (1, 2, 3):
        scene.place(order(number, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    for number in (1, 3):
        boat = address(number * 100, shipping_method="Slow boat")
        scene.to_store(f"orders/{number}", {"shipping_addresses": [boat]}, "PATCH")
    scene.to_store("orders/2", {"total_inc_tax": "999.99"}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {
        "1": "shipping_method_unknown",
        "2": "total_mismatch",
        "3": "shipping_method_unknown",
    }
    for number in (1, 2):
        scene.to_oms(f"orders/{number}/cancel", {})
    scene.to_oms("orders/3/ship", {})
    scene.run("shipments")
    run_reruns(scene)
    assert scene.open_rejections("orders") == {"3": "shipping_method_unknown"}
    found = ends(scene)
    assert found["total_mismatch"] == ("resolved", "obsolete: canceled_at_oms")


def test_an_order_that_the_store_opens_again_is_owed_although_the_oms_has_canceled_it(
    scene: Scene,
) -> None:
    """What keeps the opened order from being sent is a person's to know."""
    scene.configure(orders=CODES)
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders")
    scene.to_store("orders/1/status", {"status_id": 5})
    scene.run("orders")
    scene.run("shipments")
    boat = [address(100, shipping_method="Slow boat")]
    scene.to_store("orders/1", {"status_id": 11, "shipping_addresses": boat}, "PATCH")
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "shipping_method_unknown"}
