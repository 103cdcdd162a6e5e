"""Sequences in which a new product could be created twice, too late, or against an operator."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from assets.chain.run_config import rerun_config
from assets.streams.listings.group import Wanted
from assets.streams.listings.sheet import resolve
from assets.streams.listings.stream import capture_listings, waiting_variants
from domain.listings import new_id
from domain.records.catalog import Attribute
from domain.records.listings import Listing, NewVariant
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.delivery.test_restored import back_up
from tests.assets.scene import NAME, Scene

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "catalog", "listings")
POST = {"method": "POST", "path": "/v3/catalog/products"}
SIZES = tuple(
    NewVariant(sku=f"TEE-{size}", options=(Attribute(name="Size", value=size),)) for size in "SL"
)


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection that creates products which shoppers see."""
    configure(scene)
    return scene


def configure(scene: Scene, policy: str = "visible") -> None:
    """Set whether products are created."""
    scene.configure(streams=STREAMS, max_attempts=2, catalog={"create_products": policy})


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


def test_products_that_a_restored_ledger_has_forgotten_are_not_created_again(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sheet was imported before the backup, and delivered after it."""
    monkeypatch.setattr("tests.assets.delivery.test_restored.NAME", NAME)
    request(shop)
    request(shop, "TEE-S", name="Tee", variants=SIZES)
    restore = back_up(shop)
    configure(shop)
    deliver(shop)
    assert len(named(shop)) == len(named(shop, "TEE-L")) == 1
    restore()
    configure(shop)
    deliver(shop)
    assert len(named(shop)) == len(named(shop, "TEE-L")) == 1
    assert writes(shop) == 0, "all of it is there"
    assert set(shop.outcomes("listings").values()) == {("accepted", "delivered")}
    assert shop.open_rejections("listings") == {}


def test_products_that_are_not_created_any_more_are_found_by_the_look(shop: Scene) -> None:
    """The policy was switched off between a lost answer and its look."""
    shop.fault("bigcommerce", POST | {"kind": "drop_after", "times": 9})
    request(shop)
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    configure(shop, "never")
    deliver(shop)
    assert len(named(shop)) == 1
    assert shop.open_rejections("listings") == {}
    assert shop.outcomes("listings") == {"new:CUP-9": ("accepted", "delivered")}


def test_a_creation_that_was_lost_before_it_took_effect_is_not_made_against_the_policy(
    shop: Scene,
) -> None:
    """The request never arrived; where it takes effect late, a retry finds the product."""
    shop.fault("bigcommerce", POST | {"kind": "drop_before", "times": 9})
    request(shop)
    deliver(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    configure(shop, "never")
    deliver(shop, raise_on_error=False)
    assert named(shop) == []
    shop.to_store("catalog", [{"id": 900, "sku": "CUP-9", "name": "Cup", "price": 5}])
    deliver(shop, raise_on_error=False)
    assert shop.open_rejections("listings") == {}
    assert len(named(shop)) == 1


def test_a_discarded_request_is_not_sent_by_a_rerun_of_its_day(shop: Scene) -> None:
    """Not with force either; a request made anew is."""
    configure(shop, "never")
    request(shop)
    deliver(shop)
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "discard").ledger.session(NAME, "listings") as session:
        found = work_queue.find(session.db, RejectionFilter())
        operator_actions.discard(session.db, found, "ann", "not wanted")
    configure(shop)
    shop.run("listings", first=shop.today)
    deliver(shop, config=rerun_config(NAME, "listings", force=True))
    assert named(shop) == []
    request(shop)
    deliver(shop)
    assert len(named(shop)) == 1


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_later_row_for_another_sku_of_a_waiting_group_is_not_used(
    shop: Scene, *, is_lost: bool
) -> None:
    """It would be a product of its own, and keep the group from being created."""
    shop.run("catalog", first=shop.today)
    request(shop, "TEE-S", name="Tee", variants=SIZES)
    if is_lost:
        shop.fault("bigcommerce", POST | {"kind": "drop_before", "times": 9})
        deliver(shop, raise_on_error=False)
        shop.fault("bigcommerce")
    cells = {"sku": "TEE-L", "title": "Large tee", "price": "5", "weight": "1"}
    assert "waits to be created with TEE-S" in resolved(shop, cells)
    deliver(shop)
    assert named(shop, "TEE-S") == named(shop, "TEE-L")
    assert len(named(shop, "TEE-L")) == 1
    assert shop.open_rejections("listings") == {}
    assert resolved(shop, cells) == "", "it is known now"


def resolved(shop: Scene, cells: Json) -> str:
    """Return why a row of a sheet is not used; empty where it is."""
    assert shop.lockstep is not None
    sync, row = shop.lockstep.sync(NAME, "sheet"), Wanted(2, cells)
    with sync.ledger.session(NAME, "listings") as session:
        resolve(session.products, [row], creates=True, waiting=waiting_variants(session))
    return "; ".join(row.problems)
