"""Where an order's units stand at the OMS, as the clocks see it."""

from __future__ import annotations

from tests.assets import documents
from tests.assets.scene import Scene

STUCK = "SELECT stage, source_id, detail FROM history.stuck ORDER BY stage"


def test_released_units_are_on_the_clock_until_they_ship(scene: Scene) -> None:
    """From the OMS's states: nothing before release, then the units, fewer once a part has left."""
    scene.configure(orders={"order_id_prefix": "W-"})
    scene.place(documents.order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders", first=scene.yesterday)
    assert scene.sql(STUCK) == [
        (
            "delivered_not_acknowledged",
            "1",
            "target W-1, not in the OMS's list of orders, read up to never",
        )
    ]
    scene.run("shipments", first=scene.today)
    assert scene.sql(STUCK) == []

    scene.to_oms(
        "advance",
        {"to": "release", "seed": 1, "cancel_rate": 0, "partial_rate": 0, "split_rate": 0},
    )
    scene.run("shipments", first=scene.today)
    assert scene.sql(STUCK) == [
        ("released_not_shipped", "1", "3 units released, neither shipped nor canceled")
    ]
    scene.to_oms("orders/W-1/ship", {"lines": [{"line": "101", "quantity": 2}]})
    scene.run("shipments", first=scene.today)
    assert scene.sql(STUCK) == [
        ("released_not_shipped", "1", "1 units released, neither shipped nor canceled")
    ]

    scene.to_oms("orders/W-1/ship", {})
    scene.fault(
        "bigcommerce",
        {"path": "/shipments$", "method": "POST", "kind": "status", "status": 500, "times": None},
    )
    assert not scene.run("shipments", first=scene.today, raise_on_error=False).success
    [(stage, source_id, _)] = scene.sql(STUCK)
    assert (stage, source_id) == ("shipped_not_at_store", "1")
    scene.fault("bigcommerce")
    scene.run("shipments", first=scene.today)
    assert scene.sql(STUCK) == []
