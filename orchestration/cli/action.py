"""``lockstep action``: cancel, hold, release or reroute an order at the OMS, and list requests."""

from __future__ import annotations

import sys
from typing import Any
from uuid import uuid4

import click

from assets.streams.actions.requests import capture_request, outcome_of
from domain.connections import ACTIONS
from domain.errors import PermanentError
from domain.policies import OPERATOR
from domain.records.actions import ActionOutcome
from orchestration.cli.context import connection_of, open_database, streams_of
from orchestration.cli.output import at, examples, json_option, print_json, print_table
from orchestration.cli.runs import Chunk, run_each
from orchestration.settings import load
from resources.ledger.monitoring.activation import activations
from resources.ledger.records.actions import requests
from resources.lockstep import Lockstep

CODES = "0 done or requested, 1 refused, waiting or failed, 2 wrong usage"
DONE = ("done", "partly", "requested")


@click.group()
def action() -> None:
    """Carry out service agents' requests at the OMS, each request once.

    A request that the permission set does not allow, or that is no longer possible, is refused
    with the reason. Later changes of the order in the store don't undo it (docs/actions.md).
    """


def _common(command: Any) -> Any:
    """Add what all requests have."""
    options = (
        click.argument("connection"),
        click.argument("order"),
        click.option(
            "--by", "requested_by", default="cli", metavar="ID", help="Who asks: an id, not a name."
        ),
        click.option(
            "--as",
            "permission_set",
            default=OPERATOR,
            show_default=True,
            metavar="SET",
            help="The permission set that decides what is allowed.",
        ),
        click.option(
            "--id",
            "action_id",
            metavar="ID",
            help="The request's id; the same id is the same request.",
        ),
        click.option("--comment", default="", help="Why; it is kept with the request."),
    )
    for option in reversed(options):
        command = option(command)
    return command


@action.command(
    epilog=examples(
        "lockstep action cancel acme_us 10523",
        "lockstep action cancel acme_us 10523 --line 101 --quantity 1 --by agent-7 --as phone",
        exit_codes=CODES,
    )
)
@_common
@click.option("--line", metavar="LINE", help="Only this line, by its id in the store.")
@click.option("--quantity", metavar="UNITS", help="Only this many units of the line.")
def cancel(**fields: Any) -> None:
    """Cancel an order, a line of it, or units of a line."""
    _carry_out("cancel", fields)


@action.command(epilog=examples("lockstep action hold acme_us 10523", exit_codes=CODES))
@_common
@click.option("--hold", metavar="TYPE", help="The OMS's hold type; default: actions.hold.")
def hold(**fields: Any) -> None:
    """Hold an order at the OMS until it is released."""
    _carry_out("hold", fields)


@action.command(epilog=examples("lockstep action release acme_us 10523", exit_codes=CODES))
@_common
@click.option("--hold", metavar="TYPE", help="Only this hold; default: all that agents have set.")
def release(**fields: Any) -> None:
    """Release an order from the holds that agents have set."""
    _carry_out("release", fields)


@action.command(
    epilog=examples(
        "lockstep action reroute acme_us 10523 --node DC2",
        'lockstep action reroute acme_us 10523 --street "9 Elm Street" --city Dallas --state Texas '
        "--postcode 75201 --country US",
        exit_codes=CODES,
    )
)
@_common
@click.option("--node", metavar="NODE", help="Ship from this location of the OMS.")
@click.option("--first-name", default="", help="The recipient's; default: unchanged.")
@click.option("--last-name", default="")
@click.option("--company", default="")
@click.option("--street", "street_1", default="", help="Ship to this address instead.")
@click.option("--street-2", "street_2", default="")
@click.option("--city", default="")
@click.option("--state", default="")
@click.option("--postcode", default="")
@click.option("--country", "country_code", default="", help="ISO code of the country.")
@click.option("--phone", default="")
def reroute(**fields: Any) -> None:
    """Ship what has not left yet to another address, or from another location."""
    names = (
        "first_name",
        "last_name",
        "company",
        "street_1",
        "street_2",
        "city",
        "state",
        "postcode",
        "country_code",
        "phone",
    )
    address = {name: value for name in names if (value := fields.pop(name))}
    _carry_out("reroute", fields | {"address": address})


@action.command(
    "list",
    epilog=examples(
        "lockstep action list acme_us",
        "lockstep action list acme_us --order 10523 --json",
        exit_codes="0 success",
    ),
)
@click.argument("connection")
@click.option("--order", "order", metavar="ORDER", help="Only for this order, by the store's id.")
@click.option("--limit", type=click.IntRange(1, 1_000), default=50, show_default=True)
@json_option
def list_actions(connection: str, order: str | None, limit: int, as_json: bool) -> None:
    """List requests and their outcomes, newest first."""
    connection_of(load(), connection)
    with open_database() as db:
        rows = requests(db, connection, order=order, limit=limit)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("requested", "order", "action", "by", "state", "reason", "id"),
        [
            (
                at(row["requested_at"]),
                row["source_id"],
                " ".join(filter(None, (row["kind"], row["line_id"]))),
                f"{row['requested_by']} as {row['permission_set']}",
                row["state"],
                row["reason"] or "-",
                row["action_id"],
            )
            for row in rows
        ],
    )


def _carry_out(kind: str, fields: dict[str, Any]) -> None:
    """Capture the request, carry it out, and print the outcome."""
    connection = fields.pop("connection")
    installation = load()
    configured = connection_of(installation, connection)
    streams_of(configured, connection, (ACTIONS,))
    lockstep = Lockstep(installation)
    try:
        sync = lockstep.sync(connection, f"cli-{uuid4().hex}")
        with sync.ledger.session(connection, ACTIONS) as session:
            [activation] = activations(session.db, connection, [ACTIONS])
        if not activation.active:
            raise PermanentError(f"{activation}. Resume it, then ask again.")
        action_id, partition = capture_request(sync, {"kind": kind, **fields})
        chunk = Chunk((ACTIONS,), partition, partition, (action_id,))
        [run] = list(run_each(lockstep, connection, [chunk], "action"))
        outcome = outcome_of(sync, action_id)
    finally:
        lockstep.close()
    click.echo(f"{action_id}: {_text(outcome)}")
    if run.error:
        click.echo(f"lockstep: {run.error}", err=True)
    if outcome is None or outcome.state not in DONE:
        sys.exit(1)


def _text(outcome: ActionOutcome | None) -> str:
    if outcome is None:
        return "captured; it is carried out by the next run"
    return ": ".join(filter(None, (outcome.state, outcome.code, outcome.reason)))
