"""``lockstep reconcile``: compares both systems of a connection, and repairs drift."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import click

from assets.reconciliation.asset import summary_line
from assets.reconciliation.run import CONFIRM_SECONDS, Report, Request
from assets.reconciliation.run import reconcile as compare
from domain.parsing.text import plural
from orchestration.cli.context import DAY, connection_of, streams_of
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.cli.runs import Chunk, check_days, run_each, streams_option
from orchestration.settings import load
from resources.ledger.deliveries.drifts import Drifts, StoredDrift
from resources.ledger.rejections import reruns
from resources.lockstep import Lockstep

COLUMNS = ("since", "class", "entity", "record", "field", "expected", "found", "what to do")


@click.command(
    epilog=examples(
        "lockstep reconcile acme_us",
        "lockstep reconcile acme_us --from 2026-08-01 --to 2026-08-07 --streams orders,shipments",
        "lockstep reconcile acme_us --repair",
        "lockstep reconcile acme_us --json | jq '.[] | select(.can_repair | not)'",
        exit_codes="0 no open drift, 1 drift is open or a run failed, 2 wrong usage",
    )
)
@click.argument("connection")
@streams_option
@click.option(
    "--from",
    "first",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="First day (UTC date of the source's modification time); default: yesterday.",
)
@click.option(
    "--to",
    "last",
    type=DAY,
    metavar="YYYY-MM-DD",
    help="Last day, inclusive; default: today, the only day with stock.",
)
@click.option(
    "--repair",
    is_flag=True,
    help="Deliver again what the targets have lost or changed, then compare again.",
)
@click.option(
    "--confirm-seconds",
    type=click.FloatRange(0),
    default=CONFIRM_SECONDS,
    show_default=True,
    help="Wait before confirming a drift, so that changes in transit can arrive.",
)
@json_option
def reconcile(
    connection: str,
    streams: tuple[str, ...] | None,
    first: datetime | None,
    last: datetime | None,
    repair: bool,
    confirm_seconds: float,
    as_json: bool,
) -> None:
    """Compare the store, the OMS and the ledger of a connection, and print all open drift.

    Both systems are read. Changes that are still in transit are not compared. With --repair the
    ledger's target state is corrected and the affected records are delivered again, in this
    process. Drift that needs a decision stays open, with advice.
    """
    installation = load()
    configured = connection_of(installation, connection)
    chosen = streams_of(configured, connection, streams)
    today = datetime.now(UTC).date()
    days = _days(
        first.date() if first else today - timedelta(days=1), last.date() if last else today
    )
    check_days(installation, days[0], days[-1])
    lockstep = Lockstep(installation)
    try:
        reports = _compare(
            lockstep, connection, chosen, days, confirm_seconds, repair=repair, quiet=as_json
        )
        succeeded = True
        if asked := [number for report in reports for number in report.reruns]:
            succeeded = _run(lockstep, connection, asked, quiet=as_json)
            _compare(
                lockstep, connection, chosen, days, confirm_seconds, repair=False, quiet=as_json
            )
        with lockstep.ledger.session(connection, chosen[0]) as session:
            left = Drifts(session.db, connection, "").open(streams=chosen)
    finally:
        lockstep.close()
    _print(left, as_json=as_json)
    if left or not succeeded:
        sys.exit(1)


def _days(first: date, last: date) -> list[date]:
    return [
        date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)
    ] or [first, last]


def _compare(
    lockstep: Lockstep,
    connection: str,
    streams: tuple[str, ...],
    days: Sequence[date],
    confirm_seconds: float,
    *,
    repair: bool,
    quiet: bool,
) -> list[Report]:
    sync = lockstep.sync(connection, f"cli-{uuid4().hex}", "reconciliation")
    reports = []
    for day in days:
        reports.append(
            compare(sync, Request(day, streams, repair, getpass.getuser(), confirm_seconds))
        )
        click.echo(f"{day}: {summary_line(reports[-1])}", err=quiet)
    return reports


def _run(lockstep: Lockstep, connection: str, asked: Sequence[int], *, quiet: bool) -> bool:
    """Run the queued repairs here; what fails stays due for the requeue sensor."""
    with lockstep.ledger.session(connection, "") as session:
        queued = [rerun for rerun in reruns.unfinished(session.db) if rerun.rerun_id in set(asked)]
    succeeded = True
    for rerun in queued:
        records = tuple(rerun.source_ids or ()) if rerun.mode == "as_captured" else None
        chunk = Chunk((rerun.stream,), rerun.partition, rerun.partition, records)
        for outcome in run_each(lockstep, connection, [chunk], "repair"):
            click.echo(f"{connection}: {chunk}: {outcome}", err=quiet)
            succeeded = succeeded and not outcome.error
            with lockstep.ledger.session(connection, rerun.stream) as session:
                reruns.end(
                    session.db,
                    [rerun.rerun_id],
                    "failed" if outcome.error else "done",
                    outcome.error,
                )
    return succeeded


def _print(left: Sequence[StoredDrift], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(drift) for drift in left])
        return
    if left:
        print_table(
            COLUMNS,
            [
                (d.since, d.drift_class, d.entity, d.record, d.field, d.expected, d.found, d.advice)
                for d in left
            ],
        )
    repairable = sum(drift.can_repair for drift in left)
    click.echo(
        f"{plural(len(left), 'open drift')}, of which {repairable} can be repaired"
        if left
        else "no drift: store, OMS and ledger agree"
    )
