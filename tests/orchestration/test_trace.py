"""Tests of ``lockstep trace``."""

from __future__ import annotations

from tests.orchestration.shop import Shop


def test_an_order_is_found_by_its_id_in_either_system(shop: Shop):
    """Both ids lead to the same history, which has both and is in time order."""
    shop.change(orders={"order_id_prefix": "BC-"})
    shop.place(1001)
    shop.connect()

    (by_store_id,) = shop.json("trace", "1001")
    (by_oms_id,) = shop.json("trace", "BC-1001", "--connection", "demo")

    assert by_store_id == by_oms_id
    assert (by_store_id["store_id"], by_store_id["oms_id"]) == ("1001", "BC-1001")
    events = by_store_id["events"]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert {"captured", "accepted", "create delivered", "request"} <= {
        event["event"] for event in events
    }
    assert {event["stream"] for event in events} == {"orders", "shipments"}
    printed = shop.done("trace", "#1001")
    assert by_store_id["correlation_id"] in printed
    assert "BC-1001" in printed
    assert "jane.doe" not in printed


def test_an_unknown_order_exits_with_1_and_suggestions(shop: Shop):
    """An empty answer would leave the operator guessing."""
    result = shop.run("trace", "4711")
    assert result.exit_code == 1
    assert "nothing about order '4711'" in result.stderr
    assert "lockstep replay" in result.stderr
    assert shop.run("trace", "4711", "--json").stdout.strip() == "[]"
