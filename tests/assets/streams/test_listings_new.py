"""Products that a store lacks are created once, whatever happens in between."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assets.streams.listings import capture_listings
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
    shop.fault("bigcommerce", POST | {"kind": "replaced", "status": 409, "body": body, "times": 1},
               {"method": "GET", "path": "/v3/catalog", "kind": "replaced", "status": 200,
                "body": {"data": []}, "times": 2})  # fmt: skip
    shop.to_store("catalog", [{"id": 900, "sku": "CUP-9", "name": "Late", "price": 9}])
    deliver(shop, raise_on_error=False)
    assert shop.open_rejections("listings") == {}
    shop.fault("bigcommerce")
    deliver(shop)
    assert [cup["name"] for cup in named(shop)] == ["Cup"]
