"""Items of the OMS reach each store: created once, owned fields only if they differ."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from assets.preflight import new_product_checks
from assets.streams.listings.stream import capture_listings
from domain.connections import LISTINGS
from domain.listings import item_id, new_id
from domain.records.listings import Listing
from domain.rules.capabilities import ITEMS
from orchestration.local.simulated import Pair, pairs
from resources import oms
from resources.sync import Sync
from resources.systems import streams_carried
from tests.assets.scene import NAME
from tests.pairs.pair_scene import OpenPair, PairScene, with_only_what_is_ordered

pytestmark = pytest.mark.slow(seconds=10)

Json = dict[str, Any]
LISTED = [
    pair
    for pair in pairs()
    if LISTINGS in streams_carried(*pair) and ITEMS in oms.REGISTRY[pair.oms].sources
]
STORES: Mapping[str, Json] = {"commercetools": {"locales": ["en"], "product_type": "plain"}}
TENANTS: Mapping[str, Json] = {
    "manhattan": {"names": {"item_text": "LongText", "item_weight": "Weight"}},
}
POLICY: Json = {
    "list_from_oms": True,
    "create_products": "visible",
    "oms_fields": ["title", "description"],
}


def item(sku: str, title: str | None, text: str = "<p>Of the OMS</p>", **more: Any) -> Json:
    """Return an item in the form that each OMS's control takes."""
    return {
        "ItemId": sku,
        "UOM": "EACH",
        "Description": title,
        "LongText": text,
        "description": text,
        "Weight": 0.5,
        "weight_lbs": "0.50",
        **more,
    }


def stock(shop: PairScene, *rows: Json) -> None:
    """Give the OMS items, with stock and a price."""
    shop.to_oms("items", list(rows))
    levels = [{"item": row["ItemId"], "location": "MAIN", "quantity": 3} for row in rows]
    shop.to_oms("supply", levels)
    prices = [
        {"ItemId": row["ItemId"], "CurrencyCode": "USD", "BasePrice": "12.50"} for row in rows
    ]
    shop.to_oms("prices", prices)


@pytest.fixture(params=LISTED, ids=lambda pair: f"{pair.store}-{pair.oms}")
def shop(request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection that lists items, with one product that the catalog has read."""
    pair: Pair = request.param
    made = open_pair(pair)
    configure(made)
    rows = [{"products": [{"sku": _single(made)}]}]
    some = with_only_what_is_ordered(made.catalogue, rows)
    made.to_store("catalog", some.products)
    made.to_oms("locations", some.locations)
    made.run("catalog", first=made.today)
    return made


def configure(shop: PairScene, **policy: Any) -> None:
    """Set the connection's policy."""
    store, tenant = STORES.get(shop.pair.store, {}), TENANTS.get(shop.pair.oms, {})
    shop.configure(platform=store, oms=tenant, catalog=POLICY | policy)


def _single(shop: PairScene) -> str:
    """Return the SKU of a product without variants."""
    return next(str(one["sku"]) for one in shop.catalogue.products if not one.get("variants"))


def sync_of(shop: PairScene) -> Sync:
    """Return the connection as a run opens it."""
    assert shop.lockstep is not None
    return shop.lockstep.sync(NAME, f"run-{uuid4().hex}")


def run(shop: PairScene, **more: Any) -> None:
    """Read the items, validate and deliver them."""
    shop.run(LISTINGS, first=shop.today, **more)


def shown(shop: PairScene, sku: str) -> Json:
    """Return what the store's product with a SKU shows; empty if there is none."""
    target, name = sync_of(shop).listings_target, new_id(sku)

    async def go() -> Json:
        async with target.writer(lambda _: None) as writer:
            return dict((await writer.held({name: ()}))[name].content or {})

    return asyncio.run(go())


def sent(shop: PairScene) -> int:
    """Return how many writes the store has taken or refused."""
    [(count,)] = shop.sql("SELECT count(*) FROM sync.message_log WHERE stream = 'listings'")
    return int(count)


def deliveries(shop: PairScene, *skus: str) -> int:
    """Return how many effects were claimed for items."""
    names = [item_id(sku) for sku in skus]
    [(count,)] = shop.sql(
        "SELECT count(*) FROM sync.delivery WHERE stream = 'listings' AND source_id = ANY(%s)",
        names,
    )
    return int(count)


def notes(shop: PairScene, sku: str) -> str:
    """Return the warnings of the newest version of an item."""
    [(found,)] = shop.sql(
        """SELECT coalesce(warnings::text, '') FROM sync.record WHERE stream = 'listings'
           AND source_id = %s ORDER BY source_updated_at DESC LIMIT 1""",
        item_id(sku),
    )
    return str(found)


def edit(shop: PairScene, sku: str, **fields: Any) -> None:
    """Change a product in the store, and let the catalog read it."""
    sync = sync_of(shop)
    with sync.ledger.session(NAME, LISTINGS) as session:
        [product_id] = session.products.products_of([sku])[sku]
    capture_listings(sync, [Listing(product_id=product_id, sku=sku, **fields)])
    shop.run(LISTINGS, steps=("validated", "delivered"), first=shop.today)
    shop.run("catalog", first=shop.today)


def test_items_are_created_once_and_owned_fields_follow_the_oms(shop: PairScene) -> None:
    """A merchant's edit stays until the OMS changes the field; reruns send nothing."""
    sold = _single(shop)
    stock(shop, item("NEW-1", "Stone mug"), item(sold, "Jar of the OMS"))
    run(shop)
    assert shop.open_rejections(LISTINGS) == {}
    mug, jar = shown(shop, "NEW-1"), shown(shop, sold)
    assert (mug["name"], mug["description"]) == ("Stone mug", "<p>Of the OMS</p>")
    assert (jar["name"], jar["description"]) == ("Jar of the OMS", "<p>Of the OMS</p>")
    before = sent(shop)
    assert deliveries(shop, "NEW-1", sold) == 2
    run(shop)
    shop.run("catalog", first=shop.today)
    run(shop)
    assert sent(shop) == before
    edit(shop, sold, name="Jar by hand")
    before = sent(shop)
    run(shop)
    assert (shown(shop, sold)["name"], sent(shop)) == ("Jar by hand", before)
    assert "listing_edit_kept" in notes(shop, sold)
    stock(shop, item(sold, "Jar of the OMS", "<p>Longer</p>"))
    run(shop)
    jar = shown(shop, sold)
    assert (jar["name"], jar["description"]) == ("Jar by hand", "<p>Longer</p>")
    stock(shop, item(sold, "New jar of the OMS", "<p>Longer</p>"))
    run(shop)
    assert shown(shop, sold)["name"] == "New jar of the OMS"
    assert "listing_edit_replaced" in notes(shop, sold)


def test_a_product_that_shoppers_do_not_see_yet_follows_the_oms_too(shop: PairScene) -> None:
    """Although a store may leave it out of its catalog; one that is removed is not made again."""
    configure(shop, create_products="hidden")
    stock(shop, item("NEW-1", "Stone mug"))
    run(shop)
    shop.run("catalog", first=shop.today)
    before = sent(shop)
    run(shop)
    assert sent(shop) == before
    stock(shop, item("NEW-1", "Clay mug"))
    run(shop)
    assert (shown(shop, "NEW-1")["name"], sent(shop)) == ("Clay mug", before + 1)
    assert "listing" not in notes(shop, "NEW-1")


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_lost_answer_makes_one_product(shop: PairScene, kind: str) -> None:
    """A look by the SKU shows whether the store has it."""
    stock(shop, item("NEW-1", "Stone mug"))
    rule = {"method": "POST", "path": "/catalog/products", "kind": kind, "times": 20}
    shop.fault(shop.pair.store, *(rule | {"path": p} for p in ("/products", "/composite")), rule)
    run(shop, raise_on_error=False)
    shop.fault(shop.pair.store)
    run(shop)
    shop.run("catalog", first=shop.today)
    with sync_of(shop).ledger.session(NAME, "catalog") as session:
        assert len(session.products.products_of(["NEW-1"])["NEW-1"]) == 1
    assert "listing_product_adopted" not in notes(shop, "NEW-1")
    assert shop.open_rejections(LISTINGS) == {}
    before = sent(shop)
    run(shop)
    assert sent(shop) == before


def test_an_item_that_is_not_complete_is_a_rejection_and_holds_up_no_other(shop: PairScene) -> None:
    """No title, or no text where one belongs; the correction at the OMS ends it."""
    odd = {"ItemId": "ODD", "Description": ["a"], "name": "Odd", "weight_lbs": "heavy"}
    stock(shop, item("BARE", None, name=" "), item("ODD", "x") | odd, item("GOOD", "Good mug"))
    run(shop)
    found = shop.open_rejections(LISTINGS)
    assert found.keys() == {item_id("BARE"), item_id("ODD")}
    assert found[item_id("ODD")] == "oms_payload_unreadable"
    assert shown(shop, "GOOD")["name"] == "Good mug"
    assert (shown(shop, "BARE"), shown(shop, "ODD")) == ({}, {})
    stock(shop, item("BARE", "Not bare"), item("ODD", "Even"))
    run(shop)
    assert shop.open_rejections(LISTINGS) == {}
    assert shown(shop, "BARE")["name"] == "Not bare"


@pytest.fixture
def account(open_pair: OpenPair) -> PairScene:
    """A connection whose items cost a call each."""
    made = open_pair(Pair("bigcommerce", "extensiv"))
    configure(made)
    made.run("catalog", first=made.today)
    stock(made, *(item(sku, f"Cup {sku}") for sku in ("A-1", "B-2", "C-3")))
    return made


def test_items_that_cost_a_call_are_read_in_turn(account: PairScene) -> None:
    """Those that were never read come first, so that each is read in as many runs as it takes."""
    account.configure(oms={"items_a_read": 1}, catalog=POLICY)
    skus = sync_of(account).items.skus()
    assert len(skus) >= 3
    for _ in skus:
        run(account)
    assert set(account.outcomes(LISTINGS)) == {item_id(sku) for sku in skus}


def test_a_product_that_can_not_be_read_holds_no_other_one_up(account: PairScene) -> None:
    """It is a rejection until it can be read."""
    rule = {"kind": "status", "status": 500, "method": "GET", "path": "/product/A-1"}
    account.fault("extensiv", rule)
    run(account)
    assert account.open_rejections(LISTINGS) == {item_id("A-1"): "oms_payload_unreadable"}
    assert shown(account, "B-2")["name"] == "Cup B-2"
    account.fault("extensiv")
    run(account)
    assert account.open_rejections(LISTINGS) == {}
    assert shown(account, "A-1")["name"] == "Cup A-1"


def test_pictures_that_a_store_keeps_by_address_are_compared_one_by_one(
    open_pair: OpenPair,
) -> None:
    """An edit is seen although there are as many of them; other pictures of the OMS replace it."""
    shop = open_pair(Pair("commercetools", "manhattan"))
    configure(shop, oms_fields=["images"])
    shop.run("catalog", first=shop.today)
    base = "https://img.example.com"
    stock(shop, item("NEW-1", "Stone mug", SmallImageURI=f"{base}/1.jpg"))
    run(shop)
    shop.run("catalog", first=shop.today)
    run(shop)
    before = sent(shop)
    edit(shop, "NEW-1", images=(f"{base}/2.jpg",))
    run(shop)
    assert (shown(shop, "NEW-1")["addresses"], sent(shop)) == ([f"{base}/2.jpg"], before + 1)
    stock(shop, item("NEW-1", "Other name", SmallImageURI=f"{base}/3.jpg"))
    run(shop)
    mug = shown(shop, "NEW-1")
    assert (mug["addresses"], mug["name"]) == ([f"{base}/3.jpg"], "Stone mug")
    assert "listing_edit_replaced" in notes(shop, "NEW-1")


def test_preflight_says_if_items_lack_what_a_new_product_needs(shop: PairScene) -> None:
    """Each item would be rejected otherwise; a store that needs no weight doesn't ask for one."""
    sync = sync_of(shop)
    assert [check.ok for check in new_product_checks(sync)] == [True]
    if shop.pair.oms != "manhattan":
        return
    shop.configure(
        platform=STORES.get(shop.pair.store, {}),
        oms={"names": {"item_text": "LongText"}},
        catalog=POLICY,
    )
    sync = sync_of(shop)
    [check] = new_product_checks(sync)
    assert check.ok == ("weight" not in sync.listings_target.needs)
    assert check.ok or "a weight" in check.detail
    shop.configure(
        platform=STORES.get(shop.pair.store, {}),
        oms={"names": {"item_text": "LongText"}},
        catalog=POLICY | {"create_products": "never"},
    )
    assert new_product_checks(sync_of(shop)) == []
