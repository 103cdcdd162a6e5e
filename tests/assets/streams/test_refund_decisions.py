"""What operators decide of refunds, by what a rejection has shown them, through the chain."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from assets.streams.returns.hold import covers, covers_units, stated
from domain.errors import LONGEST_VALUE
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.reopening import WHO
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene
from tests.assets.streams import test_refund_service as service
from tests.assets.streams.test_refunds import units_at_oms
from tests.assets.streams.test_returns import (
    UPS,
    approve,
    configure,
    open_return,
    place_shipped,
    refunds,
    step,
    units,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Order 1 (3 mugs, 1 lamp, 10.00 each) has shipped; refunds up to 15 need no approval."""
    configure(scene, limits={"USD": 15})
    place_shipped(scene, 1)
    return scene


def confirmed(scene: Scene, **chosen: int) -> str:
    """Make a return at the OMS that is confirmed at once, and return its id."""
    made = open_return(scene, lines=units(**chosen))
    step(scene, made, "verify")
    return made


def open_ones(scene: Scene) -> list[Rejection]:
    """Return the open rejections of returns."""
    assert scene.lockstep is not None
    with scene.lockstep.ledger.connect() as db:
        return work_queue.find(db, RejectionFilter(connection=NAME, stream="returns"))


def discard(scene: Scene) -> None:
    """Discard the open rejections of returns, as an operator who has paid by bank transfer."""
    found = open_ones(scene)
    assert found
    assert scene.lockstep is not None
    with scene.lockstep.ledger.connect() as db:
        operator_actions.discard(db, found, "ann", "paid by bank transfer")


def test_a_discarded_refund_is_not_made_when_the_limit_is_raised(shop: Scene) -> None:
    """The partition is run again: what was paid without Lockstep stays so, without a new alert."""
    made = confirmed(shop, l101=2)
    shop.run("returns")
    discard(shop)
    configure(shop, limits={"USD": 500})
    shop.run("returns")
    shop.run("returns", config={"acme__returns_delivered": {"config": {"force": True}}})
    assert refunds(shop) == []
    assert shop.outcomes("returns")[made] == ("accepted", "rejected")
    assert shop.open_rejections("returns") == {}


def test_a_discarded_refund_waits_when_the_return_grows(shop: Scene) -> None:
    """The rejection states all units that are not refunded; its approval lets them through."""
    made = open_return(shop, lines=units(l101=3))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 2}])
    shop.run("returns")
    discard(shop)
    configure(shop, limits={"USD": 25})
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == []
    assert shop.open_rejections("returns") == {made: "refund_discarded"}
    [held] = open_ones(shop)
    assert "3 of line 101" in held.message
    approve(shop, reason="")
    assert refunds(shop) == []
    approve(shop)
    assert refunds(shop) == [("1", "30.00", {"101": 3})]
    assert shop.open_rejections("returns") == {}


def test_a_refund_that_was_approved_after_a_discard_is_not_held_again(shop: Scene) -> None:
    """The newest decision counts: what is confirmed later goes out by itself."""
    made = open_return(shop, lines=units(l101=3, l102=1))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 2}])
    shop.run("returns")
    discard(shop)
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    approve(shop)
    assert refunds(shop) == [("1", "30.00", {"101": 3})]
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop)[1:] == [("1", "10.00", {"102": 1})]
    assert shop.open_rejections("returns") == {}


def test_a_refund_without_prices_that_was_discarded_is_not_made_with_them(scene: Scene) -> None:
    """The order is replayed later; other returns of it are refunded."""
    service.configure(scene)
    place = order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)])
    scene.place(place)
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS})
    scene.run("shipments")
    scene.sql_write(
        "CREATE TABLE kept AS SELECT capture_id, canonical FROM sync.record WHERE stream = 'orders'"
    )
    scene.sql_write("UPDATE sync.record SET canonical = NULL WHERE stream = 'orders'")
    made = confirmed(scene, l101=1)
    scene.run("returns")
    assert scene.open_rejections("returns") == {made: "refund_amount_unknown"}
    discard(scene)
    scene.sql_write(
        """UPDATE sync.record r SET canonical = k.canonical FROM kept k
           WHERE k.capture_id = r.capture_id"""
    )
    scene.run("returns")
    assert service.refunds(scene) == []
    confirmed(scene, l102=1)
    scene.run("returns")
    assert service.refunds(scene) == [("10.00", "accepted")]


def test_a_declined_refund_that_was_discarded_holds_no_other_units(shop: Scene) -> None:
    """It says that the declined one was paid by hand: what is confirmed later is another."""
    shop.to_store("settings", {"refunds_declined": True})
    made = open_return(shop, lines=units(l101=1, l102=1))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    discard(shop)
    shop.to_store("settings", {"refunds_declined": False})
    step(shop, made, "verify")
    shop.run("returns")
    assert [one[2] for one in refunds(shop)] == [{"101": 1}, {"102": 1}]


def test_a_retry_that_lockstep_queues_is_no_approval(shop: Scene) -> None:
    """It has a reason, too; the same retry by an operator is one."""
    confirmed(shop, l101=2)
    shop.run("returns")
    assert shop.lockstep is not None
    for who, made in ((WHO, 0), ("ann", 1)):
        with shop.lockstep.ledger.connect() as db:
            operator_actions.begin_retry(db, open_ones(shop), who, "as_captured", "it may pass")
        shop.run("returns")
        assert len(refunds(shop)) == made


def hand_refund(scene: Scene, line: int, quantity: int) -> None:
    """Let the merchant refund units of order 1 in the store."""
    scene.to_store("orders/1/refunds", {"lines": [{"id": line, "quantity": quantity}]})


def test_an_approval_covers_the_units_that_were_shown(shop: Scene) -> None:
    """A second unit is confirmed after the rejection: it waits again, whatever the limit."""
    hand_refund(shop, 101, 1)
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    [held] = open_ones(shop)
    assert orjson.loads(held.value) == {"line 101": 1, "refunded 101": 1, "amount": "0"}
    step(shop, made, "verify")
    approve(shop)
    assert len(refunds(shop)) == 1
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    approve(shop)
    assert refunds(shop)[1:] == [("1", "20.00", {"101": 2})]


def test_an_approval_does_not_cover_another_refund_by_hand(shop: Scene) -> None:
    """The merchant refunds this return's unit after the operator has seen another's."""
    hand_refund(shop, 101, 1)
    made = confirmed(shop, l101=1)
    shop.run("returns")
    hand_refund(shop, 101, 1)
    approve(shop)
    assert len(refunds(shop)) == 2
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}


def test_an_approval_of_fewer_units_is_enough_for_them(shop: Scene) -> None:
    """The OMS takes a unit back: what is left was shown, and is above the limit."""
    hand_refund(shop, 101, 1)
    made = confirmed(shop, l101=2, l102=1)
    shop.run("returns")
    canceled = {"OrderLineId": "2", "QuantityDetail": [{"StatusId": "19000", "Quantity": 1}]}
    change = {"change": {"OrderLine": [canceled]}, "silent": False}
    shop.to_oms(f"orders/{made}/tamper", change)
    approve(shop)
    assert refunds(shop)[1:] == [("1", "20.00", {"101": 2})]


def correct(scene: Scene, return_id: str, *lines: dict[str, object]) -> None:
    """Let the OMS correct lines of a return that it has confirmed."""
    change = {"change": {"OrderLine": list(lines)}, "silent": False}
    scene.to_oms(f"orders/{return_id}/tamper", change)


def in_status(line: str, status: str, quantity: int = 1) -> dict[str, object]:
    """Return a line of a return whose units are all in one status."""
    return {"OrderLineId": line, "QuantityDetail": [{"StatusId": status, "Quantity": quantity}]}


def test_a_unit_that_was_refunded_is_not_refunded_for_another_return(shop: Scene) -> None:
    """The OMS has canceled the first return, and made it again."""
    first = confirmed(shop, l101=1)
    shop.run("returns")
    correct(shop, first, in_status("1", "19000"))
    shop.run("returns")
    again = confirmed(shop, l101=1)
    shop.run("returns")
    assert len(refunds(shop)) == 1
    assert shop.open_rejections("returns") == {again: "refund_above_returns"}
    approve(shop)
    assert len(refunds(shop)) == 2
    assert shop.open_rejections("returns") == {}


def test_a_return_under_another_id_is_not_refunded_again(shop: Scene) -> None:
    """The OMS was restored from a backup, lacks the refunded return, and made it once more.

    While the OMS can't be asked, the return waits.
    """
    first = confirmed(shop, l101=1)
    shop.run("returns")
    again = confirmed(shop, l101=1)
    shop.to_oms(f"orders/{first}/remove", {})
    shop.run("returns", steps=("captured", "validated"))
    shop.fault("manhattan", {"kind": "status", "status": 503, "path": "order/search"})
    shop.run("returns", steps=("delivered",), raise_on_error=False)
    assert shop.open_rejections("returns") == {}
    shop.fault("manhattan")
    shop.run("returns")
    assert len(refunds(shop)) == 1
    assert shop.open_rejections("returns") == {again: "refund_above_returns"}


def test_two_returns_of_one_line_are_both_refunded(shop: Scene) -> None:
    """The OMS has both, so that they are different units."""
    confirmed(shop, l101=1)
    shop.run("returns")
    confirmed(shop, l101=1)
    shop.run("returns")
    assert len(refunds(shop)) == 2
    assert shop.open_rejections("returns") == {}


def test_a_return_that_is_corrected_to_another_line_is_not_refunded_twice(shop: Scene) -> None:
    """What was refunded of the first line counts, also where a restored ledger lacks it."""
    made = open_return(shop, lines=units(l101=1, l102=1))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    correct(shop, made, in_status("1", "19000"), in_status("2", "18000"))
    for table in ("delivery", "target_state"):
        shop.sql_write(f"DELETE FROM sync.{table} WHERE stream = 'returns'")  # noqa: S608 - a name
    shop.sql_write("DELETE FROM sync.refund")
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1})]
    assert shop.open_rejections("returns") == {made: "refund_above_returns"}


def test_a_refunded_return_that_becomes_an_exchange_holds_the_next_one(shop: Scene) -> None:
    """Its new goods are the shopper's, who has the money, too."""
    first = confirmed(shop, l101=1)
    shop.run("returns")
    correct(shop, first, {"OrderLineId": "1", "ReturnType": {"ReturnTypeId": "Exchange"}})
    again = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {again: "refund_above_returns"}
    assert len(refunds(shop)) == 1


def unshown(scene: Scene) -> None:
    """Order 1 has shipped at the OMS, and the store does not show it yet."""
    configure(scene)
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS})


def test_a_refund_by_hand_holds_a_return_that_the_store_does_not_show_as_shipped(
    scene: Scene,
) -> None:
    """The store's units are no unshipped ones: some of them came back."""
    unshown(scene)
    hand_refund(scene, 101, 1)
    made = confirmed(scene, l101=1)
    scene.run("returns")
    assert scene.open_rejections("returns") == {made: "refund_made_in_store"}
    assert len(refunds(scene)) == 1


def test_a_refund_of_what_has_not_shipped_holds_no_return(scene: Scene) -> None:
    """Two of three are shown as shipped, and one of them came back."""
    configure(scene)
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS, "lines": [{"line": "101", "quantity": 2}]})
    scene.run("shipments")
    hand_refund(scene, 101, 1)
    confirmed(scene, l101=1)
    scene.run("returns")
    assert refunds(scene)[1:] == [("1", "10.00", {"101": 1})]


def test_an_approval_of_long_lines_covers_the_same() -> None:
    """Ids of commercetools are longer than a rejection's value: nothing is cut, nor let through."""
    long = {f"5f1d3c57-8f4c-4b63-9d0a-00000001000{n}": n for n in (1, 2)}
    approved = stated(long, refunded=dict.fromkeys(long, 1), amount=Decimal("9.60"))
    assert len(approved) <= LONGEST_VALUE
    assert covers(approved, stated(long, refunded=dict.fromkeys(long, 1), amount=Decimal("9.60")))
    assert covers_units({"code": approved}, ["code"], long)
    assert not covers(approved, stated(long, refunded=dict.fromkeys(long, 2), amount=Decimal(9)))
    more = long | {"5f1d3c57-8f4c-4b63-9d0a-000000010002": 3}
    assert not covers_units({"code": approved}, ["code"], more)


def ship_two_of_three(scene: Scene) -> None:
    """Two of order 1's three mugs have shipped, at the OMS and in the store."""
    configure(scene)
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS, "lines": [{"line": "101", "quantity": 2}]})
    scene.run("shipments")


def test_a_returned_unit_leaves_those_that_are_still_to_be_shipped(scene: Scene) -> None:
    """The shopper gets the third mug, which was paid for; nothing is asked of the OMS."""
    ship_two_of_three(scene)
    confirmed(scene, l101=1)
    scene.run("returns")
    sent = scene.effects()
    scene.run("orders")
    assert units_at_oms(scene, 1) == [("MUG", 3), ("LAMP", 1)]
    assert scene.effects() == sent
    assert scene.open_rejections("orders") == {}
    scene.to_oms("orders/1/ship", {"tracking": UPS})
    scene.run("shipments")
    assert (
        scene.sql(
            "SELECT DISTINCT w ->> 'code' FROM sync.record, jsonb_array_elements("
            "warnings) w WHERE stream = 'orders'"
        )
        == []
    )
    confirmed(scene, l101=2)
    scene.run("returns")
    assert [units for _, _, units in refunds(scene)] == [{"101": 1}, {"101": 2}]


def test_a_unit_that_the_merchant_refunds_beside_a_return_is_taken_off(scene: Scene) -> None:
    """The lamp is refunded by hand: it alone is to be canceled, too late for this OMS."""
    ship_two_of_three(scene)
    confirmed(scene, l101=1)
    scene.run("returns")
    hand_refund(scene, 102, 1)
    scene.run("orders")
    wanted = """SELECT line_id, quantity::int FROM sync.order_line JOIN sync.record
                USING (connection, source_day, capture_id) WHERE outcome = 'rejected'"""
    assert scene.sql(wanted) == [("101", 3)]
    assert scene.open_rejections("orders") == {"1": "line_not_eligible"}


def test_a_return_is_refunded_after_another_unit_was_before_it_shipped(scene: Scene) -> None:
    """By a service, which is asked for what the order's remaining unit was worth."""
    service.configure(scene)
    scene.place(order(1, scene.moment(), [("MUG", 2), ("LAMP", 1)]))
    scene.run("orders")
    hand_refund(scene, 101, 1)
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS})
    for stream in ("shipments", "orders"):
        scene.run(stream)
    confirmed(scene, l101=1)
    scene.run("returns")
    assert service.refunds(scene) == [("10.00", "accepted")]
    assert scene.open_rejections("returns") == {}


def test_a_return_from_before_the_start_waits_for_an_operator(shop: Scene) -> None:
    """Another program, or people, may have refunded it; what comes later is refunded as usual."""
    old = confirmed(shop, l101=1)
    shop.sql_write("UPDATE sync.activation SET started_at = now() WHERE stream = 'returns'")
    shop.run("returns")
    shop.run("returns", trigger="rerun")
    assert shop.open_rejections("returns") == {old: "refund_before_start"}
    assert refunds(shop) == []

    confirmed(shop, l102=1)
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"102": 1})]
    approve(shop)
    assert refunds(shop)[1:] == [("1", "10.00", {"101": 1})]
    assert shop.open_rejections("returns") == {}


def test_a_return_from_before_a_first_connect_waits(shop: Scene) -> None:
    """The stream has no start yet while the past is synced."""
    old = confirmed(shop, l101=1)
    shop.sql_write("DELETE FROM sync.activation WHERE stream = 'returns'")
    assert shop.lockstep is not None
    shop.lockstep.starting[NAME] = frozenset({"returns"})
    shop.run("returns")
    assert shop.open_rejections("returns") == {old: "refund_before_start"}
    assert refunds(shop) == []
