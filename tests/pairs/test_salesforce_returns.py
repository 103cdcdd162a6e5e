"""Returns between Salesforce and Manhattan, end to end: return orders, and refunds by a service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.preview import preview
from assets.reconciliation.run import Report, Request, reconcile
from domain.connections import RETURNS
from domain.values import Window
from orchestration.local.simulated import Pair
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.assets.scene import NAME
from tests.assets.streams.test_returns import approve
from tests.pairs.pair_scene import LIMITS, OpenPair, PairScene

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]
ORDER, LINE = "ReturnOrder", "ReturnOrderLineItem"
UPS = "1Z999AA10123456784"


@pytest.fixture
def shop(short_waits: None, open_pair: OpenPair) -> PairScene:
    """Make a connection of an org and a tenant; one order was sent and has shipped."""
    pair = Pair("salesforce", "manhattan")
    return open_pair(pair)


class Shipped:
    """An order that has shipped, and its lines at the OMS."""

    def __init__(self, shop: PairScene) -> None:
        self.shop = shop
        [(self.store_id, order)] = shop.simple(1)
        self.number = str(order["id"])
        shop.run("orders")
        shop.to_oms(f"orders/{self.number}/ship", {"tracking": UPS})
        shop.run("shipments")
        [held] = [o for o in shop.truth_of("manhattan")["orders"] if o["id"] == self.number]
        self.lines = [row["line"] for row in held["lines"]]

    def returned(self, line: int = 0, **more: Any) -> str:
        """Make a return of one unit of a line at the OMS, and return its id."""
        lines = [{"line": self.lines[line], "quantity": 1}]
        made = self.shop.to_oms(f"orders/{self.number}/returns", {"lines": lines, **more})
        return str(made["return"])

    def step(self, return_id: str, name: str, **body: Any) -> None:
        """Take a step with a return at the OMS, and sync."""
        self.shop.to_oms(f"orders/{return_id}/{name}", body)
        self.shop.run("returns")


def rows(shop: PairScene, name: str) -> list[Json]:
    """Return all records of an object of the org."""
    return shop._ask(f"salesforce/{shop.store}/dump/{name}")


def shown(shop: PairScene) -> dict[str, tuple[str, list[tuple[int, int, int]]]]:
    """Return the OMS's return -> status and (expected, received, returned) of its lines."""
    names = ("QuantityExpected", "QuantityReceived", "QuantityReturned")
    lines: dict[str, list[tuple[int, int, int]]] = {}
    for row in rows(shop, LINE):
        numbers = [int(row[name]) for name in names]
        lines.setdefault(row["ReturnOrderId"], []).append((numbers[0], numbers[1], numbers[2]))
    return {
        row["Lockstep_Return__c"] or "": (row["Status"], lines.get(row["Id"], []))
        for row in rows(shop, ORDER)
    }


def test_a_return_is_a_return_order_from_its_announcement_to_its_end(shop: PairScene) -> None:
    """Announced, received, taken back in parts: one record that grows; a rerun writes nothing."""
    shipped = Shipped(shop)
    made = shipped.returned(tracking="1Z-BACK")
    shop.run("returns")
    assert shown(shop) == {made: ("Approved", [(1, 0, 0)])}
    [order] = rows(shop, ORDER)
    assert (order["OrderSummaryId"], order["Lockstep_Tracking__c"]) == (
        shipped.store_id,
        "1Z-BACK",
    )
    [line] = rows(shop, LINE)
    [item] = [r for r in rows(shop, "OrderItemSummary") if r["Id"] == line["OrderItemSummaryId"]]
    assert line["Product2Id"] == item["Product2Id"] is not None

    shipped.step(made, "receive", condition="Good")
    assert shown(shop) == {made: ("Approved", [(1, 1, 0)])}
    shipped.step(made, "verify", condition="Good")
    assert shown(shop) == {made: ("Closed", [(1, 1, 1)])}
    assert rows(shop, LINE)[0]["Description"] == "Condition Good, reason Wrong Size"
    before = [rows(shop, name) for name in (ORDER, LINE)]
    shop.run("returns", "orders")
    assert [rows(shop, name) for name in (ORDER, LINE)] == before
    assert shop.open_rejections("returns") == {}
    assert drifts_of(look(shop)) == []


def test_announced_units_that_are_no_whole_unit_of_the_store_are_a_warning(
    shop: PairScene,
) -> None:
    """The return's other lines are shown."""
    shipped = Shipped(shop)
    lines = [{"line": shipped.lines[0], "quantity": 0.5}, {"line": shipped.lines[1], "quantity": 1}]
    made = str(shop.to_oms(f"orders/{shipped.number}/returns", {"lines": lines})["return"])
    shop.run("returns")
    assert shown(shop) == {made: ("Approved", [(1, 0, 0)])}
    assert shop.open_rejections("returns") == {}
    warned = shop.sql(
        """SELECT w ->> 'code' FROM sync.record, jsonb_array_elements(warnings) w
           WHERE stream = 'returns'"""
    )
    assert warned == [("quantity_not_whole",)]


def test_unexpected_repeated_and_canceled_returns_are_return_orders_of_their_own(
    shop: PairScene,
) -> None:
    """One that was canceled before the org had it is not shown at all."""
    shipped = Shipped(shop)
    never = shipped.returned()
    shop.to_oms(f"orders/{never}/cancel_return", {})
    canceled = shipped.returned()
    shop.run("returns")
    shipped.step(canceled, "cancel_return")
    unexpected = shipped.returned()
    shipped.step(unexpected, "verify")
    assert shown(shop) == {
        canceled: ("Canceled", [(0, 0, 0)]),
        unexpected: ("Closed", [(1, 1, 1)]),
    }
    assert shop.open_rejections("returns") == {}


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "malformed"])
def test_a_lost_answer_makes_one_return_order(shop: PairScene, kind: str) -> None:
    """It has an external id of the order and the OMS's return, and so have its lines."""
    shipped = Shipped(shop)
    made = shipped.returned()
    shop.fault("salesforce", {"kind": kind, "method": "POST", "path": "/composite", "times": 1})
    shop.run("returns", raise_on_error=False)
    assert shop.open_rejections("returns") == {}, "the org refuses to make it again"
    shop.fault("salesforce")
    shop.run("returns")
    assert shown(shop) == {made: ("Approved", [(1, 0, 0)])}
    assert shop.open_rejections("returns") == {}
    for table in ("delivery", "target_state"):
        shop.sql_write(f"DELETE FROM sync.{table} WHERE stream = 'returns'")  # noqa: S608 - a name
    shop.sql_write("UPDATE sync.record SET outcome = NULL WHERE stream = 'returns'")
    shop.run("returns")
    assert shown(shop) == {made: ("Approved", [(1, 0, 0)])}, "nor does a ledger that forgot it"
    assert shop.open_rejections("returns") == {}


def test_what_a_person_does_in_the_org_meanwhile(shop: PairScene) -> None:
    """Their own return orders hold ours back; ours that was deleted or closed comes again."""
    shipped = Shipped(shop)
    put = f"salesforce/{shop.store}/put"
    own = shop._control(
        "POST", f"{put}/{ORDER}", {"OrderSummaryId": shipped.store_id, "Status": "Submitted"}
    )["id"]
    line = {
        "ReturnOrderId": own,
        "QuantityExpected": 1,
        "QuantityReceived": 0,
        "QuantityReturned": 0,
    }
    for each in rows(shop, "OrderItemSummary"):
        shop._control("POST", f"{put}/{LINE}", line | {"OrderItemSummaryId": each["Id"]})
    made = shipped.returned()
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "return_made_in_store"}
    assert made not in shown(shop)
    approve(shop)
    assert shown(shop)[made] == ("Approved", [(1, 0, 0)])

    [ours] = [row["Id"] for row in rows(shop, ORDER) if row["Lockstep_Return__c"] == made]
    shop._control("POST", f"{put}/{ORDER}", {"Id": ours, "Status": "Closed"})
    shipped.step(made, "receive")
    assert shown(shop)[made] == ("Approved", [(1, 1, 0)]), "opened for its lines to change"
    shop._control("POST", f"{put}/{ORDER}", {"Id": own, "Status": "Canceled"})
    [its] = [row["Id"] for row in rows(shop, LINE) if row["ReturnOrderId"] == ours]
    for name, each in ((LINE, its), (ORDER, ours)):
        shop._control("POST", f"{put}/{name}", {"Id": each, "IsDeleted": True})
    shipped.step(made, "verify")
    assert shown(shop)[made] == ("Closed", [(1, 1, 1)])
    assert shop.open_rejections("returns") == {}


def test_a_payment_service_pays_and_the_return_order_says_so(shop: PairScene) -> None:
    """Once, and not what was given back in the org by hand, until an operator has decided."""
    token = shop._secrets / "payments-token"
    token.touch(mode=0o600)
    token.write_text(f"sandbox-token-{shop.store}")
    service = {"url": f"{shop.url}/payments/{shop.store}", "token": {"file": str(token)}}
    shop.configure(returns={"refunds": "service", "service": service, "limits": LIMITS})
    shipped = Shipped(shop)
    made = shipped.returned()
    shipped.step(made, "verify")
    shop.run("returns")
    [refund] = shop._ask(f"payments/{shop.store}/truth")[0]["refunds"]
    assert float(refund["amount"]) > 0
    assert rows(shop, LINE)[0]["Lockstep_Refunded__c"] == 1
    assert shown(shop) == {made: ("Closed", [(1, 1, 1)])}
    assert shop.open_rejections("returns") == {}

    [payment] = rows(shop, "OrderPaymentSummary")
    by_hand = {"OrderPaymentSummaryId": payment["Id"], "Amount": 5.0, "Status": "Processed"}
    shop._control("POST", f"salesforce/{shop.store}/put/Refund", by_hand)
    again = shipped.returned(line=1)
    shipped.step(again, "verify")
    assert shop.open_rejections("returns") == {again: "refund_made_in_store"}
    assert shown(shop)[again] == ("Closed", [(1, 1, 1)]), "what came back is shown all the same"
    assert len(shop._ask(f"payments/{shop.store}/truth")[0]["refunds"]) == 1


def test_an_order_that_the_platform_manages_shows_no_return(shop: PairScene) -> None:
    """Its return orders are made by Order Management's own actions."""
    shipped = Shipped(shop)
    values = {"Id": shipped.store_id, "OrderLifeCycleType": "MANAGED"}
    shop._control("POST", f"salesforce/{shop.store}/put/OrderSummary", values)
    made = shipped.returned()
    shop.run("returns")
    assert shop.open_rejections("returns") == {made: "return_refused"}
    assert shown(shop) == {}


def test_a_preview_names_what_would_be_shown(shop: PairScene) -> None:
    """Also of a return that is announced only, of which nothing is owed."""
    shipped = Shipped(shop)
    made = shipped.returned()
    assert shop.lockstep is not None
    sync, now = shop.lockstep.sync(NAME, "preview"), datetime.now(UTC)
    [sample] = preview(sync, RETURNS, Window(now - timedelta(days=1), now + timedelta(seconds=5)))
    assert (sample.record, sample.outcome) == (made, "send")
    assert sample.payload == {"return": made, "units": {shipped.lines[0]: "1"}}
    assert shown(shop) == {}


def reconciled(shop: PairScene, *, repair: bool = False) -> Report:
    """Reconcile today's returns."""
    assert shop.lockstep is not None
    sync = shop.lockstep.sync(NAME, "reconciliation")
    return reconcile(sync, Request(shop.today, (RETURNS,), repair, confirm_seconds=0))


def test_a_reconciliation_shows_again_what_a_person_has_changed(shop: PairScene) -> None:
    """Numbers that were edited, and a return order that was deleted; each is one drift."""
    shipped = Shipped(shop)
    made = shipped.returned()
    shipped.step(made, "receive")
    report = reconciled(shop)
    assert (report.returns, report.drifts, report.pending) == (1, [], 0)

    put = f"salesforce/{shop.store}/put"
    [line], [order] = rows(shop, LINE), rows(shop, ORDER)
    shop._control("POST", f"{put}/{LINE}", {"Id": line["Id"], "QuantityReceived": 0})
    [drift] = reconciled(shop).drifts
    assert (drift.entity, drift.record, drift.found, drift.can_repair) == (
        "return",
        made,
        "differs",
        True,
    )
    assert reconciled(shop, repair=True).reruns
    shop.run("returns", steps=("validated", "delivered"))
    assert shown(shop) == {made: ("Approved", [(1, 1, 0)])}
    assert reconciled(shop).closed == 1

    for name, each in ((LINE, line), (ORDER, order)):
        shop._control("POST", f"{put}/{name}", {"Id": each["Id"], "IsDeleted": True})
    assert len(reconciled(shop, repair=True).drifts) == 1
    shop.run("returns", steps=("validated", "delivered"))
    assert shown(shop) == {made: ("Approved", [(1, 1, 0)])}
    assert (reconciled(shop).drifts, shop.open_rejections("returns")) == ([], {})


def test_a_reconciliation_names_an_order_that_is_gone_and_waits_for_what_is_under_way(
    shop: PairScene,
) -> None:
    """The problem's code stands for what the store shows."""
    shipped = Shipped(shop)
    made = shipped.returned()
    shop.run("returns")
    shop.to_oms(f"orders/{made}/receive", {})
    shop.run("returns", steps=("captured",))
    assert reconciled(shop).pending == 1
    shop.run("returns")
    values = {"Id": shipped.store_id, "OrderLifeCycleType": "MANAGED"}
    shop._control("POST", f"salesforce/{shop.store}/put/OrderSummary", values)
    [drift] = reconciled(shop).drifts
    assert (drift.record, drift.found) == (made, "return_refused")
