"""Products that are created in an org: found by their SKU, made once with their price."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from domain.delivery import Claimed, Held, Intent, NewListing, Outcome
from domain.errors import RecordRejected
from domain.listings import new_id
from domain.records.listings import Listing
from resources.platforms.salesforce.listings.creation import key_of, parts_of
from resources.platforms.salesforce.listings.target import SalesforceListings
from resources.platforms.salesforce.preflight import Preflight
from tests.resources.platforms.salesforce.conftest import Shop
from tests.resources.platforms.salesforce.orgs import connection, settings

Json = dict[str, Any]
COMPOSITE = {"method": "POST", "path": "/composite"}


def new(sku: str = "CUP", *, currency: str = "USD", is_visible: bool = True, **more: Any) -> Any:
    """Return a product to create."""
    given: Json = {"name": "Cup", "price": Decimal("12.50")} | more
    listing = Listing(product_id=new_id(sku), sku=sku, **given)
    return NewListing(listing, currency, is_visible, counts_stock=True)


def target(shop: Shop, *, creates: bool = True, **changes: Any) -> SalesforceListings:
    """Return the target of a connection that creates products."""
    whole: Any = shop.connector
    made = whole.targets["listings"]
    known = made._settings.model_copy(update=changes)
    return SalesforceListings(made._policy, known, made._reader, made._prices, creates=creates)


def create(shop: Shop, content: NewListing, **changes: Any) -> Outcome:
    """Create a product."""

    async def run() -> list[Outcome]:
        async with target(shop, **changes).writer(shop.log.append) as writer:
            intent = Intent("create", uuid4(), content.listing.product_id, content)
            return await writer.apply([Claimed(intent, "prd-1")])

    [outcome] = asyncio.run(run())
    return outcome


def look(shop: Shop, sku: str = "CUP", **how: Any) -> Held:
    """Return what the org has under the SKU of a product to create."""

    async def run() -> dict[str, Held]:
        async with target(shop, **how).writer(shop.log.append) as writer:
            return await writer.held({new_id(sku): ()})

    return asyncio.run(run())[new_id(sku)]


def test_a_product_is_made_with_its_price(shop: Shop) -> None:
    """In the standard price book and the connection's currency; then it is found by its SKU."""
    assert look(shop).content is None
    outcome = create(shop, new(description="<p>A cup</p>"))
    assert outcome.state == "done"
    [cup] = shop.rows("Product2")
    shown = [cup[n] for n in ("Id", "Name", "StockKeepingUnit", "ProductCode", "Description")]
    assert shown == [outcome.target_id, "Cup", "CUP", "CUP", "<p>A cup</p>"]
    assert (cup["IsActive"], cup["Lockstep_Key__c"]) == (True, key_of("CUP"))
    [entry] = shop.rows("PricebookEntry")
    assert (entry["Product2Id"], entry["UnitPrice"], entry["CurrencyIsoCode"]) == (
        cup["Id"],
        12.5,
        "USD",
    )
    assert look(shop).target_id == cup["Id"]


def test_one_that_is_hidden_is_not_active_and_found_all_the_same(shop: Shop) -> None:
    """Without a price it has no entry."""
    assert create(shop, new(is_visible=False, price=None)).state == "done"
    [cup] = shop.rows("Product2")
    assert cup["IsActive"] is False
    assert shop.rows("PricebookEntry") == []
    found = look(shop)
    assert (found.target_id, found.content["skus"]) == (cup["Id"], ["CUP"])


def test_a_second_product_for_a_sku_is_refused_and_compared(shop: Shop) -> None:
    """In another spelling, too: the external id is the same."""
    assert create(shop, new()).state == "done"
    for sku in ("CUP", "cup"):
        assert create(shop, new(sku)).state == "retry"
    assert len(shop.rows("Product2")) == len(shop.rows("PricebookEntry")) == 1


def test_a_refused_price_leaves_no_product_behind(shop: Shop) -> None:
    """The two are made together."""
    shop.control("settings", {"denied": ["PricebookEntry"]})
    outcome = create(shop, new())
    assert outcome.state == "refused"
    assert [problem.code for problem in outcome.problems] == ["listing_refused"]
    assert "INVALID_TYPE" in outcome.problems[0].message
    shop.control("settings", {"denied": []})
    assert shop.rows("Product2") == shop.rows("PricebookEntry") == []


@pytest.mark.parametrize(
    ("products", "reason"),
    [
        ([{"StockKeepingUnit": "CUP"}, {"ProductCode": "CUP"}], "several"),
        ([{"StockKeepingUnit": "CUP", "ProductClass": "VariationParent"}], "variations"),
        ([{"StockKeepingUnit": "OLD", "Lockstep_Key__c": key_of("CUP")}], "another one now"),
    ],
)
def test_a_sku_that_is_taken_otherwise_is_named(
    shop: Shop, products: list[Json], reason: str
) -> None:
    """By two products, by a parent of variations, by a product that has another SKU now."""
    for values in products:
        shop.control("put/Product2", {"Name": "Cup", "IsActive": True, **values})
    [problem] = look(shop).problems
    assert problem.code == "listing_sku_taken"
    assert reason in problem.message


def test_a_product_whose_code_only_is_the_sku_is_another_one(shop: Shop) -> None:
    """It is sold under its stock keeping unit."""
    values = {"Name": "Cup", "IsActive": True, "StockKeepingUnit": "OTHER", "ProductCode": "CUP"}
    shop.control("put/Product2", values)
    assert look(shop) == Held(new_id("CUP"))


def test_a_connection_that_creates_nothing_needs_no_field_of_its_own(shop: Shop) -> None:
    """The look for what waits from before does not name the external id."""
    assert create(shop, new()).state == "done"
    assert look(shop, creates=False).content["skus"] == ["CUP"]
    assert look(shop, "NONE", creates=False) == Held(new_id("NONE"))


def test_an_org_without_a_standard_price_book_is_named(shop: Shop) -> None:
    """A product whose price can't be kept is not made."""
    [book] = shop.rows("Pricebook2")
    shop.control("put/Pricebook2", {"Id": book["Id"], "IsStandard": False})
    outcome = create(shop, new())
    assert [problem.code for problem in outcome.problems] == ["price_list_unknown"]
    assert shop.rows("Product2") == []


@pytest.mark.parametrize(
    ("known", "stated", "price", "field"),
    [
        (None, "", "1", "currency"),
        ("EUR", "USD", "1", "only one is EUR"),
        (None, "JPY", "1.5", "no such fractions"),
    ],
)
def test_a_price_that_the_org_can_t_have_is_refused(
    known: str | None, stated: str, price: str, field: str
) -> None:
    """Without a currency, in another than the org's only one, with fractions that it has not."""
    content = new(currency=stated, price=Decimal(price))
    with pytest.raises(RecordRejected) as raised:
        parts_of(content, settings(currency=known), "01s")
    assert raised.value.problems[0].code == "listing_field_not_taken"
    assert field in raised.value.problems[0].message


@pytest.mark.parametrize("stated", ["", "EUR"])
def test_an_org_with_one_currency_is_sent_none(stated: str) -> None:
    """Its records have no such field."""
    entry = parts_of(new(currency=stated), settings(currency="EUR"), "01s")[1]["body"]
    assert "CurrencyIsoCode" not in entry


def test_a_lost_creation_is_repeated_without_a_second_product(
    open_shop: Callable[..., Shop],
) -> None:
    """The first attempt took effect: the second is refused, and the next run finds the product."""
    shop = open_shop()
    rule = COMPOSITE | {"kind": "drop_after", "times": 1}
    shop.http.post("/faults", json=[rule]).raise_for_status()
    assert create(shop, new()).state == "retry"
    assert len(shop.rows("Product2")) == 1
    assert look(shop).content["name"] == "Cup"


def failed(shop: Shop, policy: str) -> tuple[set[str], set[str]]:
    """Return the names of all checks of a connection, and of those that found something."""
    whole: Any = shop.connector
    sections = {"streams": ["orders", "catalog", "listings"]}
    made = connection(**sections, catalog={"create_products": policy})
    known: Any = target(shop)
    checks = Preflight(
        whole._http,
        whole._tokens,
        known._settings,
        made,
        whole._preflight._levels,
        known._prices,
        None,
    ).run()
    return {check.name for check in checks}, {check.name for check in checks if not check.ok}


def test_the_preflight_checks_what_a_creation_writes(shop: Shop) -> None:
    """The fields of products and entries, and that there is a standard price book."""
    of_creation = {"write PricebookEntry", "standard price book"}
    assert of_creation <= failed(shop, "hidden")[0]
    assert of_creation.isdisjoint(failed(shop, "never")[0])
    assert failed(shop, "visible")[1] == set()
    [book] = shop.rows("Pricebook2")
    shop.control("put/Pricebook2", {"Id": book["Id"], "IsStandard": False})
    assert failed(shop, "visible")[1] == {"standard price book"}
