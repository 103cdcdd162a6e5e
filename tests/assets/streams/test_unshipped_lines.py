"""Lines that never leave in a parcel do not count in the order's shipping status."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets import documents
from tests.assets.documents import line, order
from tests.assets.reconciliation.comparing import look
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
SHIPPED, PARTIALLY_SHIPPED = 2, 3


def _place(scene: Scene, kind: str) -> None:
    """Export an order of two mugs and a line that is not shipped."""
    document = order(1, scene.moment())
    unshipped: Json = line(102, documents.UNTRACKED, 1) | {"type": kind}
    if kind == "giftcertificate":
        unshipped |= {"sku": "", "gift_certificate_id": 7}
        scene.to_oms("items", [{"ItemId": "GIFT-CERTIFICATE", "BaseUOM": "EA"}])
    document["products"] = [line(101, "MUG", 2), unshipped]
    scene.place(document)
    scene.run("orders", first=scene.yesterday)
    assert scene.outcomes("orders") == {"1": ("accepted", "delivered")}


def _ship(scene: Scene, line_id: str, quantity: int) -> None:
    scene.to_oms("orders/1/ship", {"lines": [{"line": line_id, "quantity": quantity}]})
    scene.run("shipments", first=scene.today)


@pytest.mark.parametrize("kind", ["digital", "giftcertificate"])
def test_an_order_is_shipped_once_its_goods_are(scene: Scene, kind: str) -> None:
    """What goes by e-mail waits at the OMS forever: the order is not set back for it."""
    _place(scene, kind)

    _ship(scene, "101", 1)
    assert scene.store_orders()[1]["status_id"] == PARTIALLY_SHIPPED
    _ship(scene, "101", 1)

    assert scene.store_orders()[1]["status_id"] == SHIPPED
    assert scene.sql("SELECT stage FROM history.stuck") == [], "nothing waits to be shipped"


def test_a_sent_download_ships_no_part_of_the_order(scene: Scene) -> None:
    """The e-mail left at once, the mugs did not: no shopper reads "partially shipped"."""
    _place(scene, "digital")

    _ship(scene, "102", 1)

    assert scene.store_orders()[1]["status_id"] != PARTIALLY_SHIPPED
    assert scene.store_shipments() == []


def test_a_reconciliation_expects_the_same_status(scene: Scene) -> None:
    """An order whose goods have all left is not behind, and stays as it is."""
    _place(scene, "digital")
    _ship(scene, "101", 2)
    assert scene.store_orders()[1]["status_id"] == SHIPPED

    drifts = look(scene).drifts

    assert [drift for drift in drifts if drift.stream == "shipments"] == []
