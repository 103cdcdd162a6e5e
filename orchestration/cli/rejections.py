"""``lockstep rejections``: the records kept out of delivery, to look at, to try again, to discard."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime

import click
import orjson
import psycopg

from domain.errors import PermanentError
from orchestration.cli import retry as retrying
from orchestration.cli.ledger import reading
from orchestration.cli.output import at, connection_option, examples, json_option, print_json, print_table
from resources.ledger import workqueue
from resources.ledger.workqueue import OPEN_STATES, Choice, Rejection

STREAMS = click.Choice(["orders", "inventory", "shipments"])
STAGES = click.Choice(["captured", "validated", "delivered"])
STATES = {"open": OPEN_STATES, "resolved": ("resolved",), "discarded": ("discarded",), "all": (*OPEN_STATES, "resolved", "discarded")}


@click.group(
    epilog=examples(
        "lockstep rejections list --connection acme_us --code unknown_sku",
        "lockstep rejections show 42",
        "lockstep rejections retry --code unknown_sku",
        'lockstep rejections discard 42 --reason "test order"',
    )
)
def rejections() -> None:
    """List, show, retry or discard records that are kept out of delivery.

    A rejection stays open until a later version of its record goes through, a retry lets it through, or a person discards it.
    """


@rejections.command("list")
@connection_option
@click.option("--stream", type=STREAMS, help="Only this stream.")
@click.option("--code", help="Only this code, e.g. unknown_sku.")
@click.option("--stage", type=STAGES, help="Only those of this step.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Only those seen since then (UTC).")
@click.option("--state", type=click.Choice(list(STATES)), default="open", show_default=True, help="Which ones.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="At most so many.")
@json_option
def list_command(
    connection: str | None, stream: str | None, code: str | None, stage: str | None, since: datetime | None, state: str, limit: int,
    as_json: bool,
) -> None:  # fmt: skip
    """List rejections, the last seen first."""
    choice = Choice(None, connection, stream, code, stage, since.replace(tzinfo=UTC) if since else None, STATES[state])
    with reading() as db:
        found = workqueue.find(db, choice, limit)
        total = workqueue.count(db, choice) if len(found) == limit else len(found)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    if not found:
        click.echo(f"No {'' if state == 'all' else state + ' '}rejections.")
        return
    columns = ("id", "connection", "stream", "stage", "record", "day", "code", "field", "message", "state", "last seen", "times")
    rows = [(r.rejection_id, r.connection, r.stream, r.stage, r.source_id, r.source_day, r.code, r.field, r.message, r.state,
             r.seen_at, r.seen_count) for r in found]  # fmt: skip
    print_table(columns, rows, numbers=("id", "times"))
    click.echo(f"{len(found)} of {total}; 'lockstep rejections show ID' tells all of one." if total > len(found) else f"{total} in all")


@rejections.command(
    epilog=examples(
        "lockstep rejections show 42",
        "lockstep rejections show 42 --raw > order.json",
    )
)
@click.argument("rejection_id", type=int, metavar="ID")
@click.option("--raw", is_flag=True, help="Print only the captured payload, byte for byte.")
@json_option
def show(rejection_id: int, raw: bool, as_json: bool) -> None:
    """Show one rejection with every reason, and the record exactly as it was captured.

    The payload is the source's own: it may hold a customer's name and address. Mind where you send it.
    """
    with reading() as db:
        one = _one(db, rejection_id)
        payload = workqueue.payload(db, one)
    if raw:
        if payload is None:
            raise PermanentError(f"The captured version of rejection {rejection_id} is no longer kept.")
        sys.stdout.buffer.write(payload)
        sys.stdout.buffer.flush()
        return
    if as_json:
        print_json(asdict(one) | {"payload": _parsed(payload)})
        return
    _print(one, payload)


def _one(db: psycopg.Connection[object], rejection_id: int) -> Rejection:
    found = workqueue.find(db, Choice(ids=(rejection_id,), states=STATES["all"]))
    if not found:
        raise PermanentError(f"There is no rejection {rejection_id}; 'lockstep rejections list --state all' shows them.")
    return found[0]


def _print(one: Rejection, payload: bytes | None) -> None:
    closed = f", closed {at(one.closed_at)} by {one.closed_by}: {one.closed_why}" if one.closed_at else ""
    for name, value in (
        ("rejection", one.rejection_id), ("state", one.state + closed), ("record", f"{one.connection}/{one.stream} {one.source_id}"),
        ("partition", one.source_day), ("stage", one.stage), ("first seen", at(one.opened_at)),
        ("last seen", f"{at(one.seen_at)} ({one.seen_count} times)"), ("correlation id", one.correlation_id), ("run", one.run_id),
    ):  # fmt: skip
        click.echo(f"{name:<15} {value}")
    for problem in one.problems:
        click.echo(f"\n{problem['code']} at {problem['field'] or 'the record'}: {problem['message']}")
        if problem.get("value"):
            click.echo(f"  value       {problem['value']}")
        click.echo(f"  what to do  {problem['advice']}")
    click.echo("\ncaptured payload:" if payload is not None else "\nThe captured version is no longer kept.")
    if payload is not None:
        parsed = _parsed(payload)
        click.echo(parsed if isinstance(parsed, str) else orjson.dumps(parsed, option=orjson.OPT_INDENT_2))


def _parsed(payload: bytes | None) -> object:
    """Return the payload's JSON, or its text where it is none: a broken record is rejected for exactly that."""
    if payload is None:
        return None
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError:
        return payload.decode("utf-8", "replace")


@rejections.command(
    epilog=examples(
        "lockstep rejections retry 42 43",
        "lockstep rejections retry --code unknown_sku --connection acme_us",
        "lockstep rejections retry --all-of acme_us",
        exit_codes="0 if every run went through (a record may be rejected again: see its state), 1 if a run failed",
    )
)
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--code", help="All open ones with this code.")
@click.option("--all-of", metavar="CONNECTION", help="All open ones of this connection.")
@connection_option
@json_option
def retry(ids: tuple[int, ...], code: str | None, all_of: str | None, connection: str | None, as_json: bool) -> None:
    """Try rejected records again, after the mapping, the item master or the source was corrected.

    Runs exactly the partitions concerned once more: they are read, validated and delivered again, and what the target holds already is not
    sent. Then tells each rejection's new state.
    """
    if sum((bool(ids), code is not None, all_of is not None)) != 1:
        raise click.UsageError("Name IDs, or --code CODE, or --all-of CONNECTION: exactly one of them.")
    if connection is not None and code is None:
        raise click.UsageError("--connection narrows --code only.")
    choice = Choice(ids=ids or None, connection=all_of or connection, code=code)
    if not retrying.retry(choice, as_json=as_json):
        sys.exit(1)


@rejections.command(
    epilog=examples(
        'lockstep rejections discard 42 --reason "test order of the agency"',
    )
)
@click.argument("ids", nargs=-1, required=True, type=int, metavar="ID...")
@click.option("--reason", required=True, help="Why it may stay away from the target; it is kept with your user name.")
def discard(ids: tuple[int, ...], reason: str) -> None:
    """Close rejections for good: their records will not be delivered, and no longer count as open."""
    if not reason.strip():
        raise click.UsageError("--reason needs a text: whoever looks later must understand it.")
    with reading() as db:
        closed = workqueue.discard(db, ids, getpass.getuser(), reason.strip())
    for closed_id in closed:
        click.echo(f"rejection {closed_id} discarded")
    if missing := sorted(set(ids) - set(closed)):
        raise PermanentError(f"Not open, so not discarded: {', '.join(map(str, missing))}.")
