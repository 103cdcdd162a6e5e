"""``lockstep events``: list, show and discard messages of systems' queues that can't be read."""

from __future__ import annotations

import getpass
import sys

import click
import psycopg

from domain.errors import PermanentError
from domain.parsing.text import printable
from orchestration.cli.context import LONGEST_NAME, open_database
from orchestration.cli.output import (
    connection_option,
    examples,
    json_option,
    print_json,
    print_table,
)
from resources.ledger.captures import unread_events
from resources.ledger.captures.unread_events import KeptEvent

COLUMNS = ("connection", "system", "message", "received", "problem", "discarded", "by", "reason")


@click.group(
    epilog=examples(
        "lockstep events list",
        "lockstep events show 5fea7756-0ea4-451a-a703-a558b933e274",
        'lockstep events discard --connection acme_us --reason "test messages"',
    )
)
def events() -> None:
    """List, show or discard messages of a system's queue that can't be read.

    Polling finds the changes anyway, but the cause may affect all events of the queue.
    """


@events.command("list")
@connection_option
@click.option("--all", "with_discarded", is_flag=True, help="Include discarded messages.")
@json_option
def list_command(connection: str | None, *, with_discarded: bool, as_json: bool) -> None:
    """List messages that can't be read, newest first."""
    with open_database() as db:
        found = unread_events.find(db, connection=connection, with_discarded=with_discarded)
    if as_json:
        print_json([event._asdict() for event in found])
    elif found:
        print_table(COLUMNS, found)
    else:
        click.echo("No messages that can't be read.")


@events.command()
@click.argument("message_id", metavar="ID")
@connection_option
def show(message_id: str, connection: str | None) -> None:
    """Print one message: the exact bytes that were received.

    They may contain personal data. Be careful where you send them.
    """
    with open_database() as db:
        found = unread_events.find(db, connection=connection, ids=[message_id], with_discarded=True)
        if len(found) > 1:
            names = ", ".join(event.connection for event in found)
            raise click.UsageError(f"Connections {names} have this message: choose --connection.")
        body = unread_events.body_of(db, _only(found, message_id))
    sys.stdout.buffer.write(body)
    sys.stdout.buffer.flush()


def _only(found: list[KeptEvent], message_id: str) -> KeptEvent:
    if not found:
        raise PermanentError(
            f"No message {printable(message_id, LONGEST_NAME)} is kept; see 'lockstep events list "
            "--all'."
        )
    return found[0]


@events.command(
    epilog=examples(
        'lockstep events discard 5fea7756-0ea4-451a-a703-a558b933e274 --reason "sent by hand"',
        'lockstep events discard --connection acme_us --reason "the subscription is corrected"',
    )
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@connection_option
@click.option(
    "--reason", required=True, help="Why they are not needed; recorded with your user name."
)
def discard(ids: tuple[str, ...], connection: str | None, reason: str) -> None:
    """Discard messages: 'doctor' no longer reports them.

    They are kept, with your name and reason, until retention removes them.
    """
    if not reason.strip():
        raise click.UsageError(
            "--reason must not be empty: the next operator has to understand it."
        )
    if not ids and connection is None:
        raise click.UsageError("Give IDs, or all messages of a --connection.")
    with open_database() as db:
        done = unread_events.discard(
            db, _chosen(db, ids, connection), getpass.getuser(), reason.strip()
        )
    for event in done:
        click.echo(f"message {event.message_id} of {event.connection} discarded")
    if not done:
        click.echo("No message to discard.")


def _chosen(
    db: psycopg.Connection[object], ids: tuple[str, ...], connection: str | None
) -> list[KeptEvent]:
    """Return the messages to discard. Raises ``PermanentError`` for an id of none: none is then."""
    found = unread_events.find(db, connection=connection, ids=ids or None)
    if missing := sorted(set(ids) - {event.message_id for event in found}):
        shown = ", ".join(printable(name, LONGEST_NAME) for name in missing)
        raise PermanentError(
            f"Not kept, or discarded before, so nothing was done: {shown}. See 'lockstep events "
            "list --all'."
        )
    return found
