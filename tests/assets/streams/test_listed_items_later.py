"""Items of the OMS after their products exist: changed settings, items and products of one SKU."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.scene import Scene
from tests.assets.streams.test_listed_items import configure, named, rules, run, stock, writes

Json = dict[str, Any]


def warnings(shop: Scene, sku: str) -> str:
    """Return what was noted about the newest version of an item."""
    [(text,)] = shop.sql(
        """SELECT warnings::text FROM sync.record WHERE source_id = %s
           ORDER BY source_updated_at DESC LIMIT 1""",
        f"item:{sku}",
    )
    return str(text)


def read_catalog(shop: Scene) -> None:
    """Read what the merchant has changed."""
    shop.run("catalog", first=shop.today)


def edit(shop: Scene, sku: str, /, **fields: Any) -> None:
    """Change a product in the store by hand, and let the catalog read it."""
    [product] = named(shop, sku)
    shop.to_store("catalog", [product | fields | {"date_modified": None}])
    read_catalog(shop)


@pytest.fixture
def cup(scene: Scene) -> Scene:
    """A store that shows a cup of the OMS."""
    configure(scene)
    items = scene.to_oms("items", None, "GET")["items"]
    scene.to_oms("items/remove", [row["ItemId"] for row in items])
    scene.to_store("catalog", [{"id": 900, "sku": "JAR", "name": "Jar", "price": 9}])
    read_catalog(scene)
    stock(scene, {"ItemId": "CUP", "Description": "Cup", "LongText": "Clay"})
    run(scene)
    read_catalog(scene)
    assert [one["name"] for one in named(scene, "CUP")] == ["Cup"]
    return scene


def test_a_field_that_the_oms_owns_again_keeps_the_edit_until_the_oms_changes_it(
    cup: Scene,
) -> None:
    """Meanwhile it was the merchant's; the other owned field goes on."""
    configure(cup, oms_fields=["description"])
    edit(cup, "CUP", name="Mug")
    stock(cup, {"ItemId": "CUP", "Description": "Cup", "LongText": "Fine clay"})
    run(cup)
    [shown] = named(cup, "CUP")
    assert (shown["name"], shown["description"]) == ("Mug", "Fine clay")
    configure(cup)
    read_catalog(cup)
    run(cup)
    assert named(cup, "CUP")[0]["name"] == "Mug"
    assert "listing_edit_kept" in warnings(cup, "CUP")
    stock(cup, {"ItemId": "CUP", "Description": "Big cup", "LongText": "Fine clay"})
    run(cup)
    assert named(cup, "CUP")[0]["name"] == "Big cup"
    assert "listing_edit_replaced" in warnings(cup, "CUP")


def test_an_item_that_leaves_and_comes_back_changes_nothing(cup: Scene) -> None:
    """Its product stays, and is not made a second time; a change that it brings is written."""
    before = writes(cup)
    cup.to_oms("items/remove", ["CUP"])
    run(cup)
    stock(cup, {"ItemId": "CUP", "Description": "Cup", "LongText": "Clay"})
    run(cup)
    assert (len(named(cup, "CUP")), writes(cup)) == (1, before)
    cup.to_oms("items/remove", ["CUP"])
    run(cup)
    stock(cup, {"ItemId": "CUP", "Description": "Beaker", "LongText": "Clay"})
    run(cup)
    assert [one["name"] for one in named(cup, "CUP")] == ["Beaker"]


def test_a_sku_that_another_product_has_now_is_written_there_for_the_first_time(
    cup: Scene,
) -> None:
    """What the former product showed says nothing about it, as after it was made by hand again."""
    edit(cup, "CUP", sku="OLD", name="Old cup")
    cup.to_store("catalog", [{"id": 950, "sku": "CUP", "name": "By hand", "price": 4}])
    read_catalog(cup)
    run(cup)
    [made] = named(cup, "CUP")
    assert (made["id"], made["name"], made["description"]) == (950, "Cup", "Clay")
    assert "listing_edit" not in warnings(cup, "CUP")
    edit(cup, "CUP", name="Edited")
    run(cup)
    assert named(cup, "CUP")[0]["name"] == "Edited", "an edit of this one stays"


def test_an_item_with_another_id_is_another_product_and_the_former_stays(cup: Scene) -> None:
    """A store that takes a title once refuses it: the operator decides which of them goes."""
    cup.to_oms("items/remove", ["CUP"])
    stock(cup, {"ItemId": "CUP-2", "Description": "Cup", "LongText": "Clay"})
    run(cup)
    assert cup.open_rejections("listings") == {"item:CUP-2": "listing_refused"}
    assert ([one["name"] for one in named(cup, "CUP")], named(cup, "CUP-2")) == (["Cup"], [])
    edit(cup, "CUP", sku="CUP-2")
    run(cup)
    assert cup.open_rejections("listings") == {}
    assert len(named(cup, "CUP-2")) == 1


def test_two_items_of_one_sku_make_one_product(cup: Scene) -> None:
    """The store takes SKUs as the same in any case; the second is named, or left alone."""
    two = [{"ItemId": sku, "Description": f"Bowl {sku}"} for sku in ("BOWL", "bowl")]
    stock(cup, *two)
    run(cup)
    made = [len(named(cup, sku)) for sku in ("BOWL", "bowl")]
    assert sum(made) == 1
    read_catalog(cup)
    run(cup)
    assert [len(named(cup, sku)) for sku in ("BOWL", "bowl")] == made
    other = "bowl" if made[0] else "BOWL"
    assert rules(cup, other)[-1] == "item_spelled_differently"
    assert cup.open_rejections("listings") == {}


def test_a_brand_is_created_if_the_connection_allows_it_and_named_otherwise(cup: Scene) -> None:
    """Both brand and categories are the OMS's only where they are listed as its fields."""
    cup.to_store("categories", [{"id": 1, "name": "Kitchen"}])
    row = {"ItemId": "CUP", "Description": "Cup", "Brand": "Kiln", "Shelf": "Kitchen"}
    before = writes(cup)
    stock(cup, row)
    run(cup)
    assert writes(cup) == before
    owned = {"oms_fields": ["title", "brand", "categories"]}
    names = {"item_text": "LongText", "item_weight": "Weight", "item_categories": "Shelf"}
    configure(cup, oms={"names": names}, **owned)
    run(cup)
    assert cup.open_rejections("listings") == {"item:CUP": "listing_brand_unknown"}
    configure(cup, oms={"names": names}, create_brands=True, **owned)
    run(cup)
    assert cup.open_rejections("listings") == {}
    [shown] = named(cup, "CUP")
    assert (bool(shown["brand_id"]), shown["categories"]) == (True, [1])
    before = writes(cup)
    read_catalog(cup)
    run(cup)
    edit(cup, "CUP", categories=[])
    run(cup)
    assert (named(cup, "CUP")[0]["categories"], writes(cup)) == ([], before)
    assert "listing_edit_kept" in warnings(cup, "CUP")


def test_a_ledger_from_before_the_product_finds_it_and_makes_no_second_one(cup: Scene) -> None:
    """A restored backup: what the product shows is compared, and what the OMS has changed sent."""
    for table in ("delivery", "target_state", "record", "capture"):
        cup.sql_write(f"DELETE FROM sync.{table} WHERE stream = 'listings'")  # noqa: S608 - our own tables
    before = writes(cup)
    run(cup)
    assert (len(named(cup, "CUP")), writes(cup)) == (1, before)
    edit(cup, "CUP", name="Mug")
    run(cup)
    assert named(cup, "CUP")[0]["name"] == "Mug", "an edit is known as one again"
    stock(cup, {"ItemId": "CUP", "Description": "Big cup", "LongText": "Clay"})
    run(cup)
    assert [one["name"] for one in named(cup, "CUP")] == ["Big cup"]
