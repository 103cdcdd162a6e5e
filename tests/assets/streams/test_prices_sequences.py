"""Sequences in which an approval, a mapping or a backup could send an unapproved price."""

from __future__ import annotations

from typing import Any

import pytest

from tests.assets.delivery.test_restored import back_up
from tests.assets.documents import PRODUCTS, SKUS
from tests.assets.prices import (
    ON,
    approve,
    live,
    price,
    run_again,
    set_prices,
    shown,
    take_up,
    writes,
)
from tests.assets.scene import Scene

NAMES = {"price_list": "PriceListId"}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Give every item of the catalog a price of 10.00, and the connection the stream."""
    scene.configure(**ON)
    set_prices(scene, *(price(sku, 10) for sku in SKUS))
    return scene


def configure(scene: Scene, **prices: Any) -> None:
    """Change the policy of prices."""
    scene.configure(**ON, prices=prices, oms={"names": NAMES})


def test_an_approval_that_a_restored_ledger_has_forgotten_is_not_needed_again(shop: Scene) -> None:
    """The store shows the price; it is neither sent again nor taken back."""
    live(shop)
    set_prices(shop, price("MUG", 30))
    live(shop)
    assert shop.open_rejections("prices") == {"MUG@/USD": "price_change_large"}
    restore = back_up(shop)
    shop.configure(**ON)
    approve(shop)
    assert shown(shop)["MUG"] == "30"
    sent = writes(shop)
    restore()
    shop.configure(**ON)
    assert shop.open_rejections("prices") == {"MUG@/USD": "price_change_large"}
    run_again(shop)
    assert shop.open_rejections("prices") == {}
    assert (writes(shop), shown(shop)["MUG"]) == (sent, "30")


def test_a_price_that_waits_follows_its_list_and_is_approved_there_alone(shop: Scene) -> None:
    """It is held for one list of the store, and its list is mapped to another one meanwhile."""
    shop.to_store("pricelists", [{"id": 3}, {"id": 4}])
    set_prices(shop, price("MUG", 7, PriceListId="B2B"))
    configure(shop, lists={"B2B": "3"})
    live(shop)
    assert shop.open_rejections("prices") == {"MUG@B2B/USD": "price_first"}
    configure(shop, lists={"B2B": "4"})
    take_up(shop)
    assert shop.open_rejections("prices") == {"MUG@B2B/USD": "price_first"}
    assert (shown(shop, "3"), shown(shop, "4")) == ({}, {})
    approve(shop)
    assert (shown(shop, "3"), shown(shop, "4")) == ({}, {"MUG": "7"})


def test_an_approval_for_one_list_is_none_for_another(shop: Scene) -> None:
    """The list is mapped anew between the approval and its delivery."""
    shop.to_store("pricelists", [{"id": 3}, {"id": 4}])
    set_prices(shop, price("MUG", 7, PriceListId="B2B"))
    configure(shop, lists={"B2B": "3"})
    live(shop)
    shop.fault("bigcommerce", {"method": "PUT", "path": "pricelists", "kind": "drop_before"})
    approve(shop, raise_on_error=False)
    shop.fault("bigcommerce")
    assert shown(shop, "3") == {}
    configure(shop, lists={"B2B": "4"})
    take_up(shop)
    run_again(shop)
    assert shown(shop, "3") == {}
    assert shown(shop, "4") == {}, "what this list shows was not compared"


def test_variants_that_swap_their_skus_and_swap_them_back_show_the_prices_of_their_skus(
    shop: Scene,
) -> None:
    """In between each variant got the other one's price, under the other SKU."""
    configure(shop, max_change=None, first_price="send")
    set_prices(shop, price("SHIRT-S", 20), price("SHIRT-M", 30))
    live(shop)
    [shirt] = [product for product in PRODUCTS if product["sku"] == "SHIRT"]
    for first, second in (("SHIRT-M", "SHIRT-S"), ("SHIRT-S", "SHIRT-M")):
        for skus in (("SHIRT-X", "SHIRT-Y"), (first, second)):
            variants = [
                {"id": number, "sku": sku} for number, sku in zip((2041, 2042), skus, strict=True)
            ]
            shop.to_store("catalog", [shirt | {"variants": variants}])
        live(shop)
        take_up(shop)
        assert {sku: shown(shop)[sku] for sku in (first, second)} == {
            "SHIRT-S": "20", "SHIRT-M": "30"
        }  # fmt: skip
    sent = writes(shop)
    live(shop)
    take_up(shop)
    assert writes(shop) == sent
