"""Reconciliation of customers: what the store changed unseen, and what the OMS holds otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from assets.reconciliation.run import Report, Request, reconcile
from domain.connections import CUSTOMERS, ORDERS, SHIPMENTS
from resources.ledger.privacy import forgetting
from tests.assets.customers import STREAMS, address, customer, held, register, truth
from tests.assets.documents import order
from tests.assets.reconciliation.comparing import drifts_of, tamper
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow


def look(scene: Scene, *, repair: bool = False) -> Report:
    """Reconcile the customers of today."""
    assert scene.lockstep is not None
    sync = scene.lockstep.sync(NAME, "reconciliation")
    return reconcile(sync, Request(scene.today, (CUSTOMERS,), repair, confirm_seconds=0))


def found(scene: Scene) -> list[tuple[Any, ...]]:
    """Return the drifts without repairing them."""
    return drifts_of(look(scene))


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Three customers in step."""
    scene.configure(streams=STREAMS)
    register(scene, *(customer(number, scene.moment()) for number in (1, 2, 3)))
    scene.run("customers")
    return scene


def test_customers_in_step_are_no_drift(shop: Scene) -> None:
    """Nor is what the tenant writes in its own form, nor what its staff has added."""
    theirs = [{"AddressId": "front", "Address": {"City": "Reno"}}]
    own = {"LastName": "BRIGHTWATER", "Tier": "gold", "CustomerAddress": theirs}
    shop.to_oms("customers", [{"CustomerId": "1", **own}])
    verified = [{"AddressId": "20", "Address": {"Address1": "20 KINGFISHER RW", "City": "AUSTIN"}}]
    shop.to_oms("customers", [{"CustomerId": "2", "CustomerAddress": verified}])
    report = look(shop)
    assert (report.customers, report.drifts, report.pending) == (3, [], 0)


def test_a_deletion_without_a_webhook_is_found(shop: Scene) -> None:
    """It is announced to the stream, which sends it with its next run."""
    shop.to_store("customers/2", {}, "DELETE")
    report = look(shop)
    assert (report.drifts, report.pending) == ([], 1)
    shop.run("customers")
    assert not truth(shop, "manhattan")["2"]["active"]
    assert look(shop).pending == 0
    assert found(shop) == []


def test_a_changed_address_without_a_webhook_is_found(shop: Scene) -> None:
    """Likewise; it is captured once, whatever is announced again."""
    shop.to_store("customers/2/addresses", address(20, city="Waco"))
    assert look(shop).pending == 1
    look(shop)
    shop.run("customers")
    assert truth(shop, "manhattan") == truth(shop, "bigcommerce")
    assert held(shop)["2"]["saves"] == 2
    assert look(shop).pending == 0


def test_what_the_oms_holds_otherwise_is_a_drift_and_is_repaired(shop: Scene) -> None:
    """Only names of attributes are recorded; the normal delivery corrects them."""
    wrong = {"CustomerId": "1", "FirstName": "Quite Another", "Email": None}
    shop.to_oms("customers", [wrong])
    shop.to_oms("customers/remove", ["3"])
    wanted = [
        ("differs", "customer", "1", "Email", True),
        ("differs", "customer", "1", "FirstName", True),
        ("missing_at_target", "customer", "3", "", True),
    ]
    assert found(shop) == wanted
    report = look(shop, repair=True)
    assert drifts_of(report) == wanted
    assert len(report.reruns) == 1
    shop.run("customers")
    assert truth(shop, "manhattan") == truth(shop, "bigcommerce")
    after = look(shop)
    assert (after.drifts, after.closed) == ([], 3)
    shown = shop.sql("SELECT string_agg(d::text, ' ') FROM sync.drift d")
    assert "Quite Another" not in str(shown)


def test_a_customer_whose_address_was_removed_at_the_oms_is_a_drift(shop: Scene) -> None:
    """By the address's id."""
    gone = [{"AddressId": "10", "IsActive": False}]
    shop.to_oms("customers", [{"CustomerId": "1", "CustomerAddress": gone}])
    assert found(shop) == [("differs", "customer", "1", "CustomerAddress[10]", True)]


def test_what_was_forgotten_is_no_drift(shop: Scene) -> None:
    """Nothing of the person is left to compare, whether the OMS has erased it yet or not."""
    placed = order(1, shop.moment(), customer_id=1)
    placed["billing_address"]["email"] = customer(1)["email"]
    shop.place(placed)
    shop.run("orders")
    shop.to_oms("orders/1/ship", {})
    shop.run("shipments")
    assert shop.lockstep is not None
    with shop.lockstep.ledger.session(NAME, "") as session:
        done = forgetting.forget(session.db, NAME, customer(1)["email"], "ann")
    assert (done.orders, done.others) == (["1"], ["customer 1"])
    shop.run("orders", "customers", "shipments")
    sync = shop.lockstep.sync(NAME, "reconciliation")
    streams = (ORDERS, SHIPMENTS, CUSTOMERS)

    def compared() -> list[Any]:
        days = (shop.yesterday, shop.today)
        reports = [reconcile(sync, Request(d, streams, confirm_seconds=0)) for d in days]
        return [(drifts_of(report), report.pending) for report in reports]

    assert compared() == [([], 0)] * 2
    tamper(shop, 1, {"CustomerFirstName": "", "CustomerLastName": "erased"}, silent=False)
    shop.to_oms("customers", [{"CustomerId": "1", "FirstName": "", "LastName": "erased"}])
    shop.run("shipments")
    assert compared() == [([], 0)] * 2
