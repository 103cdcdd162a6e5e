"""Prices that come and go at the OMS: what is gone, and what several of them are about."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.chain.keys import op_name
from assets.delivery import partition
from tests.assets.documents import SKUS
from tests.assets.prices import (
    ON,
    approve,
    live,
    price,
    run_again,
    set_prices,
    shown,
    take_up,
)
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=20)
NAMES = {"price_from": "EffectiveDate", "price_until": "EndDate"}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Give every item of the catalog a price of 10.00, with periods."""
    scene.configure(**ON, oms={"names": NAMES})
    set_prices(scene, *(price(sku, 10) for sku in SKUS))
    return scene


def day(ago: float) -> str:
    """Return a moment, so many days ago."""
    return (datetime.now(UTC) - timedelta(days=ago)).strftime("%Y-%m-%dT%H:%M:%S")


def remove(scene: Scene, currency: str = "USD") -> None:
    """Remove the prices of MUG."""
    scene.to_oms("prices", [{"ItemId": "MUG", "CurrencyCode": currency}])


def replaced(scene: Scene, *prices: dict[str, Any]) -> None:
    """Replace the prices of MUG, and read them."""
    remove(scene)
    set_prices(scene, *prices)
    live(scene)


def test_a_price_that_is_gone_is_not_sent_again_over_a_newer_one(shop: Scene) -> None:
    """Each has an id of its own by its period; no read, rerun or force brings one back."""
    for number, ago in ((10, 30), (11, 20), (12, 10)):
        replaced(shop, price("MUG", number, EffectiveDate=day(ago)))
        live(shop)
        assert shown(shop)["MUG"] == str(number)
    run_again(shop)
    force = {op_name(NAME, "prices", "delivered"): {"config": {"force": True}}}
    shop.run("prices", first=shop.today, steps=["validated", "delivered"], config=force)
    assert shown(shop)["MUG"] == "12"
    assert shop.open_rejections("prices") == {}


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_held_price_that_is_gone_waits_no_longer_and_cannot_be_approved(
    shop: Scene, is_replaced: bool
) -> None:
    """Replaced by one of another period, or deleted."""
    replaced(shop, price("MUG", 100, EffectiveDate=day(30)))
    assert list(shop.open_rejections("prices").values()) == ["price_change_large"]
    replaced(shop, *([price("MUG", 11, EffectiveDate=day(20))] if is_replaced else []))
    assert shop.open_rejections("prices") == {}
    approve(shop)
    run_again(shop)
    assert shown(shop)["MUG"] == ("11" if is_replaced else "10")


def test_a_price_that_comes_back_unchanged_is_sent(shop: Scene) -> None:
    """It was gone meanwhile, and another one stood in the store."""
    replaced(shop, price("MUG", 9))
    replaced(shop, price("MUG", 12, EffectiveDate=day(3)))
    replaced(shop, price("MUG", 9))
    assert shown(shop)["MUG"] == "9"


def test_a_price_that_is_gone_before_it_was_sent_is_not_sent(shop: Scene) -> None:
    """The store did not answer, or the run died before it had planned the price."""
    live(shop)
    set_prices(shop, price("MUG", 9))
    shop.run("prices", first=shop.today, steps=["captured", "validated"])
    replaced(shop)
    run_again(shop)
    assert shown(shop)["MUG"] == "10"


def test_the_end_of_a_period_frees_its_place(shop: Scene) -> None:
    """The next price is planned before or after the one that ends; what was ambiguous is sent."""
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=4)
    moment = soon.strftime("%Y-%m-%dT%H:%M:%S")
    remove(shop)
    set_prices(
        shop,
        price("MUG", 10, CurrencyCode="usd", EndDate=moment),
        price("MUG", 11, EffectiveDate=moment),
        price("TENT", 11, CurrencyCode="usd", EffectiveDate=moment),
        price("TENT", 10, EndDate=moment),
        price("LAMP", 12, CurrencyCode="usd", EndDate=moment),
        price("LAMP", 9),
    )
    live(shop)
    assert set(shop.open_rejections("prices")) == {"LAMP@/USD", "LAMP@/usd"}
    assert set(shop.open_rejections("prices").values()) == {"price_ambiguous"}
    time.sleep(max(0.0, (soon - datetime.now(UTC)).total_seconds()) + 0.1)
    # Before the ended one is planned again, as where an operator retries the other one alone.
    [[key]] = shop.sql("SELECT target_key FROM sync.newest_price WHERE source_id = 'LAMP@/USD'")
    assert shop.lockstep is not None
    with shop.lockstep.sync(NAME, "test").ledger.session(NAME, "prices") as session:
        assert session.prices.rivals([key], soon - timedelta(seconds=1)) != {}
        assert session.prices.rivals([key], soon) == {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "CHUNK", 1)
        take_up(shop)
    take_up(shop)
    assert shop.open_rejections("prices") == {}
    found = shown(shop)
    assert (found["MUG"], found["TENT"], found["LAMP"]) == ("11", "11", "9")


@pytest.mark.parametrize("same_id", [False, True])
def test_two_prices_for_one_item_are_sent_neither_until_one_is_removed(
    shop: Scene, monkeypatch: pytest.MonkeyPatch, same_id: bool
) -> None:
    """In whatever chunk each is planned; which of them is removed makes no difference."""
    monkeypatch.setattr(partition, "CHUNK", 1)
    other: Any = {"CurrencyId": "USD"} if same_id else "usd"
    for removed, left in (("USD", "8"), (other, "12")):
        remove(shop, other)
        set_prices(shop, price("MUG", 10))
        live(shop)
        assert shown(shop)["MUG"] == "10"
        set_prices(shop, price("MUG", 8, CurrencyCode=other), price("MUG", 12))
        live(shop)
        assert list(shop.open_rejections("prices").values()) == ["price_ambiguous"] * 2
        assert shown(shop)["MUG"] == "10"
        remove(shop, removed)
        live(shop)
        assert shop.open_rejections("prices") == {}
        assert shown(shop)["MUG"] == left


def test_lists_that_change_places_are_no_rivals(
    shop: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The place that a price had by the policy before says nothing."""
    monkeypatch.setattr(partition, "CHUNK", 1)
    shop.to_store("pricelists", [{"id": 3}, {"id": 4}])
    set_prices(shop, price("MUG", 7, PriceListId="A"), price("MUG", 9, PriceListId="B"))
    names = NAMES | {"price_list": "PriceListId"}
    for lists in ({"A": "3", "B": "4"}, {"A": "4", "B": "3"}):
        shop.configure(**ON, prices={"lists": lists, "first_price": "send"}, oms={"names": names})
        live(shop)
        assert shop.open_rejections("prices") == {}
        assert shown(shop, lists["A"]) == {"MUG": "7"}
        assert shown(shop, lists["B"]) == {"MUG": "9"}
