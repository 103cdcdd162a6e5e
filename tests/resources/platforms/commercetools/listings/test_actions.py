"""The update actions of a listing: by changed field, and none that would lose a merchant's work."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.delivery import ListingSave
from domain.errors import RecordRejected
from domain.records.catalog import Attribute
from domain.records.listings import NewVariant
from resources.platforms.commercetools.listings.actions import actions_of
from resources.platforms.commercetools.listings.payload import (
    LISTED_PRODUCTS,
    AttributeDefinition,
    AttributeType,
    EnumValue,
    ListedProduct,
    ProductType,
)
from resources.platforms.commercetools.listings.product import shown
from tests.resources.platforms.commercetools.projects import settings

Json = dict[str, Any]
ONE, TWO, THREE = (f"https://img.example.com/{n}.jpg" for n in (1, 2, 3))
TEXT = AttributeDefinition("warranty", AttributeType("text"), "Variant")
OPTIONS = [AttributeDefinition(name, AttributeType("text")) for name in ("size", "colour")]
KILN = EnumValue(key="kiln", label="Kiln & Co")
BRAND = AttributeDefinition("brand", AttributeType("enum", [KILN]), "Variant")
LOCALIZED = AttributeDefinition("warranty", AttributeType("ltext"), "Variant")


def product(current: Json | None = None, staged: Json | None = None) -> ListedProduct:
    """Return a product of two variants, with parts of its data changed."""
    data: Json = {
        "name": {"en": "Mug", "de": "Becher"},
        "description": {"en": "old"},
        "masterVariant": {"id": 1, "sku": "MUG-S", "images": [{"url": ONE}, {"url": TWO}]},
        "variants": [{"id": 2, "sku": "MUG-L"}],
    } | (current or {})
    document = {
        "id": "p",
        "version": 4,
        "productType": {"id": "t"},
        "masterData": {"published": True, "current": data, "staged": data | (staged or {})},
    }
    return LISTED_PRODUCTS.decode(orjson.dumps(document)).document


def actions(
    found: ListedProduct,
    texts: Json | None = None,
    images: list[str] | None = None,
    warranty: AttributeDefinition | None = TEXT,
    variants: Sequence[NewVariant] = (),
    currency: str = "",
    categories: Sequence[str] | None = None,
    **changes: Any,
) -> list[Json]:
    """Return the actions for a listing."""
    chosen = settings(**({"locales": ("en",)} | changes))
    kind = ProductType(id="t", attributes=[warranty, BRAND, *OPTIONS])
    save = ListingSave("p", texts or {}, images, ("MUG-L",), variants, currency)
    return actions_of(found, save, chosen, kind, categories)


def refused(found: ListedProduct, *args: Any, **changes: Any) -> set[tuple[str, str]]:
    """Return code and field of each problem of a listing that is refused."""
    with pytest.raises(RecordRejected) as raised:
        actions(found, *args, **changes)
    assert all(problem.message and problem.advice for problem in raised.value.problems)
    return {(problem.code, problem.field) for problem in raised.value.problems}


def test_a_text_is_changed_in_the_language_of_the_connection() -> None:
    """The other languages stay; an empty description is none; the same text is not an action."""
    assert actions(product(), {"name": "Cup", "description": "old"}) == [
        {"action": "changeName", "staged": False, "name": {"de": "Becher", "en": "Cup"}}
    ]
    assert actions(product(), {"description": ""}) == [
        {"action": "setDescription", "staged": False}
    ]
    [german] = actions(product(), {"description": "alt"}, locales=("de", "en"))
    assert german["description"] == {"en": "old", "de": "alt"}
    [only] = actions(product({"name": {"fr": "Tasse"}}), {"name": "Gobelet"}, locales=())
    assert only["name"] == {"fr": "Gobelet"}


def test_what_the_merchant_has_staged_is_not_lost() -> None:
    """A field that waits to be published with something else is refused, each of them by name."""
    staged = {
        "name": {"en": "New", "de": "Becher"},
        "description": {"en": "new"},
        "masterVariant": {"id": 1, "sku": "MUG-S", "images": [{"url": THREE}]},
    }
    found = product(staged=staged)
    assert refused(found, {"name": "Cup", "description": "cup", "warranty": "1"}, [ONE]) == {
        ("listing_draft_pending", "name"),
        ("listing_draft_pending", "description"),
        ("listing_draft_pending", "images"),
    }
    assert actions(found, {"description": "new"})[0]["description"] == {"en": "new"}
    assert actions(found, {"name": "Mug"}, [ONE, TWO]) == [], "shoppers see it already"
    own = {"attributes": [{"name": "warranty", "value": "9 years"}]}
    master = {"masterVariant": {"id": 1, "sku": "MUG-S"} | own}
    assert refused(product(staged=master), {"warranty": "1 year"}) == {
        ("listing_draft_pending", "warranty")
    }
    moved = {"masterVariant": {"id": 2, "images": [{"url": ONE}, {"url": TWO}]}}
    assert refused(product(staged=moved), {}, [ONE]) == {("listing_draft_pending", "images")}


def test_listings_may_be_staged_for_the_merchant_to_publish() -> None:
    """Then the staged data are what is compared and changed."""
    found = product(staged={"name": {"en": "New"}})
    assert actions(found, {"name": "New"}, listings="staged") == []
    assert actions(found, {"name": "Cup"}, [TWO], listings="staged") == [
        {"action": "changeName", "staged": True, "name": {"en": "Cup"}},
        {"action": "removeImage", "staged": True, "imageUrl": ONE, "variantId": 1},
    ]
    assert shown(found, settings(listings="staged"))["name"] == "New"
    assert shown(found, settings(listings="staged"))["skus"] == ["MUG-S", "MUG-L"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ([ONE, TWO], []),
        ([], [("removeImage", ONE, None), ("removeImage", TWO, None)]),
        ([TWO, ONE], [("moveImageToPosition", TWO, 0)]),
        ([THREE], [("removeImage", ONE, None), ("removeImage", TWO, None), ("add", THREE, None)]),
        (
            [THREE, TWO, ONE],
            [("add", THREE, None), ("moveImageToPosition", THREE, 0),
             ("moveImageToPosition", TWO, 1)],
        ),
    ],
)  # fmt: skip
def test_pictures_are_removed_added_and_moved(wanted: list[str], expected: list[Any]) -> None:
    """Until the master variant has exactly those, in their order."""
    found = actions(product(), {}, wanted)
    steps = [
        ("add", one["image"]["url"], None)
        if one["action"] == "addExternalImage"
        else (one["action"], one["imageUrl"], one.get("position"))
        for one in found
    ]
    assert steps == expected
    assert {one["variantId"] for one in found} <= {1}


def test_the_warranty_is_an_attribute_of_its_own_kind() -> None:
    """A text or a text by language, of the product or of its variants."""
    everywhere = {"action": "setAttributeInAllVariants", "staged": False, "name": "warranty"}
    assert actions(product(), {"warranty": "2 years"}) == [everywhere | {"value": "2 years"}]
    has = {"attributes": [{"name": "warranty", "value": "2 years"}]}
    both = {"masterVariant": {"id": 1} | has, "variants": [{"id": 2, "sku": "MUG-L"} | has]}
    assert actions(product(both), {"warranty": "2 years"}) == []
    assert actions(product(both), {"warranty": ""}) == [everywhere]
    of_product = AttributeDefinition("warranty", AttributeType("text"), "Product")
    [whole] = actions(product(), {"warranty": "2 years"}, None, of_product)
    assert (whole["action"], whole["value"]) == ("setProductAttribute", "2 years")
    assert shown(product({"attributes": has["attributes"]}), settings())["warranty"] == "2 years"
    by_language = {"attributes": [{"name": "warranty", "value": {"de": "2 Jahre"}}]}
    master = {"masterVariant": {"id": 1} | by_language}
    assert actions(product(master), {"warranty": "2 years"}, None, LOCALIZED) == [
        everywhere | {"action": "setAttribute", "value": value, "variantId": number}
        for number, value in ((1, {"de": "2 Jahre", "en": "2 years"}), (2, {"en": "2 years"}))
    ]
    same = master | {"variants": [{"id": 2, "sku": "MUG-L"} | by_language]}
    [whole] = actions(product(same), {"warranty": "2 years"}, None, LOCALIZED)
    assert whole["action"] == "setAttributeInAllVariants"


@pytest.mark.parametrize("kind", [None, AttributeDefinition("warranty", AttributeType("enum"))])
def test_a_type_without_the_attribute_takes_no_warranty(kind: AttributeDefinition | None) -> None:
    """Or with one that holds no text."""
    assert refused(product(), {"name": "Cup", "warranty": "1"}, None, kind) == {
        ("listing_field_not_taken", "warranty")
    }


def test_a_product_that_sells_other_skus_is_left_alone() -> None:
    """The SKU may have moved between the look and the write."""
    found = product({"masterVariant": {"id": 1, "sku": "MUG-S"}, "variants": []})
    assert refused(found, {"name": "Cup"}) == {("listing_product_gone", "sku")}


def test_what_a_product_shows_is_read_whatever_is_absent() -> None:
    """A product without data shows nothing."""
    bare = LISTED_PRODUCTS.decode(b'{"id": "p"}').document
    nothing: Json = {"name": "", "description": "", "warranty": "", "brand": "", "images": 0}
    assert shown(bare, settings()) == nothing | {
        "addresses": [],
        "skus": [],
        "in_other_language": [],
    }
    with pytest.raises(RecordRejected):
        actions(bare, {"name": "Cup"})


XL = NewVariant(sku="MUG-XL", options=(Attribute(name="Size", value="XL"),), price=Decimal("12.50"))


def test_a_variant_is_added_with_its_options_price_and_the_warranty_of_the_others() -> None:
    """Before the texts, so that a new warranty is its own, too; one that is there is not added."""
    has = {"attributes": [{"name": "warranty", "value": "2 years"}]}
    found = product({"masterVariant": {"id": 1, "sku": "MUG-S"} | has})
    [added, named] = actions(found, {"name": "Cup"}, variants=[XL], currency="USD")
    assert added == {
        "action": "addVariant",
        "staged": False,
        "sku": "MUG-XL",
        "attributes": [
            {"name": "size", "value": "XL"},
            {"name": "warranty", "value": "2 years"},
        ],
        "prices": [{"value": {"currencyCode": "USD", "centAmount": 1250}}],
    }
    assert named["action"] == "changeName"
    sold = NewVariant(sku="mug-l", options=XL.options)
    assert actions(found, variants=[sold]) == []


def test_a_variant_that_is_staged_is_not_added_again() -> None:
    """Where listings are staged: it is not published yet."""
    staged = {"variants": [{"id": 2, "sku": "MUG-L"}, {"id": 3, "sku": "MUG-XL"}]}
    found = product(staged=staged)
    assert actions(found, variants=[XL], currency="USD", listings="staged") == []
    assert "MUG-XL" in shown(found, settings(listings="staged"))["skus"]
    assert "MUG-XL" not in shown(found, settings())["skus"]


def test_what_a_variant_has_no_place_for_is_named_with_the_rest() -> None:
    """An option that the type lacks, a price without a currency, one beside standalone prices."""
    shape = NewVariant(sku="A", options=(Attribute(name="Shape", value="Round"),))
    found = product()
    assert refused(found, variants=[shape, XL]) == {
        ("listing_field_not_taken", "Shape"),
        ("listing_field_not_taken", "price"),
    }
    found.price_mode = "Standalone"
    assert refused(found, variants=[XL], currency="USD") == {("listing_field_not_taken", "price")}
    without = NewVariant(sku="MUG-XL", options=XL.options)
    assert len(actions(found, variants=[without])) == 1


def test_a_brand_is_one_of_those_that_its_type_lists() -> None:
    """By its key or its label, in any case; another one is named."""
    everywhere = {"action": "setAttributeInAllVariants", "staged": False, "name": "brand"}
    assert actions(product(), {"brand": "kiln & co"}) == [everywhere | {"value": "kiln"}]
    has = {"attributes": [{"name": "brand", "value": {"key": "kiln", "label": "Kiln & Co"}}]}
    both = {
        "masterVariant": {"id": 1, "sku": "MUG-S"} | has,
        "variants": [{"id": 2, "sku": "MUG-L"} | has],
    }
    assert actions(product(both), {"brand": "Kiln & Co"}) == []
    assert shown(product(both), settings())["brand"] == "Kiln & Co"
    [added] = actions(product(both), variants=[XL], currency="USD")
    assert {"name": "brand", "value": "kiln"} in added["attributes"]
    assert refused(product(), {"brand": "Other"}) == {("listing_brand_unknown", "brand")}


def test_a_product_is_in_the_categories_that_are_named_and_in_no_other() -> None:
    """What is in them already stays; a merchant's unpublished change is not lost."""
    found = product({"categories": [{"id": "a"}, {"id": "b"}]})
    changes = actions(found, categories=["b", "c"])
    assert [(one["action"], one["category"]["id"]) for one in changes] == [
        ("addToCategory", "c"),
        ("removeFromCategory", "a"),
    ]
    assert actions(found, categories=["b", "a"]) == []
    staged = product({"categories": [{"id": "a"}]}, staged={"categories": [{"id": "b"}]})
    assert refused(staged, categories=["c"]) == {("listing_draft_pending", "categories")}
    assert actions(staged, categories=["a"]) == []
