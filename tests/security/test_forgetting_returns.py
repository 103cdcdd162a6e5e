"""Forgetting a shopper who has sent goods back: the returns go and stay with their order."""

from __future__ import annotations

import orjson
import pytest

from domain.personal import FORGOTTEN
from resources.ledger.database.compression import decompress
from tests.assets.scene import Scene
from tests.assets.streams.test_returns import (
    configure,
    open_return,
    place_shipped,
    refunds,
    step,
    units,
)
from tests.security.test_forgetting_customers import forget_in

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """A shipped order of customer 4711 with a confirmed return, and one of another customer."""
    configure(scene)
    place_shipped(scene, 1, customer_id=4711)
    place_shipped(scene, 2, customer_id=8)
    for number in (1, 2):
        step(scene, open_return(scene, number, lines=units(**{f"l{number}01": 1})), "verify")
    return scene


def test_a_return_is_forgotten_with_its_order(shop: Scene) -> None:
    """Also a return that does not name the shopper; others' returns are kept."""
    shop.run("returns")
    [(mine,)] = shop.sql("SELECT return_id FROM history.refunds WHERE source_id = '1'")
    done = forget_in(shop, "4711")
    assert (done.orders, done.others, done.open_records) == (["1"], [f"return {mine}"], {})
    gone = shop.sql(
        """SELECT source_id, stream FROM sync.forgotten_record WHERE stream = 'returns'"""
    )
    assert gone == [(mine, "returns")]
    assert len(shop.sql("SELECT FROM history.refunds")) == 2
    assert forget_in(shop, "4711").counts == dict.fromkeys(done.counts, 0)


def test_an_order_is_kept_while_a_return_of_it_is_to_be_refunded(shop: Scene) -> None:
    """The two are forgotten together, when the money is back."""
    shop.run("returns", steps=("captured", "validated"))
    found = forget_in(shop, "4711", dry_run=True)
    assert (found.orders, found.others) == ([], [])
    [(record, why)] = found.open_others.items()
    assert why == "to be delivered"
    assert found.open_orders == {"1": f"{record}: to be delivered"}
    shop.run("returns")
    assert forget_in(shop, "4711").open_records == {}


def test_a_return_of_a_forgotten_order_is_still_refunded(scene: Scene) -> None:
    """What is confirmed after the shopper was forgotten needs no personal data."""
    configure(scene)
    place_shipped(scene, 1, customer_id=4711)
    made = open_return(scene, lines=units(l101=1))
    scene.run("returns")
    assert forget_in(scene, "4711").others == [f"return {made}"]
    step(scene, made, "verify")
    scene.run("returns")
    assert refunds(scene) == [("1", "10.00", {"101": 1})]


def test_a_return_that_is_made_after_its_shopper_was_forgotten_names_no_person(
    scene: Scene,
) -> None:
    """The OMS still knows the shopper; the ledger does not, and the money goes back."""
    configure(scene)
    place_shipped(scene, 1, customer_id=4711)
    place_shipped(scene, 2, customer_id=8)
    scene.run("returns")
    forget_in(scene, "4711")
    for number in (1, 2):
        line = {f"l{number}01": 1}
        step(scene, open_return(scene, number, lines=units(**line)), "verify")
    scene.run("returns")
    assert sorted(refunds(scene)) == [("1", "10.00", {"101": 1}), ("2", "10.00", {"201": 1})]
    emails = {
        source_id: orjson.loads(decompress(frame))["CustomerEmail"]
        for source_id, frame in scene.sql(
            "SELECT source_id, payload FROM sync.capture WHERE stream = 'returns'"
        )
    }
    assert emails["1-RET1"] == FORGOTTEN
    assert "@" in emails["2-RET1"]
