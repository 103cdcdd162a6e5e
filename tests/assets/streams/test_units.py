"""Units of measure: what the OMS's item master does not have is rejected before the push."""

from __future__ import annotations

from tests.assets.documents import order
from tests.assets.scene import Scene


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
    assert scene.sql("SELECT uom, uoms FROM sync.oms_item WHERE sku = 'MUG'") == [
        ("EA", ["EA", "CASE"])
    ]
