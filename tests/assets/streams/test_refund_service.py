"""Refunds through a payment service of the merchant's own, through the whole chain."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from domain.refunds import GONE
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene
from tests.assets.streams.test_returns import (
    LIMITS,
    STREAMS,
    UPS,
    approve,
    open_return,
    step,
    units,
)

pytestmark = pytest.mark.slow(seconds=20)

Json = dict[str, Any]
REFUNDS = "/refunds$"


@pytest.fixture
def shop(scene: Scene) -> Scene:
    """Order 1 (3 mugs, 1 lamp, 10.00 each) has shipped; a service gives up to 500 back."""
    configure(scene)
    scene.place(order(1, scene.moment(), [("MUG", 3), ("LAMP", 1)]))
    scene.run("orders")
    scene.to_oms("orders/1/ship", {"tracking": UPS})
    scene.run("shipments")
    return scene


def configure(scene: Scene, **returns: Any) -> None:
    """Send refunds to the payment service of the scene's name."""
    file = scene._secrets / "payments-token"
    file.touch(mode=0o600)
    file.write_text(f"sandbox-token-{scene.store}")
    service = {
        "url": f"{scene.url}/payments/{scene.store}",
        "token": {"file": str(file)},
        "requests_per_second": 1_000,
    }
    service |= returns.pop("service", {})
    section = LIMITS | {"refunds": "service", "service": service} | returns
    scene.configure(streams=STREAMS, returns=section)


def at_service(scene: Scene, path: str, body: Json) -> Json:
    """Make a control call of the payment service."""
    return scene._control("POST", f"payments/{scene.store}/{path}", body)


def refunds(scene: Scene) -> list[tuple[str, str]]:
    """Return amount and state of every refund that the service has."""
    [truth] = scene._ask(f"payments/{scene.store}/truth")
    return [(one["amount"], one["state"]) for one in truth["refunds"]]


def confirmed(scene: Scene, **chosen: int) -> str:
    """Make a return at the OMS that is confirmed at once, and return its id."""
    made = open_return(scene, lines=units(**chosen))
    step(scene, made, "verify")
    return made


def look_again(scene: Scene) -> None:
    """Let the time for the next look at open refunds come, look, and deliver what is due then."""
    scene.sql_write("UPDATE sync.refund SET looked_at = looked_at - interval '1 day'")
    for _ in range(2):
        scene.run("returns", steps=("validated", "delivered"))


def open_partitions(scene: Scene) -> list[date]:
    """Return the days with refunds that are to be looked at again."""
    assert scene.lockstep is not None
    with scene.lockstep.ledger.session(NAME, "returns") as session:
        return [partition.day for partition in session.refunds.open_partitions("day")]


def test_a_refund_goes_to_the_service_once(shop: Scene) -> None:
    """By the order's prices, in the currency's minor unit; the store refunds nothing."""
    made = confirmed(shop, l101=2)
    shop.run("returns")
    shop.run("returns")
    assert refunds(shop) == [("20.00", "accepted")]
    assert shop._ask(f"bigcommerce/{shop.store}/truth")[0]["refunds"] == []
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.sql("SELECT service, amount::text, is_paid FROM history.refunds") == [
        ("service", "20.0000", True)
    ]


def lose_request_and_look_up(scene: Scene, kind: str) -> None:
    """Lose one request for a refund, and let every look-up after the first read fail."""
    scene.fault(
        "payments",
        {"kind": kind, "method": "POST", "path": REFUNDS, "times": 1},
        {"kind": "status", "status": 503, "method": "GET", "path": REFUNDS, "skip": 1},
    )


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_is_looked_up_before_anything_is_repeated(shop: Scene, kind: str) -> None:
    """By its key; the service sees no request a second time that it has taken."""
    confirmed(shop, l101=2)
    shop.fault("payments", {"kind": kind, "method": "POST", "path": REFUNDS, "times": 1})
    shop.run("returns", raise_on_error=False)
    shop.fault("payments")
    shop.run("returns")
    assert refunds(shop) == [("20.00", "accepted")]
    assert "repeated" not in shop._ask(f"payments/{shop.store}/counts")[0]
    assert shop.open_rejections("returns") == {}


def test_a_lost_refund_is_known_although_its_return_was_canceled(shop: Scene) -> None:
    """The service has it: it shows in the history, with a warning that it is too much."""
    made = confirmed(shop, l101=2)
    lose_request_and_look_up(shop, "drop_after")
    shop.run("returns", raise_on_error=False)
    assert shop.sql("SELECT count(*) FROM history.refunds") == [(0,)]
    shop.fault("payments")
    canceled = {"OrderLineId": "1", "QuantityDetail": [{"StatusId": "19000", "Quantity": 2}]}
    change = {"change": {"OrderLine": [canceled]}, "silent": False}
    shop.to_oms(f"orders/{made}/tamper", change)
    shop.sql_write("UPDATE sync.delivery SET may_act_until = now() WHERE stream = 'returns'")
    shop.run("returns")
    assert refunds(shop) == [("20.00", "accepted")]
    assert shop.sql("SELECT amount::text, is_found FROM history.refunds") == [("20.0000", True)]
    warned = shop.sql(
        """SELECT w ->> 'code' FROM sync.record, jsonb_array_elements(warnings) w
           WHERE stream = 'returns' AND source_id = %s""",
        made,
    )
    assert ("refund_above_return",) in warned
    assert shop.sql("SELECT count(*) FROM sync.delivery WHERE is_uncertain") == [(0,)]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
@pytest.mark.parametrize("other", ["none", "platform"])
def test_a_lost_refund_is_only_settled_by_the_service_that_was_asked(
    shop: Scene, kind: str, other: str
) -> None:
    """After a change of the policy it is not known whether it was paid, so no one else pays it."""
    made = confirmed(shop, l101=2)
    lose_request_and_look_up(shop, kind)
    shop.run("returns", raise_on_error=False)
    shop.fault("payments")
    shop.configure(streams=STREAMS, returns=LIMITS | {"refunds": other})
    shop.sql_write("UPDATE sync.delivery SET may_act_until = now() WHERE stream = 'returns'")
    for _ in range(2):
        shop.run("returns")
        assert shop.open_rejections("returns") == {made: "target_not_read"}
        assert shop.sql("SELECT count(*) FROM sync.delivery WHERE is_uncertain") == [(1,)]
    assert shop._ask(f"bigcommerce/{shop.store}/truth")[0]["refunds"] == []
    configure(shop)
    shop.run("returns")
    assert refunds(shop) == [("20.00", "accepted")]
    assert shop.open_rejections("returns") == {}
    assert shop.sql("SELECT count(*) FROM sync.delivery WHERE is_uncertain") == [(0,)]
    assert shop.sql("SELECT amount::text, service FROM history.refunds") == [("20.0000", "service")]


def test_an_unknown_outcome_is_found_pending_and_decided_later(shop: Scene) -> None:
    """The service does not know yet: nothing is sent again, and the later answer counts."""
    at_service(shop, "settings", {"outcome": "unknown"})
    made = confirmed(shop, l101=1)
    shop.run("returns", raise_on_error=False)
    shop.run("returns")
    assert refunds(shop) == [("10.00", "unknown")]
    assert shop.sql("SELECT is_paid, is_pending FROM history.refunds") == [(False, True)]
    shown = [event for (event,) in shop.sql("SELECT event FROM history.return_timeline")]
    assert "refund pending" in shown
    assert "refund declined" not in shown, "someone would pay by hand"
    assert open_partitions(shop) == []
    shop.sql_write("UPDATE sync.refund SET looked_at = looked_at - interval '1 day'")
    assert open_partitions(shop) == [shop.today], "the sensor requests a run that looks"
    at_service(shop, "settle", {"status": "accepted"})
    look_again(shop)
    assert shop.sql("SELECT is_paid, is_pending FROM history.refunds") == [(True, False)]
    assert shop.open_rejections("returns") == {}
    assert shop.outcomes("returns")[made][0] == "accepted"
    shop.sql_write("UPDATE sync.refund SET looked_at = looked_at - interval '1 day'")
    assert open_partitions(shop) == [], "it is decided"


@pytest.mark.parametrize("first", ["accepted", "pending"])
def test_a_refund_that_is_declined_later_becomes_a_rejection(shop: Scene, first: str) -> None:
    """One that the service calls pending is looked at again; an accepted one is final."""
    at_service(shop, "settings", {"outcome": first})
    made = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {}
    at_service(shop, "settle", {"status": "declined"})
    look_again(shop)
    expected = {made: "refund_declined"} if first == "pending" else {}
    assert shop.open_rejections("returns") == expected
    look_again(shop)
    assert len(refunds(shop)) == 1


@pytest.mark.parametrize("first", ["pending", "unknown"])
def test_a_pending_refund_that_vanishes_becomes_a_rejection(shop: Scene, first: str) -> None:
    """The second time that the list lacks it; one list without it proves nothing."""
    at_service(shop, "settings", {"outcome": first})
    made = confirmed(shop, l101=1)
    shop.run("returns", raise_on_error=False)
    shop.run("returns")
    rule = {
        "kind": "replaced",
        "status": 200,
        "body": {"refunds": []},
        "method": "GET",
        "path": REFUNDS,
    }
    for _ in range(2):
        shop.fault("payments", rule)
        look_again(shop)
        shop.fault("payments")
        look_again(shop)
    assert shop.open_rejections("returns") == {}, "it was there in between"
    at_service(shop, "settle", {"status": "lost"})
    look_again(shop)
    assert shop.open_rejections("returns") == {}
    look_again(shop)
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert shop.sql("SELECT is_paid, is_pending, declined FROM history.refunds") == [
        (False, False, GONE)
    ]
    look_again(shop)
    assert refunds(shop) == []
    assert open_partitions(shop) == []


def test_a_pending_refund_of_a_service_that_is_not_asked_any_more_becomes_a_rejection(
    shop: Scene,
) -> None:
    """The connection has changed to the store's own payments: nothing would ever decide it."""
    at_service(shop, "settings", {"outcome": "pending"})
    made = confirmed(shop, l101=1)
    shop.run("returns")
    shop.configure(streams=STREAMS, returns=LIMITS)
    look_again(shop)
    assert shop.open_rejections("returns") == {}
    look_again(shop)
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert shop._ask(f"bigcommerce/{shop.store}/truth")[0]["refunds"] == []


def test_a_declined_refund_is_a_rejection_at_once(shop: Scene) -> None:
    """With the service's reason."""
    at_service(shop, "settings", {"outcome": "declined"})
    made = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert shop.sql("SELECT declined FROM history.refunds") == [("The card was closed.",)]


def test_a_refusal_and_a_wrong_token_move_no_money(shop: Scene) -> None:
    """The record's own fault is a rejection; the credentials stop the run."""
    at_service(shop, "settings", {"charged": {"1": "5.00"}})
    made = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_refused"}
    at_service(shop, "settings", {"charged": {}, "token": "renewed"})
    again = confirmed(shop, l102=1)
    result = shop.run("returns", raise_on_error=False)
    assert not result.success
    assert shop.outcomes("returns")[again] == ("accepted", None)
    assert refunds(shop) == []


def test_what_was_refunded_without_lockstep_waits_for_an_operator(shop: Scene) -> None:
    """At the service without a key, or by hand in the store."""
    at_service(shop, "refunds", {"order": "1", "amount": "10.00", "currency": "USD"})
    made = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    approve(shop)
    assert shop.open_rejections("returns") == {}
    shop.to_store("orders/1/refunds", {"lines": [{"id": 102, "quantity": 1}]})
    lamp = confirmed(shop, l102=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {lamp: "refund_made_in_store"}
    assert len(refunds(shop)) == 2


@pytest.mark.parametrize("lines", [[], [{"line": "101", "quantity": 1}]])
def test_a_restored_ledger_holds_what_was_refunded_by_hand(shop: Scene, lines: list[Json]) -> None:
    """Of the same units or of an amount: it is not this return's refund because it may exist."""
    by_hand = {"order": "1", "amount": "10.00", "currency": "USD", "lines": lines}
    at_service(shop, "refunds", by_hand)
    made = confirmed(shop, l101=1)
    shop.sql_write(
        "INSERT INTO sync.caution (connection, day, why) VALUES (%s, %s, 'restored')",
        NAME,
        shop.today,
    )
    for _ in range(2):
        shop.run("returns")
        assert refunds(shop) == [("10.00", "accepted")]
        assert shop.open_rejections("returns") == {made: "refund_made_in_store"}


def test_a_refund_by_hand_after_a_lost_request_waits_for_an_operator(shop: Scene) -> None:
    """The request never arrived, and the merchant has paid meanwhile: nothing more goes out."""
    made = confirmed(shop, l101=1)
    lose_request_and_look_up(shop, "drop_before")
    shop.run("returns", raise_on_error=False)
    shop.fault("payments")
    shop.to_store("orders/1/refunds", {"lines": [{"id": 101, "quantity": 1}]})
    shop.sql_write("UPDATE sync.delivery SET may_act_until = now() WHERE stream = 'returns'")
    for _ in range(2):
        shop.run("returns")
        assert refunds(shop) == []
        assert shop.open_rejections("returns") == {made: "refund_made_in_store"}


@pytest.mark.parametrize("outcome", ["accepted", "declined"])
def test_a_refund_by_hand_in_the_store_is_not_taken_for_the_services(
    shop: Scene, outcome: str
) -> None:
    """Of the same amount and units as one that the service has made, or has declined."""
    at_service(shop, "settings", {"outcome": outcome})
    confirmed(shop, l101=1)
    shop.run("returns")
    assert refunds(shop) == [("10.00", outcome)]
    at_service(shop, "settings", {"outcome": "accepted"})
    shop.to_store("orders/1/refunds", {"lines": [{"id": 101, "quantity": 1}]})
    second = confirmed(shop, l101=1)
    shop.run("returns")
    assert refunds(shop) == [("10.00", outcome)]
    assert shop.open_rejections("returns")[second] == "refund_made_in_store"


@pytest.mark.parametrize(("line", "paid"), [(101, 2), (102, 1)])
def test_refunds_that_the_store_shows_of_the_service_are_no_others(
    shop: Scene, line: int, paid: int
) -> None:
    """With ``shown_in_store``: those of the same amount and units, not one of another line."""
    configure(shop, service={"shown_in_store": True})
    confirmed(shop, l101=1)
    shop.run("returns")
    shop.to_store("orders/1/refunds", {"lines": [{"id": line, "quantity": 1}]})
    second = confirmed(shop, l101=1, l102=1)
    shop.run("returns")
    assert len(refunds(shop)) == paid
    held = {} if paid == 2 else {second: "refund_made_in_store"}
    assert shop.open_rejections("returns") == held


def test_with_refunds_that_the_store_shows_a_declined_one_hides_none(shop: Scene) -> None:
    """The merchant paid by hand after the service had declined: that may be any return's."""
    configure(shop, service={"shown_in_store": True})
    at_service(shop, "settings", {"outcome": "declined"})
    confirmed(shop, l101=1)
    shop.run("returns")
    at_service(shop, "settings", {"outcome": "accepted"})
    shop.to_store("orders/1/refunds", {"lines": [{"id": 101, "quantity": 1}]})
    second = confirmed(shop, l101=1)
    shop.run("returns")
    assert refunds(shop) == [("10.00", "declined")]
    assert shop.open_rejections("returns")[second] == "refund_made_in_store"


def test_a_refund_that_the_store_made_for_a_return_counts_after_a_change_to_a_service(
    shop: Scene,
) -> None:
    """Also where the ledger has lost it: it bears Lockstep's mark, and only the rest is paid."""
    shop.configure(streams=STREAMS, returns=LIMITS)
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    configure(shop)
    for table in ("delivery", "target_state"):
        shop.sql_write(f"DELETE FROM sync.{table} WHERE stream = 'returns'")  # noqa: S608 - a name
    shop.sql_write("DELETE FROM sync.refund")
    shop.sql_write("UPDATE sync.record SET outcome = NULL WHERE stream = 'returns'")
    shop.run("returns")
    assert refunds(shop) == []
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == [("10.00", "accepted")]
    assert shop.open_rejections("returns") == {}
    assert shop.sql("SELECT service, refund_id, is_found FROM history.refunds ORDER BY 1") == [
        ("bigcommerce", "1", True),
        ("service", "rf-1", False),
    ]


def test_a_refund_of_the_service_with_the_id_of_one_of_the_stores_counts_for_itself(
    shop: Scene,
) -> None:
    """Both count from 1: neither replaces the other, nor does one by hand pass for the other."""
    shop.configure(streams=STREAMS, returns=LIMITS)
    made = open_return(shop, lines=units(l101=3))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    configure(shop)
    at_service(shop, "settings", {"prefix": ""})
    for _ in range(2):
        step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
        shop.run("returns")
        shop.run("returns")
    assert refunds(shop) == [("10.00", "accepted"), ("10.00", "accepted")]
    assert shop.sql("SELECT r.refund_id, r.service FROM history.refunds r ORDER BY 1, 2") == [
        ("1", "bigcommerce"), ("1", "service"), ("2", "service"),
    ]  # fmt: skip


def test_a_refund_by_hand_with_the_id_of_one_of_the_services_is_seen(shop: Scene) -> None:
    """In the store: what the ledger knows of the service's refund says nothing about it."""
    at_service(shop, "settings", {"prefix": ""})
    confirmed(shop, l102=1)
    shop.run("returns")
    shop.to_store("orders/1/refunds", {"lines": [{"id": 101, "quantity": 1}]})
    made = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    assert refunds(shop) == [("10.00", "accepted")]


@pytest.mark.parametrize("missing", ["lines", "return"])
def test_a_refund_that_is_listed_without_what_it_was_for_stops_the_run(
    shop: Scene, missing: str
) -> None:
    """The units that it was made for would be paid again, with those that are confirmed later."""
    made = open_return(shop, lines=units(l101=2))
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    [(key,)] = shop.sql("SELECT delivery_key FROM history.refunds")
    listed = {
        "id": "rf-1",
        "key": key.hex,
        "order": "1",
        "return": made,
        "amount": "10.00",
        "currency": "USD",
        "status": "accepted",
        "lines": [{"line": "101", "quantity": 1}],
    } | {missing: None}
    body = {"refunds": [listed]}
    rule = {"kind": "replaced", "status": 200, "body": body, "method": "GET", "path": REFUNDS}
    shop.fault("payments", rule)
    step(shop, made, "verify")
    assert not shop.run("returns", raise_on_error=False).success
    assert refunds(shop) == [("10.00", "accepted")]
    shop.fault("payments")
    shop.run("returns")
    assert refunds(shop) == [("10.00", "accepted"), ("10.00", "accepted")]


def test_a_refund_above_the_limit_waits_whichever_problem_comes_first(shop: Scene) -> None:
    """A line that the store lacks is the rejection's first problem; the approval counts."""
    configure(shop, limits={"USD": 5})
    made = confirmed(shop, l101=1, l102=1)
    shop.run("returns", steps=("captured",))
    shop.sql_write("UPDATE sync.order_line SET line_id = '999' WHERE line_id = '102'")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "line_not_in_store"}
    assert refunds(shop) == []
    approve(shop)
    assert refunds(shop) == [("10.00", "accepted")]
    assert shop.open_rejections("returns") == {made: "line_not_in_store"}


def test_a_refund_without_known_prices_is_a_rejection(shop: Scene) -> None:
    """Nothing is guessed."""
    shop.sql_write("UPDATE sync.record SET canonical = NULL WHERE stream = 'orders'")
    made = confirmed(shop, l101=1)
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_amount_unknown"}
    assert refunds(shop) == []
