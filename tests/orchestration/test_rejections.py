"""Tests of ``lockstep rejections``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.orchestration.shop import Shop

pytestmark = [pytest.mark.slow(seconds=40), pytest.mark.usefixtures("direct_runs")]


@pytest.fixture
def rejected(shop: Shop) -> Shop:
    """Return a shop with a good order and two with an unmapped shipping method, on two days."""
    shop.place(1001)
    shop.place_by_boat(1002)
    shop.place_by_boat(1003, shop.today - timedelta(days=2))
    shop.replay_orders()
    return shop


def test_rejections_are_listed_by_filter_and_shown_with_the_captured_bytes(rejected: Shop):
    """An operator filters the list, and sees the record as the store sent it."""
    listed = rejected.json(
        "rejections", "list", "--code", "shipping_method_unknown", "--stream", "orders"
    )
    assert {row["source_id"] for row in listed} == {"1002", "1003"}
    assert rejected.json("rejections", "list", "--code", "no_such_code") == []
    assert (
        rejected.json(
            "rejections", "list", "--since", (rejected.today + timedelta(days=1)).isoformat()
        )
        == []
    )
    first = str(listed[0]["rejection_id"])
    shown = rejected.json("rejections", "show", first)
    assert shown["payload"]["id"] == int(shown["source_id"])
    raw = rejected.run("rejections", "show", first, "--raw").stdout_bytes
    (kept,) = rejected.sql(
        "SELECT payload_bytes FROM sync.capture WHERE capture_id = %s", shown["capture_id"]
    )
    assert len(raw) == kept[0]
    assert "Slow boat" in rejected.done("rejections", "show", first)
    assert rejected.run("rejections", "show", "999999").exit_code == 1

    duty = rejected.json(
        "rejections",
        "list",
        "--class",
        "mapping",
        "--owner",
        "team:operations",
        "--newer-than",
        "2h",
    )
    assert {(row["source_id"], row["class"], row["owner"], row["rule"]) for row in duty} == {
        (record, "mapping", "team:operations", "A shipping method is mapped to an OMS method.")
        for record in ("1002", "1003")
    }
    assert all(0 <= row["age"] < 600 for row in duty)
    for nothing in (
        ("--class", "value"),
        ("--owner", "team:eu"),
        ("--older-than", "1d"),
        ("--to", "2020-01-01"),
        ("--stage", "delivered"),
    ):
        assert rejected.json("rejections", "list", *nothing) == []
    assert rejected.run("rejections", "list", "--older-than", "yesterday").exit_code == 2


def test_a_retry_after_a_corrected_mapping_runs_matching_records_only_and_reads_only_on_demand(
    rejected: Shop,
):
    """Other days are not touched, and the source is read with --re-read only."""
    (one,) = [row for row in rejected.json("rejections", "list") if row["source_id"] == "1003"]
    rejected.map_boats()
    before = rejected.sql(
        "SELECT count(*) FROM sync.batch WHERE source_day = %s AND stream = 'orders'",
        rejected.yesterday,
    )

    steps = "SELECT step FROM sync.batch WHERE trigger = 'retry' ORDER BY started_at, step"
    (after,) = rejected.json("rejections", "retry", str(one["rejection_id"]))
    assert rejected.sql(steps) == [("validated",), ("delivered",)]

    assert after["state"] == "resolved"
    assert "1003" in rejected.at_oms()
    assert (
        rejected.sql(
            "SELECT count(*) FROM sync.batch WHERE source_day = %s AND stream = 'orders'",
            rejected.yesterday,
        )
        == before
    )
    assert "1 of 1 resolved" in rejected.done(
        "rejections", "retry", "--all-of", "demo", "--re-read"
    )
    assert [step for (step,) in rejected.sql(steps)][2:] == ["captured", "validated", "delivered"]
    assert rejected.at_oms() == {"1001", "1002", "1003"}
    assert rejected.run("rejections", "retry", str(one["rejection_id"])).exit_code == 1


def test_a_retry_that_resolves_nothing_says_so_and_a_retry_can_be_queued(rejected: Shop):
    """A record rejected again is open again; while it is queued, its state is ``retried``."""
    printed = rejected.done("rejections", "retry", "--code", "shipping_method_unknown")
    assert "0 of 2 resolved" in printed
    assert {row["state"] for row in rejected.json("rejections", "list")} == {"open"}

    day = (rejected.today - timedelta(days=2)).isoformat()
    assert "1 rejection queued as 1 rerun " in rejected.done(
        "rejections", "retry", "--from", day, "--to", day, "--via", "daemon"
    )
    assert {row["source_id"]: row["state"] for row in rejected.json("rejections", "list")} == {
        "1002": "open",
        "1003": "retried",
    }
    assert rejected.sql("SELECT mode, source_ids, outcome FROM sync.rerun") == [
        ("as_captured", ["1003"], "")
    ]


def test_rejections_that_can_not_be_retried_keep_no_others_back(rejected: Shop):
    """Their connection or stream was removed; named by its id, one is refused with the reason."""
    rejected.map_boats()
    gone, stream = (
        rejected.sql(
            """INSERT INTO sync.rejection (connection, stream, stage, source_id, source_day,
                                           capture_id, code, field, message, advice, value,
                                           problems, correlation_id, run_id, class)
               SELECT %s, %s, stage, 'x', source_day, capture_id, code, field, message, advice,
                      value, problems, correlation_id, run_id, class
               FROM sync.rejection LIMIT 1 RETURNING rejection_id""",
            *place,
        )[0][0]
        for place in (("old", "orders"), ("demo", "customers"))
    )
    result = rejected.run("rejections", "retry", "--class", "mapping")
    assert (result.exit_code, rejected.at_oms()) == (0, {"1001", "1002", "1003"})
    assert "1 rejection left out: There is no connection 'old'" in result.stderr
    assert "1 rejection left out: The connection demo has no stream customers" in result.stderr
    for one in (gone, stream):
        assert rejected.run("rejections", "retry", str(one)).exit_code == 1


def test_a_discarded_rejection_no_longer_counts_as_open(rejected: Shop):
    """It is closed with name and reason, and the status counts one less."""
    first = rejected.json("rejections", "list")[0]["rejection_id"]
    rejected.done("rejections", "discard", str(first), "--reason", "test order")
    assert [row["open_rejections"] for row in rejected.json("status")] == [1, 0, 0]
    (closed,) = rejected.json("rejections", "list", "--state", "discarded")
    assert (closed["rejection_id"], closed["closed_why"]) == (first, "test order")
    assert closed["closed_by"]
    assert rejected.run("rejections", "discard", str(first), "--reason", "again").exit_code == 1
    assert rejected.run("rejections", "discard", str(first)).exit_code == 2

    assert rejected.run("rejections", "discard", "--reason", "x").exit_code == 2
    assert rejected.run("rejections", "discard", "1", "--code", "x", "--reason", "x").exit_code == 2
    assert rejected.run("rejections", "retry", "1", "--code", "x").exit_code == 2
    assert rejected.run("rejections", "retry", "--code", "x", "--set", "a=b").exit_code == 2
    assert (
        rejected.done(
            "rejections", "discard", "--code", "shipping_method_unknown", "--reason", "test"
        ).count("discarded")
        == 1
    )
    assert rejected.json("rejections", "list") == []


def test_a_discarded_version_stays_discarded_when_its_day_is_rerun(rejected: Shop):
    """The nightly sweep must not reopen it; a newer version of the record may."""
    first = rejected.json("rejections", "list")[0]["rejection_id"]
    rejected.done("rejections", "discard", str(first), "--reason", "test order")
    rejected.replay_orders()
    assert len(rejected.json("rejections", "list")) == 1


def test_an_edit_shows_its_diff_asks_for_confirmation_and_is_delivered(rejected: Shop):
    """Only a confirmed edit is delivered, and the rejection shows who changed what."""
    (one,) = [row for row in rejected.json("rejections", "list") if row["source_id"] == "1002"]
    number, path = str(one["rejection_id"]), one["field"]
    refused = rejected.run("rejections", "retry", number, "--set", f"{path}=Ground")
    assert refused.exit_code == 1
    assert '"Slow boat" -> "Ground"' in refused.output
    assert rejected.sql("SELECT count(*) FROM sync.edit") == [(0,)]

    wrong = rejected.run("rejections", "retry", number, "--set", f"{path}s=Ground", "--yes")
    assert wrong.exit_code == 1
    assert "shipping_methods' in the captured record" in wrong.stderr
    printed = rejected.done(
        "rejections",
        "retry",
        number,
        "--set",
        f"{path}=Ground",
        "--yes",
        "--reason",
        "asked the shop",
    )
    assert "1 of 1 resolved" in printed
    assert "1002" in rejected.at_oms()

    shown = rejected.json("rejections", "show", number)
    assert [(c["before"], c["after"]) for c in shown["edits"]] == [("Slow boat", "Ground")]
    assert [(a["action"], a["mode"], a["why"]) for a in shown["actions"]] == [
        ("edit", "", "asked the shop"),
        ("retry", "as_captured", "asked the shop"),
    ]
    assert shown["actions"][1]["run_id"]
    assert {a["state"] for a in shown["attempts"]} >= {"delivered", "200"}
    assert "Slow boat" not in str(shown["payload"])
    text = rejected.done("rejections", "show", number)
    assert "edited: " in text
    assert "rule        A shipping method is mapped to an OMS method." in text
    assert b"Slow boat" in rejected.run("rejections", "show", number, "--raw").stdout_bytes


def test_a_dry_run_counts_no_order_that_was_discarded(rejected: Shop):
    """A replay would leave it alone, also with force."""
    code = "shipping_method_unknown"
    rejected.done("rejections", "discard", "--code", code, "--reason", "by hand")
    rejected.map_boats()
    rejected.replay_orders()
    assert rejected.at_oms() == {"1001"}
    for options, due in (((), 0), (("--force",), 1)):
        lines = rejected.replay_orders("--dry-run", *options).splitlines()
        numbers = [line.split()[-1] for line in lines if line.split()[:1] == ["orders"]]
        assert sum(map(int, numbers)) == due
