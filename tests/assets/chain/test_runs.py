"""Rules of every chain: ranges, live windows, checks, accounting, and faults of a system."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import dagster as dg
import psycopg
import pytest

from assets.chain.run_config import live_config
from tests.assets.documents import order
from tests.assets.scene import NAME, Scene

pytestmark = pytest.mark.slow(seconds=30)

Json = dict[str, Any]


def _key(stream: str, step: str) -> dg.AssetKey:
    return dg.AssetKey([NAME, f"{stream}_{step}"])


def test_a_range_of_partitions_runs_in_one_run_with_metadata_for_each(scene: Scene) -> None:
    """Three days in one run: each partition is materialized once, with its own counts."""
    days = [scene.yesterday - timedelta(days=back) for back in (2, 1, 0)]
    for position, day in enumerate(days, 1):
        scene.place(*(order(position * 10 + n, scene.moment(day)) for n in range(position)))

    ended = scene.run_in_dagster("orders", first=days[0], last=days[-1])

    assert len(scene.oms_orders()) == 6
    for step in scene.steps:
        events = ended.asset_materializations_for_node(f"{NAME}__orders_{step}")
        assert [event.partition for event in events] == [day.isoformat() for day in days]
    captured = ended.asset_materializations_for_node(f"{NAME}__orders_captured")
    assert [event.metadata["captured"].value for event in captured] == [1, 2, 3]
    delivered = ended.asset_materializations_for_node(f"{NAME}__orders_delivered")
    assert [event.metadata["delivered"].value for event in delivered] == [1, 2, 3]


def test_several_chains_run_in_one_run(scene: Scene) -> None:
    """Orders and stock of one connection share a run, as a lane's live run does."""
    scene.place(order(1, scene.moment()))

    ended = scene.run_in_dagster("orders", "inventory")

    assert ended.success
    assert list(scene.oms_orders()) == ["1"]
    assert scene.store_counts()["inventory_writes"] > 0


def test_the_checks_report_rejections_and_what_is_left(scene: Scene) -> None:
    """The balance holds and passes; an open rejection warns, with its number, and fails no run."""
    scene.place(order(1, scene.moment()), order(2, scene.moment(), [("NO-SUCH-SKU", 1)]))

    ended = scene.run_in_dagster("orders", first=scene.yesterday)

    results = {e.check_name: e for e in ended.get_asset_check_evaluations()}
    balance = results["every_capture_has_an_outcome"]
    assert balance.passed
    assert balance.description == "2 captured = 1 accepted + 1 rejected + 0 skipped + 0 superseded"
    assert balance.metadata["captured"].value == 2
    assert not results["no_open_rejections"].passed
    assert results["no_open_rejections"].severity is dg.AssetCheckSeverity.WARN
    assert results["no_open_rejections"].metadata["open"].value == 1
    assert results["nothing_left_to_deliver"].passed
    (event,) = ended.asset_materializations_for_node(f"{NAME}__orders_validated")
    (shown,) = event.metadata["rejections"].records
    assert shown.data["record"] == "2"


def test_captured_is_accepted_plus_rejected_plus_skipped_plus_superseded(scene: Scene) -> None:
    """The data team's view balances for every stream and day, after changes, skips and reruns."""
    noon = scene.moment()
    scene.place(
        order(1, noon),
        order(2, noon),
        order(3, noon, [("NO-SUCH-SKU", 1)]),
        order(4, noon, status_id=7),
    )
    scene.run_in_dagster("orders", first=scene.yesterday, steps=["captured"])
    scene.to_store("orders/2", {"customer_message": "Newer"}, "PATCH")
    scene.run_in_dagster("orders", "inventory", "shipments")
    scene.run_in_dagster("orders", "shipments")

    rows = scene.sql(
        "SELECT captured, accepted, rejected, skipped, superseded, unvalidated "
        "FROM history.daily_summary"
    )
    assert rows
    for captured, accepted, rejected, skipped, superseded, unvalidated in rows:
        assert captured == accepted + rejected + skipped + superseded
        assert unvalidated == 0
    (yesterday,) = scene.sql(
        "SELECT captured, accepted, rejected, skipped, superseded FROM history.daily_summary "
        "WHERE stream = 'orders' AND source_day = %s",
        scene.yesterday,
    )
    assert yesterday == (4, 1, 1, 1, 1)


def _live(scene: Scene, since_hour: int, until_hour: int) -> Json:
    return live_config(
        NAME,
        "orders",
        scene.moment(hour=since_hour).isoformat(),
        scene.moment(hour=until_hour).isoformat(),
    )


def test_a_live_run_captures_only_its_window_and_moves_the_watermark(scene: Scene) -> None:
    """The window is half-open: 11:00 is in it, 13:00 is not; the watermark stands at its end."""
    scene.place(*(order(hour, scene.moment(hour=hour)) for hour in (10, 11, 12, 13)))

    scene.run_in_dagster(
        "orders", first=scene.yesterday, config=_live(scene, 11, 13), trigger="live"
    )

    assert sorted(scene.oms_orders()) == ["11", "12"]
    assert scene.sql("SELECT watermark FROM sync.watermark WHERE stream = 'orders'") == [
        (scene.moment(hour=13),)
    ]


def test_an_earlier_window_does_not_move_the_watermark_back(scene: Scene) -> None:
    """A window that is run again, late, leaves the watermark if it is."""
    scene.run_in_dagster(
        "orders", first=scene.yesterday, config=_live(scene, 11, 13), trigger="live"
    )
    scene.run_in_dagster(
        "orders", first=scene.yesterday, config=_live(scene, 9, 10), trigger="live"
    )

    assert scene.sql("SELECT watermark FROM sync.watermark WHERE stream = 'orders'") == [
        (scene.moment(hour=13),)
    ]


def test_captures_that_can_not_be_stored_do_not_move_the_watermark(scene: Scene) -> None:
    """The ledger refuses the row: the run fails, nothing is captured, the window can run again."""
    scene.place(order(11, scene.moment(hour=11)))
    with psycopg.connect(scene.database) as db:
        db.execute("ALTER TABLE sync.capture ADD CONSTRAINT closed CHECK (source_id <> '11')")

    ended = scene.run_in_dagster(
        "orders",
        first=scene.yesterday,
        config=_live(scene, 11, 13),
        trigger="live",
        raise_on_error=False,
    )

    assert not ended.success
    assert scene.sql("SELECT watermark FROM sync.watermark WHERE watermark IS NOT NULL") == []
    with psycopg.connect(scene.database) as db:
        db.execute("ALTER TABLE sync.capture DROP CONSTRAINT closed")
    scene.run_in_dagster(
        "orders", first=scene.yesterday, config=_live(scene, 11, 13), trigger="live"
    )
    assert list(scene.oms_orders()) == ["11"]


def test_a_live_run_leaves_out_what_the_target_refused_and_a_rerun_tries_it(scene: Scene) -> None:
    """A refusal is not repeated every few seconds; an operator's rerun of the partition is."""
    scene.to_oms("settings", {"payment_types": ["PayPal"]})
    scene.place(order(11, scene.moment(hour=11)))
    scene.run_in_dagster(
        "orders", first=scene.yesterday, config=_live(scene, 11, 13), trigger="live"
    )
    refused = scene.oms_counts()["requests"]["save"]
    assert list(scene.open_rejections("orders")) == ["11"]

    scene.run_in_dagster(
        "orders", first=scene.yesterday, config=_live(scene, 11, 13), trigger="live"
    )
    assert scene.oms_counts()["requests"]["save"] == refused

    scene.to_oms("settings", {"payment_types": None})
    scene.run_in_dagster("orders", first=scene.yesterday)
    assert scene.outcomes("orders")["11"] == ("accepted", "delivered")
    assert scene.open_rejections("orders") == {}


def test_an_oms_that_is_down_fails_the_step_and_loses_nothing(scene: Scene) -> None:
    """The step fails with a retriable error; the attempts of the untouched records are not used."""
    scene.place_many(range(1, 13))
    scene.fault("manhattan", {"kind": "status", "status": 503, "path": "/order/"})

    ended = scene.run_in_dagster("orders", first=scene.yesterday, raise_on_error=False)

    assert not ended.success
    assert "trying again later may help" in str(
        ended.failure_data_for_node(f"{NAME}__orders_delivered").error
    )
    assert {state for _, _, state, _ in scene.deliveries("orders")} == {"failed"}
    assert sum(attempts == 0 for *_, attempts in scene.deliveries("orders")) > 0, (
        "not every record was tried in vain"
    )
    scene.fault("manhattan")
    scene.run_in_dagster("orders", first=scene.yesterday)
    assert [held["creates"] for held in scene.oms_orders().values()] == [1] * 12


def test_a_refused_credential_is_permanent_and_starts_no_storm_of_retries(scene: Scene) -> None:
    """A revoked token stops the batch at once: a few calls for dozens of orders, and no retry."""
    scene.place_many(range(1, 41))
    scene.run_in_dagster("orders", first=scene.yesterday, steps=["captured", "validated"])
    before = scene.oms_counts()
    scene.to_oms("settings", {"client_secret": "changed"})
    scene.to_oms("tokens/expire", {})

    ended = scene.run_in_dagster(
        "orders", first=scene.yesterday, steps=["delivered"], raise_on_error=False
    )

    assert not ended.success
    after = scene.oms_counts()
    calls = sum(after["requests"].values()) - sum(before["requests"].values())
    assert calls <= 20, after["requests"]
    failure = ended.failure_data_for_node(f"{NAME}__orders_delivered")
    assert failure.user_failure_data is not None, "a Failure, which Dagster does not retry"
    scene.to_oms("settings", {"client_secret": "sandbox-secret"})
    scene.run_in_dagster("orders", first=scene.yesterday)
    assert [held["creates"] for held in scene.oms_orders().values()] == [1] * 40


def test_too_many_rejections_fail_the_step_and_keep_the_good_records(scene: Scene) -> None:
    """15 of 25 bad is the system's fault: the run fails, a later one delivers the ten good ones."""
    scene.place(*(order(n, scene.moment(), [("NO-SUCH-SKU", 1)]) for n in range(100, 115)))
    scene.place_many(range(1, 11))

    ended = scene.run_in_dagster("orders", first=scene.yesterday, raise_on_error=False)

    assert not ended.success
    assert "15 of 25" in str(ended.failure_data_for_node(f"{NAME}__orders_validated").error)
    assert scene.oms_orders() == {}
    scene.run_in_dagster("orders", first=scene.yesterday, steps=["delivered"])
    assert len(scene.oms_orders()) == 10


@pytest.mark.parametrize("stream", ["orders", "inventory", "shipments"])
def test_an_empty_partition_is_no_error(scene: Scene, stream: str) -> None:
    """A day without anything ends green with nothing counted."""
    scene.to_store("catalog", [])
    ended = scene.run_in_dagster(stream, first=scene.yesterday)
    assert ended.success
    assert scene.sql("SELECT count(*) FROM sync.capture") == [(0,)]


def test_every_step_leaves_its_audit_row(scene: Scene) -> None:
    """``sync.batch`` has a row for each step and partition of a run."""
    scene.place(order(1, scene.moment()))

    ended = scene.run_in_dagster("orders", first=scene.yesterday)

    rows = scene.sql(
        "SELECT step, source_day, trigger FROM sync.batch WHERE run_id = %s ORDER BY started_at",
        ended.run_id,
    )
    assert rows == [(step, scene.yesterday, "manual") for step in scene.steps]


def test_a_source_that_breaks_its_contract_fails_the_run_and_loses_nothing(scene: Scene) -> None:
    """Numbers and ids as texts: such a list can't be read, so the run fails for good."""
    scene.place_many(range(1, 4))
    scene.fault("bigcommerce", {"kind": "wrong_types", "path": "/v2/orders$"})

    ended = scene.run_in_dagster("orders", first=scene.yesterday, raise_on_error=False)

    assert not ended.success
    assert "breaks the API's contract" in str(
        ended.failure_data_for_node(f"{NAME}__orders_captured").error
    )
    scene.fault("bigcommerce")
    scene.run_in_dagster("orders", first=scene.yesterday)
    assert {number: held["creates"] for number, held in scene.oms_orders().items()} == {
        "1": 1,
        "2": 1,
        "3": 1,
    }
