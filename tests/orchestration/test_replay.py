"""Tests of ``lockstep replay``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from domain.values import HOUR, Partition
from orchestration.cli.runs import chunks, span_of
from tests.orchestration.shop import Shop

pytestmark = pytest.mark.slow(seconds=40)

TRACES = """SELECT (SELECT count(*) FROM sync.batch), (SELECT max(seen_at) FROM sync.rejection),
                   (SELECT count(*) FROM runs)"""
"""What a run would have changed."""


def test_a_dry_run_lists_the_partitions_and_changes_nothing(shop: Shop):
    """No row is written, and neither system is called."""
    shop.place(1001)
    shop.replay_orders()
    before = shop.sql(TRACES)
    printed = shop.replay_orders("--dry-run")
    assert "1 run over 2 partitions with 1 capture" in printed
    assert shop.yesterday.isoformat() in printed
    assert shop.sql(TRACES) == before


def test_a_replay_sends_nothing_twice_unless_it_is_forced(shop: Shop):
    """Rerunning days is safe by default; --force is for a target that lost its data."""
    shop.place(1001)
    printed = shop.replay_orders("--chunk-days", "1")
    assert "[2/2]" in printed
    assert shop.at_oms() == {"1001"}
    saves = shop.saves()
    shop.replay_orders()
    assert shop.saves() == saves
    shop.replay_orders("--force")
    assert shop.saves() == saves + 1


def test_a_failed_chunk_stops_the_replay_with_the_reason(shop: Shop):
    """The error is one sentence, and a script sees it by the exit code."""
    for number in range(1001, 1023):
        shop.place_by_boat(number)
    result = shop.run(
        "replay",
        "demo",
        "--streams",
        "orders",
        "--from",
        shop.yesterday.isoformat(),
        "--to",
        shop.yesterday.isoformat(),
    )
    assert result.exit_code == 1
    assert "22 of 22 records were rejected" in result.stdout
    assert "run this again" in result.stderr


def test_days_without_a_partition_are_refused(shop: Shop):
    """Days before the start, after today or in the wrong order are errors, not an empty success."""
    early, tomorrow = "2020-01-01", (shop.today + timedelta(days=1)).isoformat()
    for first, last in (
        (early, shop.today.isoformat()),
        (shop.today.isoformat(), tomorrow),
        (shop.today.isoformat(), shop.yesterday.isoformat()),
    ):
        assert shop.run("replay", "demo", "--from", first, "--to", last).exit_code == 1


def test_chunks_are_bounded_and_in_the_order_in_which_data_flows():
    """Orders come first, chunks have the given size, snapshot sources are read for today only."""
    today = datetime.now(UTC).date()
    found = chunks(
        ("shipments", "inventory", "orders"),
        Partition.of_day(today - timedelta(days=9)),
        Partition.of_day(today),
        4,
    )
    assert [(chunk.streams[0], len(chunk.first.to(chunk.last))) for chunk in found] == [
        ("orders", 4),
        ("orders", 4),
        ("orders", 2),
        ("inventory", 1),
        ("shipments", 4),
        ("shipments", 4),
        ("shipments", 2),
    ]


def test_the_daemon_gets_a_backfill_with_a_priority_below_live_runs(shop: Shop):
    """The backfill covers exactly the chain and the days, with a priority below live runs."""
    printed = shop.replay_orders("--via", "daemon")
    with dg.DagsterInstance.get() as on:
        (backfill,) = on.get_backfills()
    assert backfill.backfill_id in printed
    assert backfill.tags["dagster/priority"] == "-10"
    assert {key.to_user_string() for key in backfill.asset_selection or ()} == {
        f"demo/orders_{s}" for s in ("captured", "validated", "delivered")
    }


def test_an_hour_is_refused_where_partitions_are_days(shop: Shop):
    """The error names the day; days and a partition at once are wrong usage, too."""
    day = shop.yesterday.isoformat()
    refused = shop.run("replay", "demo", "--partition", f"{day}-13:00")
    assert refused.exit_code == 2
    assert f"use --partition {day}." in refused.stderr
    for options in (["--partition", day, "--from", day, "--to", day], ["--from", day], []):
        assert shop.run("replay", "demo", *options).exit_code == 2
    wrong = shop.run("replay", "demo", "--partition", f"{day}T13")
    assert wrong.exit_code == 2
    assert "2026-11-27-13:00" in wrong.stderr
    planned = shop.run("replay", "demo", "--partition", day, "--dry-run")
    assert planned.exit_code == 0
    assert day in planned.stdout


def test_an_hourly_connection_is_replayed_by_its_hours():
    """Days stand for their hours up to the current one; chunks are cut by time."""
    now = datetime.now(UTC)
    hours = span_of(now.date() - timedelta(days=1), now.date(), HOUR)
    assert hours[0].key == f"{now.date() - timedelta(days=1)}-00:00"
    assert hours[1] <= Partition.of(datetime.now(UTC), HOUR)
    day = Partition.of_day(now.date() - timedelta(days=2))
    found = chunks(("orders",), day.by(HOUR)[5], day.next().by(HOUR)[-1], 1)
    assert [(chunk.first.hour, len(chunk.first.to(chunk.last))) for chunk in found] == [
        (5, 24),
        (5, 19),
    ]
