"""``lockstep rejections``: list, show, retry and discard records kept out of delivery."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime
from typing import Any

import click
import psycopg

from domain.errors import PermanentError
from orchestration.cli.context import open_database
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.cli.rejections.filters import filter_from, filter_options
from orchestration.cli.rejections.view import COLUMNS, print_one, to_json, to_json_row, to_table_row
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
    lazy={"retry": ("rejections.retry:retry", "Retry rejected records after a correction.")},
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

    A rejection stays open until a retry or a later version of the record passes, or an operator
    discards it.
    """


@rejections.command("list")
@filter_options
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only those last seen at this time or later (UTC).",
)
@click.option(
    "--state",
    type=click.Choice(list(STATES)),
    default="open",
    show_default=True,
    help="Only this state.",
)
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="Maximum number of rows.",
)
@json_option
def list_command(
    since: datetime | None, state: str, limit: int, *, as_json: bool, **options: Any
) -> None:
    """List rejections, most recently seen first."""
    wanted = filter_from(
        options, since=since.replace(tzinfo=UTC) if since else None, states=STATES[state]
    )
    with open_database() as db:
        found = work_queue.find(db, wanted, limit)
        total = work_queue.count(db, wanted) if len(found) == limit else len(found)
    if as_json:
        print_json([to_json_row(one) for one in found])
        return
    if not found:
        click.echo(f"No {'' if state == 'all' else state + ' '}rejections.")
        return
    print_table(COLUMNS, [to_table_row(one) for one in found], numbers=("id", "times"))
    click.echo(
        f"{len(found)} of {total}; 'lockstep rejections show ID' has the details."
        if total > len(found)
        else f"{total} in total"
    )


@rejections.command(
    epilog=examples(
        "lockstep rejections show 42",
        "lockstep rejections show 42 --raw > order.json",
    )
)
@click.argument("rejection_id", type=int, metavar="ID")
@click.option(
    "--raw", is_flag=True, help="Print only the captured payload: the exact bytes, without edits."
)
@json_option
def show(rejection_id: int, *, raw: bool, as_json: bool) -> None:
    """Show one rejection: problems, attempts, actions, and the captured record with its edits.

    The payload is as the source sent it and may contain a customer's name and address. Be
    careful where you send it.
    """
    with open_database() as db:
        one = _one(db, rejection_id)
        payload, changes = work_queue.payload(db, one), work_queue.changes(db, one)
        attempts = work_queue.attempts(db, one)
        actions = operator_actions.history(db, rejection_id)
        waiting = work_queue.waiting_actions(db, one)
    if raw:
        if payload is None:
            raise PermanentError(
                f"The captured version of rejection {rejection_id} was deleted by retention."
            )
        sys.stdout.buffer.write(payload)
        sys.stdout.buffer.flush()
    elif as_json:
        shown = to_json(one, payload, changes, attempts, actions)
        print_json(shown | {"waiting_requests": waiting})
    else:
        print_one(one, payload, changes, attempts, actions)
        if waiting:
            click.echo(f"Requests of agents that wait for this order: {', '.join(waiting)}")


def _one(db: psycopg.Connection[object], rejection_id: int) -> Rejection:
    found = work_queue.by_id(db, [rejection_id])
    if not found:
        raise PermanentError(
            f"There is no rejection {rejection_id}; see 'lockstep rejections list --state all'."
        )
    return found[rejection_id]


@rejections.command(
    epilog=examples(
        'lockstep rejections discard 42 --reason "test order"',
        'lockstep rejections discard --code total_negative --older-than 30d --reason "old refunds"',
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@filter_options
@click.option(
    "--reason",
    required=True,
    help="Why the record need not be delivered; recorded with your user name.",
)
def discard(ids: tuple[int, ...], reason: str, **options: Any) -> None:
    """Close rejections for good: their records are not delivered and no longer count as open."""
    if not reason.strip():
        raise click.UsageError(
            "--reason must not be empty: the next operator has to understand it."
        )
    if bool(ids) == any(value is not None for value in options.values()):
        raise click.UsageError("Give either IDs, or filters such as --class or --code.")
    with open_database() as db:
        found = operator_actions.chosen(db, filter_from(options, ids=ids or None))
        closed = operator_actions.discard(db, found, getpass.getuser(), reason)
    for closed_id in closed:
        click.echo(f"rejection {closed_id} discarded")
    if not closed:
        click.echo("No open rejection matches.")
