"""Tests of ``lockstep reconcile``."""

from __future__ import annotations

import json

import httpx

from tests.orchestration.shop import Shop

NOW = ("--confirm-seconds", "0")


def oms(shop: Shop, path: str, body: object) -> None:
    """Make a control call of the tenant."""
    httpx.post(
        f"{shop.url}/_sandbox/manhattan/{shop.store}/{path}", json=body, timeout=30
    ).raise_for_status()


def test_a_shop_in_step_exits_with_0(shop: Shop):
    """Silence is success, for a person and for a script."""
    shop.place(1001)
    shop.replay_orders()

    assert "no drift" in shop.done("reconcile", "demo", *NOW)
    assert shop.json("reconcile", "demo", *NOW) == []


def test_drift_is_told_with_what_to_do_and_healed_on_demand(shop: Shop):
    """What a machine may heal is healed by the normal delivery, once; what is left keeps the exit code at 1."""
    for number in (1001, 1002):
        shop.place(number)
    shop.replay_orders()
    oms(shop, "orders/1001/remove", {})
    oms(shop, "orders/1002/copy", {"order_id": "1002-B"})

    found = shop.run("reconcile", "demo", *NOW)
    assert found.exit_code == 1
    assert "missing_at_target" in found.stdout and "Run with --heal" in found.stdout
    assert shop.at_oms() == {"1002", "1002-B"}
    saves = shop.saves()

    healed = shop.run("reconcile", "demo", "--heal", "--json", *NOW)

    assert healed.exit_code == 1
    assert [(d["drift_class"], d["record"], d["can_heal"]) for d in json.loads(healed.stdout)] == [
        ("duplicate", "1002-B", False)
    ]
    assert shop.at_oms() == {"1001", "1002", "1002-B"}
    assert shop.saves() == saves + 2  # one more order, counted as a creation and as a save
    assert shop.sql("SELECT outcome FROM sync.rerun") == [("done",)]
    oms(shop, "orders/1002-B/remove", {})
    assert "no drift" in shop.done("reconcile", "demo", "--heal", *NOW)
    assert shop.saves() == saves + 2


def test_streams_and_days_can_be_chosen(shop: Shop):
    """Only what was asked for is compared, and days without a partition are refused."""
    shop.place(1001)
    shop.replay_orders()
    day = shop.yesterday.isoformat()
    printed = shop.done(
        "reconcile", "demo", "--streams", "orders", "--from", day, "--to", day, *NOW
    )
    assert printed.startswith(f"{day}: 1 orders and 0 levels compared")
    assert shop.run("reconcile", "demo", "--from", "2020-01-01", "--to", day, *NOW).exit_code == 1
