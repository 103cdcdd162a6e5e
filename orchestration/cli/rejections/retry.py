"""``lockstep rejections retry``: validates and delivers rejected records again, or queues that."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

from assets.streams.registry import HELD, STREAMS
from domain.errors import PermanentError
from domain.parsing.text import plural
from domain.values import Partition
from orchestration.cli.context import open_database
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.cli.rejections.filters import filter_from, filter_options
from orchestration.cli.rejections.retryable import check_configured, configured
from orchestration.cli.rejections.view import to_json_row
from orchestration.cli.runs import Chunk, Outcome, run_each
from orchestration.settings import load
from resources.ledger.captures.edits import Change
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.reruns import RECORDS_AT_ONCE, Mode
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter
from resources.lockstep import Lockstep

DAYS_PER_RUN = 7
LISTED_RERUNS = 20


@dataclass(frozen=True)
class Request:
    """The options of a retry."""

    mode: Mode = "as_captured"
    assignments: tuple[str, ...] = ()
    reason: str = ""
    confirmed: bool = False
    by_daemon: bool = False
    as_json: bool = False


@click.command(
    epilog=examples(
        "lockstep rejections retry 42 43",
        "lockstep rejections retry --code sku_unknown --connection acme_us",
        "lockstep rejections retry --class connection --via daemon",
        "lockstep rejections retry --from 2026-08-01 --to 2026-08-07",
        "lockstep rejections retry --all-of acme_us --re-read",
        'lockstep rejections retry 42 --set consignments.shipping[0].zip=78701 --reason "by phone"',
        exit_codes="0 every run succeeded (records may be rejected again), 1 a run failed",
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@filter_options
@click.option("--all-of", metavar="CONNECTION", help="All open rejections of this connection.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Replace a captured value first. PATH is the rejection's field. Repeatable; needs one ID.",
)
@click.option(
    "--re-read",
    is_flag=True,
    help="Read the whole partition from its source again, instead of using what was captured.",
)
@click.option("--reason", default="", help="Why; recorded with your user name.")
@click.option("--yes", is_flag=True, help="Edit without asking for confirmation.")
@click.option(
    "--via",
    type=click.Choice(["here", "daemon"]),
    default="here",
    show_default=True,
    help="Run in this process, or queue it for the daemon.",
)
@json_option
def retry(
    ids: tuple[int, ...],
    all_of: str | None,
    assignments: tuple[str, ...],
    reason: str,
    via: str,
    *,
    re_read: bool,
    yes: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Retry rejected records after correcting the mapping, the item master or the record.

    By default only the rejected records are validated and delivered again, as they were captured;
    if a newer version has been captured since, that one is used. With --re-read their whole
    partitions are read from the source first. What the target already holds is not sent. Prints the
    new state of each rejection.
    """
    filtered = any(value is not None for value in options.values())
    if sum((bool(ids), filtered, all_of is not None)) != 1:
        raise click.UsageError(
            "Give IDs, or filters such as --class or --code, or --all-of CONNECTION: one of these."
        )
    if assignments and (len(ids) != 1 or re_read):
        raise click.UsageError("--set edits one captured record: give one ID, without --re-read.")
    wanted = filter_from(options | ({"connection": all_of} if all_of else {}), ids=ids or None)
    request = Request(
        "re_read" if re_read else "as_captured", assignments, reason, yes, via == "daemon", as_json
    )
    if not run_again(wanted, request):
        sys.exit(1)


def run_again(wanted: RejectionFilter, request: Request) -> bool:
    """Retry the open rejections that match; return whether every run succeeded."""
    installation = load()
    who = getpass.getuser()
    with open_database() as db:
        approving = HELD if request.reason.strip() else ()
        before = operator_actions.chosen(db, wanted, approving)
        if not wanted.ids:
            before = configured(installation, before)
        if not before:
            click.echo("[]" if request.as_json else "No open rejection matches.")
            return True
        check_configured(installation, before)
        if request.assignments:
            changes = operator_actions.planned_edit(db, before[0], request.assignments)
            _confirm(changes, request)
            operator_actions.edit(db, before[0], changes, who, request.reason)
        if request.by_daemon:
            queued = operator_actions.queue_retry(db, before, who, request.mode, request.reason)
            _report_queued(before, queued, as_json=request.as_json)
            return True
        operator_actions.begin_retry(db, before, who, request.mode, request.reason)
    runs: dict[int, str] = {r.rejection_id: "" for r in before}
    outcomes: list[Outcome] = []
    try:
        _run(Lockstep(installation), before, request, outcomes, runs)
    finally:
        with open_database() as db:
            operator_actions.end_retry(db, runs)
            after = work_queue.by_id(db, list(runs))
    _report(before, after, outcomes, as_json=request.as_json)
    return not any(outcome.error for outcome in outcomes)


def _confirm(changes: Sequence[Change], request: Request) -> None:
    """Print the edits on the terminal, and ask for confirmation."""
    for change in changes:
        click.echo(f"  {change}", err=request.as_json)
    if not request.confirmed and not click.confirm(
        "Replace the captured values by these, and retry?", err=request.as_json
    ):
        raise PermanentError("Nothing was changed; use --yes if there is no terminal.")


def chunks(found: Sequence[Rejection], mode: Mode) -> dict[str, list[Chunk]]:
    """Return the runs per connection; consecutive partitions share one.

    They cover exactly the rejected records, or with ``re_read`` their whole partitions.
    """
    found_in: dict[tuple[str, str], dict[Partition, list[str]]] = {}
    for rejection in found:
        of_chain = found_in.setdefault((rejection.connection, rejection.stream), {})
        of_chain.setdefault(rejection.partition, []).append(rejection.source_id)
    wanted: dict[str, list[Chunk]] = {}
    for (connection, stream), of_stream in sorted(
        found_in.items(), key=lambda item: (item[0][0], list(STREAMS).index(item[0][1]))
    ):
        for first, last in _spans(sorted(of_stream)):
            records = sorted(
                {
                    source_id
                    for partition, ids in of_stream.items()
                    if first <= partition <= last
                    for source_id in ids
                }
            )
            parts = [
                tuple(records[at : at + RECORDS_AT_ONCE])
                for at in range(0, len(records), RECORDS_AT_ONCE)
            ]
            for part in parts if mode == "as_captured" else [None]:
                wanted.setdefault(connection, []).append(Chunk((stream,), first, last, part))
    return wanted


def _spans(partitions: Sequence[Partition]) -> list[tuple[Partition, Partition]]:
    spans: list[tuple[Partition, Partition]] = []
    for partition in partitions:
        if (
            spans
            and partition == spans[-1][1].next()
            and (partition.start - spans[-1][0].start).days < DAYS_PER_RUN
        ):
            spans[-1] = (spans[-1][0], partition)
        else:
            spans.append((partition, partition))
    return spans


def _run(
    lockstep: Lockstep,
    found: Sequence[Rejection],
    request: Request,
    outcomes: list[Outcome],
    runs: dict[int, str],
) -> None:
    """Run the chunks; fill ``outcomes`` and ``runs`` as they end, to survive a later error."""
    try:
        for connection, wanted in chunks(found, request.mode).items():
            for outcome in run_each(lockstep, connection, wanted, "retry"):
                outcomes.append(outcome)
                covered = outcome.chunk
                runs |= {
                    r.rejection_id: outcome.run_id
                    for r in found
                    if r.connection == connection
                    and r.stream in covered.streams
                    and covered.first <= r.partition <= covered.last
                    and (covered.records is None or r.source_id in covered.records)
                }
                click.echo(f"{connection}: {covered}: {outcome}", err=request.as_json)
    finally:
        lockstep.close()


def _report(
    before: Sequence[Rejection],
    after: dict[int, Rejection],
    outcomes: Sequence[Outcome],
    *,
    as_json: bool,
) -> None:
    now = [after[r.rejection_id] for r in before]
    if as_json:
        print_json([to_json_row(r) for r in now])
        return
    seen_before = {r.rejection_id: r.seen_count for r in before}
    rows = [
        (
            r.rejection_id,
            r.connection,
            r.stream,
            r.source_id,
            r.state,
            _reason(r, seen_before[r.rejection_id]),
        )
        for r in now
    ]
    print_table(
        ("id", "connection", "stream", "record", "new state", "reason"), rows, numbers=("id",)
    )
    resolved = sum(r.state == "resolved" for r in now)
    failed = "; a run failed, see above" if any(outcome.error for outcome in outcomes) else ""
    click.echo(f"{resolved} of {len(now)} resolved{failed}")


def _report_queued(found: Sequence[Rejection], reruns: Sequence[int], *, as_json: bool) -> None:
    if as_json:
        print_json([to_json_row(r) | {"state": "retried"} for r in found])
        return
    numbers = ", ".join(map(str, reruns[:LISTED_RERUNS]))
    click.echo(
        f"{plural(len(found), 'rejection')} queued as {plural(len(reruns), 'rerun')} ({numbers}); "
        "the daemon's sensor 'reruns' runs them within seconds. 'lockstep rejections show ID' "
        "shows the result."
    )


def _reason(rejection: Rejection, seen_before: int) -> str:
    if rejection.state == "resolved":
        return rejection.closed_why
    if rejection.seen_count == seen_before:
        return (
            "not processed: the run failed, the stream is paused, or a newer version waits in a "
            "later partition"
        )
    return f"{rejection.code}: {rejection.message}"
