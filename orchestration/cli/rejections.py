"""``lockstep rejections``: the records kept out of delivery, to look at, to try again, to discard."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import click
import psycopg

from domain.errors import PermanentError
from domain.rejection_codes import CLASSES
from orchestration.cli import retry as retrying
from orchestration.cli.ledger import reading
from orchestration.cli.output import connection_option, examples, json_option, print_json, print_table
from orchestration.cli.shown import as_json_row, print_one, whole_json
from resources.ledger import actions, workqueue
from resources.ledger.workqueue import ALL_STATES, OPEN_STATES, Choice, Rejection

STREAMS = click.Choice(["orders", "inventory", "shipments"])
STAGES = click.Choice(["captured", "validated", "delivered"])
STATES = {"open": OPEN_STATES, "resolved": ("resolved",), "discarded": ("discarded",), "all": ALL_STATES}
DAY = click.DateTime(["%Y-%m-%d"])
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Span(click.ParamType[timedelta]):
    """A span such as ``30m``, ``2h``, ``3d``."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read the span."""
        match = re.fullmatch(r"(\d{1,6})([mhdw])", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is no span; write 30m, 2h, 3d or 1w", param, ctx)
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


def choosing(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose rejections by what they are."""
    for option in (
        click.option("--to", "last", type=DAY, help="Only partitions up to this day (UTC), inclusive."),
        click.option("--from", "first", type=DAY, help="Only partitions from this day on (UTC, of the source's modification time)."),
        click.option("--newer-than", type=Span(), metavar="SPAN", help="Only those that were opened less long ago."),
        click.option("--older-than", type=Span(), metavar="SPAN", help="Only those that have been open for longer, e.g. 2h or 3d."),
        click.option("--owner", help="Only those of this owner's connections."),
        click.option("--stage", type=STAGES, help="Only those of this step."),
        click.option("--code", help="Only this code, e.g. sku_unknown."),
        click.option("--class", "category", type=click.Choice(CLASSES), help="Only this class."),
        click.option("--stream", type=STREAMS, help="Only this stream."),
        connection_option,
    ):
        command = option(command)
    return command


def choice_of(chosen: dict[str, Any], **more: Any) -> Choice:
    """Return the choice that the options of ``choosing`` make."""
    days = {f"{end}_day": chosen[end].date() if chosen[end] else None for end in ("first", "last")}
    return Choice(**{name: value for name, value in chosen.items() if name not in ("first", "last")} | days | more)


@click.group(
    epilog=examples(
        "lockstep rejections list --class mapping --older-than 2h",
        "lockstep rejections show 42",
        "lockstep rejections retry --code shipping_method_unknown",
        "lockstep rejections retry 42 --set consignments.shipping[0].zip=78701",
        'lockstep rejections discard 42 --reason "test order"',
    )
)
def rejections() -> None:
    """List, show, edit, retry or discard records that are kept out of delivery.

    A rejection stays open until a later version of its record goes through, a retry lets it through, or a person discards it.
    """


@rejections.command("list")
@choosing
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only those seen since then (UTC).")
@click.option("--state", type=click.Choice(list(STATES)), default="open", show_default=True, help="Which ones.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@json_option
def list_command(since: datetime | None, state: str, limit: int, *, as_json: bool, **chosen: Any) -> None:
    """List rejections, the last seen first."""
    choice = choice_of(chosen, since=since.replace(tzinfo=UTC) if since else None, states=STATES[state])
    with reading() as db:
        found = workqueue.find(db, choice, limit)
        total = workqueue.count(db, choice) if len(found) == limit else len(found)
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
    rows = [(r.rejection_id, r.connection, r.owner, r.stream, r.stage, r.source_id, r.source_day, r.class_, r.code, r.field, r.message,
             r.state, r.age, r.seen_count) for r in found]  # fmt: skip
    print_table(columns, rows, numbers=("id", "times"))
    click.echo(f"{len(found)} of {total}; 'lockstep rejections show ID' tells all of one." if total > len(found) else f"{total} in all")


@rejections.command(
    epilog=examples(
        "lockstep rejections show 42",
        "lockstep rejections show 42 --raw > order.json",
    )
)
@click.argument("rejection_id", type=int, metavar="ID")
@click.option("--raw", is_flag=True, help="Print only the captured payload, byte for byte, without edits.")
@json_option
def show(rejection_id: int, *, raw: bool, as_json: bool) -> None:
    """Show one rejection: every reason, what was tried, who did what, and the record as it was captured with edits marked.

    The payload is the source's own: it may hold a customer's name and address. Mind where you send it.
    """
    with reading() as db:
        one = _one(db, rejection_id)
        payload, changes = workqueue.payload(db, one), workqueue.changes(db, one)
        tried, done = workqueue.attempts(db, one), actions.history(db, rejection_id)
    if raw:
        if payload is None:
            raise PermanentError(f"The captured version of rejection {rejection_id} is no longer kept.")
        sys.stdout.buffer.write(payload)
        sys.stdout.buffer.flush()
    elif as_json:
        print_json(whole_json(one, payload, changes, tried, done))
    else:
        print_one(one, payload, changes, tried, done)


def _one(db: psycopg.Connection[object], rejection_id: int) -> Rejection:
    found = workqueue.by_id(db, [rejection_id])
    if not found:
        raise PermanentError(f"There is no rejection {rejection_id}; 'lockstep rejections list --state all' shows them.")
    return found[rejection_id]


@rejections.command(
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
@click.option("--set", "assignments", multiple=True, metavar="PATH=VALUE",
              help="Put a value in place of the captured one first; PATH as the rejection shows it. Repeatable; one ID.")  # fmt: skip
@click.option("--re-read", is_flag=True, help="Read the partition from its source again first, instead of taking what was captured.")
@click.option("--reason", default="", help="Why, for the audit.")
@click.option("--yes", is_flag=True, help="Ask nothing before an edit.")
@click.option("--via", type=click.Choice(["here", "daemon"]), default="here", show_default=True, help="Run here, or let the daemon do it.")
@json_option
def retry(
    ids: tuple[int, ...], all_of: str | None, assignments: tuple[str, ...], reason: str, via: str, *, re_read: bool, yes: bool,
    as_json: bool, **chosen: Any,
) -> None:  # fmt: skip
    """Try rejected records again, after the mapping, the item master or the record itself was corrected.

    By default exactly the rejected records, as they were captured then, are validated and delivered again; where a newer version was
    captured since, that one counts. With --re-read their whole partitions are read from the source first. What the target holds already
    is not sent. Then tells each rejection's new state.
    """
    narrowed = any(value is not None for value in chosen.values())
    if sum((bool(ids), narrowed, all_of is not None)) != 1:
        raise click.UsageError("Name IDs, or options that choose such as --class or --code, or --all-of CONNECTION: exactly one of these.")
    if assignments and (len(ids) != 1 or re_read):
        raise click.UsageError("--set edits one captured record: name one ID, without --re-read.")
    choice = choice_of(chosen | ({"connection": all_of} if all_of else {}), ids=ids or None)
    request = retrying.Request("re_read" if re_read else "as_captured", assignments, reason, yes, via == "daemon", as_json)
    if not retrying.retry(choice, request):
        sys.exit(1)


@rejections.command(
    epilog=examples(
        'lockstep rejections discard 42 --reason "test order of the agency"',
        'lockstep rejections discard --code total_negative --older-than 30d --reason "refunds of the old system"',
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@choosing
@click.option("--reason", required=True, help="Why it may stay away from the target; it is kept with your user name.")
def discard(ids: tuple[int, ...], reason: str, **chosen: Any) -> None:
    """Close rejections for good: their records will not be delivered, and no longer count as open."""
    if not reason.strip():
        raise click.UsageError("--reason needs a text: whoever looks later must understand it.")
    if bool(ids) == any(value is not None for value in chosen.values()):
        raise click.UsageError("Name IDs, or options that choose such as --class or --code: one of these.")
    with reading() as db:
        closed = actions.discard(db, actions.chosen(db, choice_of(chosen, ids=ids or None)), getpass.getuser(), reason)
    for closed_id in closed:
        click.echo(f"rejection {closed_id} discarded")
    if not closed:
        click.echo("No open rejection is concerned.")
