"""The sensor ``failures``: alerts of failed runs, at once for the first in a row, then rarely."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from domain.exchange import Alert
from domain.ports import Notifier
from sensors.attempts import ATTEMPT_TAG, PARTITION_TAG

LONGEST = 700
"""Characters of a reason: chat systems cut longer texts in the middle of a word."""
LOOKED_BACK = 1000
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def build_failure_sensor(notifier: Callable[[], Notifier]) -> dg.SensorDefinition:
    """Build the sensor that is called for each failed run.

    A tick that can't send its alert fails, and is repeated. ``notifier`` is called at the first
    alert: a missing address must not keep the definitions from loading.
    """

    @dg.run_failure_sensor(
        name="failures",
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=10,
        description="Sends an alert when a job starts to fail, and again at the 10th and 100th "
        "failure in a row.",
    )
    def failures(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        # A failing chain is repeated between other chains' runs that succeed: its attempts count.
        number = max(in_a_row(context.instance, run), int(run.tags.get(ATTEMPT_TAG, "1")))
        if is_alerted(number):
            notifier().send(to_alert(context, number))

    return failures


def in_a_row(instance: dg.DagsterInstance, run: dg.DagsterRun) -> int:
    """Return which failure in a row of its job this run is, from 1."""
    records = instance.get_run_records(
        dg.RunsFilter(job_name=run.job_name, statuses=ENDED), limit=LOOKED_BACK
    )
    position = next(
        (n for n, record in enumerate(records) if record.dagster_run.run_id == run.run_id), 0
    )
    number = 1
    for record in records[position + 1 :]:
        if record.dagster_run.status is not dg.DagsterRunStatus.FAILURE:
            break
        number += 1
    return number


def is_alerted(number: int) -> bool:
    """Return whether the ``number``-th failure in a row is alerted: the 1st, 10th, 100th, ..."""
    return str(number).rstrip("0") == "1"


def to_alert(context: dg.RunFailureSensorContext, number: int) -> Alert:
    """Return a failed run's alert.

    Its reason is one of our own errors, which hold neither secrets nor personal data.
    """
    run = context.dagster_run
    reason = (
        next(filter(None, map(_reason, context.get_step_failure_events())), "")
        or context.failure_event.message
        or "no reason given"
    )
    title = f"Lockstep: {run.job_name} failed"
    if number > 1:
        title += f", for the {number}th time in a row"
    advice = "See the run's page in Dagster; 'lockstep status' shows what is late."
    facts = {
        "job": run.job_name,
        "run_id": run.run_id,
        "partition": run.tags.get(PARTITION_TAG, ""),
        "failures_in_a_row": str(number),
    }
    return Alert(title, f"{reason.strip().splitlines()[0][:LONGEST]}\n{advice}", facts)


def _reason(event: dg.DagsterEvent) -> str:
    failure = event.step_failure_data
    if failure.user_failure_data is not None and failure.user_failure_data.description:
        return failure.user_failure_data.description
    return failure.error.message.partition(": ")[2] if failure.error is not None else ""
