"""Items of the OMS in the stream ``listings``: versions, prices, requests and what stays alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from assets.streams.listings.items_asked import asked_for, capture_asked
from assets.streams.listings.stream import Listings, capture_listings
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from sensors import windows
from sensors.cursor import Chain
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog", "listings")
POLICY: Json = {
    "list_from_oms": True,
    "create_products": "visible",
    "oms_fields": ["title", "description", "images"],
}
PICTURE = "https://img.example.com/1.jpg"


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection that lists items, whose store sells one product."""
    configure(scene)
    items = scene.to_oms("items", None, "GET")["items"]
    scene.to_oms("items/remove", [row["ItemId"] for row in items])
    scene.to_store("catalog", [{"id": 900, "sku": "JAR", "name": "Jar", "price": 9}])
    scene.run("catalog", first=scene.today)
    return scene


def configure(shop: Scene, oms: Json | None = None, **policy: Any) -> None:
    """Set the connection's policy, and the OMS's settings."""
    names = {"item_text": "LongText", "item_weight": "Weight"}
    shop.configure(
        streams=STREAMS,
        catalog=POLICY | policy,
        oms=oms or {"names": names},
        prices={"currency": "USD"},
    )


def stock(shop: Scene, *rows: Json, price: str | None = "5.00") -> None:
    """Give the OMS items with a weight, and a price."""
    shop.to_oms("items", [{"UOM": "EACH", "Weight": 1} | row for row in rows])
    given = {} if price is None else {"BasePrice": price}
    shop.to_oms(
        "prices", [{"ItemId": row["ItemId"], "CurrencyCode": "USD"} | given for row in rows]
    )


def run(shop: Scene, **more: Any) -> None:
    """Read the items, validate and deliver them."""
    shop.run("listings", first=shop.today, **more)


def named(shop: Scene, sku: str) -> list[Json]:
    """Return the store's products with a SKU."""
    sold = shop.to_store("products", None, "GET")
    ids = {one["product_id"] for one in sold["variants"] if one["sku"] == sku}
    return [one for one in sold["products"] if one["id"] in ids]


def rules(shop: Scene, sku: str) -> list[str]:
    """Return by which rules versions of an item were left alone, the newest last."""
    rows = shop.sql(
        """SELECT rule FROM sync.record WHERE stream = 'listings' AND source_id = %s
           ORDER BY source_updated_at""",
        f"item:{sku}",
    )
    return [rule for (rule,) in rows]


def writes(shop: Scene) -> int:
    """Return how many writes the store has taken or refused."""
    [(count,)] = shop.sql("SELECT count(*) FROM sync.message_log WHERE stream = 'listings'")
    return int(count)


def ask(shop: Scene, *skus: str) -> list[str]:
    """Ask for items as the command line does; return the SKUs that the OMS lacks."""
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(NAME, "asked")
    with sync.ledger.session(NAME, "listings") as session:
        found, absent = asked_for(sync, session, skus)
        capture_asked(sync, session, found)
    shop.run("listings", steps=("validated", "delivered"), first=shop.today)
    return absent


def test_a_product_without_a_price_waits_for_one(shop: Scene) -> None:
    """It is a rejection until the OMS states a price, which nothing of the item shows."""
    stock(shop, {"ItemId": "CUP", "Description": "Cup", "SmallImageURI": PICTURE}, price=None)
    run(shop)
    assert shop.open_rejections("listings") == {"item:CUP": "listing_new_incomplete"}
    stock(shop, {"ItemId": "CUP", "Description": "Cup", "SmallImageURI": PICTURE})
    run(shop)
    assert shop.open_rejections("listings") == {}
    [cup] = named(shop, "CUP")
    assert (cup["name"], cup["price"], cup["weight"]) == ("Cup", 5, 1)
    assert len(cup["images"]) == 1


def test_a_changed_policy_applies_to_items_that_did_not_change(shop: Scene) -> None:
    """Also to those that the former one has left alone; a price is no reason to write one."""
    configure(shop, create_products="never", oms_fields=[])
    stock(shop, {"ItemId": "CUP", "Description": "Cup"}, {"ItemId": "JAR", "Description": "Pot"})
    run(shop)
    assert (rules(shop, "CUP"), rules(shop, "JAR")) == (["item_not_created"], ["item_sold"])
    configure(shop, oms_fields=[])
    run(shop)
    assert (len(named(shop, "CUP")), named(shop, "JAR")[0]["name"]) == (1, "Jar")
    configure(shop)
    run(shop)
    assert (len(named(shop, "CUP")), named(shop, "JAR")[0]["name"]) == (1, "Pot")
    before = writes(shop)
    stock(shop, {"ItemId": "CUP", "Description": "Cup"}, {"ItemId": "JAR", "Description": "Pot"},
          price="7.00")  # fmt: skip
    shop.run("catalog", first=shop.today)
    run(shop)
    assert (writes(shop), named(shop, "CUP")[0]["price"]) == (before, 5)


def test_nothing_is_read_for_a_past_day_or_before_the_catalog_is_known(scene: Scene) -> None:
    """Everything would seem to be missing, and the past can't be read again."""
    configure(scene)
    stock(scene, {"ItemId": "CUP", "Description": "Cup"})
    run(scene)
    scene.run("catalog", first=scene.today)
    scene.run("listings", first=scene.today - timedelta(days=3), last=scene.today - timedelta(2))
    assert scene.outcomes("listings") == {}
    run(scene)
    assert len(named(scene, "CUP")) == 1


def test_items_are_due_once_in_the_interval(shop: Scene) -> None:
    """Without the policy never."""
    assert shop.lockstep is not None
    stream, since = Listings(), shop.moment()
    assert stream.probe(shop.lockstep.sync(NAME, "a"), since) == since
    stock(shop, {"ItemId": "CUP", "Description": "Cup"})
    shop.run("listings", first=shop.today, trigger="live")
    assert stream.probe(shop.lockstep.sync(NAME, "a"), since) is None
    configure(shop, list_from_oms=False)
    assert stream.probe(shop.lockstep.sync(NAME, "a"), since) is None


def test_a_discontinued_item_changes_nothing_in_the_store(shop: Scene) -> None:
    """Sold on or never created, it is reported by its rule; its return is listed again."""
    gone = {"IsDiscontinued": True}
    stock(shop, {"ItemId": "JAR", "Description": "Pot"} | gone, {"ItemId": "CUP", **gone})
    run(shop)
    assert (rules(shop, "JAR"), rules(shop, "CUP")) == (
        ["discontinued_but_sold"],
        ["item_discontinued"],
    )
    assert writes(shop) == 0
    stock(shop, {"ItemId": "JAR", "Description": "Pot", "IsDiscontinued": "maybe"})
    run(shop)
    assert shop.open_rejections("listings") == {"item:JAR": "oms_payload_unreadable"}
    stock(shop, {"ItemId": "JAR", "Description": "Pot", "IsDiscontinued": False})
    run(shop)
    assert (named(shop, "JAR")[0]["name"], shop.open_rejections("listings")) == ("Pot", {})


def test_a_removed_product_is_made_again_on_request_only(shop: Scene) -> None:
    """The request also writes owned fields over the merchant's edits, and leaves the others."""
    stock(shop, {"ItemId": "CUP", "Description": "Cup", "LongText": "Clay"})
    run(shop)
    [cup] = named(shop, "CUP")
    shop.to_store(f"catalog/{cup['id']}", None, "DELETE")
    shop.run("catalog", first=shop.today)
    run(shop)
    assert named(shop, "CUP") == []
    [(warnings,)] = shop.sql(
        """SELECT warnings::text FROM sync.record WHERE source_id = 'item:CUP'
           ORDER BY source_updated_at DESC LIMIT 1"""
    )
    assert "listing_product_removed" in warnings
    assert ask(shop, "CUP", "NONE") == ["NONE"]
    assert len(named(shop, "CUP")) == 1
    before = writes(shop)
    run(shop)
    shop.run("catalog", first=shop.today)
    run(shop)
    assert writes(shop) == before


def test_pictures_of_the_merchant_stay_until_the_oms_has_others(shop: Scene) -> None:
    """A store that keeps copies shows only how many there are."""
    stock(shop, {"ItemId": "CUP", "Description": "Cup", "SmallImageURI": PICTURE})
    run(shop)
    shop.run("catalog", first=shop.today)
    [cup] = named(shop, "CUP")
    more = tuple(f"https://img.example.com/{n}.jpg" for n in (7, 8, 9))
    request(shop, Listing(product_id=str(cup["id"]), sku="CUP", images=more))
    stock(shop, {"ItemId": "CUP", "Description": "Big cup", "SmallImageURI": PICTURE})
    run(shop)
    [cup] = named(shop, "CUP")
    assert (cup["name"], len(cup["images"])) == ("Big cup", 3)
    stock(shop, {"ItemId": "CUP", "Description": "Big cup", "SmallImageURI": f"{PICTURE}?2"})
    run(shop)
    assert len(named(shop, "CUP")[0]["images"]) == 1
    ask(shop, "CUP")


def request(shop: Scene, *listings: Listing) -> None:
    """Ask for listings by a sheet, and deliver them."""
    assert shop.lockstep is not None
    capture_listings(shop.lockstep.sync(NAME, "sheet"), listings)
    shop.run("listings", steps=("validated", "delivered"), first=shop.today)


def test_a_sheet_and_the_oms_make_one_product(shop: Scene) -> None:
    """Whichever comes first; the item's product is then adopted by its SKU."""
    new = Listing(
        product_id=new_id("CUP"), sku="CUP", name="Sheet cup", price=Decimal(4), weight=Decimal(1)
    )
    request(shop, new)
    stock(shop, {"ItemId": "CUP", "Description": "Cup"})
    run(shop)
    [cup] = named(shop, "CUP")
    assert (cup["name"], cup["price"]) == ("Cup", 4)
    [(warnings,)] = shop.sql("SELECT warnings::text FROM sync.record WHERE source_id = 'item:CUP'")
    assert "listing_product_adopted" in warnings


def test_an_item_of_a_product_with_variants_leaves_it_as_it_is(shop: Scene) -> None:
    """Known from the catalog, and by a look where the catalog does not know yet."""
    tee = {
        "id": 901,
        "name": "Tee",
        "price": 1,
        "sku": "",
        "variants": [{"sku": "S"}, {"sku": "L"}],
    }
    stock(shop, {"ItemId": "S", "Description": "Tee, small"})
    shop.to_store("catalog", [tee])
    run(shop)
    shop.run("catalog", first=shop.today)
    run(shop)
    assert named(shop, "S")[0]["name"] == "Tee"
    assert rules(shop, "S") == ["", "item_is_variant"]
    assert writes(shop) == 0


def test_the_sensor_asks_for_the_items_once_in_the_interval(shop: Scene) -> None:
    """The windows of a live run reach the present, in which they are read."""
    assert shop.lockstep is not None
    chain = Chain(NAME, "listings")
    [*_, due] = windows.probe(shop.lockstep, chain, datetime.now(UTC))
    assert datetime.now(UTC) - due.window.until < timedelta(minutes=1)
    shop.run("listings", first=shop.today, trigger="live")
    assert windows.probe(shop.lockstep, chain, datetime.now(UTC)) == []
    [(mark,)] = shop.sql("UPDATE sync.watermark SET watermark = watermark - interval '61 minutes' "
                         "WHERE stream = 'listings' RETURNING watermark")  # fmt: skip
    [*_, due] = windows.probe(shop.lockstep, chain, datetime.now(UTC))
    assert mark < due.window.until


def test_an_item_with_another_case_or_too_long_a_sku_makes_no_product(shop: Scene) -> None:
    """The one is left alone, the other is a rejection; neither keeps a good one back."""
    long = "L" * 256
    rows = ({"ItemId": sku, "Description": "Cup"} for sku in ("jar", long, "CUP"))
    stock(shop, *rows)
    run(shop)
    assert rules(shop, "jar") == ["item_spelled_differently"]
    assert list(shop.open_rejections("listings").values()) == ["oms_payload_unreadable"]
    assert len(named(shop, "CUP")) == 1
    assert named(shop, long) == []


def test_a_price_in_another_currency_or_list_is_none(shop: Scene) -> None:
    """The store's own currency is that of prices.currency."""
    shop.to_oms("items", [{"ItemId": "CUP", "UOM": "EACH", "Weight": 1, "Description": "Cup"}])
    shop.to_oms("prices", [{"ItemId": "CUP", "CurrencyCode": "EUR", "BasePrice": "5.00"}])
    run(shop)
    assert shop.open_rejections("listings") == {"item:CUP": "listing_new_incomplete"}


def test_a_case_has_the_price_and_the_weight_of_its_pieces(shop: Scene) -> None:
    """The OMS states those of its own unit."""
    shop.configure(
        streams=STREAMS,
        catalog=POLICY | {"weight_factor": "0.5"},
        oms={"names": {"item_weight": "Weight"}},
        prices={"currency": "USD"},
        orders={"uom_rules": {"BOX": {"uom": "EACH", "factor": 12}}},
    )
    stock(shop, {"ItemId": "BOX", "Description": "Box of cups"})
    run(shop)
    [box] = named(shop, "BOX")
    assert (box["price"], box["weight"]) == (60, 6)


def test_an_edit_stays_although_the_oms_has_written_nothing_before(shop: Scene) -> None:
    """The store showed the OMS's value by itself, which counts as written."""
    stock(shop, {"ItemId": "JAR", "Description": "Jar", "LongText": ""})
    run(shop)
    assert writes(shop) == 0
    request(shop, Listing(product_id="900", sku="JAR", name="Jar by hand"))
    shop.run("catalog", first=shop.today)
    stock(shop, {"ItemId": "JAR", "Description": "Jar", "LongText": "Clay"})
    run(shop)
    [jar] = named(shop, "JAR")
    assert (jar["name"], jar["description"]) == ("Jar by hand", "Clay")


def test_an_adopted_product_keeps_what_the_oms_does_not_own(shop: Scene) -> None:
    """Made by hand before the item could be created: owned fields only are written."""
    configure(shop, oms_fields=["title"])
    stock(shop, {"ItemId": "CUP", "Description": "Cup", "LongText": "Clay"})
    by_hand = {"id": 905, "sku": "CUP", "name": "By hand", "price": 9, "description": "Mine"}
    shop.to_store("catalog", [by_hand])
    run(shop)
    [cup] = named(shop, "CUP")
    assert (cup["name"], cup["description"], cup["price"]) == ("Cup", "Mine", 9)


def test_a_rejection_ends_once_the_merchant_makes_the_product(shop: Scene) -> None:
    """Although nothing has changed at the OMS."""
    stock(shop, {"ItemId": "CUP", "Description": "Cup"}, price=None)
    run(shop)
    assert shop.open_rejections("listings") == {"item:CUP": "listing_new_incomplete"}
    shop.to_store("catalog", [{"id": 905, "sku": "CUP", "name": "By hand", "price": 9}])
    shop.run("catalog", first=shop.today)
    run(shop)
    assert shop.open_rejections("listings") == {}
    assert named(shop, "CUP")[0]["name"] == "Cup"


def test_a_ledger_that_has_forgotten_a_product_makes_no_second_one(shop: Scene) -> None:
    """As after a restored backup: it is found by its SKU, and nothing is written."""
    stock(shop, {"ItemId": "CUP", "Description": "Cup", "LongText": "Clay"})
    run(shop)
    shop.sql_write("DELETE FROM sync.target_state WHERE stream = 'listings'")
    shop.sql_write("DELETE FROM sync.delivery WHERE stream = 'listings'")
    shop.sql_write("DELETE FROM sync.record WHERE stream = 'listings'")
    shop.sql_write("DELETE FROM sync.capture WHERE stream = 'listings'")
    before = writes(shop)
    run(shop)
    assert (len(named(shop, "CUP")), writes(shop)) == (1, before)
    assert shop.outcomes("listings")["item:CUP"] == ("accepted", "delivered")


def test_an_item_that_a_waiting_sheet_makes_a_variant_is_no_product_of_its_own(
    shop: Scene,
) -> None:
    """Or the sheet's product could not be created any more; then the item is left to it."""
    assert shop.lockstep is not None
    sizes = tuple(
        NewVariant(sku=sku, options=(Attribute(name="Size", value=sku),)) for sku in ("S", "L")
    )
    tee = Listing(
        product_id=new_id("S"), sku="S", name="Tee", price=Decimal(4), weight=Decimal(1),
        variants=sizes,
    )  # fmt: skip
    capture_listings(shop.lockstep.sync(NAME, "sheet"), [tee])
    stock(shop, {"ItemId": "L", "Description": "Tee, large"})
    run(shop, steps=("captured",))
    run(shop, steps=("validated", "delivered"))
    assert rules(shop, "L") == ["item_requested"]
    shop.run("catalog", first=shop.today)
    run(shop)
    assert rules(shop, "L")[-1] == "item_is_variant"
    assert [one["name"] for one in named(shop, "L")] == ["Tee"]
    assert shop.open_rejections("listings") == {}
