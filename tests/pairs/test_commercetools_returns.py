"""Returns between commercetools and Manhattan, end to end: return info, states, and refunds."""

from __future__ import annotations

from typing import Any

import pytest

from assets.reconciliation.run import Request, reconcile
from domain.connections import RETURNS
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME
from tests.assets.streams.test_returns import approve
from tests.pairs.commercetools import LINE, ProjectScene
from tests.sandbox.simulated_project import an_order

pytestmark = pytest.mark.slow(seconds=40)

Json = dict[str, Any]
STREAMS = ("orders", "inventory", "shipments", "returns")
UPS = "1Z999AA10123456784"
MUGS, LAMP = LINE.format(1, 1), LINE.format(1, 2)
CONFLICT: Json = {
    "statusCode": 409,
    "message": "Version mismatch.",
    "errors": [{"code": "ConcurrentModification", "message": "x", "currentVersion": 9}],
}
CONDITIONS = {"stock_conditions": ["Good"], "unusable_conditions": ["Damaged"]}


@pytest.fixture
def shop(project: ProjectScene) -> ProjectScene:
    """Order 1 (3 mugs at 9.60 with tax, a lamp at 12.00) was charged and has shipped."""
    configure(project)
    place_shipped(project)
    return project


def configure(scene: ProjectScene, **returns: Any) -> None:
    """Sync returns, by default with a limit that covers every order here."""
    platform = scene.installation.connections[NAME].platform.model_dump(mode="json")
    scene.configure(
        streams=STREAMS,
        platform=platform | CONDITIONS,
        returns={"limits": {"USD": 500}} | returns,
    )


def charged(amount: str = "46.80", **payment: Any) -> Json:
    """Return a payment that was charged."""
    base: Json = an_order()["payments"][0]
    charge = {"type": "Charge", "state": "Success", "amount": amount, "interactionId": "ch-1"}
    return base | {"transactions": [*base["transactions"], charge]} | payment


def place_shipped(scene: ProjectScene, number: int = 1, **changes: Any) -> Json:
    """Place an order, send it to the OMS, ship it, and show that in the store."""
    order = scene.place_order(number, **({"payments": [charged()]} | changes))
    scene.run("orders", first=scene.yesterday)
    scene.to_oms(f"orders/{number}/ship", {"tracking": UPS})
    scene.run("shipments")
    return order


def open_return(scene: ProjectScene, units: dict[str, int] | None = None, **body: Any) -> str:
    """Make a return of order 1 at the OMS, and return its id."""
    if units is not None:
        body["lines"] = [{"line": line, "quantity": number} for line, number in units.items()]
    return str(scene.to_oms("orders/1/returns", body)["return"])


def step(scene: ProjectScene, return_id: str, name: str, **body: Any) -> None:
    """Take a step with a return at the OMS."""
    scene.to_oms(f"orders/{return_id}/{name}", body)


def refunds(scene: ProjectScene) -> list[tuple[str, str]]:
    """Return amount and state of every refund that the project has."""
    return [(one["amount"], one["state"]) for one in scene.truth()["refunds"]]


def items(scene: ProjectScene) -> list[tuple[str, int, str, str]]:
    """Return SKU, units and both states of every return item that the project shows."""
    return [
        (line["sku"], line["quantity"], line["state"], line["payment"])
        for one in scene.truth()["returns"]
        for line in one["lines"]
    ]


def look_again(scene: ProjectScene) -> None:
    """Let the time for the next look at open refunds come, look, and deliver what is due then."""
    scene.sql_write("UPDATE sync.refund SET looked_at = looked_at - interval '1 day'")
    for _ in range(2):
        scene.run("returns", steps=("validated", "delivered"))


def test_a_return_is_shown_refunded_and_settled_once(shop: ProjectScene) -> None:
    """Received: return info; confirmed: a refund is asked for; paid: the items say so."""
    made = open_return(shop, {MUGS: 2}, tracking="1Z-BACK")
    shop.run("returns")
    assert (items(shop), refunds(shop)) == ([], []), "what is announced only is not shown"
    step(shop, made, "receive", condition="Good")
    shop.run("returns")
    assert items(shop) == [("MUG", 2, "Returned", "Initial")]
    assert refunds(shop) == []

    step(shop, made, "verify", condition="Good")
    shop.run("returns")
    shop.run("returns")
    assert refunds(shop) == [("19.20", "Initial")]
    assert items(shop) == [("MUG", 2, "BackInStock", "Initial")]
    [shown] = shop.truth()["returns"]
    assert shown["tracking"] == "1Z-BACK"
    assert shown["lines"][0]["comment"] == f"Return {made}, condition Good, reason Wrong Size"
    assert shop.sql("SELECT amount::text, is_paid, is_pending FROM history.refunds") == [
        ("19.2000", False, True)
    ]

    shop.to_store("payments/settle", {"state": "Success"})
    look_again(shop)
    assert items(shop) == [("MUG", 2, "BackInStock", "Refunded")]
    assert shop.sql("SELECT is_paid, is_pending FROM history.refunds") == [(True, False)]
    assert shop.open_rejections("returns") == {}
    before = shop.effects()
    shop.run("returns")
    look_again(shop)
    assert shop.effects() == before
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(NAME, "reconciliation")
    report = reconcile(sync, Request(shop.today, (RETURNS,), confirm_seconds=0))
    assert (report.returns, report.drifts, report.pending) == (1, [], 0)


def test_parts_and_several_returns_come_to_what_was_paid(shop: ProjectScene) -> None:
    """Units that arrive later are items of their own; each refund is of its own units."""
    first = open_return(shop, {MUGS: 3})
    step(shop, first, "receive", lines=[{"line": "1", "quantity": 1}])
    step(shop, first, "verify", lines=[{"line": "1", "quantity": 1}], condition="Damaged")
    shop.run("returns")
    step(shop, first, "verify", condition="Damaged")
    second = open_return(shop, {LAMP: 1})
    step(shop, second, "verify", condition="Unknown")
    shop.run("returns")
    shop.run("returns")
    assert sorted(refunds(shop)) == [
        ("12.00", "Initial"),
        ("19.20", "Initial"),
        ("9.60", "Initial"),
    ]
    assert sorted(items(shop)) == [
        ("LAMP", 1, "Returned", "Initial"),
        ("MUG", 1, "Unusable", "Initial"),
        ("MUG", 2, "Unusable", "Initial"),
    ]
    assert shop.open_rejections("returns") == {}


@pytest.mark.parametrize("path", ["/orders/", "/payments/"])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_makes_one_refund_and_one_return(
    shop: ProjectScene, kind: str, path: str
) -> None:
    """The items are found by their keys, the refund by its mark."""
    made = open_return(shop, {MUGS: 2})
    step(shop, made, "verify")
    shop.fault("commercetools", {"kind": kind, "method": "POST", "path": path, "times": 1})
    shop.run("returns", raise_on_error=False)
    shop.fault("commercetools")
    shop.run("returns")
    assert refunds(shop) == [("19.20", "Initial")]
    assert items(shop) == [("MUG", 2, "Returned", "Initial")]
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.sql("SELECT count(*), count(DISTINCT refund_id) FROM history.refunds") == [(1, 1)]
    assert shop.open_rejections("returns") == {}


def test_a_conflict_is_read_and_planned_again(shop: ProjectScene) -> None:
    """Although the transaction was added: the next version of the payment shows it."""
    made = open_return(shop, {MUGS: 2})
    step(shop, made, "verify")
    rule = {"kind": "replaced", "status": 409, "body": CONFLICT, "method": "POST",
            "path": "/(orders|payments)/", "times": 2}  # fmt: skip
    shop.fault("commercetools", rule)
    shop.run("returns")
    assert refunds(shop) == [("19.20", "Initial")]
    assert items(shop) == [("MUG", 2, "Returned", "Initial")]
    assert shop.open_rejections("returns") == {}


def test_a_ledger_that_lost_a_refund_makes_no_second_one(shop: ProjectScene) -> None:
    """The transaction says which units of which return it was for."""
    made = open_return(shop, {MUGS: 3})
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    for table in ("delivery", "target_state"):
        shop.sql_write(f"DELETE FROM sync.{table} WHERE stream = 'returns'")  # noqa: S608 - a name
    shop.sql_write("DELETE FROM sync.refund")
    shop.sql_write("UPDATE sync.record SET outcome = NULL WHERE stream = 'returns'")
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == [("9.60", "Initial"), ("19.20", "Initial")]
    assert items(shop) == [("MUG", 1, "Returned", "Initial"), ("MUG", 2, "Returned", "Initial")]
    assert shop.sql("SELECT amount::text, is_found FROM history.refunds r ORDER BY r.amount") == [
        ("9.6000", True),
        ("19.2000", False),
    ]


def test_a_refund_whose_mark_was_changed_is_not_repeated(shop: ProjectScene) -> None:
    """A payment service's integration sets its own interaction id; the ledger knows the other."""
    made = open_return(shop, {MUGS: 3})
    step(shop, made, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    shop.to_store("payments/settle", {"state": "Success", "renamed": True})
    step(shop, made, "verify")
    shop.run("returns")
    assert refunds(shop) == [("9.60", "Success"), ("19.20", "Initial")]
    assert shop.open_rejections("returns") == {}


def test_a_refund_that_fails_later_stays_open(shop: ProjectScene) -> None:
    """The integration has declined it: a rejection, and no second transaction."""
    made = open_return(shop, {MUGS: 1})
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {}
    shop.to_store("payments/settle", {"state": "Pending"})
    look_again(shop)
    assert shop.open_rejections("returns") == {}
    shop.to_store("payments/settle", {"state": "Failure"})
    look_again(shop)
    assert shop.open_rejections("returns") == {made: "refund_declined"}
    assert refunds(shop) == [("9.60", "Failure")]
    assert items(shop) == [("MUG", 1, "Returned", "Initial")]
    assert shop.sql("SELECT is_paid, is_pending FROM history.refunds") == [(False, False)]
    shop.run("returns")
    assert refunds(shop) == [("9.60", "Failure")]


def test_a_refund_waits_for_approval_and_the_return_is_shown(shop: ProjectScene) -> None:
    """The store shows what came back, whatever happens to the money."""
    configure(shop, limits={"USD": 10})
    made = open_return(shop, {MUGS: 2})
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_not_approved"}
    assert items(shop) == [("MUG", 2, "Returned", "Initial")]
    assert refunds(shop) == []
    approve(shop)
    assert refunds(shop) == [("19.20", "Initial")]
    assert shop.open_rejections("returns") == {}


def test_a_return_may_come_before_its_shipment(project: ProjectScene) -> None:
    """It is shown and refunded; the parcels follow, and the order shows that all has left."""
    configure(project)
    order = project.place_order(1, payments=[charged()])
    project.run("orders", first=project.yesterday)
    project.to_oms("orders/1/ship", {"tracking": UPS})
    step(project, open_return(project, {MUGS: 2}), "verify")
    project.run("returns")
    assert (project.parcels(), refunds(project)) == ([], [("19.20", "Initial")])

    project.run("shipments")
    project.run("returns", "shipments")
    assert project.parcels() == [(UPS, {"MUG": 3, "LAMP": 1})]
    assert project.order(order["id"])["shipmentState"] == "Shipped"
    assert items(project) == [("MUG", 2, "Returned", "Initial")]
    assert refunds(project) == [("19.20", "Initial")]
    assert drifts_of(look(project)) == []


def test_a_canceled_return_and_an_exchange_move_no_money(shop: ProjectScene) -> None:
    """What was received and is not taken back is not refunded; nor is what is exchanged."""
    canceled = open_return(shop, {MUGS: 1})
    step(shop, canceled, "receive")
    shop.run("returns")
    step(shop, canceled, "cancel_return")
    shop.run("returns")
    assert items(shop) == [("MUG", 1, "Returned", "NotRefunded")]
    exchanged = open_return(
        shop, {LAMP: 1}, type="Exchange", exchange=[{"item": "TENT", "quantity": 1}]
    )
    step(shop, exchanged, "verify", lines=[{"line": "1", "quantity": 1}])
    shop.run("returns")
    assert items(shop)[1:] == [("LAMP", 1, "Returned", "NotRefunded")]
    assert refunds(shop) == []
    assert shop.open_rejections("returns") == {}


def test_a_return_that_was_made_in_the_store_first_waits_for_an_operator(
    shop: ProjectScene,
) -> None:
    """Return info of the merchant's own, with and without a refund."""
    order_id = shop.truth()["orders"][0]["id"]
    shop.to_store(f"orders/{order_id}/refunds", {"lines": [{"id": MUGS, "quantity": 1}]})
    shop.run("orders")
    warnings = shop.sql(
        """SELECT DISTINCT w ->> 'code' FROM sync.record, jsonb_array_elements(warnings) w
           WHERE stream = 'orders'"""
    )
    assert ("returned_in_store",) in warnings
    made = open_return(shop, {MUGS: 1})
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "return_made_in_store"}
    assert refunds(shop) == [("9.60", "Initial")], "it says nothing about money"
    assert items(shop) == [("MUG", 1, "Returned", "Initial")]
    approve(shop)
    assert items(shop) == [("MUG", 1, "Returned", "Initial")] * 2
    assert shop.open_rejections("returns") == {}

    shop.to_store(f"orders/{order_id}/refunds", {"amount": "12.00"})
    lamp = open_return(shop, {LAMP: 1})
    step(shop, lamp, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {lamp: "refund_made_in_store"}
    approve(shop)
    assert len(refunds(shop)) == 3
    assert shop.open_rejections("returns") == {}


def test_a_refund_made_by_hand_is_not_taken_for_a_lost_one(shop: ProjectScene) -> None:
    """Of the same amount: an operator has denied that it is this return's."""
    order_id = shop.truth()["orders"][0]["id"]
    shop.to_store(f"orders/{order_id}/refunds", {"amount": "9.60"})
    made = open_return(shop, {MUGS: 1})
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_made_in_store"}
    rule = {"kind": "drop_before", "method": "POST", "path": "/payments/", "times": 1}
    shop.fault("commercetools", rule)
    approve(shop, "the other is for a scratch", raise_on_error=False)
    shop.fault("commercetools")
    shop.run("returns")
    assert [amount for amount, _ in refunds(shop)] == ["9.60", "9.60"]
    assert shop.outcomes("returns")[made] == ("accepted", "delivered")
    assert shop.sql("SELECT is_found FROM history.refunds") == [(False,)]


def test_a_refund_is_never_more_than_was_charged(shop: ProjectScene) -> None:
    """A payment that was only authorised, or charged for less, gives nothing back automatically."""
    shop.place_order(2, payments=[charged("5.00")])
    shop.run("orders", first=shop.yesterday)
    shop.to_oms("orders/2/ship", {"tracking": UPS})
    shop.run("shipments")
    lines = [{"line": LINE.format(2, 2), "quantity": 1}]
    made = str(shop.to_oms("orders/2/returns", {"lines": lines})["return"])
    step(shop, made, "verify")
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "refund_refused"}
    assert refunds(shop) == []


@pytest.fixture
def divided(project: ProjectScene) -> ProjectScene:
    """Order 1 was paid by two payments, of which none has enough for two mugs."""
    configure(project)
    card = charged("30.00") | {"interfaceId": "card"}
    place_shipped(project, payments=[charged("16.80"), card])
    return project


def return_all(scene: ProjectScene) -> str:
    """Return all of order 1, which the OMS confirms."""
    made = open_return(scene, {MUGS: 3, LAMP: 1})
    step(scene, made, "verify")
    return made


BOTH = [("10.80", "Initial"), ("30.00", "Initial")]


def test_a_refund_is_divided_over_the_payments(divided: ProjectScene) -> None:
    """One refund in the ledger, with its units once; paid and declined as a whole."""
    made = return_all(divided)
    divided.run("returns")
    divided.run("returns", config={f"{NAME}__returns_delivered": {"config": {"force": True}}})
    assert sorted(refunds(divided)) == BOTH
    assert divided.sql("SELECT amount::text, is_pending FROM history.refunds") == [
        ("40.8000", True)
    ]
    divided.to_store("payments/settle", {"state": "Success", "renamed": True})
    look_again(divided)
    assert divided.sql("SELECT is_paid, is_pending FROM history.refunds") == [(True, False)]
    divided.run("returns", config={f"{NAME}__returns_delivered": {"config": {"force": True}}})
    assert [amount for amount, _ in sorted(refunds(divided))] == ["10.80", "30.00"]
    assert divided.open_rejections("returns") == {}
    assert divided.outcomes("returns")[made] == ("accepted", "delivered")


@pytest.mark.parametrize("skip", [0, 1])
@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
def test_a_part_that_is_lost_is_completed_and_none_is_made_twice(
    divided: ProjectScene, kind: str, skip: int
) -> None:
    """The first or the second part, before or after it took effect."""
    return_all(divided)
    rule = {"kind": kind, "method": "POST", "path": "/payments/", "times": 1, "skip": skip}
    divided.fault("commercetools", rule)
    divided.run("returns", raise_on_error=False)
    divided.fault("commercetools")
    divided.run("returns")
    assert sorted(refunds(divided)) == BOTH
    assert divided.sql("SELECT amount::text FROM history.refunds") == [("40.8000",)]
    assert divided.open_rejections("returns") == {}


def test_a_refund_waits_for_the_lost_part_of_another_return(project: ProjectScene) -> None:
    """Both are divided; the next run completes the first, and then makes the second."""
    configure(project)
    place_shipped(project, payments=[charged("8.00") for _ in range(6)])
    for units in ({MUGS: 3}, {LAMP: 1}):
        step(project, open_return(project, units), "verify")
    lost = {"kind": "drop_before", "method": "POST", "path": "/payments/", "times": 1, "skip": 1}
    project.fault("commercetools", lost)
    project.run("returns", raise_on_error=False)
    assert refunds(project) == [("8.00", "Initial")]
    project.fault("commercetools")
    project.run("returns")
    assert max(amount for amount, _ in refunds(project)) == "8.00"
    assert project.sql("SELECT amount::text FROM history.refunds ORDER BY amount") == [
        ("12.0000",),
        ("28.8000",),
    ]
    assert project.open_rejections("returns") == {}


def test_a_part_of_a_return_that_has_changed_since_waits(divided: ProjectScene) -> None:
    """The second part is lost, and the OMS takes a unit back: nothing more goes out by itself."""
    made = return_all(divided)
    lost = {"kind": "drop_before", "method": "POST", "path": "/payments/", "skip": 1}
    divided.fault("commercetools", lost)
    divided.run("returns", raise_on_error=False)
    divided.fault("commercetools")
    canceled = {"OrderLineId": "2", "QuantityDetail": [{"StatusId": "19000", "Quantity": 1}]}
    divided.to_oms(f"orders/{made}/tamper", {"change": {"OrderLine": [canceled]}, "silent": False})
    divided.run("returns")
    assert refunds(divided) == [("30.00", "Initial")]
    assert divided.open_rejections("returns") == {made: "refund_refused"}


def test_a_reconciliation_takes_no_return_for_a_drift(shop: ProjectScene) -> None:
    """The return is an order at the OMS, and its units are back from Fulfilled."""
    made = open_return(shop, {MUGS: 2})
    step(shop, made, "verify")
    shop.run("orders", "shipments", "returns", "inventory")
    assert [drift for drift in drifts_of(look(shop)) if drift[1] != "stock"] == []
