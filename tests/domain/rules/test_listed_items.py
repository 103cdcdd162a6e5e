"""What the store should show of an item of the OMS."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.errors import RecordRejected
from domain.exchange import Skipped
from domain.policies import CatalogPolicy
from domain.records.catalog import Product, Variant
from domain.records.listed_items import ListedItem
from domain.records.listings import Listing
from domain.rules.listed_items import Place, Takes, listing_of, weighed

FIELDS = ("name", "description", "images", "brand", "categories", "price", "weight", "variants")
ALL = Takes(FIELDS, ("name", "price"))
TEXTS = Takes(("name", "description", "price"), ("name",))
"""A store without variants and pictures."""
MUG = ListedItem(
    sku="MUG", name="Mug", description="Clay", images=("https://a.example/1",), price=Decimal(5)
)
OWNED: dict[str, Any] = {"create_products": "hidden", "oms_fields": ("title", "images")}


def listed(
    item: ListedItem = MUG,
    place: Place = Place(),  # noqa: B008 - immutable
    takes: Takes = ALL,
    *,
    is_asked: bool = False,
    **policy: Any,
) -> Listing | Skipped:
    """Return the rule's answer."""
    return listing_of(
        item, place, CatalogPolicy.model_validate(OWNED | policy), takes, is_asked=is_asked
    )


def rule(*given: Any, **more: Any) -> str:
    """Return the rule that leaves an item alone."""
    found = listed(*given, **more)
    assert isinstance(found, Skipped)
    return found.rule


def test_a_new_product_gets_all_that_the_item_states_and_the_store_takes() -> None:
    """Owned or not, since it has no edits yet. A price goes along where a product needs one."""
    found = listed()
    assert isinstance(found, Listing)
    assert (found.product_id, found.sold_as, found.price) == ("item:MUG", "", 5)
    assert (found.description, found.images) == ("Clay", ("https://a.example/1",))
    few = listed(takes=TEXTS)
    assert isinstance(few, Listing)
    assert (few.images, few.price, few.name) == (None, None, "Mug")


def test_brand_and_categories_go_along_only_where_the_oms_owns_them() -> None:
    """Also for a new product: the store has to know their names."""
    sorted_ = ListedItem(sku="MUG", name="Mug", brand="Kiln", categories=("Mugs",))
    found = listed(sorted_)
    assert isinstance(found, Listing)
    assert (found.brand, found.categories) == (None, None)
    for place in (Place(), Place(("7",))):
        owned = listed(sorted_, place, oms_fields=("brand", "categories"))
        assert isinstance(owned, Listing)
        assert (owned.brand, owned.categories) == ("Kiln", ("Mugs",))


def test_a_product_that_is_sold_gets_the_owned_fields_only() -> None:
    """Those that the store takes; without one the item is left alone."""
    sold = Place(("7",))
    found = listed(place=sold)
    assert isinstance(found, Listing)
    assert (found.sold_as, found.name, found.description, found.price) == ("7", "Mug", None, None)
    assert rule(place=sold, oms_fields=()) == "item_sold"
    assert rule(place=sold, takes=TEXTS, oms_fields=("images",)) == "item_sold"
    assert rule(ListedItem(sku="MUG"), sold) == "item_sold"


def test_what_is_left_alone_has_a_rule() -> None:
    """A spelling, the policy, a style, and what the OMS has discontinued, sold or not."""
    assert rule(place=Place(spelled="mug")) == "item_spelled_differently"
    assert rule(place=Place(waits_with="TEE")) == "item_requested"
    assert rule(create_products="never") == "item_not_created"
    styled = ListedItem(sku="TEE-S", name="Tee", style="TEE")
    assert rule(styled) == "item_of_style"
    assert isinstance(listed(styled, takes=TEXTS), Listing), "each is a product there"
    gone = ListedItem(sku="MUG", name="Mug", is_discontinued=True)
    assert rule(gone) == "item_discontinued"
    assert rule(gone, Place(("7",))) == "discontinued_but_sold"


def test_a_product_of_several_variants_keeps_its_texts() -> None:
    """They are of all its items, which would undo each other."""
    variants = tuple(Variant(variant_id=sku, sku=sku) for sku in ("MUG", "MUG-L"))
    product = Product(product_id="7", name="Mugs", variants=variants)
    assert rule(place=Place(("7",), product)) == "item_is_variant"
    alone = Product(product_id="7", name="Mug", variants=variants[:1])
    assert isinstance(listed(place=Place(("7",), alone)), Listing)


def test_a_sku_of_several_products_is_a_rejection() -> None:
    """It is not known which one is meant."""
    with pytest.raises(RecordRejected) as caught:
        listed(place=Place(("7", "8")))
    assert caught.value.problems[0].code == "listing_sku_taken"


def test_a_product_that_was_listed_is_not_created_again_unless_it_is_asked_for() -> None:
    """It may be hidden: then it gets the owned fields."""
    before = Place(listed_as="9")
    found = listed(place=before)
    assert isinstance(found, Listing)
    assert (found.sold_as, found.description) == ("9", None)
    asked = listed(place=before, is_asked=True)
    assert isinstance(asked, Listing)
    assert (asked.sold_as, asked.description, asked.is_asked) == ("", "Clay", True)


def test_a_weight_is_of_the_stores_unit() -> None:
    """Of a case of 12, in kilograms."""
    policy = CatalogPolicy(weight_factor=Decimal("0.4536"))
    item = ListedItem(sku="A", weight=Decimal("0.5"))
    assert weighed(item, policy, Decimal(12)) == Decimal("2.7216")
    assert weighed(ListedItem(sku="A"), policy, Decimal(1)) is None
