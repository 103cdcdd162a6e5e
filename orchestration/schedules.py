"""Schedules: the closing sweep of yesterday, the sweep for late changes, the reconciliation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.chain.keys import TRIGGER_TAG, chain_keys
from assets.chain.partitions import place
from assets.chain.run_config import live_config
from assets.streams.registry import STREAMS
from domain.connections import Connection
from domain.values import DAY, Partition, Window
from resources.ledger.monitoring.activation import active_streams
from resources.lockstep import Lockstep

SWEEP_BACK = timedelta(hours=3)
SWEEP_CRON = "*/30 * * * *"
PAUSED = "All streams that it would read are paused."
Span = Callable[[datetime], Window]


def build_closing_sweep(
    name: str, connection: Connection, job: Any, lockstep: Lockstep
) -> dg.ScheduleDefinition:
    """Build the daily rerun of yesterday's partition.

    It captures what the live windows may have missed, and sends nothing twice.
    """
    text = "Reads all of yesterday again, after it is over."
    return _sweep(
        f"closing_sweep_{name}",
        "20 1 * * *",
        text,
        name,
        connection,
        job,
        lockstep,
        yesterday,
        whole=True,
    )


def build_status_sweep(
    name: str, connection: Connection, job: Any, lockstep: Lockstep
) -> dg.ScheduleDefinition:
    """Build the half-hourly sweep of the last hours.

    A source may show a record later than its modification time.
    """
    text = "Reads the last hours again, for changes that became visible late."
    return _sweep(
        f"status_sweep_{name}", SWEEP_CRON, text, name, connection, job, lockstep, last_hours
    )


def yesterday(now: datetime) -> Window:
    """Return the whole day before."""
    return Partition.of(now - timedelta(days=1), DAY).window


def last_hours(now: datetime) -> Window:
    """Return the last hours as far as they lie in one day: today, at midnight yesterday.

    The future can't be read.
    """
    midnight = Partition.of(now - timedelta(microseconds=1), DAY).start
    return Window(max(midnight, now - SWEEP_BACK), now)


def _sweep(
    schedule: str,
    cron: str,
    text: str,
    name: str,
    connection: Connection,
    job: Any,
    lockstep: Lockstep,
    span: Span,
    *,
    whole: bool = False,
) -> dg.ScheduleDefinition:
    """Build a schedule that reads a span of one day again, except in snapshot streams.

    With ``whole`` the span is the day: all of it is validated again, and what the target
    refused is tried again.
    """
    with_history = [stream for stream in connection.streams if not STREAMS[stream].is_snapshot]

    @dg.schedule(
        name=schedule,
        job=job,
        cron_schedule=cron,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=text,
    )
    def sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        active = _active(lockstep, name)
        streams = [stream for stream in with_history if stream in active]
        if not streams:
            return dg.SkipReason(PAUSED)
        window = span(context.scheduled_execution_time.astimezone(UTC))
        ops: dict[str, object] = {}
        for stream in streams if not whole else ():
            ops |= live_config(name, stream, window.since.isoformat(), window.until.isoformat())
        run_key = f"{schedule}:{window.until.isoformat()}"
        return _request(run_key, name, streams, Partition.split(window, connection.grain), ops)

    return sweep


def _request(
    run_key: str,
    name: str,
    streams: Sequence[str],
    pieces: Sequence[tuple[Partition, Window]],
    ops: Mapping[str, object],
) -> dg.RunRequest:
    partition_key, tags = place(pieces[0][0], pieces[-1][0])
    return dg.RunRequest(
        run_key=run_key,
        partition_key=partition_key,
        asset_selection=chain_keys(name, streams),
        run_config={"ops": dict(ops)} if ops else {},
        tags=tags | {TRIGGER_TAG: "schedule"},
    )


def _active(lockstep: Lockstep, name: str) -> set[str]:
    """Return the connection's streams that are not paused."""
    with lockstep.ledger.session(name, "") as session:
        return {stream for _, stream in active_streams(session.db, [name])}


def build_reconciliation_schedule(name: str, job: Any, lockstep: Lockstep) -> dg.ScheduleDefinition:
    """Build the daily reconciliation of yesterday and today, after the closing sweep."""

    @dg.schedule(
        name=f"reconcile_{name}",
        job=job,
        cron_schedule="20 2 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Compares store, OMS and ledger of yesterday and today.",
    )
    def reconcile(
        context: dg.ScheduleEvaluationContext,
    ) -> list[dg.RunRequest] | dg.SkipReason:
        if not _active(lockstep, name):
            return dg.SkipReason(PAUSED)
        today = context.scheduled_execution_time.astimezone(UTC).date()
        days = [day.isoformat() for day in (today - timedelta(days=1), today)]
        keyed = [(f"reconcile:{today.isoformat()}:{day}", day) for day in days]
        return [
            dg.RunRequest(run_key=key, partition_key=day, tags={TRIGGER_TAG: "schedule"})
            for key, day in keyed
        ]

    return reconcile
