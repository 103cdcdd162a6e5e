"""Products that a store lacks are created once, whatever happens in between."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assets.chain.run_config import rerun_config, unfinished_config
from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import note_results, resolve
from assets.streams.listings.stream import capture_listings
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog", "listings")
POST = {"method": "POST", "path": "/v3/catalog/products"}
PICTURES = ("https://img.example.com/1.jpg",)


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection that creates products which shoppers see."""
    scene.configure(streams=STREAMS, max_attempts=2, catalog={"create_products": "visible"})
    return scene


def request(shop: Scene, sku: str = "CUP-9", **wanted: Any) -> None:
    """Ask for a new product."""
    assert shop.lockstep is not None
    given: Json = {"name": "Cup", "price": Decimal(5), "weight": Decimal(1)} | wanted
    listing = Listing(product_id=new_id(sku), sku=sku, **given)
    capture_listings(shop.lockstep.sync(NAME, "request"), [listing])


def deliver(shop: Scene, **more: Any) -> None:
    """Validate and deliver what was asked for."""
    shop.run("listings", steps=("validated", "delivered"), first=shop.today, **more)


def named(shop: Scene, sku: str = "CUP-9") -> list[Json]:
    """Return the store's products with a SKU."""
    sold = shop.to_store("products", None, "GET")
    ids = {one["product_id"] for one in sold["variants"] if one["sku"] == sku}
    return [one for one in sold["products"] if one["id"] in ids]


def writes(shop: Scene) -> int:
    """Return how many writes the store has taken or refused."""
    [(count,)] = shop.sql("SELECT count(*) FROM sync.message_log WHERE stream = 'listings'")
    return int(count)


def test_a_product_has_what_was_asked_for(shop: Scene) -> None:
    """With variants, pictures and counted stock; hidden where the connection says so."""
    sizes = tuple(
        NewVariant(sku=f"CUP-{size}", options=(Attribute(name="Size", value=size),), price=price)
        for size, price in (("S", None), ("L", Decimal("7.25")))
    )
    request(shop, "CUP-S", variants=sizes, description="<p>A cup</p>", images=PICTURES)
    shop.configure(streams=STREAMS, catalog={"create_products": "hidden"})
    deliver(shop)
    [cup] = named(shop, "CUP-L")
    assert (cup["name"], cup["price"], cup["description"]) == ("Cup", 5, "<p>A cup</p>")
    assert (cup["is_visible"], cup["inventory_tracking"], cup["sku"]) == (False, "variant", "")
    assert len(cup["images"]) == 1
    variants = {one["sku"]: one for one in shop.to_store("products", None, "GET")["variants"]}
    assert [variants[sku]["price"] for sku in ("CUP-S", "CUP-L")] == [None, 7.25]
    assert variants["CUP-L"]["option_values"][0]["label"] == "L"
    assert shop.outcomes("listings") == {"new:CUP-S": ("accepted", "delivered")}


def test_a_product_that_was_made_by_hand_meanwhile_is_adopted(shop: Scene) -> None:
    """Its texts become those of the sheet, its price stays, and the record has a warning."""
    request(shop, name="Cup", price=Decimal(5))
    shop.to_store("catalog", [{"id": 900, "sku": "CUP-9", "name": "By hand", "price": 9}])
    deliver(shop)
    [cup] = named(shop)
    assert (cup["id"], cup["name"], cup["price"]) == (900, "Cup", 9)
    [(warnings,)] = shop.sql(
        "SELECT warnings::text FROM sync.record WHERE stream = 'listings' AND warnings IS NOT NULL"
    )
    assert "listing_product_adopted" in warnings
    before = writes(shop)
    deliver(shop)
    assert writes(shop) == before


def test_a_group_that_the_store_has_in_part_is_refused(shop: Scene) -> None:
    """No variant is added to a product of the merchant's own."""
    sizes = tuple(
        NewVariant(sku=sku, options=(Attribute(name="Size", value=sku),)) for sku in ("CUP-9", "B")
    )
    request(shop, variants=sizes)
    shop.to_store("catalog", [{"id": 900, "sku": "CUP-9", "name": "By hand", "price": 9}])
    deliver(shop)
    assert shop.open_rejections("listings") == {"new:CUP-9": "listing_sku_taken"}
    assert writes(shop) == 0


def test_a_name_that_another_product_has_is_refused_with_the_stores_words(shop: Scene) -> None:
    """The next request with another name creates it; the fields that it lacks are kept."""
    shop.to_store("catalog", [{"id": 900, "sku": "OTHER", "name": "Cup", "price": 9}])
    request(shop, warranty="2 years")
    deliver(shop)
    assert shop.open_rejections("listings") == {"new:CUP-9": "listing_refused"}
    assert named(shop) == []
    request(shop, name="Other cup")
    deliver(shop)
    assert shop.open_rejections("listings") == {}
    [cup] = named(shop)
    assert (cup["name"], cup["warranty"]) == ("Other cup", "2 years")


def test_a_connection_that_stops_creating_products_refuses_what_waits(shop: Scene) -> None:
    """The policy of the moment of delivery counts; switched on again, a retry creates it."""
    request(shop)
    shop.configure(streams=STREAMS, catalog={"create_products": "never"})
    deliver(shop)
    assert shop.open_rejections("listings") == {"new:CUP-9": "listing_not_created"}
    assert named(shop) == []


def test_a_created_product_that_is_gone_is_created_again_when_asked_for_anew(shop: Scene) -> None:
    """A rerun of the day leaves it deleted."""
    request(shop)
    deliver(shop)
    [cup] = named(shop)
    shop.to_store(f"catalog/{cup['id']}", None, "DELETE")
    deliver(shop)
    assert named(shop) == []
    request(shop)
    deliver(shop)
    assert len(named(shop)) == 1


def test_a_request_is_newer_than_a_lost_creation(shop: Scene) -> None:
    """It waits until the lost one can act no more, then changes what that has created."""
    shop.fault("bigcommerce", POST | {"kind": "drop_after", "times": 9})
    request(shop)
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    request(shop, name="Newer cup")
    deliver(shop, raise_on_error=False)
    shop.sql("UPDATE sync.delivery SET may_act_until = now() WHERE stream = 'listings' RETURNING 1")
    deliver(shop)
    assert [cup["name"] for cup in named(shop)] == ["Newer cup"]
    assert shop.open_rejections("listings") == {}


def test_a_refusal_of_a_product_that_exists_by_now_is_no_rejection(shop: Scene) -> None:
    """A late effect of an earlier request takes the SKU: the next run compares the product."""
    request(shop)
    body = {"status": 409, "title": "The sku CUP-9 is a duplicate."}
    shop.fault(
        "bigcommerce",
        POST | {"kind": "replaced", "status": 409, "body": body, "times": 1},
        {
            "method": "GET",
            "path": "/v3/catalog",
            "kind": "replaced",
            "status": 200,
            "body": {"data": []},
            "times": 2,
        },
    )
    shop.to_store("catalog", [{"id": 900, "sku": "CUP-9", "name": "Late", "price": 9}])
    deliver(shop, raise_on_error=False)
    assert shop.open_rejections("listings") == {}
    shop.fault("bigcommerce")
    deliver(shop)
    assert [cup["name"] for cup in named(shop)] == ["Cup"]


def update(shop: Scene, number: int, sku: str = "CUP-9", **wanted: Any) -> None:
    """Ask for what a product shows that the catalog knows by now."""
    assert shop.lockstep is not None
    listing = Listing(product_id=str(number), sku=sku, **wanted)
    capture_listings(shop.lockstep.sync(NAME, "request"), [listing])


def codes(shop: Scene) -> set[str]:
    """Return the codes of all warnings."""
    rows = shop.sql(
        "SELECT w ->> 'code' FROM sync.record, jsonb_array_elements(warnings) w "
        "WHERE stream = 'listings'"
    )
    return {code for (code,) in rows}


def only(*ids: str) -> Any:
    """Return the configuration of a run of some records."""
    return rerun_config(NAME, "listings", only_records=ids)


SIZES = tuple(
    NewVariant(sku=f"CUP-{size}", options=(Attribute(name="Size", value=size),)) for size in "SL"
)
TAKEN_NAME = {"id": 900, "sku": "OTHER", "name": "Cup", "price": 9}


@pytest.mark.parametrize("apart", [True, False])
def test_a_lost_creation_does_not_overwrite_what_is_newer(shop: Scene, *, apart: bool) -> None:
    """The catalog knows the product before its creation is settled; in one run or in two."""
    shop.fault("bigcommerce", POST | {"kind": "drop_after", "times": 9})
    request(shop, name="Old title", warranty="2 years")
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    [cup] = named(shop)
    update(shop, cup["id"], name="Newer title")
    if apart:
        deliver(shop, config=only(str(cup["id"])))
    deliver(shop, config=unfinished_config(NAME, "listings"))
    [cup] = named(shop)
    assert (cup["name"], cup["warranty"]) == ("Newer title", "2 years")
    assert set(shop.outcomes("listings").values()) == {("accepted", "delivered")}
    assert codes(shop) == {"listing_replaced"}


def test_a_refused_creation_that_is_tried_again_does_not_overwrite_what_is_newer(
    shop: Scene,
) -> None:
    """The merchant has made the product meanwhile, and a sheet has changed it."""
    shop.to_store("catalog", [TAKEN_NAME])
    request(shop, name="Cup", description="old", warranty="2 years")
    deliver(shop)
    shop.to_store("catalog", [{"id": 901, "sku": "CUP-9", "name": "By hand", "price": 9}])
    update(shop, 901, name="Newer", description="new")
    deliver(shop, config=only("901"))
    shop.to_store("catalog/900", None, "DELETE")
    deliver(shop)
    [cup] = named(shop)
    assert (cup["name"], cup["description"], cup["warranty"]) == ("Newer", "new", "2 years")
    assert shop.open_rejections("listings") == {}


def test_the_rows_of_a_group_in_another_order_are_the_same_product(shop: Scene) -> None:
    """What was refused under the SKU of the first order is taken over, and not sent by itself."""
    shop.to_store("catalog", [TAKEN_NAME])
    request(shop, "CUP-S", variants=SIZES, description="old", warranty="2 years")
    deliver(shop)
    request(shop, "CUP-L", variants=SIZES[::-1], name="Corrected", description="new")
    deliver(shop, config=only("new:CUP-L"))
    shop.to_store("catalog/900", None, "DELETE")
    deliver(shop)
    [cup] = named(shop, "CUP-S")
    assert (cup["name"], cup["description"], cup["warranty"]) == ("Corrected", "new", "2 years")
    assert shop.open_rejections("listings") == {}
    update(shop, cup["id"], "CUP-S", warranty="3 years")
    deliver(shop)
    [cup] = named(shop, "CUP-S")
    assert (cup["name"], cup["description"], cup["warranty"]) == ("Corrected", "new", "3 years")


def test_a_correction_by_one_row_keeps_the_variants_of_its_group(shop: Scene) -> None:
    """One with other variants that lacks some of them is rejected until it has all."""
    shop.to_store("catalog", [TAKEN_NAME])
    request(shop, "CUP-S", variants=SIZES)
    deliver(shop)
    request(shop, "CUP-S", name="Other cup", variants=SIZES[:1])
    deliver(shop)
    assert shop.open_rejections("listings") == {"new:CUP-S": "listing_variants_left_out"}
    request(shop, "CUP-S", name="Third cup")
    deliver(shop)
    assert named(shop, "CUP-S") == []
    assert shop.open_rejections("listings") == {"new:CUP-S": "listing_variants_left_out"}
    request(shop, "CUP-S", name="Fourth cup", variants=SIZES)
    deliver(shop)
    [cup] = named(shop, "CUP-L")
    assert (cup["name"], named(shop, "CUP-S")) == ("Fourth cup", [cup])
    assert shop.open_rejections("listings") == {}


def test_a_group_that_was_refused_is_created_with_its_variants_by_another_title(
    shop: Scene,
) -> None:
    """As ``lockstep catalog set`` corrects it."""
    shop.to_store("catalog", [TAKEN_NAME])
    request(shop, "CUP-S", variants=SIZES)
    deliver(shop)
    request(shop, "CUP-S", name="Other cup")
    deliver(shop)
    [cup] = named(shop, "CUP-L")
    assert (cup["name"], named(shop, "CUP-S")) == ("Other cup", [cup])


HAND_MADE = {
    "sku": "CUP-9",
    "name": "By hand",
    "price": 9,
    "images": [{"id": 1, "image_url": "https://hand.example.com/x.jpg"}],
}


def test_a_product_made_by_hand_after_a_lost_request_is_not_taken_for_ours(shop: Scene) -> None:
    """Its pictures are written, and the record says that it was adopted."""
    shop.fault("bigcommerce", POST | {"kind": "drop_before", "times": 9})
    request(shop, images=PICTURES)
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    shop.to_store("catalog", [HAND_MADE | {"id": 900}])
    deliver(shop)
    [cup] = named(shop)
    assert [one["image_url"] for one in cup["images"]] == list(PICTURES)
    assert (cup["name"], cup["price"], codes(shop)) == ("Cup", 9, {"listing_product_adopted"})


def test_a_product_made_again_by_hand_is_not_taken_for_the_one_that_was_created(
    shop: Scene,
) -> None:
    """Its id is another one."""
    request(shop, images=PICTURES)
    deliver(shop)
    [cup] = named(shop)
    shop.to_store(f"catalog/{cup['id']}", None, "DELETE")
    shop.to_store("catalog", [HAND_MADE | {"id": 950}])
    request(shop, images=PICTURES)
    deliver(shop)
    [cup] = named(shop)
    assert [one["image_url"] for one in cup["images"]] == list(PICTURES)
    assert codes(shop) == {"listing_product_adopted"}


def test_another_price_of_a_product_that_was_created_is_named(shop: Scene) -> None:
    """It stays as it is in the store, and the row's result says so; the same one needs no word."""
    request(shop, price=Decimal(5))
    deliver(shop)
    request(shop, price=Decimal("5.00"))
    deliver(shop)
    assert codes(shop) == set()
    request(shop, price=Decimal(50))
    deliver(shop)
    assert (named(shop)[0]["price"], codes(shop)) == (5, {"listing_new_values_kept"})
    row = Wanted(2, {"sku": "CUP-9"}, listing=Listing(product_id="new:CUP-9", sku="CUP-9"))
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "result").ledger.session(NAME, "listings") as session:
        assert note_results(session, [row])
    assert row.result.startswith("done; price: used for new products only")


def test_pictures_are_not_sent_again_after_another_title(shop: Scene) -> None:
    """Nor after the creation, by whichever SKU the product is named."""
    request(shop, "CUP-S", variants=SIZES, images=PICTURES)
    deliver(shop)
    [cup] = named(shop, "CUP-S")
    update(shop, cup["id"], "CUP-L", name="Title only")
    deliver(shop)
    before = writes(shop)
    update(shop, cup["id"], "CUP-L", name="Title only", images=PICTURES)
    deliver(shop)
    assert writes(shop) == before


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_what_the_store_has_saved_in_part_is_a_rejection_until_the_rest_is(
    shop: Scene, method: str
) -> None:
    """207: another try sends what is missing, and no second product."""
    made: Json = {"id": 900, "sku": "CUP-9", "name": "Cup", "price": 5}
    partly = {"data": {"id": 900}, "errors": {"description": "was not saved"}, "meta": {}}
    fault = {"method": method, "kind": "status", "status": 207, "body": partly, "times": 1}
    if method == "POST":
        request(shop, description="new")
    else:
        shop.to_store("catalog", [made])
        update(shop, 900, description="new")
    shop.fault("bigcommerce", fault | {"path": POST["path"]})
    deliver(shop)
    shop.fault("bigcommerce")
    assert set(shop.open_rejections("listings").values()) == {"listing_refused"}
    [(message,)] = shop.sql("SELECT message FROM sync.rejection WHERE stream = 'listings'")
    assert message == "the store has saved a part only: was not saved"
    shop.to_store("catalog", [made])
    deliver(shop)
    assert [cup["description"] for cup in named(shop)] == ["new"]
    assert (shop.open_rejections("listings"), codes(shop)) == ({}, set())


def test_a_name_that_another_product_has_is_no_busy_store(shop: Scene) -> None:
    """Six such rows in a row keep the seventh back no more than one does."""
    rows = [{"id": 900 + n, "sku": f"S{n}", "name": f"Name {n}", "price": 9} for n in range(8)]
    shop.to_store("catalog", rows)
    for n in range(1, 8):
        update(shop, 900 + n, f"S{n}", name="Fine" if n == 7 else "name 0")
    deliver(shop)
    assert set(shop.open_rejections("listings").values()) == {"listing_refused"}
    assert len(shop.open_rejections("listings")) == 6
    assert named(shop, "S7")[0]["name"] == "Fine"
    [(message,)] = shop.sql("SELECT DISTINCT right(message, 31) FROM sync.rejection")
    assert message == "The product name is a duplicate."[-31:]


def test_no_spelling_of_a_sku_of_the_store_is_a_new_product(shop: Scene) -> None:
    """Also where a sheet has several of them."""
    shop.to_store("catalog", [{"id": 900, "sku": "MUG 1", "name": "Mug", "price": 9}])
    shop.run("catalog", first=shop.today)
    given = {"title": "Other", "price": "1", "weight": "1"}
    rows = [Wanted(n, {"sku": sku, **given}) for n, sku in enumerate(("MUG  1", "Mug 1"), 2)]
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "sheet").ledger.session(NAME, "catalog") as session:
        resolve(session.products, rows, creates=True)
    assert [row.listing for row in rows] == [None, None]
    assert all("the store has MUG 1, which differs" in row.problems[0] for row in rows)


def test_what_was_taken_over_once_is_not_taken_over_again(shop: Scene) -> None:
    """A rejection under the new id, which stays open, is older than what was delivered since."""
    shop.to_store("catalog", [TAKEN_NAME])
    request(shop, name="Cup", description="old")
    deliver(shop)
    shop.to_store("catalog", [{"id": 901, "sku": "CUP-9", "name": "By hand", "price": 9}])
    update(shop, 901, name="Newer", description="new")
    deliver(shop, config=only("901"))
    update(shop, 901, warranty="2 years")
    deliver(shop, config=only("901"))
    [cup] = named(shop)
    assert (cup["name"], cup["description"], cup["warranty"]) == ("Newer", "new", "2 years")
