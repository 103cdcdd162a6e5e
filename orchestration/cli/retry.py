"""``lockstep rejections retry``: another try. Runs exactly them again in this process, or queues that, and tells what became of each."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import click

from assets.streams.registry import STREAMS
from domain.connections import Installation
from domain.errors import PermanentError
from orchestration.cli.context import connection_of, reading
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.cli.rejection_filters import choice_of, choosing
from orchestration.cli.rejection_view import as_json_row
from orchestration.cli.runs import Chunk, Outcome, check_days, run_each
from orchestration.settings import load
from resources.ledger.captures.edits import Change
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.reruns import RECORDS_AT_ONCE, Mode
from resources.ledger.rejections.work_queue import Rejection, RejectionFilter
from resources.lockstep import Lockstep

DAYS_AT_ONCE = 7


@dataclass(frozen=True)
class Request:
    """What the operator asked for."""

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
        'lockstep rejections retry 42 --set consignments.shipping[0].zip=78701 --reason "asked the customer"',
        exit_codes="0 if every run went through (a record may be rejected again: see its state), 1 if a run failed",
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@choosing
@click.option("--all-of", metavar="CONNECTION", help="All open ones of this connection.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="PATH=VALUE",
    help="Put a value in place of the captured one first; PATH as the rejection shows it. Repeatable; one ID.",
)
@click.option(
    "--re-read",
    is_flag=True,
    help="Read the partition from its source again first, instead of taking what was captured.",
)
@click.option("--reason", default="", help="Why, for the audit.")
@click.option("--yes", is_flag=True, help="Ask nothing before an edit.")
@click.option(
    "--via",
    type=click.Choice(["here", "daemon"]),
    default="here",
    show_default=True,
    help="Run here, or let the daemon do it.",
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
    **chosen: Any,
) -> None:
    """Try rejected records again, after the mapping, the item master or the record itself was corrected.

    By default exactly the rejected records, as they were captured then, are validated and delivered again; where a newer version was
    captured since, that one counts. With --re-read their whole partitions are read from the source first. What the target holds already
    is not sent. Then tells each rejection's new state.
    """
    narrowed = any(value is not None for value in chosen.values())
    if sum((bool(ids), narrowed, all_of is not None)) != 1:
        raise click.UsageError(
            "Name IDs, or options that choose such as --class or --code, or --all-of CONNECTION: exactly one of these."
        )
    if assignments and (len(ids) != 1 or re_read):
        raise click.UsageError("--set edits one captured record: name one ID, without --re-read.")
    choice = choice_of(chosen | ({"connection": all_of} if all_of else {}), ids=ids or None)
    request = Request(
        "re_read" if re_read else "as_captured", assignments, reason, yes, via == "daemon", as_json
    )
    if not run_again(choice, request):
        sys.exit(1)


def run_again(choice: RejectionFilter, request: Request) -> bool:
    """Retry the chosen open rejections; return whether every run went through."""
    installation = load()
    who = getpass.getuser()
    with reading() as db:
        before = operator_actions.chosen(db, choice)
        if not before:
            click.echo("[]" if request.as_json else "No open rejection is concerned.")
            return True
        _check(installation, before)
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
        with reading() as db:
            operator_actions.end_retry(db, runs)
            after = work_queue.by_id(db, list(runs))
    _report(before, after, outcomes, as_json=request.as_json)
    return not any(outcome.error for outcome in outcomes)


def _check(installation: Installation, found: Sequence[Rejection]) -> None:
    for name in sorted({r.connection for r in found}):
        connection_of(installation, name)
    for day in {r.source_day for r in found}:
        check_days(installation, day, day)


def _confirm(changes: Sequence[Change], request: Request) -> None:
    """Show what would change, where a person looks, and ask for a yes."""
    for change in changes:
        click.echo(f"  {change}", err=request.as_json)
    if not request.confirmed and not click.confirm(
        "Put these values in place of the captured ones, and try again?", err=request.as_json
    ):
        raise PermanentError("Nothing was changed; --yes answers the question where nobody can.")


def chunks(found: Sequence[Rejection], mode: Mode) -> dict[str, list[Chunk]]:
    """Return connection -> the runs that cover exactly the rejections' records, or their partitions; adjoining days share one."""
    days: dict[tuple[str, str], dict[date, list[str]]] = {}
    for rejection in found:
        days.setdefault((rejection.connection, rejection.stream), {}).setdefault(
            rejection.source_day, []
        ).append(rejection.source_id)
    wanted: dict[str, list[Chunk]] = {}
    for (connection, stream), of_stream in sorted(
        days.items(), key=lambda item: (item[0][0], list(STREAMS).index(item[0][1]))
    ):
        for first, last in _spans(sorted(of_stream)):
            records = sorted(
                {
                    source_id
                    for day, ids in of_stream.items()
                    if first <= day <= last
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


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    spans: list[tuple[date, date]] = []
    for day in days:
        if (
            spans
            and day == spans[-1][1] + timedelta(days=1)
            and (day - spans[-1][0]).days < DAYS_AT_ONCE
        ):
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _run(
    lockstep: Lockstep,
    found: Sequence[Rejection],
    request: Request,
    outcomes: list[Outcome],
    runs: dict[int, str],
) -> None:
    """Run chunk after chunk; ``outcomes`` and the ``runs`` of the rejections are filled as they end, also where a later one fails."""
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
                    and covered.first <= r.source_day <= covered.last
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
        print_json([as_json_row(r) for r in now])
        return
    met_again = {r.rejection_id: r.seen_count for r in before}
    rows = [
        (
            r.rejection_id,
            r.connection,
            r.stream,
            r.source_id,
            r.state,
            _told(r, met_again[r.rejection_id]),
        )
        for r in now
    ]
    print_table(("id", "connection", "stream", "record", "state now", "why"), rows, numbers=("id",))
    through = sum(r.state == "resolved" for r in now)
    click.echo(
        f"{through} of {len(now)} went through"
        + ("; a run failed, see above" if any(o.error for o in outcomes) else "")
    )


def _report_queued(found: Sequence[Rejection], reruns: Sequence[int], *, as_json: bool) -> None:
    if as_json:
        print_json([as_json_row(r) | {"state": "retried"} for r in found])
        return
    click.echo(
        f"{len(found)} rejections are queued as {len(reruns)} reruns ({', '.join(map(str, reruns[:20]))}); the daemon's sensor 'reruns' "
        "runs them within seconds. 'lockstep rejections show ID' tells what came of it."
    )


def _told(rejection: Rejection, seen_before: int) -> str:
    if rejection.state == "resolved":
        return rejection.closed_why
    if rejection.seen_count == seen_before:
        return "not decided: the run failed before it, or a newer version of the record waits in a later partition"
    return f"{rejection.code}: {rejection.message}"
