"""Tests of the spans that the sweeps read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets.chain.partitions import RANGE_TAGS
from domain.connections import Connection, Installation, SystemSection
from domain.values import DAY as DAY_GRAIN
from domain.values import Partition
from orchestration.jobs import build_sync_job
from orchestration.schedules import build_closing_sweep, build_status_sweep, last_hours
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep

CONNECTION = Connection(
    platform=SystemSection(kind="bigcommerce"), oms=SystemSection(kind="manhattan")
)
DAY = datetime(2026, 3, 10, tzinfo=UTC)


def asked(schedule: dg.ScheduleDefinition, moment: datetime) -> dg.RunRequest:
    """Return what a schedule requests at a time."""
    request = schedule(dg.build_schedule_context(scheduled_execution_time=moment))
    assert isinstance(request, dg.RunRequest)
    return request


@pytest.mark.parametrize("clock", ["00:00", "00:30", "02:59", "03:00", "12:30", "23:30"])
def test_the_half_hourly_sweep_stays_within_one_partition_and_the_past(clock: str) -> None:
    """At midnight it reads the last hours of yesterday: today has none yet."""
    now = datetime.combine(
        DAY.date(), datetime.strptime(clock, "%H:%M").replace(tzinfo=UTC).timetz()
    )
    window = last_hours(now)
    assert window.until == now
    assert timedelta(0) < now - window.since <= timedelta(hours=3)
    assert len(Partition.split(window, DAY_GRAIN)) == 1


def test_the_sweeps_request_every_stream_with_a_past(database: str) -> None:
    """Stock has no past. The closing sweep reruns all of yesterday, so it has no window."""
    job = build_sync_job("acme", CONNECTION)
    lockstep = Lockstep(Installation(connections={"acme": CONNECTION}), lambda: database)
    with lockstep.ledger.connect() as db:
        resume(db, "acme", CONNECTION.streams, "test")
    closing = asked(
        build_closing_sweep("acme", CONNECTION, job, lockstep), DAY + timedelta(hours=1, minutes=20)
    )
    sweep = asked(build_status_sweep("acme", CONNECTION, job, lockstep), DAY + timedelta(hours=12))
    lockstep.close()

    assert (closing.partition_key, closing.run_config) == ("2026-03-09", {})
    assert sweep.partition_key == "2026-03-10"
    window = sweep.run_config["ops"]["acme__orders_captured"]["config"]
    assert window == {"since": "2026-03-10T09:00:00+00:00", "until": "2026-03-10T12:00:00+00:00"}
    for request in (closing, sweep):
        assert {key.path[1].partition("_")[0] for key in request.asset_selection or ()} == {
            "orders",
            "shipments",
        }
    assert closing.run_key != sweep.run_key


def test_the_sweeps_of_hours_cover_them_in_one_run(database: str) -> None:
    """The closing sweep reads all hours of yesterday, the half-hourly one each of the last ones."""
    connection = CONNECTION.model_copy(update={"grain": "hour"})
    job = build_sync_job("acme", connection)
    lockstep = Lockstep(Installation(connections={"acme": connection}), lambda: database)
    with lockstep.ledger.connect() as db:
        resume(db, "acme", connection.streams, "test")
    closing = asked(
        build_closing_sweep("acme", connection, job, lockstep), DAY + timedelta(hours=1, minutes=20)
    )
    half = DAY + timedelta(hours=12, minutes=30)
    sweep = asked(build_status_sweep("acme", connection, job, lockstep), half)
    lockstep.close()

    for request, first, last in (
        (closing, "2026-03-09-00:00", "2026-03-09-23:00"),
        (sweep, "2026-03-10-09:00", "2026-03-10-12:00"),
    ):
        assert request.partition_key is None
        assert [request.tags[tag] for tag in RANGE_TAGS] == [first, last]
    window = sweep.run_config["ops"]["acme__orders_captured"]["config"]
    assert window == {"since": "2026-03-10T09:30:00+00:00", "until": half.isoformat()}
