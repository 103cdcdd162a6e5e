"""``lockstep rejections``: the records kept out of delivery, to look at, to try again, to discard."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from typing import Any

import click
import psycopg

from domain.errors import PermanentError
from orchestration.cli.context import reading
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.cli.rejection_filters import choice_of, choosing
from orchestration.cli.rejection_view import as_json_row, print_one, whole_json
from orchestration.cli.root import LazyGroup
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import ALL_STATES, OPEN_STATES, Rejection

STATES = {
    "open": OPEN_STATES,
    "resolved": ("resolved",),
    "discarded": ("discarded",),
    "all": ALL_STATES,
}


@click.group(
    cls=LazyGroup,
    lazy={"retry": ("retry:retry", "Try rejected records again, after something was corrected.")},
    epilog=examples(
        "lockstep rejections list --class mapping --older-than 2h",
        "lockstep rejections show 42",
        "lockstep rejections retry --code shipping_method_unknown",
        "lockstep rejections retry 42 --set consignments.shipping[0].zip=78701",
        'lockstep rejections discard 42 --reason "test order"',
    ),
)
def rejections() -> None:
    """List, show, edit, retry or discard records that are kept out of delivery.

    A rejection stays open until a later version of its record goes through, a retry lets it through, or a person discards it.
    """


@rejections.command("list")
@choosing
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only those seen since then (UTC).",
)
@click.option(
    "--state",
    type=click.Choice(list(STATES)),
    default="open",
    show_default=True,
    help="Which ones.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="At most so many.",
)
@json_option
def list_command(
    since: datetime | None, state: str, limit: int, *, as_json: bool, **chosen: Any
) -> None:
    """List rejections, the last seen first."""
    choice = choice_of(
        chosen, since=since.replace(tzinfo=UTC) if since else None, states=STATES[state]
    )
    with reading() as db:
        found = work_queue.find(db, choice, limit)
        total = work_queue.count(db, choice) if len(found) == limit else len(found)
    if as_json:
        print_json([as_json_row(one) for one in found])
        return
    if not found:
        click.echo(f"No {'' if state == 'all' else state + ' '}rejections.")
        return
    columns = (
        "id",
        "connection",
        "owner",
        "stream",
        "stage",
        "record",
        "day",
        "class",
        "code",
        "field",
        "message",
        "state",
        "age",
        "times",
    )
    rows = [
        (
            r.rejection_id,
            r.connection,
            r.owner,
            r.stream,
            r.stage,
            r.source_id,
            r.source_day,
            r.class_,
            r.code,
            r.field,
            r.message,
            r.state,
            r.age,
            r.seen_count,
        )
        for r in found
    ]
    print_table(columns, rows, numbers=("id", "times"))
    click.echo(
        f"{len(found)} of {total}; 'lockstep rejections show ID' tells all of one."
        if total > len(found)
        else f"{total} in all"
    )


@rejections.command(
    epilog=examples(
        "lockstep rejections show 42",
        "lockstep rejections show 42 --raw > order.json",
    )
)
@click.argument("rejection_id", type=int, metavar="ID")
@click.option(
    "--raw", is_flag=True, help="Print only the captured payload, byte for byte, without edits."
)
@json_option
def show(rejection_id: int, *, raw: bool, as_json: bool) -> None:
    """Show one rejection: every reason, what was tried, who did what, and the record as it was captured with edits marked.

    The payload is the source's own: it may hold a customer's name and address. Mind where you send it.
    """
    with reading() as db:
        one = _one(db, rejection_id)
        payload, changes = work_queue.payload(db, one), work_queue.changes(db, one)
        tried, done = work_queue.attempts(db, one), operator_actions.history(db, rejection_id)
    if raw:
        if payload is None:
            raise PermanentError(
                f"The captured version of rejection {rejection_id} is no longer kept."
            )
        sys.stdout.buffer.write(payload)
        sys.stdout.buffer.flush()
    elif as_json:
        print_json(whole_json(one, payload, changes, tried, done))
    else:
        print_one(one, payload, changes, tried, done)


def _one(db: psycopg.Connection[object], rejection_id: int) -> Rejection:
    found = work_queue.by_id(db, [rejection_id])
    if not found:
        raise PermanentError(
            f"There is no rejection {rejection_id}; 'lockstep rejections list --state all' shows them."
        )
    return found[rejection_id]


@rejections.command(
    epilog=examples(
        'lockstep rejections discard 42 --reason "test order of the agency"',
        'lockstep rejections discard --code total_negative --older-than 30d --reason "refunds of the old system"',
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@choosing
@click.option(
    "--reason",
    required=True,
    help="Why it may stay away from the target; it is kept with your user name.",
)
def discard(ids: tuple[int, ...], reason: str, **chosen: Any) -> None:
    """Close rejections for good: their records will not be delivered, and no longer count as open."""
    if not reason.strip():
        raise click.UsageError("--reason needs a text: whoever looks later must understand it.")
    if bool(ids) == any(value is not None for value in chosen.values()):
        raise click.UsageError(
            "Name IDs, or options that choose such as --class or --code: one of these."
        )
    with reading() as db:
        closed = operator_actions.discard(
            db,
            operator_actions.chosen(db, choice_of(chosen, ids=ids or None)),
            getpass.getuser(),
            reason,
        )
    for closed_id in closed:
        click.echo(f"rejection {closed_id} discarded")
    if not closed:
        click.echo("No open rejection is concerned.")
