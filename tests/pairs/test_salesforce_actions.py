"""A service agent asks in Salesforce, and sees there its outcome."""

from __future__ import annotations

from typing import Any

import pytest

from orchestration.local.simulated import Pair
from tests.assets.reconciliation.comparing import drifts_of, look
from tests.pairs.pair_scene import OpenPair, PairScene

pytestmark = pytest.mark.slow

Json = dict[str, Any]
POLICY = {"permissions": {"Support": ["hold", "release", "cancel_line", "reroute_address"]}}
ACTION = "Lockstep_Action__c"


@pytest.fixture
def shop(short_waits: None, open_pair: OpenPair) -> PairScene:
    """Make a connection between an org and Manhattan that takes requests."""
    pair = Pair("salesforce", "manhattan")
    made = open_pair(pair)
    made.configure(actions=POLICY)
    return made


def rows(shop: PairScene, name: str) -> list[Json]:
    """Return all records of an object of the org."""
    return shop._ask(f"salesforce/{shop.store}/dump/{name}")


def ask(shop: PairScene, order: str, kind: str, **fields: Any) -> str:
    """Make a request in the org as an agent; return its id."""
    row = {"Order_Summary__c": order, "Kind__c": kind} | fields
    ids = shop._control("POST", f"salesforce/{shop.store}/requests", [row])["ids"]
    return str(ids[0])


def shown(shop: PairScene) -> dict[str, tuple[str, str | None]]:
    """Return status and reason of each request, as its agent sees them."""
    return {row["Id"]: (row["Status__c"], row["Reason__c"]) for row in rows(shop, ACTION)}


def test_an_agent_sees_what_became_of_a_request(shop: PairScene) -> None:
    """Done or refused with the reason, each once; later runs read and write nothing more."""
    [(order, document)] = shop.simple(1)
    shop.run("orders")
    number = str(document["id"])
    lines = [r for r in rows(shop, "OrderItemSummary") if r["OrderSummaryId"] == order]
    goods = [row for row in lines if row["Type"] != "Delivery Charge" and row["Quantity"]]
    hold = ask(shop, order, "hold")
    away = ask(
        shop,
        order,
        "reroute",
        Street__c="9 Elm Street",
        City__c="Dallas",
        State__c="Texas",
        Postal_Code__c="75201",
        Country__c="US",
    )
    cancel = ask(shop, order, "cancel", profile="Support")
    other = ask(shop, order, "release", profile="Guest")
    odd = ask(shop, order, "hold", Quantity__c=3)
    shop.run("actions")
    shop.run("actions")
    found = shown(shop)
    assert found[hold] == ("Done", "")
    calls = shop.sql(
        "SELECT DISTINCT stream, method FROM sync.message_log WHERE system LIKE 'salesforce%%'"
    )
    assert calls == [("actions", "PATCH")], "each report is in the log"
    assert found[away] == ("Done", "")
    assert found[cancel][0] == "Refused"
    assert "does not allow cancel_order" in str(found[cancel][1])
    assert found[other][0] == "Refused"
    assert found[odd][0] == "Invalid"
    assert "Quantity__c" in str(found[odd][1])
    held = shop.oms_order(number)
    assert [entry["StatusId"] for entry in held["OrderHold"]] == ["1000"]
    assert {row["ShipToAddress"]["Address"]["City"] for row in held["OrderLine"]} == {"Dallas"}

    part = ask(shop, order, "cancel", Line__c=goods[0]["Id"], Quantity__c=1)
    shop.run("actions")
    before = shop.oms_counts()
    stamps = [row["SystemModstamp"] for row in rows(shop, ACTION)]
    for _ in range(2):
        shop.run("actions")
        shop.run("orders")
    assert shown(shop)[part][0] == "Done"
    assert [row["SystemModstamp"] for row in rows(shop, ACTION)] == stamps
    assert shop.oms_counts()["saves"] == before["saves"]
    assert drifts_of(look(shop)) == []


def test_an_outcome_is_shown_once_the_org_can_be_written(shop: PairScene) -> None:
    """It is done once at the OMS, whatever happens to the report."""
    [(order, _)] = shop.simple(1)
    shop.run("orders")
    hold = ask(shop, order, "hold")
    down = {"kind": "status", "status": 503, "path": "composite/sobjects$", "times": 99}
    shop.fault("salesforce", down)
    shop.run("actions", raise_on_error=False)
    assert shown(shop)[hold][0] == "New"
    assert shop.sql("SELECT state, reported_at FROM sync.action_outcome") == [("done", None)]
    saves = shop.oms_counts()["saves"]
    shop.fault("salesforce")
    shop.run("actions")
    assert (shown(shop)[hold][0], shop.oms_counts()["saves"]) == ("Done", saves)


def test_a_late_answer_is_shown(shop: PairScene) -> None:
    """First that the OMS decides later, then what it has decided."""
    shop.configure(actions={"permissions": {"Support": ["cancel_order"]}})
    [(order, document)] = shop.simple(1)
    shop.run("orders")
    shop.to_oms("settings", {"late_cancellation": True})
    shop.to_oms("advance", {"to": "release", "cancel_rate": 0, "partial_rate": 0})
    cancel = ask(shop, order, "cancel")
    shop.run("actions")
    assert shown(shop)[cancel][0] == "Requested"
    shop.to_oms(f"orders/{document['id']}/cancel_outcome", {"accepted": False})
    shop.run("shipments")
    assert shown(shop)[cancel][0] == "Refused"
    ask(shop, order, "hold")
    again = {"Id": cancel, "Status__c": "New", "Comment__c": "please"}
    shop._control("POST", f"salesforce/{shop.store}/put/{ACTION}", again)
    shop.run("actions")
    assert shown(shop)[cancel][0] == "Refused", "the same request is not carried out again"
