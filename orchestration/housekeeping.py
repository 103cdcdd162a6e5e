"""Housekeeping: the jobs and schedules of the archive and of retention."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from assets import archive
from assets.archive import DAYS_PER_RUN
from assets.chain.factory import RETRIES
from assets.chain.partitions import place
from domain.errors import TransientError
from domain.parsing.text import plural
from domain.values import Partition
from resources.ledger.history import days_to_archive
from resources.ledger.privacy.retention import retire
from resources.lockstep import Lockstep

MOST_RUNS = 10
"""Of one night for days that have changed; the others follow in the next night."""
ARCHIVE = dg.define_asset_job(
    "archive",
    selection=dg.AssetSelection.assets(archive.KEY),
    description="Writes a closed day of the history as Parquet files.",
    executor_def=dg.in_process_executor,
)


@dg.op(
    retry_policy=RETRIES,
    description="Removes what is past its retention in connections.yaml; keeps open work, and what "
    "the archive lacks.",
)
def remove_expired(context: dg.OpExecutionContext, lockstep: dg.ResourceParam[Lockstep]) -> None:
    """Remove expired months and rows, and log what was removed and kept."""
    try:
        with lockstep.ledger.connect() as db:
            archive.note_lost_days(db, lockstep.installation)
            removals = retire(db, lockstep.installation.retention, datetime.now(UTC).date())
    except TransientError as error:
        raise TransientError(str(error)) from None
    for one in removals:
        what = f"kept: {one.kept}" if one.kept else "removed"
        context.log.info(f"sync.{one.table} before {one.before}: {plural(one.rows, 'row')} {what}")


@dg.job(
    name="retention",
    executor_def=dg.in_process_executor,
    description="Removes what is past its retention in connections.yaml.",
)
def retention() -> None:
    """Remove what is past its retention."""
    remove_expired()


def build_archive_schedule(lockstep: Lockstep) -> dg.ScheduleDefinition:
    """Build the nightly archive of yesterday, and of earlier days that have changed since."""

    @dg.schedule(
        name="archive",
        job=ARCHIVE,
        cron_schedule="40 2 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Archives yesterday, after its closing sweep, and again each earlier day that "
        "a late record, a rerun or a decision has changed.",
    )
    def archive(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        today = context.scheduled_execution_time.astimezone(UTC).date()
        yesterday = today - timedelta(days=1)
        with lockstep.ledger.connect() as db:
            days = days_to_archive(db, lockstep.installation.start_date, yesterday)
        spans = [(yesterday, yesterday), *_spans(days)[:MOST_RUNS]]
        return [_request(first, last, today) for first, last in spans]

    return archive


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    """Return days as first and last day of runs: adjoining ones together, the newest first."""
    spans: list[tuple[date, date]] = []
    for day in reversed(days):
        first, last = spans[-1] if spans else (day, day)
        if spans and first - day == timedelta(days=1) and (last - day).days < DAYS_PER_RUN:
            spans[-1] = day, last
        else:
            spans.append((day, day))
    return spans


def _request(first: date, last: date, today: date) -> dg.RunRequest:
    partition_key, tags = place(Partition.of_day(first), Partition.of_day(last))
    key = f"archive:{first}" if last == today - timedelta(days=1) else f"archive:{first}:{today}"
    return dg.RunRequest(run_key=key, partition_key=partition_key, tags=tags)


RETENTION_SCHEDULE = dg.ScheduleDefinition(
    name="retention",
    job=retention,
    cron_schedule="10 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes what is past its retention.",
)
JOBS = (ARCHIVE, retention)
