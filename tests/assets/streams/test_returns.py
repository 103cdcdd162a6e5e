"""Returns from the OMS to the store, through the whole chain: what is owed is refunded once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets.documents import order
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "returns")
UPS = "1Z999AA10123456784"
LIMITS = {"limits": {"USD": 500}}
REFUNDS = "/payment_actions/refunds$"


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Order 1 (3 mugs, 1 lamp, 10.00 each) has shipped; refunds up to 500 need no approval."""
    configure(scene)
    place_shipped(scene, 1)
    return scene


def configure(scene: Scene, **returns: Any) -> None:
    """Sync returns, by default with a limit that covers every order here."""
    scene.configure(streams=STREAMS, returns=returns or LIMITS)


def place_shipped(scene: Scene, number: int, **changes: Any) -> None:
    """Place an order, send it to the OMS, ship it, and show that in the store."""
    scene.place(order(number, scene.moment(), [("MUG", 3), ("LAMP", 1)], **changes))
    scene.run("orders")
    scene.to_oms(f"orders/{number}/ship", {"tracking": UPS})
    scene.run("shipments")


def open_return(scene: Scene, number: int = 1, **body: Any) -> str:
    """Make a return of an order at the OMS, and return its id."""
    return str(scene.to_oms(f"orders/{number}/returns", body)["return"])


def units(**quantities: int) -> list[Json]:
    """Return lines as control calls take them: ``units(l101=2)``."""
    return [{"line": name[1:], "quantity": number} for name, number in quantities.items()]


def step(scene: Scene, return_id: str, name: str, **body: Any) -> None:
    """Take a step with a return at the OMS."""
    scene.to_oms(f"orders/{return_id}/{name}", body)


def refunds(scene: Scene) -> list[tuple[str, str, dict[str, int]]]:
    """Return order, amount and units of every refund that the store has."""
    truth = scene._ask(f"bigcommerce/{scene.store}/truth")[0]
    return [
        (one["order"], one["amount"], {line["line"]: line["quantity"] for line in one["lines"]})
        for one in truth["refunds"]
    ]


def approve(scene: Scene, reason: str = "approved by finance", **run: Any) -> None:
    """Retry all open rejections of returns as an operator does, and run the partition again."""
    with scene.lockstep.ledger.connect() as db:
        found = work_queue.find(db, RejectionFilter(connection=NAME, stream="returns"))
        operator_actions.begin_retry(db, found, "ann", "as_captured", reason)
    scene.run("returns", **run)
    with scene.lockstep.ledger.connect() as db:
        operator_actions.end_retry(db, {r.rejection_id: "run" for r in found})


def test_a_return_is_refunded_once_the_oms_confirms_it_and_no_earlier(shop: Scene) -> None:
    """Announced, on its way and received: nothing; confirmed: what the store says it is worth."""
    made = open_return(shop, lines=units(l101=2), tracking=UPS)
    for name in ("scan", "receive"):
        shop.run("returns")
        assert refunds(shop) == []
        assert shop.outcomes("returns")[made] == ("accepted", "unchanged")
        step(shop, made, name)
    step(shop, made, "verify", condition="Good")

    shop.run("returns")
    shop.run("returns")

    assert refunds(shop) == [("1", "20.00", {"101": 2})]
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.store_orders()[1]["status_id"] == 14
    [row] = shop.sql(
        """SELECT return_id, source_id, amount, currency, is_paid, is_found, service
           FROM history.refunds"""
    )
    assert [str(value) for value in row] == [
        made,
        "1",
        "20.0000",
        "USD",
        "True",
        "False",
        "bigcommerce",
    ]
    assert shop.sql(
        "SELECT order_line_id, confirmed::int, condition, tracking_number FROM history.returns"
    ) == [("101", 2, "Good", UPS)]


def test_a_part_is_refunded_first_and_the_rest_when_it_is_confirmed(shop: Scene) -> None:
    """Quantities of a return are cumulative: each confirmation is a refund of its own units."""
    made = open_return(shop, lines=units(l101=3, l102=1))
    step(shop, made, "receive")
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1})]

    step(shop, made, "verify")
    shop.run("returns")
    shop.run("returns")

    assert refunds(shop) == [("1", "10.00", {"101": 1}), ("1", "30.00", {"101": 2, "102": 1})]
    assert shop.store_orders()[1]["status_id"] == 4


def test_several_returns_of_one_order_are_refunded_each(shop: Scene) -> None:
    """Also with the same units: no refund of one is taken for another's."""
    first = open_return(shop, lines=units(l101=1))
    second = open_return(shop, lines=units(l101=1))
    for made in (first, second):
        step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1})] * 2
    third = open_return(shop, lines=units(l101=1))
    step(shop, third, "verify")
    shop.run("returns")
    assert len(refunds(shop)) == 3
    assert shop.open_rejections("returns") == {}


def test_a_canceled_return_is_not_refunded(shop: Scene) -> None:
    """The units are the shopper's again; another return of them may follow."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "receive")
    step(shop, made, "cancel_return")
    shop.run("returns")
    assert refunds(shop) == []
    again = open_return(shop, lines=units(l101=2))
    step(shop, again, "verify")
    shop.run("returns")
    assert refunds(shop) == [("1", "20.00", {"101": 2})]
    assert shop.sql(
        "SELECT return_id, canceled::int, confirmed::int FROM history.returns ORDER BY 1"
    ) == [(made, 2, 0), (again, 0, 2)]


def test_an_unexpected_return_waits_for_the_omss_approval(shop: Scene) -> None:
    """A parcel without a return: refunded at once only where the OMS approves such by itself."""
    waiting = open_return(shop, lines=units(l102=1), unexpected=True)
    shop.run("returns")
    assert refunds(shop) == []
    step(shop, waiting, "approve")
    open_return(shop, lines=units(l101=1), unexpected=True, approved=True)
    shop.run("returns")
    assert sorted(refunds(shop), key=str) == [
        ("1", "10.00", {"101": 1}),
        ("1", "10.00", {"102": 1}),
    ]


def test_an_exchange_moves_no_money_and_its_new_goods_are_no_sale(shop: Scene) -> None:
    """It is settled by its new goods, which neither stream takes for an order of the store."""
    made = open_return(
        shop, lines=units(l101=1), type="Exchange", exchange=[{"item": "TENT", "quantity": 1}]
    )
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("orders", "shipments", "returns")
    assert refunds(shop) == []
    assert shop.outcomes("returns")[made] == ("accepted", "unchanged")
    assert shop.sql("SELECT is_refunded FROM history.returns") == [(False,)]
    assert shop.outcomes("shipments")[made][0] == "skipped"
    assert len(shop.store_shipments()) == 1
    assert shop.open_rejections("shipments") == {}


def test_new_goods_of_an_exchange_that_ship_are_no_parcel_of_the_store(scene: Scene) -> None:
    """With a prefix the exchange's id looks like one of the connection's own orders."""
    scene.configure(streams=STREAMS, returns=LIMITS, orders={"order_id_prefix": "US-"})
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("orders/US-1/ship", {"tracking": UPS})
    goods = [{"item": "TENT", "quantity": 1}]
    new = {"lines": units(l101=1), "type": "Exchange", "exchange": goods}
    made = scene.to_oms("orders/US-1/returns", new)["return"]
    scene.to_oms(f"orders/{made}/ship", {"tracking": "X1", "lines": [{"line": "2", "quantity": 1}]})
    scene.run("shipments", "returns")
    assert scene.outcomes("shipments")[made] == ("skipped", "return_order")
    assert len(scene.store_shipments()) == 1
    assert scene.sql("SELECT stage FROM history.stuck") == []


def test_an_exchange_whose_new_goods_are_canceled_is_for_an_operator(shop: Scene) -> None:
    """The shopper has neither goods nor money; a return of both kinds likewise."""
    made = open_return(
        shop, lines=units(l101=1), type="Exchange", exchange=[{"item": "TENT", "quantity": 1}]
    )
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    assert shop.open_rejections("returns") == {}
    shop.to_oms(f"orders/{made}/cancel", {"lines": ["2"]})
    both = open_return(shop, lines=[*units(l101=1), {**units(l102=1)[0], "type": "Exchange"}])
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "return_not_settled"}
    step(shop, both, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == dict.fromkeys((made, both), "return_not_settled")
    assert refunds(shop) == []


@pytest.mark.parametrize(("back", "is_settled"), [(2, False), (1, True)])
def test_an_exchange_with_fewer_new_goods_than_come_back_is_for_an_operator(
    shop: Scene, back: int, is_settled: bool
) -> None:
    """One of them is canceled. Where another one goes out in its place, nothing is owed."""
    goods = [{"item": sku, "quantity": 1} for sku in ("TENT", "LAMP")]
    made = open_return(shop, lines=units(l101=back), type="Exchange", exchange=goods)
    step(shop, made, "verify", lines=[{"line": "1", "quantity": back}])
    shop.to_oms(f"orders/{made}/cancel", {"lines": ["2"]})
    shop.run("returns")
    rejected = {} if is_settled else {made: "return_not_settled"}
    assert shop.open_rejections("returns") == rejected
    assert refunds(shop) == []


def test_a_return_is_no_sale_to_the_other_streams(shop: Scene) -> None:
    """Its document is an order at the OMS: it is skipped, and the sale's own lines show it."""
    made = open_return(shop, lines=units(l101=3, l102=1))
    step(shop, made, "verify")
    shop.run("orders", "shipments")
    assert shop.outcomes("shipments")[made] == ("skipped", "not_from_this_store") or (
        shop.outcomes("shipments")[made] == ("skipped", "return_order")
    )
    assert shop.open_rejections("shipments") == {}
    assert len(shop.store_shipments()) == 1


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_lost_answer_makes_one_refund(shop: Scene, kind: str) -> None:
    """Before or after the effect: it is looked for, and made if it is not there."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify")
    shop.fault("bigcommerce", {"kind": kind, "method": "POST", "path": REFUNDS, "times": 1})
    shop.run("returns", raise_on_error=False)
    shop.fault("bigcommerce")
    shop.run("returns")
    assert refunds(shop) == [("1", "20.00", {"101": 2})]
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.open_rejections("returns") == {}
    assert shop.sql("SELECT count(*), count(DISTINCT refund_id) FROM history.refunds") == [(1, 1)]


def test_a_lost_answer_and_a_store_that_can_not_be_read_make_one_refund(shop: Scene) -> None:
    """The outcome of the first is not known until the store answers; then it is found."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify")
    shop.fault(
        "bigcommerce",
        {"kind": "drop_after", "method": "POST", "path": REFUNDS, "times": 1},
        {"kind": "status", "status": 503, "method": "GET", "path": REFUNDS, "skip": 1},
    )
    shop.run("returns", raise_on_error=False)
    assert len(refunds(shop)) == 1
    assert shop.outcomes("returns")[made] == ("accepted", None)
    shop.fault("bigcommerce")
    shop.run("returns")
    assert len(refunds(shop)) == 1
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.sql("SELECT amount::int, is_found FROM history.refunds") == [(20, True)]


def test_a_run_that_dies_between_quote_and_refund_makes_one_refund(shop: Scene) -> None:
    """The claim is committed, nothing was asked for: the next run does it."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify")
    shop.fault("bigcommerce", {"kind": "status", "status": 401, "method": "POST", "path": REFUNDS})
    shop.run("returns", raise_on_error=False)
    shop.sql_write(
        """UPDATE sync.delivery SET state = 'in_flight', settled_at = NULL, is_uncertain = false
           WHERE stream = 'returns'"""
    )
    shop.fault("bigcommerce")
    shop.run("returns")
    shop.run("returns")
    assert refunds(shop) == [("1", "20.00", {"101": 2})]
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")


def test_a_ledger_that_lost_a_refund_makes_no_second_one(shop: Scene) -> None:
    """The store's refunds name the return: they count, whatever the ledger knows."""
    made = open_return(shop, lines=units(l101=2, l102=1))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    for table in ("delivery", "target_state"):
        shop.sql_write(f"DELETE FROM sync.{table} WHERE stream = 'returns'")  # noqa: S608 - a name
    shop.sql_write("DELETE FROM sync.refund")
    shop.sql_write("UPDATE sync.record SET outcome = NULL WHERE stream = 'returns'")
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1}), ("1", "20.00", {"101": 1, "102": 1})]


def test_a_refund_above_the_limit_waits_for_an_operator(shop: Scene) -> None:
    """A retry without a reason, or a rerun, is not an approval; the one with a reason is, once."""
    configure(shop, limits={"USD": 15})
    small, large = (
        open_return(shop, lines=units(l101=1)),
        open_return(shop, lines=units(l101=2)),
    )
    for made in (small, large):
        step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1})]
    assert shop.open_rejections("returns") == {large: "refund_not_approved"}
    assert shop.sql("SELECT value, class FROM history.rejections WHERE stream = 'returns'") == [
        ("20.00 USD", "business_rule")
    ]

    shop.run("returns")
    approve(shop, reason="")
    assert len(refunds(shop)) == 1
    approve(shop)

    assert refunds(shop)[1:] == [("1", "20.00", {"101": 2})]
    assert shop.open_rejections("returns") == {}
    shop.run("returns")
    assert len(refunds(shop)) == 2


def test_an_approval_covers_the_amount_that_was_shown(shop: Scene) -> None:
    """More units are confirmed after the rejection: the larger refund waits again."""
    configure(shop, approve="always", limits={"USD": 500})
    made = open_return(shop, lines=units(l101=3))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_not_approved"}
    step(shop, made, "verify")
    approve(shop)
    assert refunds(shop) == []
    assert shop.open_rejections("returns") == {made: "refund_not_approved"}
    approve(shop)
    assert refunds(shop) == [("1", "30.00", {"101": 3})]


def test_without_a_limit_every_refund_waits(shop: Scene) -> None:
    """A currency that is not listed has none; a higher limit lets them through by itself."""
    configure(shop, limits={"EUR": 500})
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_not_approved"}
    configure(shop)
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1})]


def test_refunds_can_be_left_to_others(shop: Scene) -> None:
    """Returns are recorded, and no money moves."""
    configure(shop, refunds="none")
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == []
    assert shop.outcomes("returns")[made] == ("accepted", "unchanged")
    assert shop.sql("SELECT confirmed::int FROM history.returns") == [(1,)]


def test_a_refund_made_by_hand_is_not_repeated(shop: Scene) -> None:
    """The merchant has refunded units that shipped: an operator says whether they are these."""
    shop.to_store("orders/1/refunds", {"lines": [{"id": 101, "quantity": 1}]})
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    assert len(refunds(shop)) == 1
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    approve(shop)
    assert len(refunds(shop)) == 2
    assert shop.open_rejections("returns") == {}


def test_a_refund_made_by_hand_is_not_taken_for_a_lost_one(shop: Scene) -> None:
    """The operator has denied that it is this return's: the lost request is sent again."""
    shop.to_store("orders/1/refunds", {"lines": [{"id": 101, "quantity": 1}]})
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    rule = {"kind": "drop_before", "method": "POST", "path": REFUNDS, "times": 1}
    shop.fault("bigcommerce", rule)
    approve(shop, "the other is of another shopper's parcel", raise_on_error=False)
    shop.fault("bigcommerce")
    shop.run("returns")
    assert refunds(shop) == [("1", "10.00", {"101": 1})] * 2
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.sql("SELECT is_found FROM history.refunds") == [(False,)]


def test_a_declined_refund_stays_open_until_an_operator_has_paid(shop: Scene) -> None:
    """The store has the refund, the shopper not the money: no second one, and no silence."""
    shop.to_store("settings", {"refunds_declined": True})
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert shop.sql("SELECT is_paid, declined FROM history.refunds") == [
        (False, "The card was closed.")
    ]
    approve(shop)
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert len(refunds(shop)) == 1


def test_a_refund_that_is_declined_after_its_answer_becomes_a_rejection(shop: Scene) -> None:
    """The store states no payment as pending: it is asked again for a day."""
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    shop.to_store("orders/1/refunds", {"declined": "The card was closed."})
    shop.run("returns", steps=("delivered",))
    assert shop.open_rejections("returns") == {}, "its time has not come"
    shop.sql_write("UPDATE sync.refund SET looked_at = looked_at - interval '1 hour'")
    for _ in range(2):
        shop.run("returns", steps=("delivered",))
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert shop.sql("SELECT is_paid, declined FROM history.refunds") == [
        (False, "The card was closed.")
    ]
    assert len(refunds(shop)) == 1


def test_a_limit_that_is_lowered_before_a_refund_was_made_holds_it_back(shop: Scene) -> None:
    """What was tried in vain is planned again, by the limit of now."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify")
    shop.fault("bigcommerce", {"kind": "status", "status": 401, "method": "POST", "path": REFUNDS})
    shop.run("returns", raise_on_error=False)
    shop.fault("bigcommerce")
    configure(shop, limits={"USD": 5})
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_not_approved"}
    assert refunds(shop) == []


def test_a_reconciliation_takes_no_return_for_a_drift(shop: Scene) -> None:
    """The return is an order at the OMS, and its units are not Fulfilled any more."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify")
    shop.run("orders", "shipments", "returns")
    assert [drift for drift in drifts_of(look(shop)) if drift[1] != "stock"] == []


def test_a_store_that_pays_back_by_no_provider_is_a_rejection(shop: Scene) -> None:
    """Store credit and what the merchant pays by hand are used only if they are allowed."""
    shop.to_store("settings", {"refunds_online": False})
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_refused"}
    assert refunds(shop) == []
    platform = shop.installation_with().connections[NAME].platform.model_dump()
    shop.configure(
        streams=STREAMS, returns=LIMITS, platform=platform | {"refund_providers": ["custom"]}
    )
    approve(shop)
    assert refunds(shop) == [("1", "10.00", {"101": 1})]


@pytest.mark.parametrize("is_whole", [True, False])
def test_an_order_that_store_credit_has_paid_is_refunded_to_it(shop: Scene, is_whole: bool) -> None:
    """As it was paid; credit for a part of it says nothing about how these units were paid."""
    total = Decimal(shop.store_orders()[1]["total_inc_tax"])
    paid = total if is_whole else total - 1
    shop.to_store(
        "orders/1",
        {"payment_method": "Store Credit", "store_credit_amount": f"{paid}", "customer_id": 7},
        "PATCH",
    )
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    rejected = {} if is_whole else {made: "refund_refused"}
    assert shop.open_rejections("returns") == rejected
    assert refunds(shop) == ([("1", "10.00", {"101": 1})] if is_whole else [])


def test_a_return_of_an_order_that_another_source_made_is_left_alone(shop: Scene) -> None:
    """Until something is owed for it: then it is a rejection, if it may be the store's."""
    shop.to_oms("orders/1/copy", {"order_id": "900", "alternate": "900"})
    made = open_return(shop, 900, lines=units(l101=1))
    shop.run("returns")
    assert shop.outcomes("returns")[made] == ("skipped", "order_not_linked")
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.outcomes("returns")[made] == ("rejected", "order_not_linked")
    assert refunds(shop) == []


def test_an_older_version_that_is_validated_late_refunds_nothing_more(shop: Scene) -> None:
    """A partition that is run again sends nothing twice."""
    made = open_return(shop, lines=units(l101=3))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 2}])
    shop.run("returns")
    step(shop, made, "verify")
    shop.run("returns")
    force = {f"{NAME}__returns_delivered": {"config": {"force": True}}}
    shop.run("returns", config=force)
    assert refunds(shop) == [("1", "20.00", {"101": 2}), ("1", "10.00", {"101": 1})]


def test_the_history_of_an_order_shows_its_returns(shop: Scene) -> None:
    """By the order's id and by the return's own."""
    made = open_return(shop, lines=units(l101=1))
    step(shop, made, "verify")
    shop.run("returns")
    for column, value in (("source_id", "1"), ("return_id", made)):
        events = {
            event
            for (event,) in shop.sql(
                f"SELECT event FROM history.return_timeline WHERE {column} = %s",  # noqa: S608
                value,
            )
        }
        assert {"captured", "accepted", "refund delivered", "refund made", "return confirmed"} <= (
            events
        )
