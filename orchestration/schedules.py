"""Schedules: the closing sweep of yesterday, and the half-hourly sweep for changes that became visible late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from assets.config import live_config
from assets.steps import TRIGGER_TAG
from assets.streams import STREAMS
from domain.connections import Connection

SWEEP_BACK = timedelta(hours=3)


def build_closing_sweep(name: str, connection: Connection, job: Any) -> dg.ScheduleDefinition:
    """Build the daily rerun of yesterday's partition: it captures what the live windows may have missed, and sends nothing twice."""
    streams = [stream for stream in connection.streams if not STREAMS[stream].is_snapshot]

    @dg.schedule(
        name=f"closing_sweep_{name}",
        job=job,
        cron_schedule="20 1 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads yesterday once more as a whole, after it is over.",
    )
    def closing_sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        yesterday = (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date().isoformat()
        keys = [dg.AssetKey([name, stream, step]) for stream in streams for step in ("captured", "validated", "delivered")]
        return dg.RunRequest(run_key=f"closing:{yesterday}", partition_key=yesterday, asset_selection=keys, tags={TRIGGER_TAG: "schedule"})

    return closing_sweep


def build_status_sweep(name: str, connection: Connection, job: Any) -> dg.ScheduleDefinition:
    """Build the half-hourly look at the last hours: a source may show a record later than its modification time."""
    streams = [stream for stream in connection.streams if not STREAMS[stream].is_snapshot]

    @dg.schedule(
        name=f"status_sweep_{name}",
        job=job,
        cron_schedule="*/30 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Reads the last hours once more, for changes that became visible later than they were made.",
    )
    def status_sweep(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        now = context.scheduled_execution_time.astimezone(UTC)
        midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
        since, until = max(midnight, now - SWEEP_BACK), now
        ops: dict[str, object] = {}
        for stream in streams:
            ops |= live_config(name, stream, since.isoformat(), until.isoformat())
        keys = [dg.AssetKey([name, stream, step]) for stream in streams for step in ("captured", "validated", "delivered")]
        return dg.RunRequest(
            run_key=f"sweep:{now.isoformat()}", partition_key=now.date().isoformat(), asset_selection=keys, run_config={"ops": ops},
            tags={TRIGGER_TAG: "schedule"},
        )  # fmt: skip

    return status_sweep
