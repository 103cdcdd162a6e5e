"""A parcel that the store can't show, or refuses, keeps only itself back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.documents import order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
CASE: Json = {"uom_rules": {"MUG": {"uom": "EA", "factor": 10}}}
LONG = "N" * 60


def _exported(scene: Scene) -> None:
    scene.configure(orders=CASE)
    scene.place(order(1, scene.moment(), [("MUG", 2), ("LAMP", 2)]))
    scene.run("orders", first=scene.yesterday)


def _ship(scene: Scene, line: str, units: int, **more: Any) -> None:
    lines = [{"line": line, "quantity": units}]
    scene.to_oms("orders/1/ship", {"lines": lines, "carrier": "UPS"} | more)


def _units(scene: Scene) -> list[tuple[int, int]]:
    return sorted(
        (item["order_product_id"], item["quantity"])
        for shipment in scene.store_shipments()
        for item in shipment["items"]
    )


def test_seven_of_a_case_of_ten_keep_no_other_parcel_back(scene: Scene) -> None:
    """The whole case, the lamps and the status go out; the rejection names the parcel's line."""
    _exported(scene)
    _ship(scene, "101", 7)
    _ship(scene, "101", 10)
    _ship(scene, "102", 2)
    _ship(scene, "101", 3)

    scene.run("shipments", first=scene.today)

    assert _units(scene) == [(101, 1), (102, 2)]
    assert scene.store_orders()[1]["status_id"] == 2
    assert scene.open_rejections("shipments") == {"1": "quantity_not_whole"}
    before = scene.effects()
    scene.run("shipments", first=scene.today)
    assert scene.effects() == before


def test_a_parcel_that_the_store_refuses_keeps_no_other_back(scene: Scene) -> None:
    """Its number is too long for the store: the parcel behind it and the status go out."""
    _exported(scene)
    _ship(scene, "102", 2, tracking=LONG)
    _ship(scene, "101", 20)

    scene.run("shipments", first=scene.today)

    assert _units(scene) == [(101, 2)]
    assert scene.store_orders()[1]["status_id"] == 2
    assert scene.open_rejections("shipments") == {"1": "tracking_number_too_long"}


def test_a_parcel_with_a_line_that_the_store_lacks_keeps_no_other_back(scene: Scene) -> None:
    """A line of which the ledger knows nothing: the other parcel is shown."""
    _exported(scene)
    scene.sql("DELETE FROM sync.order_line WHERE line_id = '102' RETURNING 1")
    _ship(scene, "102", 2)
    _ship(scene, "101", 20)

    scene.run("shipments", first=scene.today)

    assert _units(scene) == [(101, 2)]
    assert scene.open_rejections("shipments") == {"1": "line_not_in_store"}
