"""Items that the OMS lacks are created once, and only those are changed later."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.scene import Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog")
SAVE = {"path": "/item/api/item/item/save"}
TEE: Json = {
    "id": 900,
    "sku": "TEE",
    "name": "Tee",
    "price": 5,
    "custom_fields": [{"name": "Hazmat", "value": "none"}],
    "variants": [
        {"sku": "TEE-S", "option_values": [{"option_display_name": "Size", "label": "S"}]},
        {"sku": "TEE-L", "option_values": [{"option_display_name": "Size", "label": "L"}]},
    ],
}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection that creates items; the OMS has one of two SKUs by itself."""
    policy = {"create_items": True, "attributes": {"Hazmat": "HazardClass"}}
    scene.configure(streams=STREAMS, catalog=policy, max_attempts=2)
    scene.to_store("catalog", [TEE])
    scene.to_oms("items", [{"ItemId": "TEE-L", "UOM": "EA", "Description": "Their own"}])
    return scene


def items(shop: Scene) -> dict[str, Json]:
    """Return the OMS's items by SKU."""
    found = shop.to_oms("items", None, "GET")["items"]
    return {row["ItemId"]: row for row in found if row["ItemId"].startswith("TEE")}


def saves(shop: Scene) -> int:
    """Return how often an item was saved."""
    counts = shop.oms_counts()
    return int(counts["item_creates"]) + int(counts["item_updates"])


def again(shop: Scene, **more: Any) -> None:
    """Run the stream."""
    shop.run("catalog", first=shop.today, **more)


def test_a_missing_item_is_created_once_and_the_others_are_left_alone(shop: Scene) -> None:
    """With its unit and the mapped attribute; a rerun sends nothing, and the alignment agrees."""
    again(shop)
    found = items(shop)
    assert found["TEE-S"]["Description"] == "Tee S"
    assert (found["TEE-S"]["UOM"], found["TEE-S"]["HazardClass"]) == ("EA", "none")
    assert found["TEE-L"]["Description"] == "Their own"
    before = saves(shop)
    again(shop)
    assert saves(shop) == before
    findings = set(shop.sql("SELECT kind, sku FROM history.alignment"))
    assert ("missing_in_oms", "TEE-S") not in findings


def test_an_item_that_was_created_follows_the_product(shop: Scene) -> None:
    """And is created again where the OMS has lost it."""
    again(shop)
    shop.to_store("catalog", [{**TEE, "name": "Linen tee"}])
    again(shop)
    found = items(shop)
    assert found["TEE-S"]["Description"] == "Linen tee S"
    assert found["TEE-L"]["Description"] == "Their own"
    shop.to_oms("items/remove", ["TEE-S"])
    again(shop)  # the alignment finds that it is missing
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Linen tee S"


def test_items_are_created_of_products_that_are_known_already(shop: Scene) -> None:
    """The policy is switched on later."""
    shop.configure(streams=STREAMS)
    again(shop)
    assert "TEE-S" not in items(shop)
    shop.configure(streams=STREAMS, catalog={"create_items": True})
    again(shop)
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Tee S"
    before = saves(shop)
    again(shop)
    again(shop)
    assert saves(shop) == before


def spelled(shop: Scene) -> set[str]:
    """Return all spellings of the small tee's SKU that the OMS has."""
    found = shop.to_oms("items", None, "GET")["items"]
    return {row["ItemId"] for row in found if row["ItemId"].casefold() == "tee-s"}


def test_an_item_that_is_only_spelled_differently_is_not_created(shop: Scene) -> None:
    """Neither at first nor after the alignment; it is a finding. Once the OMS lacks it, it is."""
    shop.to_oms("items", [{"ItemId": "tee-s", "UOM": "EA", "Description": "Their own"}])
    again(shop)
    again(shop)
    assert spelled(shop) == {"tee-s"}
    findings = shop.sql("SELECT kind, detail FROM history.alignment WHERE sku = 'TEE-S'")
    assert ("spelled_differently", "at the OMS: tee-s") in findings
    shop.to_oms("items/remove", ["tee-s"])
    again(shop)
    again(shop)
    assert spelled(shop) == {"TEE-S"}


def test_of_two_spellings_in_the_store_one_is_created(shop: Scene) -> None:
    """Of products of one chunk, and of later ones."""
    other = {"id": 901, "sku": "tee-s", "name": "Other", "price": 5}
    shop.to_store("catalog", [TEE, other])
    again(shop)
    assert len(spelled(shop)) == 1
    again(shop)
    shop.to_store("catalog", [{**other, "id": 902, "sku": "Tee-S"}])
    again(shop)
    again(shop)
    assert len(spelled(shop)) == 1


def test_a_sku_that_is_respelled_in_the_store_gets_no_second_item(shop: Scene) -> None:
    """The item that was created is a finding then, and stays as it is."""
    again(shop)
    variants = [{**TEE["variants"][0], "sku": "tee-s"}, TEE["variants"][1]]
    shop.to_store("catalog", [{**TEE, "variants": variants}])
    again(shop)
    again(shop)
    assert spelled(shop) == {"TEE-S"}


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_creates_no_second_item_and_loses_none(shop: Scene, kind: str) -> None:
    """It is known as ours afterwards: it follows the product."""
    shop.fault("manhattan", SAVE | {"kind": kind, "times": 20})
    again(shop, raise_on_error=False)
    shop.fault("manhattan")
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Tee S"
    shop.to_store("catalog", [{**TEE, "name": "Linen tee"}])
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Linen tee S"


def test_an_item_that_the_oms_refuses_is_a_rejection(shop: Scene) -> None:
    """The product's other items are created all the same."""
    extra = [*TEE["variants"], {"sku": "TEE-M"}]
    shop.to_store("catalog", [{**TEE, "variants": extra, "name": "x" * 249}])
    again(shop)
    assert set(shop.open_rejections("catalog")) == {"900"}
    assert "TEE-M" in items(shop)
    shop.to_store("catalog", [{**TEE, "variants": extra}])
    again(shop)
    assert shop.open_rejections("catalog") == {}
    assert items(shop)["TEE-S"]["Description"] == "Tee S"


def test_items_follow_no_product_while_the_policy_is_off(shop: Scene) -> None:
    """Switched on again, what has changed meanwhile follows; nothing is created twice."""
    policy = {"create_items": True, "attributes": {"Hazmat": "HazardClass"}}
    again(shop)
    shop.configure(streams=STREAMS)
    shop.to_store("catalog", [{**TEE, "name": "Linen tee"}])
    before = saves(shop)
    again(shop)
    again(shop)
    assert saves(shop) == before
    assert items(shop)["TEE-S"]["Description"] == "Tee S"
    shop.configure(streams=STREAMS, catalog=policy)
    again(shop)
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Linen tee S"
    assert items(shop)["TEE-L"]["Description"] == "Their own"
    after = saves(shop)
    again(shop)
    assert saves(shop) == after == before + 1


def test_an_item_follows_its_sku_to_another_product_and_back(shop: Scene) -> None:
    """It is ours whichever product sells it; what others have created stays theirs."""
    again(shop)
    small, large = TEE["variants"]
    other = {**TEE, "id": 901, "sku": "TOP", "name": "Top", "variants": [small, large]}
    bare = {**TEE, "variants": [{"sku": "TEE-X"}, {"sku": "TEE-Y"}]}
    shop.to_store("catalog", [bare])
    shop.to_store("catalog", [other])
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Top S"
    shop.to_store("catalog", [{**other, "variants": [{"sku": "TOP-X"}, {"sku": "TOP-Y"}]}])
    shop.to_store("catalog", [TEE])
    again(shop)
    assert items(shop)["TEE-S"]["Description"] == "Tee S"
    assert items(shop)["TEE-L"]["Description"] == "Their own"
    before = saves(shop)
    again(shop)
    assert saves(shop) == before
