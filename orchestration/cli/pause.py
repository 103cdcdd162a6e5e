"""``lockstep pause`` and ``lockstep resume``: stop and start streams of a connection."""

from __future__ import annotations

import getpass

import click

from orchestration.cli.context import connection_of, open_database, streams_of
from orchestration.cli.output import examples
from orchestration.cli.runs import streams_option
from orchestration.settings import load
from resources.ledger.monitoring import activation
from resources.ledger.monitoring.activation import activations

reason_option = click.option("--reason", default="", help="Why; recorded with your user name.")


@click.command(
    epilog=examples(
        "lockstep pause acme_us",
        "lockstep pause acme_us --streams inventory --reason 'stocktaking'",
        exit_codes="0 success, 1 error",
    )
)
@click.argument("connection")
@streams_option
@reason_option
def pause(connection: str, streams: tuple[str, ...] | None, reason: str) -> None:
    """Pause streams of a connection: live runs neither read nor write them.

    Sensors and schedules skip a paused stream, and no run writes to its target, however it was
    started; a run that is writing stops after its current chunk. Nothing is lost: once the stream
    is resumed, what changed in the meantime is read from the source.
    """
    chosen = streams_of(connection_of(load(), connection), connection, streams)
    with open_database() as db:
        changed = activation.pause(db, connection, chosen, getpass.getuser(), reason)
    for stream in chosen:
        was = "" if stream in changed else " already"
        click.echo(f"{connection}/{stream} is{was} paused")


@click.command(
    epilog=examples(
        "lockstep resume acme_us",
        "lockstep resume acme_us --streams inventory",
        exit_codes="0 success, 1 error",
    )
)
@click.argument("connection")
@streams_option
@reason_option
def resume(connection: str, streams: tuple[str, ...] | None, reason: str) -> None:
    """Resume paused streams of a connection, or start those that were never started.

    While the daemon runs, what changed since the pause is read and delivered within seconds. A
    stream that was never started starts from today; 'lockstep connect' also checks both systems and
    syncs the recent past.
    """
    chosen = streams_of(connection_of(load(), connection), connection, streams)
    with open_database() as db:
        before = {one.stream: one for one in activations(db, connection, chosen)}
        activation.resume(db, connection, chosen, getpass.getuser(), reason)
    for stream in chosen:
        if before[stream].active:
            click.echo(f"{connection}/{stream} is already active")
        elif not before[stream].is_new:
            click.echo(f"{connection}/{stream} is active again")
        else:
            click.echo(
                f"{connection}/{stream} is active; it starts from today. 'lockstep connect "
                f"{connection}' also syncs the recent past"
            )
