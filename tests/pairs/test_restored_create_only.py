"""A restored ledger, and an OMS that takes each order once: it is read before anything is planned.

Between BigCommerce and Manhattan the same is tested in ``tests/assets/delivery/test_restored.py``.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets import documents
from tests.assets.delivery.test_restored import back_up, capture_until_now, restored
from tests.assets.operator import retry
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

BOATS: dict[str, Any] = {
    "orders": {"shipping_methods": {"Ground": "Ground", "Slow boat": "Ground"}}
}


@pytest.fixture(params=["extensiv", "anchanto"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Return a connection to each of the two."""
    made: Scene = request.getfixturevalue(request.param)
    return made


def at_oms(scene: Scene) -> dict[str, Any]:
    """Return the one order as the OMS holds it."""
    [order] = scene._ask(f"{scene.oms_kind}/{scene.store}/truth")[0]["orders"]
    found: dict[str, Any] = order
    return found


def place(scene: Scene, method: str) -> None:
    """Place an order that is captured and validated before the backup."""
    address = documents.address(100, shipping_method=method)
    scene.place(documents.order(1, scene.moment(), shipping_addresses=[address]))
    scene.run("orders", first=scene.yesterday, steps=("captured", "validated"))
    capture_until_now(scene)


@pytest.mark.parametrize("method", ["Ground", "Slow boat"], ids=["accepted", "rejected"])
def test_an_order_that_was_created_and_withdrawn_since_the_backup_is_canceled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """The warehouse would ship it. The ledger has its capture, and no delivery."""
    place(scene, method)
    restore = back_up(scene)
    scene.configure(**BOATS)
    retry(scene, "orders")
    scene.run("orders", first=scene.yesterday)
    assert not at_oms(scene)["canceled"]
    restored(scene, restore, monkeypatch)
    scene.configure(**BOATS)
    scene.to_store("orders/1/status", {"status_id": 5})

    scene.run("orders")

    assert at_oms(scene)["canceled"]
    assert [row[1:3] for row in scene.deliveries("orders")] == [("cancel", "delivered")]


@pytest.mark.parametrize("units", [2, 5], ids=["as it was", "changed"])
def test_an_order_that_was_created_since_the_backup_is_compared_with_the_stores(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, units: int
) -> None:
    """It is the connection's own, and none of another program with the same id."""
    place(scene, "Ground")
    restore = back_up(scene)
    scene.run("orders", first=scene.yesterday)
    restored(scene, restore, monkeypatch)
    if units != 2:
        scene.to_store("orders/1", {"products": [{"id": 101, "quantity": units}]}, "PATCH")

    scene.run("orders")

    expected = {} if units == 2 else {"1": "order_not_changeable"}
    assert scene.open_rejections("orders") == expected
    assert at_oms(scene)["creates"] == 1
    assert [line["quantity"] for line in at_oms(scene)["lines"]] == [2, 1]
