"""Tests of ``lockstep rejections``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.orchestration.shop import Shop


@pytest.fixture
def rejected(shop: Shop) -> Shop:
    """Return a shop with one good order and two that nobody mapped the shipping method of, on different days."""
    shop.place(1001)
    shop.place_by_boat(1002)
    shop.place_by_boat(1003, shop.today - timedelta(days=2))
    shop.replay_orders()
    return shop


def test_rejections_are_listed_by_filter_and_shown_with_the_captured_bytes(rejected: Shop):
    """An operator narrows the list, and sees the record as the store sent it."""
    listed = rejected.json("rejections", "list", "--code", "shipping_method_unknown", "--stream", "orders")
    assert {row["source_id"] for row in listed} == {"1002", "1003"}
    assert rejected.json("rejections", "list", "--code", "no_such_code") == []
    assert rejected.json("rejections", "list", "--since", (rejected.today + timedelta(days=1)).isoformat()) == []
    first = str(listed[0]["rejection_id"])
    shown = rejected.json("rejections", "show", first)
    assert shown["payload"]["id"] == int(shown["source_id"])
    raw = rejected.run("rejections", "show", first, "--raw").stdout_bytes
    (kept,) = rejected.sql("SELECT payload_bytes FROM sync.capture WHERE capture_id = %s", shown["capture_id"])
    assert len(raw) == kept[0]
    assert "Slow boat" in rejected.done("rejections", "show", first)
    assert rejected.run("rejections", "show", "999999").exit_code == 1


def test_a_retry_after_a_corrected_mapping_delivers_and_runs_only_the_partitions_concerned(rejected: Shop):
    """The fix plus the retry is all an operator has to do, and other days are left alone."""
    (one,) = [row for row in rejected.json("rejections", "list") if row["source_id"] == "1003"]
    rejected.map_boats()
    before = rejected.sql("SELECT count(*) FROM sync.batch WHERE source_day = %s AND stream = 'orders'", rejected.yesterday)

    (after,) = rejected.json("rejections", "retry", str(one["rejection_id"]))

    assert after["state"] == "resolved"
    assert "1003" in rejected.at_oms()
    assert rejected.sql("SELECT count(*) FROM sync.batch WHERE source_day = %s AND stream = 'orders'", rejected.yesterday) == before
    assert "1 of 1 went through" in rejected.done("rejections", "retry", "--all-of", "demo")
    assert rejected.at_oms() == {"1001", "1002", "1003"}
    assert rejected.run("rejections", "retry", str(one["rejection_id"])).exit_code == 1


def test_a_retry_that_changes_nothing_says_so(rejected: Shop):
    """A record that is rejected again is open again, not lost in between."""
    printed = rejected.done("rejections", "retry", "--code", "shipping_method_unknown")
    assert "0 of 2 went through" in printed
    assert {row["state"] for row in rejected.json("rejections", "list")} == {"open"}


def test_a_discarded_rejection_no_longer_counts_as_open(rejected: Shop):
    """It is closed with who and why, and the status shows one less."""
    first = rejected.json("rejections", "list")[0]["rejection_id"]
    rejected.done("rejections", "discard", str(first), "--reason", "test order")
    assert [row["open_rejections"] for row in rejected.json("status")] == [1, 0, 0]
    (closed,) = rejected.json("rejections", "list", "--state", "discarded")
    assert (closed["rejection_id"], closed["closed_why"]) == (first, "test order")
    assert closed["closed_by"]
    assert rejected.run("rejections", "discard", str(first), "--reason", "again").exit_code == 1
    assert rejected.run("rejections", "discard", str(first)).exit_code == 2


def test_a_discarded_version_stays_discarded_when_its_day_is_run_again(rejected: Shop):
    """The nightly sweep must not bring back what a person closed; a newer version of the record may."""
    first = rejected.json("rejections", "list")[0]["rejection_id"]
    rejected.done("rejections", "discard", str(first), "--reason", "test order")
    rejected.replay_orders()
    assert len(rejected.json("rejections", "list")) == 1
