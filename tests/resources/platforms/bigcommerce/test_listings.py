"""Texts and pictures of products: what the store shows of them, and how they are changed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, ListingSave, Outcome
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from resources.http.retries import RetryPolicy
from tests.resources.platforms.bigcommerce.conftest import Shop
from tests.resources.platforms.bigcommerce.stores import platform

PICTURES = ("https://img.example.com/1.jpg", "https://img.example.com/2.jpg")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retry within hundredths of a second."""
    monkeypatch.setattr(RetryPolicy, "backoff", lambda _self, failures: 0.01 * failures)


def use(shop: Shop, work: Callable[[Any], Any], **catalog: Any) -> Any:
    """Open the store's products and use the writer."""

    async def run() -> Any:
        store = platform(shop.url, sections={"catalog": catalog})
        async with store.targets["listings"].writer(lambda _: None) as writer:
            found = await work(writer)
        store.close()
        return found

    return asyncio.run(run())


def save(shop: Shop, save: ListingSave, **catalog: Any) -> Outcome:
    """Change a product."""
    claimed = [Claimed(Intent("update", uuid4(), save.product_id, save), "prd-1")]
    [found] = use(shop, lambda writer: writer.apply(claimed), **catalog)
    return found


def held(shop: Shop, *ids: str) -> dict[str, Held]:
    """Return what products show."""
    found: dict[str, Held] = use(shop, lambda writer: writer.held(dict.fromkeys(ids, ())))
    return found


def test_a_product_shows_what_was_saved_and_keeps_the_rest(shop: Shop) -> None:
    """Pictures as their number; one that the store lacks has a problem."""
    shop.control("POST", "catalog", [{"id": 11, "sku": "A", "name": "Mug", "warranty": "1 year"}])
    assert save(shop, ListingSave("11", {"name": "Cup"}, PICTURES)).state == "done"
    found = held(shop, "11", "12", "x")
    shown = {"name": "Cup", "description": "", "warranty": "1 year", "images": 2, "skus": ["A"]}
    assert found["11"] == Held("11", shown)
    codes = [problem.code for name in ("12", "x") for problem in found[name].problems]
    assert codes == ["listing_product_gone"] * 2


def test_a_product_is_named_by_its_own_sku_and_those_of_its_variants(shop: Shop) -> None:
    """A variant without one has none."""
    variants = [{"sku": "TEE-S"}, {"sku": ""}, {"sku": "TEE-L"}]
    shop.control("POST", "catalog", [{"id": 12, "sku": "TEE", "name": "T", "variants": variants}])
    assert held(shop, "12")["12"].content["skus"] == ["TEE", "TEE-S", "TEE-L"]


def test_a_refusal_is_the_products_own(shop: Shop) -> None:
    """A product that was deleted meanwhile."""
    outcome = save(shop, ListingSave("99", {"name": "Cup"}))
    assert outcome.state == "refused"
    assert [problem.code for problem in outcome.problems] == ["listing_refused"]


def named(**wanted: Any) -> Listing:
    """Return a listing of the mug."""
    return Listing(product_id="11", sku="A", **wanted)


def shelf(shop: Shop) -> None:
    """Put a mug of a brand into the store, and two categories of one name."""
    shop.control("POST", "brands", [{"id": 31, "name": "Kiln"}, {"id": 32, "name": "Loom"}])
    rows = ((1, "Kitchen", 0), (2, "Mugs", 1), (3, "Sale", 0), (4, "Mugs", 3), (5, "Jars", 1))
    shop.control(
        "POST", "categories", [{"id": n, "name": name, "parent_id": up} for n, name, up in rows]
    )
    mug = {"id": 11, "sku": "A", "name": "Mug", "brand_id": 31, "categories": [2]}
    shop.control("POST", "catalog", [mug])


def place(shop: Shop, *categories: str, brand: str = "", creates: bool = False) -> Outcome:
    """Put the mug under a brand, and into categories."""
    texts = {"brand": brand} if brand else {}
    wanted = ListingSave("11", texts, skus=("A",), categories=categories or None)
    return save(shop, wanted, create_brands=creates)


def placed(shop: Shop) -> tuple[int, list[int]]:
    """Return the ids of the mug's brand and categories."""
    mug = shop.read("v3/catalog/products/11")["data"]
    return mug["brand_id"], mug["categories"]


def test_a_brand_and_categories_are_found_by_their_names(shop: Shop) -> None:
    """In any case; one of several categories of a name by those above it."""
    shelf(shop)
    assert place(shop, "sale >mugs", "JARS", brand="loom").state == "done"
    assert placed(shop) == (32, [4, 5])
    [shown] = use(
        shop, lambda w: w.held({"11": (named(brand="x", categories=("Mugs",)),)})
    ).values()
    assert (shown.content["brand"], shown.content["categories"]) == (
        "Loom",
        ("Mugs", "Kitchen > Jars"),
    )


def test_what_the_store_does_not_have_is_named_and_nothing_is_written(shop: Shop) -> None:
    """Also a name that several categories have."""
    shelf(shop)
    outcome = place(shop, "Mugs", "Bowls", "Sale", brand="Acme")
    assert outcome.state == "refused"
    assert [(one.code, one.value) for one in outcome.problems] == [
        ("listing_brand_unknown", "Acme"),
        ("listing_category_unknown", "Mugs"),
        ("listing_category_unknown", "Bowls"),
    ]
    assert "Kitchen > Mugs; Sale > Mugs" in outcome.problems[1].message
    assert placed(shop) == (31, [2])


def test_a_brand_that_may_be_created_is_created_once(shop: Shop) -> None:
    """Also where the answer is lost, and in another case."""
    shelf(shop)
    shop.fault(kind="drop_after", method="PUT", path="/products/11", times=1)
    for brand in ("Acme", "ACME"):
        assert place(shop, brand=brand, creates=True).state == "done"
    brands = [row["name"] for row in shop.read("v3/catalog/brands")["data"]]
    assert brands == ["Kiln", "Loom", "Acme"]
    assert placed(shop)[0] == 33


LABELS = {"S": 1, "L": 2}


def cup(shop: Shop) -> None:
    """Put a cup in two sizes into the store, and a spoon."""
    variants = [
        {
            "sku": f"CUP-{label}",
            "option_values": [
                {"id": id_, "option_id": 9, "option_display_name": "Size", "label": label}
            ],
        }
        for label, id_ in LABELS.items()
    ]
    shop.control(
        "POST",
        "catalog",
        [
            {"id": 900, "name": "Cup", "price": 5, "variants": variants},
            {"id": 901, "name": "Spoon", "sku": "SPOON"},
        ],
    )


def add(shop: Shop, *variants: NewVariant, product: str = "900") -> Outcome:
    """Add variants to the cup."""
    return save(shop, ListingSave(product, {}, variants=variants))


def sized(sku: str, label: str, option: str = "size", **more: Any) -> NewVariant:
    """Return a variant in a size."""
    return NewVariant(sku=sku, options=(Attribute(name=option, value=label),), **more)


def options(shop: Shop) -> dict[str, tuple[str, int]]:
    """Return SKU -> label and id of the size that each variant of the cup has."""
    rows = shop.read("v3/catalog/products/900/variants")["data"]
    return {
        row["sku"]: (row["option_values"][0]["label"], row["option_values"][0]["id"])
        for row in rows
    }


def test_variants_use_the_values_of_the_option_and_make_those_that_it_lacks(shop: Shop) -> None:
    """Each new value is made once, in whatever case it is written."""
    cup(shop)
    price, weight = Decimal("7.50"), Decimal("0.2")
    outcome = add(shop, sized("CUP-XL", "XL", price=price, weight=weight))
    assert (outcome.state, outcome.problems) == ("done", ())
    rows = {row["sku"]: row for row in shop.read("v3/catalog/products/900/variants")["data"]}
    assert (rows["CUP-XL"]["price"], rows["CUP-XL"]["weight"]) == (7.5, 0.2)
    label, made = options(shop)["CUP-XL"]
    assert label == "XL"
    assert made not in LABELS.values()
    again = add(shop, sized("CUP-XL2", "xl"))  # the combination is there
    assert again.state == "refused"
    assert "CUP-XL2" not in options(shop)


@pytest.mark.parametrize(
    ("variant", "product", "reason"),
    [
        (sized("CUP-R", "red", option="colour"), "900", "has the options Size"),
        (sized("SPOON-L", "L"), "901", "has no options"),
        (sized("SPOON", "XL"), "900", "the store answers"),  # the spoon's SKU
    ],
)
def test_a_variant_that_does_not_fit_is_refused_with_the_reason(
    shop: Shop, variant: NewVariant, product: str, reason: str
) -> None:
    """The others are added all the same."""
    cup(shop)
    alone = add(shop, variant, product=product)
    assert alone.state == "refused"
    assert [problem.code for problem in alone.problems] == ["listing_refused"]
    assert reason in alone.problems[0].message
    if product == "900":
        both = add(shop, variant, sized("CUP-M", "M"))
        assert (both.state, len(both.problems)) == ("partly", 1)
        assert set(options(shop)) == {"CUP-S", "CUP-L", "CUP-M"}


def test_a_variant_that_a_lost_request_has_added_is_not_refused(shop: Shop) -> None:
    """The store refuses its SKU, which the very product has."""
    cup(shop)
    shop.fault(kind="drop_after", method="POST", path="/variants", times=1)
    assert add(shop, sized("CUP-M", "M")).state in ("done", "unknown")
    assert options(shop)["CUP-M"][0] == "M"
    assert add(shop, sized("CUP-M", "M")).state == "done"


def test_a_value_that_the_store_refuses_is_that_variants_refusal(shop: Shop) -> None:
    """It is named with its option."""
    cup(shop)
    shop.fault(kind="status", status=422, method="POST", path="/values", body={"title": "too long"})
    outcome = add(shop, sized("CUP-XL", "XL"))
    assert outcome.state == "refused"
    assert "Size: XL" in outcome.problems[0].message
