"""Schedules: the closing sweep of each day, the sweep for late changes, the reconciliation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg

from assets.chain.keys import TRIGGER_TAG, chain_keys
from assets.chain.partitions import place
from assets.chain.run_config import live_config
from assets.streams.registry import STREAMS
from domain.connections import Connection
from domain.values import DAY, Partition, Window
from resources.ledger.captures.windows import not_read_after_end
from resources.ledger.monitoring.activation import active_streams
from resources.lockstep import Lockstep
from sensors.attempts import ACTIVE, PARTITION_TAG, active_runs, aware, is_abandoned

SWEEP_BACK = timedelta(hours=3)
SWEEP_CRON = "*/30 * * * *"
CLOSING_CRON = "20 1-23 * * *"
"""Hourly: a system that is down in the first hour may be back in the next."""
CLOSED_BACK = 7
"""Days back in which a day that could not be read after its end is still due."""
RECONCILE_HOUR = 2
RECONCILE_CRON = f"20 {RECONCILE_HOUR}-23 * * *"
LOOKED_BACK = 50
"""Runs of a day that are looked at."""
PAUSED = "All streams that it would read are paused."
SCHEDULE_TAG = "dagster/schedule_name"


def build_closing_sweep(
    name: str, connection: Connection, job: Any, lockstep: Lockstep
) -> dg.ScheduleDefinition:
    """Build the rerun of each day's partition after its end: daily, hourly until it succeeds.

    It captures what the live windows may have missed, validates all of it again, tries again what
    the target refused, and sends nothing twice. Snapshots have no past.
    """
    schedule = f"closing_sweep_{name}"

    @dg.schedule(
        name=schedule,
        job=job,
        cron_schedule=CLOSING_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads all of yesterday again, after it is over. A day that could not be read "
        f"is tried again each hour, for {CLOSED_BACK} days.",
    )
    def sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        streams = _with_history(lockstep, name, connection)
        if not streams:
            return dg.SkipReason(PAUSED)
        moment = context.scheduled_execution_time.astimezone(UTC)
        with lockstep.ledger.session(name, "") as session:
            due = not_read_after_end(session.db, name, streams, _days_before(moment.date()))
        if not due:
            return dg.SkipReason("Every day up to yesterday was read again after its end.")
        if active_runs(context.instance, {SCHEDULE_TAG: schedule}, datetime.now(UTC)):
            return dg.SkipReason("The last sweep is not over yet.")
        window = Window(Partition.of_day(due[0]).start, Partition.of_day(due[-1]).end)
        return _request(name, connection, streams, window, f"{schedule}:{moment.isoformat()}", {})

    return sweep


def build_status_sweep(
    name: str, connection: Connection, job: Any, lockstep: Lockstep
) -> dg.ScheduleDefinition:
    """Build the half-hourly sweep of the last hours.

    A source may show a record later than its modification time.
    """
    schedule = f"status_sweep_{name}"

    @dg.schedule(
        name=schedule,
        job=job,
        cron_schedule=SWEEP_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads the last hours again, for changes that became visible late.",
    )
    def sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        streams = _with_history(lockstep, name, connection)
        if not streams:
            return dg.SkipReason(PAUSED)
        window = last_hours(context.scheduled_execution_time.astimezone(UTC))
        ops: dict[str, object] = {}
        for stream in streams:
            ops |= live_config(name, stream, window.since.isoformat(), window.until.isoformat())
        key = f"{schedule}:{window.until.isoformat()}"
        return _request(name, connection, streams, window, key, ops)

    return sweep


def last_hours(now: datetime) -> Window:
    """Return the last hours as far as they lie in one day: today, at midnight yesterday.

    The future can't be read.
    """
    midnight = Partition.of(now - timedelta(microseconds=1), DAY).start
    return Window(max(midnight, now - SWEEP_BACK), now)


def _days_before(today: date) -> list[date]:
    """Return the days that may be due, up to yesterday."""
    return [today - timedelta(days=back) for back in range(CLOSED_BACK, 0, -1)]


def _request(
    name: str,
    connection: Connection,
    streams: Sequence[str],
    window: Window,
    run_key: str,
    ops: Mapping[str, object],
) -> dg.RunRequest:
    """Return one run over the partitions of a window."""
    pieces = Partition.split(window, connection.grain)
    partition_key, tags = place(pieces[0][0], pieces[-1][0])
    return dg.RunRequest(
        run_key=run_key,
        partition_key=partition_key,
        asset_selection=chain_keys(name, streams),
        run_config={"ops": dict(ops)} if ops else {},
        tags=tags | {TRIGGER_TAG: "schedule"},
    )


def _with_history(lockstep: Lockstep, name: str, connection: Connection) -> list[str]:
    """Return the connection's streams that are read again and are not paused."""
    active = _active(lockstep, name)
    return [s for s in connection.streams if s in active and not STREAMS[s].is_snapshot]


def _active(lockstep: Lockstep, name: str) -> set[str]:
    """Return the connection's streams that are not paused."""
    with lockstep.ledger.session(name, "") as session:
        return {stream for _, stream in active_streams(session.db, [name])}


def build_reconciliation_schedule(name: str, job: Any, lockstep: Lockstep) -> dg.ScheduleDefinition:
    """Build the daily reconciliation of yesterday and today, after the closing sweep.

    A day whose comparison failed is compared again each hour, until that succeeds.
    """
    schedule = f"reconcile_{name}"

    @dg.schedule(
        name=schedule,
        job=job,
        cron_schedule=RECONCILE_CRON,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Compares store, OMS and ledger of yesterday and today. A day that could not "
        f"be compared is tried again each hour, for {CLOSED_BACK} days.",
    )
    def reconcile(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        if not _active(lockstep, name):
            return dg.SkipReason(PAUSED)
        moment = context.scheduled_execution_time.astimezone(UTC)
        today = moment.date()
        past = _days_before(today)
        days = [day for day in past if _is_left(context.instance, schedule, day, past[-1])]
        if moment.hour == RECONCILE_HOUR:
            days.append(today)
        keyed = [(f"{schedule}:{moment.isoformat()}:{day}", day.isoformat()) for day in days]
        return [
            dg.RunRequest(run_key=key, partition_key=day, tags={TRIGGER_TAG: "schedule"})
            for key, day in keyed
        ] or dg.SkipReason("Every day up to yesterday was compared after its end.")

    return reconcile


def _is_left(instance: dg.DagsterInstance, job: str, day: date, yesterday: date) -> bool:
    """Return whether a day has to be compared: yesterday, or one that was tried in vain."""
    tags = {PARTITION_TAG: day.isoformat()}
    records = instance.get_run_records(dg.RunsFilter(job_name=job, tags=tags), limit=LOOKED_BACK)
    end, now = Partition.of_day(day).end, datetime.now(UTC)
    after = [r for r in records if aware(r.create_timestamp) >= end and not is_abandoned(r, now)]
    if {r.dagster_run.status for r in after} & {dg.DagsterRunStatus.SUCCESS, *ACTIVE}:
        return False
    return bool(after) or day == yesterday
