"""Another try for rejected records: marks them, runs exactly their partitions again, and tells what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta

import click

from assets.runtime import Lockstep
from assets.streams import STREAMS
from domain.errors import PermanentError
from orchestration.cli.ledger import connection_of, reading
from orchestration.cli.output import print_json, print_table
from orchestration.cli.runs import Chunk, Outcome, check_days, run_each
from orchestration.settings import load
from resources.ledger import workqueue
from resources.ledger.workqueue import OPEN_STATES, Choice, Rejection

DAYS_AT_ONCE = 7
ALL_STATES = (*OPEN_STATES, "resolved", "discarded")


def retry(choice: Choice, *, as_json: bool) -> bool:
    """Retry the chosen open rejections; return whether every run went through."""
    installation = load()
    with reading() as db:
        before = workqueue.find(db, choice)
        _check_ids(choice, before)
        if not before:
            click.echo("[]" if as_json else "No open rejection is concerned.")
            return True
        for name in sorted({r.connection for r in before}):
            connection_of(installation, name)
        for rejection in before:
            check_days(installation, rejection.source_day, rejection.source_day)
        workqueue.mark_retried(db, [r.rejection_id for r in before])
    outcomes = _run(Lockstep(installation), before, quiet=as_json)
    with reading() as db:
        after = {r.rejection_id: r for r in workqueue.find(db, Choice(ids=tuple(r.rejection_id for r in before), states=ALL_STATES))}
    _report(before, after, outcomes, as_json=as_json)
    return not any(outcome.error for outcome in outcomes)


def _check_ids(choice: Choice, found: Sequence[Rejection]) -> None:
    if missing := sorted(set(choice.ids or ()) - {r.rejection_id for r in found}):
        raise PermanentError(
            f"Not open, so nothing was retried: {', '.join(map(str, missing))}. See 'lockstep rejections list --state all'."
        )


def partitions(found: Sequence[Rejection]) -> dict[str, list[Chunk]]:
    """Return connection -> the runs that cover exactly the rejections' partitions; adjoining days share one."""
    days: dict[tuple[str, str], set[date]] = {}
    for rejection in found:
        days.setdefault((rejection.connection, rejection.stream), set()).add(rejection.source_day)
    wanted: dict[str, list[Chunk]] = {}
    for (connection, stream), of_stream in sorted(days.items(), key=lambda item: (item[0][0], list(STREAMS).index(item[0][1]))):
        for first, last in _spans(sorted(of_stream)):
            wanted.setdefault(connection, []).append(Chunk((stream,), first, last))
    return wanted


def _spans(days: Sequence[date]) -> list[tuple[date, date]]:
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and day == spans[-1][1] + timedelta(days=1) and (day - spans[-1][0]).days < DAYS_AT_ONCE:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans


def _run(lockstep: Lockstep, found: Sequence[Rejection], *, quiet: bool) -> list[Outcome]:
    outcomes = []
    try:
        for connection, wanted in partitions(found).items():
            for outcome in run_each(lockstep, connection, wanted, "retry"):
                outcomes.append(outcome)
                click.echo(f"{connection}: {outcome.chunk}: {outcome}", err=quiet)
    finally:
        lockstep.close()
    return outcomes


def _report(before: Sequence[Rejection], after: dict[int, Rejection], outcomes: Sequence[Outcome], *, as_json: bool) -> None:
    now = [after[r.rejection_id] for r in before]
    if as_json:
        print_json([asdict(r) for r in now])
        return
    rows = [(r.rejection_id, r.connection, r.stream, r.source_id, r.state, _told(r)) for r in now]
    print_table(("id", "connection", "stream", "record", "state now", "why"), rows, numbers=("id",))
    through = sum(r.state == "resolved" for r in now)
    click.echo(f"{through} of {len(now)} went through" + ("; a run failed, see above" if any(o.error for o in outcomes) else ""))


def _told(rejection: Rejection) -> str:
    if rejection.state == "resolved":
        return rejection.closed_why
    if rejection.state == "retried":
        return "not decided: the run failed before it, or a newer version of the record waits in a later partition"
    return f"{rejection.code}: {rejection.message}"
