"""Tests of ``lockstep connect`` and ``lockstep status``."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.orchestration.shop import Shop

pytestmark = pytest.mark.slow


def test_connect_syncs_the_last_days_once_and_live_runs_continue_from_there(shop: Shop):
    """The first backfill delivers every order and sets the watermarks; a second sends nothing.

    A stream beyond its freshness limit is shown as overdue, and ``--fail`` exits with 1.
    """
    shop.place(1001)
    shop.place(1002, shop.today - timedelta(days=2))
    shop.place(1003, shop.today - timedelta(days=5))
    assert {row["state"] for row in shop.json("status")} == {"never captured"}
    assert shop.run("status", "--fail").exit_code == 1

    printed = shop.connect()

    assert "2 delivered" in printed
    assert shop.at_oms() == {"1001", "1002"}
    rows = shop.json("status")
    assert [(row["stream"], row["state"], row["overdue"]) for row in rows] == [
        ("orders", "ok", False),
        ("inventory", "ok", False),
        ("shipments", "ok", False),
    ]
    assert all(row["watermark"] for row in rows)
    assert shop.run("status", "--fail").exit_code == 0
    saves = shop.saves()
    shop.connect()
    assert shop.saves() == saves

    shop.change(freshness_limit="PT0S")
    late = shop.run("status", "--fail")
    assert late.exit_code == 1
    assert "OVERDUE" in late.stdout


def test_connect_stops_at_a_failed_check_and_sends_nothing(shop: Shop, own_home: Path):
    """A wrong credential is found before the first order is read."""
    shop.place(1001)
    (own_home / "secrets" / f"token-{shop.store}").write_text("not-the-token")
    result = shop.run("connect", "demo", "--yes")
    assert result.exit_code == 1
    assert "FAILED" in result.stdout
    assert "not-the-token" not in result.output
    assert shop.sql("SELECT count(*) FROM sync.capture") == [(0,)]


def test_connect_without_a_terminal_needs_yes(shop: Shop):
    """A script without --yes neither hangs nor sends anything."""
    result = shop.run("connect", "demo")
    assert result.exit_code == 1
    assert "--yes" in result.stderr
