"""Reconciliation of prices: what was changed by hand in the store, and its repair."""

from __future__ import annotations

from typing import Any

import pytest

from assets.reconciliation.run import Report, Request, reconcile
from domain.connections import PRICES
from tests.assets.documents import SKUS
from tests.assets.prices import ON, price, set_prices, shown, writes
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def look(scene: Scene, *, repair: bool = False) -> Report:
    """Reconcile today's prices."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "reconciliation")
    return reconcile(sync, Request(scene.today, (PRICES,), repair, confirm_seconds=0))


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Deliver a price of 10.00 for each SKU."""
    scene.configure(**ON)
    set_prices(scene, *(price(sku, 10) for sku in SKUS))
    scene.run("prices", first=scene.today)
    return scene


def test_a_price_set_by_hand_is_found_and_corrected_within_the_limit(shop: Scene) -> None:
    """A correction beyond the limit waits for approval, as any change does."""
    assert look(shop).drifts == []
    assert look(shop).prices == len(SKUS)
    shop.to_store("prices", [{"sku": "MUG", "price": 12, "sale_price": 11}])
    shop.to_store("prices", [{"sku": "LAMP", "price": 90}])
    report = look(shop)
    assert sorted((d.drift_class, d.entity, d.expected, d.found) for d in report.drifts) == [
        ("differs", "price", "USD 10", "USD 12, sale 11"),
        ("differs", "price", "USD 10", "USD 90"),
    ]
    assert shown(shop)["MUG"] == "12 11"
    assert len(look(shop, repair=True).reruns) == 1
    shop.run("prices", first=shop.today, steps=["validated", "delivered"])
    assert shown(shop)["MUG"] == "10"
    assert shown(shop)["LAMP"] == "90"
    assert shop.open_rejections("prices") == {"LAMP@/USD": "price_change_large"}
    sent = writes(shop)
    assert look(shop, repair=True).drifts == [], "what waits for approval is known"
    assert writes(shop) == sent
    assert shop.sql("SELECT count(*) FROM sync.drift WHERE state = 'open'") == [(0,)]


def test_what_is_under_way_is_no_drift(shop: Scene) -> None:
    """A price of the OMS that is not captured yet, and one that is rejected."""
    set_prices(shop, price("MUG", 11), price("LAMP", 0))
    report = look(shop)
    assert (report.drifts, report.pending) == ([], 2)
    shop.run("prices", first=shop.today, raise_on_error=False)
    report = look(shop)
    assert (report.drifts, report.pending) == ([], 0)
    shop.run("prices", first=shop.today, steps=["captured", "validated"])
    assert look(shop).drifts == []


@pytest.mark.parametrize("gone", ["list", "currency"])
def test_what_the_store_can_take_no_more_is_found_and_becomes_a_rejection(
    shop: Scene, gone: str
) -> None:
    """A list that was deleted, another currency of the store: the drift stays open until then."""
    shop.to_store("pricelists", [{"id": 4}])
    set_prices(shop, price("MUG", 7, PriceListId="WHOLESALE"))
    names, lists = {"price_list": "PriceListId"}, {"WHOLESALE": "4"}
    shop.configure(**ON, prices={"lists": lists, "first_price": "send"}, oms={"names": names})
    shop.run("prices", first=shop.today)
    by_hand = {"sku": "MUG", "price": 6.5}
    by_hand |= {"price_list": 4, "currency": "USD"} if gone == "list" else {}
    shop.to_store("prices", [by_hand])
    assert [d.found for d in look(shop).drifts] == ["USD 6.5"]
    answers: dict[str, dict[str, Any]] = {
        "list": {"path": "/v3/pricelists/4", "kind": "status", "status": 404},
        "currency": {
            "path": "/v2/store",
            "kind": "replaced",
            "status": 200,
            "body": {"currency": "EUR", "id": "x", "timezone": {"name": "UTC", "raw_offset": 0}},
        },
    }
    shop.fault("bigcommerce", {"method": "GET", "times": 1000} | answers[gone])
    sent, report = writes(shop), look(shop)
    code = {"list": "price_list_unknown", "currency": "price_currency_of_list"}[gone]
    assert {(d.found, d.can_repair) for d in report.drifts} == {(code, False)}
    assert len(report.drifts) == (1 if gone == "list" else len(SKUS))
    assert shop.sql("SELECT count(*) FROM sync.drift WHERE state = 'open'") == [
        (len(report.drifts),)
    ]
    shop.run("prices", first=shop.today, steps=["validated", "delivered"], raise_on_error=False)
    rejections = shop.open_rejections("prices")
    assert set(rejections.values()) == {code}
    assert len(rejections) == len(report.drifts)
    assert writes(shop) == sent
    assert look(shop).drifts == []
