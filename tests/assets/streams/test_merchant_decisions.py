"""What the merchant decided at the store stays: statuses, and shipments made by hand."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.assets.documents import order
from tests.assets.operator import retry
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]
NUMBER, OTHER = "1Z5R89390357567127", "1Z8W4R260373687877"
SHIPPED, COMPLETED = 2, 10
WARNINGS = """SELECT DISTINCT w ->> 'code' FROM sync.record r, jsonb_array_elements(r.warnings) w
              WHERE r.stream = 'shipments' ORDER BY 1"""


def _exported(scene: Scene, *lines: tuple[str, int]) -> None:
    scene.place(order(1, scene.moment(), lines or [("MUG", 3)]))
    scene.run("orders", first=scene.yesterday)


def _ship(scene: Scene, units: int, tracking: str | None = NUMBER, line: str = "101") -> None:
    scene.to_oms(
        "orders/1/ship",
        {"lines": [{"line": line, "quantity": units}], "tracking": tracking, "carrier": "UPS"},
    )


def _by_hand(scene: Scene, units: int, tracking: str = "", line: int = 101) -> None:
    """Create a shipment as the merchant does, with the store's own API."""
    url = f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders/1/shipments"
    body = {
        "order_address_id": 100,
        "items": [{"order_product_id": line, "quantity": units}],
        "tracking_number": tracking,
    }
    token = {"X-Auth-Token": f"sandbox-token-{scene.store}"}
    assert httpx.post(url, json=body, headers=token).is_success


def _numbers(scene: Scene) -> list[str]:
    """Return the tracking numbers of the order's shipments as the store shows them now."""
    url = f"{scene.url}/bigcommerce/{scene.store}/stores/{scene.store}/v2/orders/1/shipments"
    answer = httpx.get(url, headers={"X-Auth-Token": f"sandbox-token-{scene.store}"})
    return sorted(shipment["tracking_number"] for shipment in answer.json())


def _status(scene: Scene) -> int:
    status: int = scene.store_orders()[1]["status_id"]
    return status


def _warnings(scene: Scene) -> list[str]:
    return [code for (code,) in scene.sql(WARNINGS)]


@pytest.mark.parametrize("status", [4, 5, 6, 12, 13])
def test_a_status_that_says_something_else_is_not_overwritten(scene: Scene, status: int) -> None:
    """Not by fulfilment, nor by the shipment that the store moves the order for."""
    _exported(scene)
    scene.to_store("orders/1/status", {"status_id": status})
    _ship(scene, 1)
    scene.run("shipments", first=scene.today)
    assert _status(scene) == status

    _ship(scene, 2, OTHER)
    scene.run("shipments", first=scene.today)

    assert _status(scene) == status
    assert len(scene.store_shipments()) == 2
    assert _warnings(scene) == ["status_kept"]
    assert scene.open_rejections("shipments") == {}


def test_a_status_that_could_not_be_put_back_is_set_by_a_later_run(scene: Scene) -> None:
    """The shipment exists and is not created again; the ledger remembers the merchant's status."""
    _exported(scene)
    scene.to_store("orders/1/status", {"status_id": 13})
    _ship(scene, 3)
    scene.fault(
        "bigcommerce",
        {"kind": "status", "status": 500, "method": "PUT", "path": "orders/1$", "times": None},
    )

    scene.run("shipments", first=scene.today)

    assert (_status(scene), scene.outcomes("shipments")["1"]) == (SHIPPED, ("accepted", None))
    scene.fault("bigcommerce")
    scene.run("shipments", first=scene.today)
    assert (_status(scene), len(scene.store_shipments())) == (13, 1)
    assert scene.outcomes("shipments")["1"] == ("accepted", "delivered")
    assert _warnings(scene) == ["status_kept"]


def test_an_order_that_the_merchant_completed_is_not_set_back(scene: Scene) -> None:
    """Completed is further than Shipped."""
    _exported(scene)
    scene.to_store("orders/1/status", {"status_id": COMPLETED})

    scene.to_oms("advance", {"to": "release", "cancel_rate": 0, "partial_rate": 0, "split_rate": 0})
    scene.run("shipments", first=scene.today)

    assert _status(scene) == COMPLETED


@pytest.mark.parametrize("units", [3, 1], ids=["whole", "part"])
def test_an_order_that_is_completed_before_its_shipment_shows_stays_completed(
    scene: Scene, units: int
) -> None:
    """The store itself sets an order back that gets a shipment."""
    _exported(scene)
    _ship(scene, units)
    scene.to_store("orders/1/status", {"status_id": COMPLETED})

    scene.run("shipments", first=scene.today)

    assert (_numbers(scene), _status(scene)) == ([NUMBER], COMPLETED)
    assert _warnings(scene) == []
    before = scene.effects()
    scene.run("orders", "shipments")
    assert scene.effects() == before


@pytest.mark.parametrize("tracking", ["", NUMBER, "BY-HAND-1"])
def test_a_shipment_made_by_hand_for_the_same_units_is_adopted(scene: Scene, tracking: str) -> None:
    """One shipment with the OMS's number, one e-mail to the shopper, and a note."""
    _exported(scene)
    _by_hand(scene, 3, tracking)
    _ship(scene, 3)

    scene.run("shipments", first=scene.today)

    assert (_numbers(scene), _status(scene)) == ([NUMBER], SHIPPED)
    assert _warnings(scene) == ["shipment_adopted"]
    assert scene.open_rejections("shipments") == {}
    before = scene.effects()
    scene.run("shipments")
    assert scene.effects() == before


def test_a_shipment_made_by_hand_is_adopted_by_the_parcel_with_its_number(scene: Scene) -> None:
    """Of two parcels with the same units, the one with its number gets it."""
    _exported(scene, ("MUG", 2))
    _by_hand(scene, 1, OTHER)
    _ship(scene, 1, NUMBER)
    _ship(scene, 1, OTHER)

    scene.run("shipments", first=scene.today)

    assert _numbers(scene) == [NUMBER, OTHER]
    assert _warnings(scene) == ["shipment_adopted"]


def test_a_second_part_made_by_hand_is_adopted_behind_our_own(scene: Scene) -> None:
    """The store shows more units as shipped than our shipments have."""
    _exported(scene)
    _ship(scene, 1)
    scene.run("shipments", first=scene.today)
    _by_hand(scene, 2)
    _ship(scene, 2, OTHER)

    scene.run("shipments", first=scene.today)

    assert _numbers(scene) == [NUMBER, OTHER]
    assert _status(scene) == SHIPPED


def test_a_refused_shipment_is_adopted_once_the_merchant_has_made_it(scene: Scene) -> None:
    """Its id in the store is that of the order, whose status was set: the two are not confused."""
    _exported(scene)
    _ship(scene, 3)
    refusing = {"kind": "status", "status": 422, "path": "shipments", "method": "POST"}
    scene.fault("bigcommerce", refusing)
    scene.run("shipments", first=scene.today)
    assert scene.open_rejections("shipments") == {"1": "shipment_refused"}
    scene.fault("bigcommerce")
    _by_hand(scene, 3)
    assert [row["shipment_id"] for row in scene.store_shipments()] == [1]

    retry(scene, "shipments")
    scene.run("shipments", first=scene.today)

    assert _numbers(scene) == [NUMBER]
    assert scene.open_rejections("shipments") == {}
    assert _warnings(scene) == ["shipment_adopted"]


def test_nothing_is_looked_up_where_no_unit_was_shipped_by_hand(scene: Scene) -> None:
    """The list of shipments is read only where the store shows units that we did not ship."""
    _exported(scene)
    _ship(scene, 1)
    _ship(scene, 2, OTHER)
    scene.fault(
        "bigcommerce",
        {"kind": "status", "status": 500, "method": "GET", "path": "/shipments$", "times": None},
    )

    scene.run("shipments", first=scene.today)

    assert len(scene.store_shipments()) == 2
    assert _status(scene) == SHIPPED
