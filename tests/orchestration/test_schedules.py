"""Tests of the spans that the sweeps read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from uuid import uuid4

import dagster as dg
import pytest

from assets.chain.partitions import RANGE_TAGS
from domain.connections import Connection, Installation, SystemSection
from domain.values import DAY as DAY_GRAIN
from domain.values import HOUR as HOUR_GRAIN
from domain.values import Partition, Window
from orchestration.jobs import build_reconcile_job, build_sync_job
from orchestration.schedules import (
    SCHEDULE_TAG,
    build_closing_sweep,
    build_reconciliation_schedule,
    build_status_sweep,
    last_hours,
)
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from sensors.attempts import PARTITION_TAG

CONNECTION = Connection(
    platform=SystemSection(kind="bigcommerce"), oms=SystemSection(kind="manhattan")
)
HOURLY = CONNECTION.model_copy(update={"grain": "hour"})
DAY = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def instance() -> Iterator[dg.DagsterInstance]:
    """Return an instance whose runs a schedule can look at."""
    with dg.DagsterInstance.local_temp() as made:
        yield made


Opened: TypeAlias = Callable[[Connection], Lockstep]
Evaluated: TypeAlias = Callable[[dg.ScheduleDefinition, datetime], object]
Asked: TypeAlias = Callable[[dg.ScheduleDefinition, datetime], dg.RunRequest]


@pytest.fixture
def opened(database: str) -> Iterator[Opened]:
    """Return what opens an installation with one connection, whose streams are active."""
    with ExitStack() as stack:

        def open_(connection: Connection) -> Lockstep:
            lockstep = Lockstep(Installation(connections={"acme": connection}), lambda: database)
            stack.callback(lockstep.close)
            with lockstep.ledger.connect() as db:
                resume(db, "acme", connection.streams, "test")
            return lockstep

        yield open_


@pytest.fixture
def evaluated(instance: dg.DagsterInstance) -> Evaluated:
    """Return what gives what a schedule says at a time."""

    def evaluate(schedule: dg.ScheduleDefinition, moment: datetime) -> object:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
        return schedule(context)

    return evaluate


@pytest.fixture
def asked(evaluated: Evaluated) -> Asked:
    """Return what gives what a schedule requests at a time."""

    def ask(schedule: dg.ScheduleDefinition, moment: datetime) -> dg.RunRequest:
        request = evaluated(schedule, moment)
        assert isinstance(request, dg.RunRequest)
        return request

    return ask


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


def test_the_sweeps_request_every_stream_with_a_past(opened: Opened, asked: Asked) -> None:
    """Stock has no past. The closing sweep reruns all of yesterday, so it has no window."""
    job = build_sync_job("acme", CONNECTION)
    lockstep = opened(CONNECTION)
    closing = asked(
        build_closing_sweep("acme", CONNECTION, job, lockstep), DAY + timedelta(hours=1, minutes=20)
    )
    sweep = asked(build_status_sweep("acme", CONNECTION, job, lockstep), DAY + timedelta(hours=12))

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


def test_the_sweeps_of_hours_cover_them_in_one_run(opened: Opened, asked: Asked) -> None:
    """The closing sweep reads all hours of yesterday, the half-hourly one each of the last ones."""
    job = build_sync_job("acme", HOURLY)
    lockstep = opened(HOURLY)
    closing = asked(
        build_closing_sweep("acme", HOURLY, job, lockstep), DAY + timedelta(hours=1, minutes=20)
    )
    half = DAY + timedelta(hours=12, minutes=30)
    sweep = asked(build_status_sweep("acme", HOURLY, job, lockstep), half)

    for request, first, last in (
        (closing, "2026-03-09-00:00", "2026-03-09-23:00"),
        (sweep, "2026-03-10-09:00", "2026-03-10-12:00"),
    ):
        assert request.partition_key is None
        assert [request.tags[tag] for tag in RANGE_TAGS] == [first, last]
    window = sweep.run_config["ops"]["acme__orders_captured"]["config"]
    assert window == {"since": "2026-03-10T09:30:00+00:00", "until": half.isoformat()}


def captured(
    lockstep: Lockstep, stream: str, partition: Partition, started: datetime, **window: datetime
) -> None:
    """Note the capture of a partition, or of a window of it."""
    whole = Window(window.get("since", partition.start), window.get("until", partition.end))
    with lockstep.ledger.session("acme", stream, str(uuid4())) as session:
        session.batch("captured", partition, "schedule", whole, {}, started)


def test_a_day_that_could_not_be_read_after_its_end_is_due_until_it_is(
    opened: Opened, evaluated: Evaluated, asked: Asked
) -> None:
    """The systems were down that night, so that its run failed; the day after it is read, too."""
    job = build_sync_job("acme", CONNECTION)
    lockstep = opened(CONNECTION)
    schedule = build_closing_sweep("acme", CONNECTION, job, lockstep)
    days = [Partition.of(DAY - timedelta(days=back), DAY_GRAIN) for back in range(9, 0, -1)]
    for stream in ("orders", "shipments"):
        for day in days:
            captured(lockstep, stream, day, day.start + timedelta(hours=12))  # still that day
        for day in days[:-2]:
            captured(lockstep, stream, day, day.end + timedelta(minutes=80))
    part = days[-2]
    captured(lockstep, "orders", part, part.end, since=part.start + timedelta(minutes=5))

    first = asked(schedule, DAY + timedelta(hours=1, minutes=20))
    assert [first.tags[tag] for tag in RANGE_TAGS] == ["2026-03-08", "2026-03-09"]
    again = asked(schedule, DAY + timedelta(hours=2, minutes=20))
    assert again.run_key != first.run_key

    for day in days[-2:]:
        captured(lockstep, "orders", day, DAY + timedelta(hours=3))
    captured(lockstep, "shipments", days[-2], DAY + timedelta(hours=3))
    assert asked(schedule, DAY + timedelta(hours=3, minutes=20)).partition_key == "2026-03-09"
    captured(lockstep, "shipments", days[-1], DAY + timedelta(hours=4))
    assert isinstance(evaluated(schedule, DAY + timedelta(hours=4, minutes=20)), dg.SkipReason)


def test_a_day_is_closed_once_each_of_its_hours_was_read_after_its_end(
    opened: Opened, evaluated: Evaluated, asked: Asked
) -> None:
    """The hours of a day are captured one by one."""
    job = build_sync_job("acme", HOURLY)
    lockstep = opened(HOURLY)
    schedule = build_closing_sweep("acme", HOURLY, job, lockstep)
    *most, last = Partition.split(Window(DAY - timedelta(days=1), DAY), HOUR_GRAIN)
    for stream in ("orders", "shipments"):
        for hour, _ in most:
            captured(lockstep, stream, hour, DAY + timedelta(hours=1))
    assert asked(schedule, DAY + timedelta(hours=1, minutes=20))
    for stream in ("orders", "shipments"):
        captured(lockstep, stream, last[0], DAY + timedelta(hours=2))
    assert isinstance(evaluated(schedule, DAY + timedelta(hours=2, minutes=20)), dg.SkipReason)


def test_no_sweep_is_requested_while_the_last_one_is_under_way(
    opened: Opened, instance: dg.DagsterInstance, evaluated: Evaluated, asked: Asked
) -> None:
    """After a long outage one may take more than an hour."""
    job = build_sync_job("acme", CONNECTION)
    lockstep = opened(CONNECTION)
    schedule = build_closing_sweep("acme", CONNECTION, job, lockstep)
    moment = DAY + timedelta(hours=1, minutes=20)
    run = instance.create_run_for_job(
        dg.job(name="sync")(lambda: None),
        status=dg.DagsterRunStatus.STARTED,
        tags={SCHEDULE_TAG: schedule.name},
    )
    assert isinstance(evaluated(schedule, moment), dg.SkipReason)
    instance.delete_run(run.run_id)
    assert asked(schedule, moment)


def test_a_day_whose_reconciliation_failed_is_compared_again(
    opened: Opened, instance: dg.DagsterInstance, evaluated: Evaluated
) -> None:
    """Each hour until it succeeds, also days later; not while it is under way."""
    lockstep = opened(CONNECTION)
    job = build_reconcile_job("acme")
    schedule = build_reconciliation_schedule("acme", job, lockstep)

    def days(hour: int) -> list[str | None]:
        requests = evaluated(schedule, DAY + timedelta(hours=hour, minutes=20))
        return [one.partition_key for one in requests] if isinstance(requests, list) else []

    def noted(day: str, status: dg.DagsterRunStatus, at: datetime) -> None:
        tags = {PARTITION_TAG: day}
        run = dg.DagsterRun(schedule.name, str(uuid4()), status=status, tags=tags)
        instance.run_storage.add_historical_run(run, at)

    assert days(2) == ["2026-03-09", "2026-03-10"]
    success, failure = dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE
    noted("2026-03-05", success, DAY - timedelta(days=5, hours=-2))  # as the current day
    noted("2026-03-05", failure, DAY - timedelta(days=4, hours=-2))
    noted("2026-03-09", success, DAY - timedelta(days=1, hours=-2))
    noted("2026-03-09", failure, DAY + timedelta(hours=2))
    assert days(3) == ["2026-03-05", "2026-03-09"]
    noted("2026-03-09", dg.DagsterRunStatus.STARTED, DAY + timedelta(hours=3))
    noted("2026-03-05", success, DAY + timedelta(hours=3))
    assert days(4) == []
