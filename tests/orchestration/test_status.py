"""Tests of ``lockstep status``."""

from __future__ import annotations

import json

import pytest

from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("direct_runs")]


def test_stuck_records_are_shown_and_make_monitoring_fail(shop: Shop):
    """The table has the oldest ones; --fail covers them even if every stream is fresh."""
    shop.connect()
    assert shop.run("status", "--fail").exit_code == 0
    for number in (1, 2, 3):
        shop.sql(
            """INSERT INTO sync.delivery (delivery_key, connection, stream, source_id, action,
                                          target_key, source_day, capture_id, state, attempts,
                                          correlation_id, run_id, claimed_at, settled_at)
               VALUES (gen_random_uuid(), 'demo', 'orders', %s, 'create', '', current_date,
                       gen_random_uuid(), 'delivered', 1, 'c-1', '', now(),
                       now() - make_interval(hours => %s)) RETURNING 1""",
            f"900{number}",
            1 + number,
        )

    late = shop.run("status", "--fail", "--stuck", "2")

    assert late.exit_code == 1
    assert "Past their limit (2 of 3, oldest first)" in late.stdout
    assert "delivered not acknowledged" in late.stdout
    assert "orders/9003" in late.stdout
    assert "orders/9001" not in late.stdout
    orders = next(
        row for row in json.loads(shop.run("status", "--json").stdout) if row["stream"] == "orders"
    )
    assert orders["stuck_counts"] == {"delivered_not_acknowledged": 3}
    assert [row["source_id"] for row in orders["stuck"]] == ["9003", "9002", "9001"]
    assert orders["stuck"][0]["allowed"] == 3600
    assert "Past their limit" not in shop.done("status", "--stuck", "0")


def test_a_stopped_daemon_is_named(shop: Shop):
    """Its streams are probed no more, and no probe fails."""
    shop.connect()
    shop.sql(
        """UPDATE sync.watermark SET captured_at = now() - interval '40 minutes',
               probed_at = now() - interval '40 minutes' RETURNING 1"""
    )
    late = shop.run("status", "--fail")
    assert late.exit_code == 1
    assert "NO PROBE" in late.stdout
    assert "demo/orders: no probe for 40 min" in late.stdout
    assert "the daemon is down ('lockstep up' starts it)" in late.stdout


def test_failed_probes_and_a_silent_source_are_shown(shop: Shop):
    """The last probe's error is below the table; a silent stream is not ok."""
    shop.change(limits={"silence": {"orders": "PT1H"}})
    shop.connect()
    shop.sql(
        "UPDATE sync.watermark SET change_seen_at = now() - interval '2 hours'"
        " WHERE stream = 'orders' RETURNING 1"
    )
    shop.sql(
        "UPDATE sync.watermark SET probe_failures = 3, probe_error = '401 of the store'"
        " WHERE stream = 'shipments' RETURNING 1"
    )
    late = shop.run("status", "--fail")
    assert late.exit_code == 1
    assert "SILENT" in late.stdout
    assert "demo/shipments: the last 3 probes failed: 401 of the store" in late.stdout
