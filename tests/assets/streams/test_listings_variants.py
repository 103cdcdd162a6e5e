"""Variants that a group's rows add to a product of the store: each once, refused with a reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assets.streams.listings.stream import capture_listings
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog", "listings")
VARIANTS = {"method": "POST", "path": "/variants"}
LABELS = {"S": 1, "L": 2}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection that creates products, to a store with a cup in two sizes."""
    configure(scene)
    variants = [{"sku": f"CUP-{size}", "option_values": [value(size)]} for size in LABELS]
    scene.to_store("catalog", [{"id": 900, "name": "Cup", "price": 5, "variants": variants}])
    return scene


def configure(scene: Scene, policy: str = "visible") -> None:
    """Set whether products and variants are created."""
    scene.configure(streams=STREAMS, max_attempts=2, catalog={"create_products": policy})


def value(label: str) -> Json:
    """Return a value of the option Size."""
    return {"id": LABELS[label], "option_id": 9, "option_display_name": "Size", "label": label}


def variant(
    sku: str = "CUP-XL", option: str = "size", label: str = "XL", **more: Any
) -> NewVariant:
    """Return a variant to add."""
    return NewVariant(sku=sku, options=(Attribute(name=option, value=label),), **more)


def request(shop: Scene, *variants: NewVariant, sku: str = "CUP-S", **wanted: Any) -> None:
    """Ask for changes of the cup."""
    assert shop.lockstep is not None
    given = {"product_id": "900", "variants": variants or None} | wanted
    capture_listings(shop.lockstep.sync(NAME, "request"), [Listing(sku=sku, **given)])


def deliver(shop: Scene, **more: Any) -> None:
    """Validate and deliver what was asked for."""
    shop.run("listings", steps=("validated", "delivered"), first=shop.today, **more)


def sizes(shop: Scene) -> dict[str, str]:
    """Return the cup's sizes by SKU."""
    return {
        one["sku"]: one["option_values"][0]["label"]
        for one in shop.to_store("products", None, "GET")["variants"]
        if one["product_id"] == 900
    }


def writes(shop: Scene) -> int:
    """Return how many writes the store has taken or refused."""
    [(count,)] = shop.sql("SELECT count(*) FROM sync.message_log WHERE stream = 'listings'")
    return int(count)


def test_a_variant_has_its_amounts_and_a_value_that_is_made_once(shop: Scene) -> None:
    """A second variant with the same new value finds it; a rerun sends nothing."""
    request(shop, variant(price=Decimal("7.50"), weight=Decimal(2)), name="Tea cup")
    deliver(shop)
    assert sizes(shop) == {"CUP-S": "S", "CUP-L": "L", "CUP-XL": "XL"}
    [made] = [
        one for one in shop.to_store("products", None, "GET")["variants"] if one["sku"] == "CUP-XL"
    ]
    assert (made["price"], made["weight"]) == (7.5, 2)
    before = writes(shop)
    assert before == 3  # the title, the value and the variant
    deliver(shop)
    request(shop, variant())
    deliver(shop)
    assert writes(shop) == before
    assert set(shop.outcomes("listings").values()) == {("accepted", "delivered")}


def test_a_value_that_a_lost_run_has_made_is_found(shop: Scene) -> None:
    """The variant was not added: only its option's value is there."""
    shop.fault("bigcommerce", VARIANTS | {"kind": "drop_before", "times": 9})
    request(shop, variant())
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    deliver(shop)
    assert sizes(shop)["CUP-XL"] == "XL"
    [(calls,)] = shop.sql(
        "SELECT count(*) FROM sync.message_log "
        "WHERE stream = 'listings' AND endpoint LIKE %s AND method = 'POST'",
        "%values%",
    )
    assert calls == 1


@pytest.mark.parametrize(
    ("added", "reason"),
    [
        (variant(label="L"), "those of another variant"),
        (variant(sku="MUG-9"), "duplicate"),
    ],
)
def test_what_the_store_refuses_keeps_no_other_variant_back(
    shop: Scene, added: NewVariant, reason: str
) -> None:
    """A combination that is there, a SKU of another product."""
    shop.to_store("catalog", [{"id": 901, "sku": "MUG-9", "name": "Mug", "price": 9}])
    request(shop, added, variant(sku="CUP-XXL", label="XXL"))
    deliver(shop)
    assert sizes(shop)["CUP-XXL"] == "XXL"
    assert added.sku not in sizes(shop)
    assert shop.open_rejections("listings") == {"900": "listing_refused"}
    [(message,)] = shop.sql("SELECT message FROM sync.rejection WHERE state = 'open'")
    assert reason in message
    assert added.sku in message


def test_a_variant_with_other_options_is_refused(shop: Scene) -> None:
    """The product's own are named; its title was written all the same."""
    request(shop, variant(option="Colour"), name="Tea cup")
    deliver(shop)
    assert shop.open_rejections("listings") == {"900": "listing_refused"}
    [(message,)] = shop.sql("SELECT message FROM sync.rejection WHERE state = 'open'")
    assert "the options Size" in message
    names = {one["id"]: one["name"] for one in shop.to_store("products", None, "GET")["products"]}
    assert names[900] == "Tea cup"


def test_a_product_without_options_takes_no_variant(shop: Scene) -> None:
    """Its one variant stands for itself."""
    shop.to_store("catalog", [{"id": 901, "sku": "MUG-9", "name": "Mug", "price": 9}])
    request(shop, variant(), product_id="901", sku="MUG-9")
    deliver(shop)
    assert shop.open_rejections("listings") == {"901": "listing_refused"}
    assert writes(shop) == 0


def test_a_variant_that_was_made_by_hand_meanwhile_is_left_alone(shop: Scene) -> None:
    """In another spelling, too."""
    request(shop, variant("cup-l"))
    deliver(shop)
    assert writes(shop) == 0
    assert shop.outcomes("listings") == {"900": ("accepted", "delivered")}


def test_a_connection_that_stops_creating_adds_nothing(shop: Scene) -> None:
    """Switched on again, a retry adds it; one that is there needs no permission."""
    request(shop, variant())
    configure(shop, "never")
    deliver(shop)
    assert shop.open_rejections("listings") == {"900": "listing_not_created"}
    assert writes(shop) == 0
    request(shop, variant("CUP-L"))
    deliver(shop)
    assert "CUP-XL" not in sizes(shop)


def test_a_variant_that_waits_is_taken_into_the_next_request(shop: Scene) -> None:
    """Of the same product, by any of its SKUs; a corrected one takes its own place."""
    request(shop, variant("CUP-M", label="M"), variant(option="Colour"))
    request(shop, variant(), sku="CUP-L", name="Tea cup")
    deliver(shop)
    assert sizes(shop) == {"CUP-S": "S", "CUP-L": "L", "CUP-XL": "XL", "CUP-M": "M"}
    assert shop.open_rejections("listings") == {}


def test_a_product_of_its_own_that_waits_lends_the_variant_nothing(shop: Scene) -> None:
    """The SKU was asked for as a product first, and then as a variant: it has no title."""
    assert shop.lockstep is not None
    alone = Listing(
        product_id=new_id("CUP-XL"),
        sku="CUP-XL",
        name="A cup alone",
        price=Decimal(5),
        weight=Decimal(1),
    )
    capture_listings(shop.lockstep.sync(NAME, "request"), [alone])
    request(shop, variant())
    deliver(shop)
    names = {one["id"]: one["name"] for one in shop.to_store("products", None, "GET")["products"]}
    assert names[900] == "Cup"
    assert "A cup alone" not in names.values()
    assert sizes(shop)["CUP-XL"] == "XL"


def test_a_refusal_after_a_late_effect_is_success(shop: Scene) -> None:
    """The store refuses the SKU since a lost request has added it."""
    body = {"status": 409, "title": "The sku CUP-L is a duplicate."}
    rule = {"kind": "replaced", "status": 409, "body": body, "times": 1}
    shown = {"data": [{"id": 900, "variants": [{"sku": "CUP-S"}]}]}
    look = {"method": "GET", "path": "/v3/catalog/products"}
    before = look | {"kind": "replaced", "status": 200, "body": shown, "times": 1}
    shop.fault("bigcommerce", VARIANTS | rule, before)
    request(shop, variant("CUP-L", label="L"))
    deliver(shop)
    assert shop.open_rejections("listings") == {}
    assert shop.outcomes("listings") == {"900": ("accepted", "delivered")}
