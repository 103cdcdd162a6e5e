"""Tests of ``lockstep trace``."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("direct_runs")]


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
    moments = [datetime.fromisoformat(event["at"]) for event in events]
    assert moments == sorted(moments)
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
    assert "lockstep sync-orders" in result.stderr
    assert shop.run("trace", "4711", "--json").stdout.strip() == "[]"


def test_records_of_several_kinds_with_one_id_are_all_found(shop: Shop):
    """Each under its own kind; one kind alone if it is named."""
    shop.place(1001)
    shop.connect()
    shop.sql(
        """INSERT INTO sync.stream (connection, stream, place, to_oms, is_snapshot, entity,
                                    source_system, target_system)
           VALUES ('demo', 'customers', 9, true, false, 'customer', '', '') RETURNING stream"""
    )
    shop.sql(
        """INSERT INTO sync.capture (source_day, capture_id, connection, stream, source_id,
               source_updated_at, digest, payload, payload_bytes, correlation_id, run_id)
           SELECT source_day, gen_random_uuid(), connection, 'customers', source_id,
                  source_updated_at, '', '', 0, 'cus-1', '' FROM sync.capture
           WHERE stream = 'orders' RETURNING stream"""
    )

    order, customer = shop.json("trace", "1001")
    assert (order["entity"], customer["entity"]) == ("order", "customer")
    assert {event["stream"] for event in order["events"]} == {"orders", "shipments"}
    assert [event["stream"] for event in customer["events"]] == ["customers"]
    assert (customer["store_id"], customer["oms_id"]) == ("1001", "")
    assert shop.json("trace", "1001", "--entity", "customer") == [customer]
    assert shop.json("trace", "1001", "--entity", "order") == [order]
    printed = shop.done("trace", "1001")
    assert "store order     1001\n" in printed
    assert "store customer  1001\n" in printed
