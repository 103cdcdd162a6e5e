"""Tests of ``lockstep reconcile``."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("direct_runs")]

NOW = ("--confirm-seconds", "0")


def oms(shop: Shop, path: str, body: object) -> None:
    """Call the tenant's control API."""
    httpx.post(
        f"{shop.url}/_sandbox/manhattan/{shop.store}/{path}", json=body, timeout=30
    ).raise_for_status()


def test_a_shop_without_drift_exits_with_0(shop: Shop):
    """No drift is success, in text and in JSON."""
    shop.place(1001)
    shop.replay_orders()

    assert "no drift" in shop.done("reconcile", "demo", *NOW)
    assert shop.json("reconcile", "demo", *NOW) == []


def test_drift_is_printed_with_advice_and_repaired_on_demand(shop: Shop):
    """Repairable drift is delivered again, once; what is left keeps the exit code at 1."""
    for number in (1001, 1002):
        shop.place(number)
    shop.replay_orders()
    oms(shop, "orders/1001/remove", {})
    oms(shop, "orders/1002/copy", {"order_id": "1002-B"})

    found = shop.run("reconcile", "demo", *NOW)
    assert found.exit_code == 1
    assert "missing_at_target" in found.stdout and "Run with --repair" in found.stdout
    assert shop.at_oms() == {"1002", "1002-B"}
    saves = shop.saves()

    repaired = shop.run("reconcile", "demo", "--repair", "--json", *NOW)

    assert repaired.exit_code == 1
    assert [
        (d["drift_class"], d["record"], d["can_repair"]) for d in json.loads(repaired.stdout)
    ] == [("duplicate", "1002-B", False)]
    assert shop.at_oms() == {"1001", "1002", "1002-B"}
    assert shop.saves() == saves + 2  # one more order, counted as a creation and as a save
    assert shop.sql("SELECT outcome FROM sync.rerun") == [("done",)]
    oms(shop, "orders/1002-B/remove", {})
    assert "no drift" in shop.done("reconcile", "demo", "--repair", *NOW)
    assert shop.saves() == saves + 2


def test_streams_and_days_can_be_chosen(shop: Shop):
    """Only the given streams and days are compared; days without a partition are refused."""
    shop.place(1001)
    shop.replay_orders()
    day = shop.yesterday.isoformat()
    printed = shop.done(
        "reconcile", "demo", "--streams", "orders", "--from", day, "--to", day, *NOW
    )
    assert printed.startswith(f"{day}: 1 order, 0 levels compared")
    assert shop.run("reconcile", "demo", "--from", "2020-01-01", "--to", day, *NOW).exit_code == 1
