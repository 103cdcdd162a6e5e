"""The OMS's prices reach the store, whichever two systems they are."""

from __future__ import annotations

from typing import Any

import pytest

from domain.connections import PRICES
from orchestration.local.simulated import pairs
from resources.systems import streams_carried
from tests.assets.prices import approve, price, run_again
from tests.pairs.pair_scene import OpenPair, PairScene, with_only_what_is_ordered

pytestmark = pytest.mark.slow(seconds=20)

ALL = [
    pytest.param(pair, id="-".join(pair)) for pair in pairs() if PRICES in streams_carried(*pair)
]
DISCOUNT = "6f1d3c57-8f4c-4b63-9d0a-000000000001"


def takes_sales(shop: PairScene) -> dict[str, Any]:
    """Return what a platform needs to take sale prices; a price book of an org is made first."""
    if shop.pair.store == "salesforce":
        path = f"salesforce/{shop.store}/put/Pricebook2"
        book = shop._control("POST", path, {"Name": "Sale", "IsActive": True})
        return {"sale_pricebooks": {"catalog": book["id"]}}
    return {"sale_discount": DISCOUNT} if shop.pair.store == "commercetools" else {}


@pytest.fixture
def shop(request: pytest.FixtureRequest, open_pair: OpenPair) -> PairScene:
    """Make a connection between two systems that no other test uses."""
    made = open_pair(request.param)
    made.sales = takes_sales(made)  # type: ignore[attr-defined]
    made.configure(
        platform=made.sales,  # type: ignore[attr-defined]
        prices={"first_price": "send", "max_change": None, "currency": "USD"},
    )
    return made


def shown(shop: PairScene, skus: list[str]) -> dict[str, tuple[str, str]]:
    """Return the regular and the sale price that shoppers see."""
    return {
        row["sku"]: (row["regular"], row["sale"])
        for row in shop.truth_of(shop.pair.store)["prices"]
        if row["sku"] in skus and not row["price_list"]
    }


def wanted(shop: PairScene, skus: list[str]) -> dict[str, tuple[str, str]]:
    """Return the same as the OMS has it."""
    return {
        row["sku"]: (row["regular"], row["sale"] if row["sale"] != row["regular"] else "")
        for row in shop.truth_of(shop.pair.oms)["prices"]
        if row["sku"] in skus
    }


@pytest.mark.parametrize("shop", ALL, indirect=True)
def test_prices_are_the_omss_sent_once_and_guarded(shop: PairScene) -> None:
    """First prices, changes, a sale and its end, and a change that waits for approval."""
    whole = shop.catalogue
    lines = [{"sku": row["sku"]} for row in whole.products[:5]]
    some = with_only_what_is_ordered(whole, [{"products": lines}])
    shop.to_store("catalog", some.products)
    for name in ("locations", "items", "supply"):
        shop.to_oms(name, getattr(some, name))
    skus = sorted(row["ItemId"] for row in some.items)
    assert len(skus) >= 3
    first, second, third, *_ = skus
    shop.to_oms("prices", [price(sku, 10 + n, 10 + n) for n, sku in enumerate(skus)])
    shop.run("prices", first=shop.today)
    sellable = sorted(shown(shop, skus))
    assert {first, second, third} <= set(sellable)
    assert shown(shop, sellable) == wanted(shop, sellable)

    shop.configure(
        platform=shop.sales,  # type: ignore[attr-defined]
        prices={"first_price": "send", "max_change": 0.5, "currency": "USD"},
    )
    rows = [price(first, "10.5"), price(second, 11, "9.25"), price(third, 500)]
    shop.to_oms("prices", rows)
    shop.run("prices", first=shop.today)
    sale = "9.25" if shop.pair.oms == "manhattan" else ""  # the others have one price
    assert shown(shop, [first, second]) == {first: ("10.5", ""), second: ("11", sale)}
    assert shown(shop, [third]) == {third: ("12", "")}
    assert list(shop.open_rejections("prices").values()) == ["price_change_large"]
    approve(shop)
    shop.to_oms("prices", [price(second, 11)])
    shop.run("prices", first=shop.today)
    assert shown(shop, sellable) == wanted(shop, sellable)
    assert shop.open_rejections("prices") == {}
    sent = len(shop.deliveries("prices"))
    run_again(shop)
    shop.run("prices", first=shop.today)
    assert len(shop.deliveries("prices")) == sent
