"""An order of which the store fails to give a part keeps no other order back."""

from __future__ import annotations

from typing import Any

import pytest

from resources.ledger.rejections.recovery import retry_unreached
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=12)

Json = dict[str, Any]
PARTS: Json = {
    "coupon_discount": "1.00",
    "coupons": [{"code": "ONE", "amount": 1, "discount": 1}],
    "transactions": [
        {"event": "capture", "method": "credit_card", "amount": 34, "gateway": "stripe"}
    ],
}


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A connection that reads the transactions of each order."""
    scene.configure(platform={"fetch_transactions": "all"})
    return scene


def read_again(scene: Scene) -> list[tuple[Any, ...]]:
    """Let time pass, queue what is due, run it, and return what was queued."""
    scene.sql_write("UPDATE sync.rejection SET seen_at = seen_at - interval '1 hour'")
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, "orders") as session:
        assert retry_unreached(session)
        assert retry_unreached(session) == [], "once at a time"
    queued = scene.sql("SELECT source_ids, mode FROM sync.rerun")
    scene.run("orders", first=scene.yesterday)
    return queued


@pytest.mark.parametrize(
    ("part", "rule"),
    [
        ("v3/orders/2/transactions$", {"kind": "status", "status": 500}),
        ("v3/orders/2/transactions$", {"kind": "malformed"}),
        ("v2/orders/2/coupons$", {"kind": "drop_before"}),
    ],
    ids=["transactions fail", "transactions unreadable", "coupons without an answer"],
)
def test_a_part_that_the_store_does_not_give_keeps_back_its_order_only(
    shop: Scene, part: str, rule: Json
) -> None:
    """It is a rejection that says which part, is read again by itself, and goes out once."""
    shop.place(*[order(number, shop.moment(), **PARTS) for number in (1, 2, 3)])
    shop.fault("bigcommerce", rule | {"path": part})

    for _ in range(2):
        assert shop.run("orders", first=shop.yesterday).success

    assert set(shop.oms_orders()) == {"1", "3"}
    assert shop.open_rejections("orders") == {"2": "part_not_read"}
    [(field, problem_class)] = shop.sql("SELECT field, class FROM sync.rejection")
    assert (part.rpartition("/")[2].rstrip("$"), "connection") == (field, problem_class)
    shop.fault("bigcommerce")
    assert read_again(shop) == [(None, "re_read")]
    assert {number: held["creates"] for number, held in shop.oms_orders().items()} == dict.fromkeys(
        "123", 1
    )
    assert shop.open_rejections("orders") == {}
    before = shop.effects()
    shop.run("orders", first=shop.yesterday)
    assert shop.effects() == before


def test_parts_that_the_store_gives_of_no_order_are_its_own_fault(shop: Scene) -> None:
    """The window is read again, and no order is rejected for the outage."""
    shop.place_many([1, 2])
    shop.fault("bigcommerce", {"kind": "status", "status": 503, "path": "transactions$"})

    assert not shop.run("orders", first=shop.yesterday, raise_on_error=False).success

    assert shop.open_rejections("orders") == {}
    shop.fault("bigcommerce")
    shop.run("orders", first=shop.yesterday)
    assert set(shop.oms_orders()) == {"1", "2"}


def test_an_order_that_is_canceled_while_it_can_not_be_read_is_owed_no_more(shop: Scene) -> None:
    """A canceled order needs no transactions."""
    shop.place_many([1, 2])
    shop.fault("bigcommerce", {"kind": "status", "status": 500, "path": "v3/orders/2/"})
    shop.run("orders")
    shop.to_store("orders/2/status", {"status_id": 5})

    shop.run("orders")

    assert set(shop.oms_orders()) == {"1"}
    assert shop.open_rejections("orders") == {}
