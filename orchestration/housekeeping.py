"""Housekeeping: the jobs and schedules of the archive and of retention."""

from datetime import UTC, datetime, timedelta

import dagster as dg

from assets import archive
from assets.chain.factory import RETRIES
from domain.errors import TransientError
from domain.parsing.text import plural
from resources.ledger.privacy.retention import retire
from resources.lockstep import Lockstep

ARCHIVE = dg.define_asset_job(
    "archive",
    selection=dg.AssetSelection.assets(archive.KEY),
    description="Writes a closed day of the history as Parquet files.",
    executor_def=dg.in_process_executor,
)


@dg.op(
    retry_policy=RETRIES,
    description="Removes what is past its retention in connections.yaml; keeps open work.",
)
def remove_expired(context: dg.OpExecutionContext, lockstep: dg.ResourceParam[Lockstep]) -> None:
    """Remove expired months and rows, and log what was removed and kept."""
    try:
        with lockstep.ledger.connect() as db:
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


@dg.schedule(
    name="archive",
    job=ARCHIVE,
    cron_schedule="40 2 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Archives yesterday, after its closing sweep.",
)
def archive_yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """Request yesterday's partition."""
    yesterday = (
        (context.scheduled_execution_time.astimezone(UTC) - timedelta(days=1)).date().isoformat()
    )
    return dg.RunRequest(run_key=f"archive:{yesterday}", partition_key=yesterday)


RETENTION_SCHEDULE = dg.ScheduleDefinition(
    name="retention",
    job=retention,
    cron_schedule="10 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Removes what is past its retention.",
)
JOBS = (ARCHIVE, retention)
SCHEDULES = (archive_yesterday, RETENTION_SCHEDULE)
