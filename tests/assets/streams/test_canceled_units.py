"""Units that the OMS cancels, such as those that its warehouse does not find."""

from __future__ import annotations

import pytest

from tests.assets.documents import order
from tests.assets.scene import Scene

pytestmark = pytest.mark.slow(seconds=10)

CODE = "units_canceled_at_oms"


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Two orders of 3 mugs and a lamp that the OMS has."""
    scene.place(*(order(n, scene.moment(), [("MUG", 3), ("LAMP", 1)]) for n in (1, 2)))
    scene.run("orders")
    return scene


def warnings(scene: Scene) -> list[tuple[str, str, str]]:
    """Return record, code and message of all warnings of fulfilment."""
    query = "SELECT source_id, code, message FROM history.warnings WHERE stream = 'shipments'"
    return scene.sql(query)  # type: ignore[return-value]


def test_units_that_the_oms_cancels_are_a_warning_that_stays(shop: Scene) -> None:
    """The store's order would be shown as shipped without them, and no one refund the shopper.

    A later validation of the day, as of each night's sweep, leaves what delivery has found.
    """
    shop.to_oms("orders/1/cancel", {"lines": ["102"]})
    shop.run("shipments")
    [(record, code, message)] = warnings(shop)
    assert (record, code) == ("1", CODE)
    assert "1 of line 102 (LAMP)" in message
    shop.run("shipments", trigger="schedule")
    assert len(warnings(shop)) == 1
    shop.to_oms("orders/1/ship", {"tracking": "T1"})
    shop.run("shipments")
    shop.run("shipments", trigger="schedule")
    assert shop.store_orders()[1]["status_id"] == 2
    assert {code for _, code, _ in warnings(shop)} == {CODE}
    assert shop.open_rejections("shipments") == {}


def test_a_changed_address_reaches_the_lines_that_are_left(shop: Scene) -> None:
    """The canceled line stays as it is, and nothing is left to compare or to repeat."""
    shop.to_oms("orders/1/cancel", {"lines": ["102"]})
    document = order(1, shop.moment(), [("MUG", 3), ("LAMP", 1)])
    moved = [document["shipping_addresses"][0] | {"street_1": "9 New Street"}]
    shop.to_store("orders/1", {"shipping_addresses": moved}, "PATCH")
    shop.run("orders")
    mugs, lamp = shop.oms_order(1)["OrderLine"]
    assert mugs["ShipToAddress"]["Address"]["Address1"] == "9 New Street"
    assert lamp["IsCancelled"] is True
    assert shop.open_rejections("orders") == {}
    query = "SELECT source_id, code FROM history.warnings WHERE stream = 'orders'"
    assert shop.sql(query) == [("1", "line_canceled_at_oms")]
    before = shop.effects()
    shop.run("orders", first=shop.yesterday, trigger="schedule")
    assert shop.effects() == before


def test_what_the_store_has_canceled_itself_is_none(shop: Scene) -> None:
    """A line that it has taken off, and a whole order that either has canceled."""
    mugs = order(1, shop.moment(), [("MUG", 3)])
    shop.to_store("orders/1", {"products": mugs["products"]}, "PATCH")
    shop.run("orders")
    shop.to_oms("orders/1/ship", {"tracking": "T1"})
    shop.to_oms("orders/2/cancel", {})
    shop.run("shipments")
    assert [shop.store_orders()[number]["status_id"] for number in (1, 2)] == [2, 5]
    assert warnings(shop) == []
