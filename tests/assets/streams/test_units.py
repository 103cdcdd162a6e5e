"""Units of measure: what the OMS's item master does not have is rejected before the push."""

from __future__ import annotations

import pytest

from tests.assets.documents import DEPOT, order
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=25)
CASE_OF_12 = {"uom_rules": {"MUG": {"uom": "EA", "factor": 12}}}
CASE_OF_8 = {"uom_rules": {"MUG": {"uom": "EA", "factor": 8}}}
"""The price of a case, 10.00, can be divided by it."""


def test_a_unit_that_the_item_does_not_have_is_named_before_the_push(scene: Scene) -> None:
    """The rejection names SKU, unit and the item's units; an item without units is accepted."""
    scene.to_oms(
        "items", [{"ItemId": "MUG", "UOM": "EA", "AlternateUOM": ["CASE", {"UOM": "PALLET"}]}]
    )
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "BOX", "factor": 5}}})
    scene.place(order(1, scene.moment(), [("MUG", 2)]), order(2, scene.moment(), [("LAMP", 1)]))
    scene.run("orders")
    assert scene.open_rejections("orders") == {"1": "uom_unknown"}
    assert scene.outcomes("orders")["2"] == ("accepted", "delivered")
    ((message,),) = scene.sql(
        "SELECT problems -> 0 ->> 'message' FROM sync.rejection WHERE source_id = '1'"
    )
    assert message == "the item MUG has no unit BOX at the OMS; it has EA, CASE, PALLET"
    assert scene.oms_counts()["refused"] == 0


def test_an_alternate_unit_is_taken(scene: Scene) -> None:
    """A unit of the list goes through, from the OMS's answer and from the ledger's memory of it."""
    scene.to_oms("items", [{"ItemId": "MUG", "UOM": "EA", "AlternateUOM": ["CASE"]}])
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "CASE", "factor": 1}}})
    for number in (1, 2):
        scene.place(order(number, scene.moment(), [("MUG", 1)]))
        scene.run("orders")
    assert {line["ItemId"] for line in scene.oms_orders()["2"]["lines"]} == {"MUG"}
    assert scene.sql("SELECT uom, uoms FROM sync.item WHERE side = 'oms' AND sku = 'MUG'") == [
        ("EA", ["EA", "CASE"])
    ]


def _stock(scene: Scene, sku: str, quantity: float) -> None:
    scene.to_oms("supply", [{"item": sku, "location": DEPOT, "quantity": quantity}])


def _shown(scene: Scene, sku: str) -> int:
    quantity: int = scene.store_stock()[sku]["quantity"]
    return quantity


def test_stock_is_shown_in_the_stores_unit_rounded_down(scene: Scene) -> None:
    """Of 30 single mugs the store, which sells cases of 12, shows two; other SKUs are as they are.

    Reconciliation finds no drift in that, and repairs a level that counts single mugs.
    """
    scene.configure(orders=CASE_OF_12)
    _stock(scene, "MUG", 30)
    _stock(scene, "LAMP", 30)
    scene.run("orders", "inventory")
    assert (_shown(scene, "MUG"), _shown(scene, "LAMP")) == (2, 30)
    assert scene.sql("SELECT available FROM history.stock WHERE sku = 'MUG'") == [(30,)]
    assert drifts_of(look(scene)) == []

    scene.to_store("stock", [{"sku": "MUG", "location_id": 1, "quantity": 30}])
    assert drifts_of(look(scene, repair=True)) == [("differs", "stock", "MUG@1", "quantity", True)]
    scene.run("inventory")
    assert _shown(scene, "MUG") == 2


def test_safety_stock_is_in_the_stores_unit_and_orders_under_way_in_the_omss(
    scene: Scene,
) -> None:
    """Of 47 mugs 16 are ordered and not sent yet: 3 cases are left, and one is kept back."""
    scene.configure(orders=CASE_OF_8, inventory={"safety_stock": 1})
    _stock(scene, "MUG", 47)
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", steps=("captured", "validated"))
    scene.run("inventory")
    assert _shown(scene, "MUG") == 2
    assert drifts_of(look(scene)) == []


def test_each_node_is_converted_on_its_own(scene: Scene) -> None:
    """A case can't be put together from two nodes."""
    scene.to_oms("locations", [{"LocationId": "DC2", "LocationTypeId": "DC"}])
    scene.configure(orders=CASE_OF_12, inventory={"mode": "by_node", "nodes": {DEPOT: "default"}})
    _stock(scene, "MUG", 23)
    scene.to_oms("supply", [{"item": "MUG", "location": "DC2", "quantity": 11}])
    scene.run("inventory")
    assert _shown(scene, "MUG") == 1


def test_a_rule_that_changes_is_a_drift_of_the_level_until_it_is_repaired(scene: Scene) -> None:
    """The OMS's level is the same, and means another number of cases."""
    scene.configure(orders=CASE_OF_12)
    _stock(scene, "MUG", 30)
    scene.run("orders", "inventory")
    for changed, shown in (({"uom_rules": {"MUG": {"uom": "EA", "factor": 6}}}, 5), ({}, 30)):
        scene.configure(orders=changed)
        assert drifts_of(look(scene, repair=True)) == [
            ("differs", "stock", "MUG@1", "quantity", True)
        ]
        scene.run("inventory")
        assert _shown(scene, "MUG") == shown
        assert drifts_of(look(scene)) == []


def test_stock_of_an_item_that_is_ordered_in_another_unit_needs_a_factor_of_its_own(
    scene: Scene,
) -> None:
    """The OMS takes orders in cases and states stock in single mugs: the setting says how many.

    Without it nothing is shown, rather than twelve times too much.
    """
    scene.to_oms("items", [{"ItemId": "MUG", "UOM": "EA", "AlternateUOM": ["CASE"]}])
    _stock(scene, "MUG", 30)
    scene.to_store("stock", [{"sku": "MUG", "location_id": 1, "quantity": 1}])
    scene.configure(orders={"uom_rules": {"MUG": {"uom": "CASE", "factor": 1}}})
    scene.run("inventory")
    assert _shown(scene, "MUG") == 1
    assert scene.open_rejections("inventory") == {"MUG@NetworkView": "stock_unit_unknown"}

    scene.configure(orders={"uom_rules": {"MUG": {"uom": "CASE", "factor": 1, "stock_factor": 12}}})
    scene.run("inventory")
    assert _shown(scene, "MUG") == 2
    assert scene.open_rejections("inventory") == {}


def test_the_default_unit_is_compared_with_the_stocks_unit_too(scene: Scene) -> None:
    """All orders go out in cases: a SKU without a rule must not show single units as cases."""
    scene.to_oms("items", [{"ItemId": "MUG", "UOM": "EA", "AlternateUOM": ["CASE"]}])
    scene.configure(orders={"uom": "CASE"})
    scene.place(order(1, scene.moment(), [("MUG", 1)]))
    scene.run("orders")
    scene.run("inventory")
    assert scene.open_rejections("inventory") == {"MUG@NetworkView": "stock_unit_unknown"}


def test_parcels_are_converted_by_the_rule_that_the_order_was_sent_with(scene: Scene) -> None:
    """The rule changes between order and parcel: 8 mugs are still one of the two cases."""
    scene.configure(orders=CASE_OF_8)
    scene.place(order(1, scene.moment(), [("MUG", 2)]), order(2, scene.moment(), [("LAMP", 8)]))
    scene.run("orders", first=scene.yesterday)
    scene.configure(
        orders={"uom_rules": {sku: {"uom": "EA", "factor": 4} for sku in ("MUG", "LAMP")}}
    )
    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 8}]})
    scene.to_oms("orders/2/ship", {"lines": [{"line": "201", "quantity": 4}]})
    scene.run("shipments")
    shipped = {
        item["order_product_id"]: item["quantity"]
        for shipment in scene.store_shipments()
        for item in shipment["items"]
    }
    assert shipped == {101: 1, 201: 4}
    assert scene.store_orders()[1]["status_id"] == 3
    assert [drift for drift in drifts_of(look(scene)) if drift[1] == "shipment"] == []


def test_a_parcel_that_is_no_whole_case_is_a_rejection_and_changes_nothing(scene: Scene) -> None:
    """Seven of a case of eight can't be shown; a wrong number would be worse."""
    scene.configure(orders=CASE_OF_8)
    scene.place(order(1, scene.moment(), [("MUG", 2)]))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms("orders/1/ship", {"lines": [{"line": "101", "quantity": 7}]})
    scene.run("shipments")
    assert scene.store_shipments() == []
    assert scene.open_rejections("shipments") == {"1": "quantity_not_whole"}


def test_a_rule_applies_to_orders_in_any_spelling_of_its_sku(scene: Scene) -> None:
    """As it does to stock: otherwise 12 units were counted as one, and one was shipped for 12."""
    policy = scene.installation.connections[NAME].orders.model_dump(mode="json")
    scene.configure(orders=policy | {"uom_rules": {"mug": {"uom": "EA", "factor": 2}}})
    scene.place(order(1, scene.moment(), [("MUG", 3)]))
    scene.run("orders")
    [line] = scene.oms_order(1)["OrderLine"]
    assert (line["Quantity"], line["UnitPrice"]) == (6, 5)
