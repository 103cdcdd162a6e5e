"""Drafts of products to create, and what a project or a product type has no place for."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest

from domain.delivery import Claimed, Intent, ListingSave, NewListing, Outcome
from domain.errors import RecordRejected
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from resources.platforms.commercetools.adapter import Commercetools
from resources.platforms.commercetools.listings.creation import draft_of
from resources.platforms.commercetools.listings.payload import PRODUCT_TYPES, ProductType
from tests.resources.platforms.commercetools.projects import settings
from tests.sandbox.simulated_project import Project

Json = dict[str, Any]
Open = Callable[..., Commercetools]
PICTURE = "https://img.example.com/1.jpg"
CATEGORY = "5e0b1e7c-1f4f-4b3e-9d6d-8a1f7d1d1e01"
COLOURS = [{"key": "red", "label": {"en": "Red", "de": "Rot"}}, {"key": "blue", "label": "Blue"}]
ATTRIBUTES: list[Json] = [
    {"name": "size", "type": {"name": "text"}, "level": "Variant"},
    {"name": "Colour", "type": {"name": "lenum", "values": COLOURS}, "level": "Variant"},
    {"name": "cut", "type": {"name": "ltext"}, "level": "Variant"},
    {"name": "stock", "type": {"name": "number"}, "level": "Variant"},
    {"name": "brand", "type": {"name": "text"}, "level": "Product"},
]
WARRANTY: Json = {"name": "warranty", "type": {"name": "text"}, "level": "Variant"}


def kind(*more: Json) -> ProductType:
    """Return a product type."""
    document = {"id": "t", "attributes": [*ATTRIBUTES, *more]}
    return PRODUCT_TYPES.decode(orjson.dumps(document)).document


def variant(sku: str, price: str | None = None, **options: str) -> NewVariant:
    """Return a variant of a group."""
    named = tuple(Attribute(name=name, value=value) for name, value in options.items())
    return NewVariant(sku=sku, options=named, price=Decimal(price) if price else None)


def new(currency: str = "USD", **wanted: Any) -> NewListing:
    """Return a product to create."""
    given: Json = {"product_id": new_id("TEE S"), "sku": "TEE S", "name": "Tee"} | wanted
    return NewListing(Listing(**given), currency, is_visible=True, counts_stock=True)


def draft(of: ProductType | None = None, currency: str = "USD", **wanted: Any) -> Json:
    """Return the draft of a product."""
    return draft_of(new(currency, **wanted), settings(tax_category=CATEGORY), of or kind(), "en")


def refused(of: ProductType | None = None, currency: str = "USD", **wanted: Any) -> set[str]:
    """Return the fields of a product that can't be created."""
    with pytest.raises(RecordRejected) as raised:
        draft(of, currency, **wanted)
    assert {problem.code for problem in raised.value.problems} == {"listing_field_not_taken"}
    return {problem.field for problem in raised.value.problems}


def test_a_single_product_has_one_variant_and_its_own_key_and_slug() -> None:
    """Equal for each attempt of the same SKU, whatever else is asked for."""
    made = draft(description="<p>A tee</p>", images=(PICTURE,), price=Decimal("12.50"))
    assert made["masterVariant"] == {
        "sku": "TEE S",
        "attributes": [],
        "prices": [{"value": {"currencyCode": "USD", "centAmount": 1250}}],
        "images": [{"url": PICTURE, "dimensions": {"w": 0, "h": 0}}],
    }
    assert (made["variants"], made["publish"], made["priceMode"]) == ([], True, "Embedded")
    assert (made["name"], made["description"]) == ({"en": "Tee"}, {"en": "<p>A tee</p>"})
    assert made["taxCategory"] == {"typeId": "tax-category", "id": CATEGORY}
    other = draft(name="Other", sku="tee s", product_id=new_id("tee s"))
    assert (other["key"], other["slug"]) == (made["key"], made["slug"])
    assert re.fullmatch(r"tee-s-[0-9a-f]{8}", made["slug"]["en"])
    assert re.fullmatch(r"[A-Za-z0-9_-]{2,256}", made["key"])
    assert re.fullmatch(r"[0-9a-f]{8}", draft(sku="布", product_id="new:布")["slug"]["en"])
    assert (other["priceMode"], "prices" in other["masterVariant"]) == ("Standalone", False)


def test_options_are_attributes_in_the_form_of_their_kind() -> None:
    """Texts, texts by language, and enums by their key or a label."""
    made = draft(
        variants=(
            variant("TEE S", size="S", colour="Rot", cut="Slim"),
            variant("TEE L", "7", size="L", colour="blue", cut="Wide"),
        ),
        price=Decimal(5),
    )
    values = [
        {one["name"]: one["value"] for one in each["attributes"]}
        for each in (made["masterVariant"], *made["variants"])
    ]
    assert values == [
        {"size": "S", "Colour": "red", "cut": {"en": "Slim"}},
        {"size": "L", "Colour": "blue", "cut": {"en": "Wide"}},
    ]
    amounts = [
        each["prices"][0]["value"]["centAmount"]
        for each in (made["masterVariant"], *made["variants"])
    ]
    assert amounts == [500, 700]


def test_the_warranty_is_where_the_type_has_it() -> None:
    """Of each variant, or of the product."""
    sizes = (variant("TEE S", size="S"), variant("TEE L", size="L"))
    made = draft(kind(WARRANTY), warranty="1 year", variants=sizes)
    stated = {"name": "warranty", "value": "1 year"}
    assert stated in made["masterVariant"]["attributes"]
    assert stated in made["variants"][0]["attributes"]
    whole = draft(kind(WARRANTY | {"level": "Product"}), warranty="1 year")
    assert (whole["attributes"], whole["masterVariant"]["attributes"]) == ([stated], [])


def test_what_the_type_or_the_currency_has_no_place_for_is_named_at_once() -> None:
    """Each of them once."""
    sizes = (
        variant("TEE S", fit="S", colour="Green", brand="B", stock="1"),
        variant("TEE L", fit="L", colour="Red", brand="B", stock="2"),
    )
    found = refused(warranty="1 year", variants=sizes)
    assert found == {"fit", "colour", "brand", "stock", "warranty"}
    assert refused(price=Decimal("1.005")) == {"price"}
    assert refused(currency="", price=Decimal(1)) == {"price"}


def apply(store: Commercetools, content: NewListing | ListingSave) -> Outcome:
    """Create or change a product, after a look at it."""

    async def run() -> list[Outcome]:
        async with store.targets["products"].writer(lambda _: None) as writer:
            intent = Intent("create", uuid4(), "new:TEE S", content)
            return await writer.apply([Claimed(intent, "prd-1")])

    [outcome] = asyncio.run(run())
    return outcome


def looked_for(store: Commercetools, *names: str) -> dict[str, Any]:
    """Return what the project has of products to create."""

    async def run() -> dict[str, Any]:
        async with store.targets["products"].writer(lambda _: None) as writer:
            return await writer.held(dict.fromkeys(names, ()))

    return asyncio.run(run())


def types(project: Project) -> None:
    """Define the type of new products."""
    attributes = [
        {"name": one["name"], "level": one["level"], "type": one["type"]["name"]}
        | ({"values": one["type"]["values"]} if "values" in one["type"] else {})
        for one in ATTRIBUTES[:3]
    ]
    project.set("product-types", [{"key": "shirts", "attributes": attributes}])


def test_a_product_is_created_once_and_found_by_its_sku(project: Project, open_store: Open) -> None:
    """Also while it is hidden; a second creation is tried again, when it finds the first."""
    types(project)
    store = open_store(locales=("en",), product_type="shirts")
    assert looked_for(store, "new:TEE S")["new:TEE S"].content is None
    sizes = (variant("TEE S", size="S", colour="red"), variant("TEE L", size="L", colour="red"))
    wanted = new(variants=sizes, images=(PICTURE,), price=Decimal(5))
    hidden = NewListing(wanted.listing, "USD", is_visible=False, counts_stock=True)
    made = apply(store, hidden)
    assert made.state == "done"
    for name in ("new:TEE S", "new:TEE L"):
        held = looked_for(store, name)[name]
        assert (held.target_id, held.content["skus"]) == (made.target_id, ["TEE S", "TEE L"])
    again = apply(store, hidden)
    assert (again.state, again.is_lost) == ("retry", False)
    product = project.api.get(f"/products/{made.target_id}").json()
    assert product["masterData"]["published"] is False
    counts = project.control.get("/counts").json()
    assert counts["product_creations"] == 1

    async def change() -> Outcome:
        async with store.targets["listings"].writer(lambda _: None) as writer:
            await writer.held({"new:TEE S": ()})
            save = ListingSave(made.target_id, {"name": "Shirt"}, None, ("TEE S",))
            [found] = await writer.apply([Claimed(Intent("create", uuid4(), "n", save), "p")])
            return found

    assert asyncio.run(change()).state == "done"
    assert looked_for(store, "new:TEE S")["new:TEE S"].content["name"] == "Shirt"


def test_what_can_not_be_created_says_why(project: Project, open_store: Open) -> None:
    """No type or an unknown one, a slug that is taken, a SKU that two products have."""
    types(project)
    for changes in ({}, {"product_type": "hats"}, {"product_type": "shirts", "locales": ()}):
        outcome = apply(open_store(**({"locales": ("en",)} | changes)), new())
        assert [problem.code for problem in outcome.problems] == ["listing_not_created"]
    store = open_store(locales=("en",), product_type="shirts")
    slug = draft()["slug"]
    project.set("catalog", [{"sku": "OTHER", "staged": {"slug": slug}}])
    outcome = apply(store, new())
    assert [problem.code for problem in outcome.problems] == ["listing_refused"]
    project.set("catalog", [{"sku": "TWICE"}, {"sku": "TWICE"}])
    held = looked_for(store, "new:TWICE")["new:TWICE"]
    assert [problem.code for problem in held.problems] == ["listing_sku_taken"]


def test_the_preflight_looks_for_the_type_of_new_products(
    project: Project, open_store: Open
) -> None:
    """Only where products are created."""
    types(project)
    streams = ("orders", "shipments", "listings")
    sections = {"streams": streams, "catalog": {"create_products": "hidden"}}
    found = {}
    for name in (None, "hats", "shirts"):
        store = open_store(sections, locales=("en",), product_type=name)
        found[name] = {check.name: check.ok for check in store.preflight()}["new products"]
    assert found == {None: False, "hats": False, "shirts": True}
    checks = open_store({"streams": streams}, locales=("en",)).preflight()
    assert "new products" not in {check.name for check in checks}
