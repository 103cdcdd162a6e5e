"""``lockstep trace``: everything that ever happened to one order."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from domain.connections import Installation
from domain.identity import LONGEST_ID, correlation_id
from domain.text import printable
from orchestration.cli.context import connection_of, reading
from orchestration.cli.output import at, examples, json_option, print_json, print_table
from orchestration.settings import load
from resources.ledger.monitoring import timeline
from resources.ledger.monitoring.status import known_connections
from resources.ledger.monitoring.timeline import Event, LatestVersion


@dataclass(frozen=True)
class Trace:
    """What the ledger knows of one order in one connection."""

    connection: str
    store_id: str
    oms_id: str
    """Empty where the OMS is not known to hold the order."""
    correlation_id: str
    versions: Sequence[LatestVersion]
    events: Sequence[Event]


@click.command(
    epilog=examples(
        "lockstep trace 10523",
        "lockstep trace BC-10523 --connection acme_us",
        "lockstep trace 10523 --json | jq '.[].events[].event'",
        exit_codes="0, or 1 if nothing is known of the order",
    )
)
@click.argument("order")
@click.option(
    "--connection", metavar="CONNECTION", help="Look in this connection only; by default in all."
)
@json_option
def trace(order: str, connection: str | None, as_json: bool) -> None:
    """Show everything that ever happened to one order, in time order.

    ORDER is the store's order id, or the OMS's (with the connection's order_id_prefix). The history has every version that was captured,
    what validation made of it, every delivery and request in both directions, rejections, and the milestones that the OMS told.
    """
    installation = load()
    if connection is not None:
        connection_of(installation, connection)
    wanted = order.strip().removeprefix("#")
    with reading() as db:
        names = (
            [connection]
            if connection
            else sorted({*installation.connections, *known_connections(db)})
        )
        found = [t for name in names if (t := _find(db, name, wanted, _prefix(installation, name)))]
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        _print(one)
    if not found:
        click.echo(_nothing(order, names, installation), err=True)
        sys.exit(1)


def _prefix(installation: Installation, name: str) -> str:
    known = installation.connections.get(name)
    return known.orders.order_id_prefix if known else ""


def _find(db: timeline.Database, name: str, wanted: str, prefix: str) -> Trace | None:
    """Return the history of the order; an id that begins with the connection's prefix is first taken for the OMS's."""
    stripped = [wanted.removeprefix(prefix)] if prefix and wanted.startswith(prefix) else []
    for store_id in (*stripped, wanted):
        ids = [store_id, prefix + store_id] if prefix else [store_id]
        correlation = correlation_id(name, "order", store_id)
        happened = timeline.events(db, name, ids, [correlation])
        if happened:
            oms_id = timeline.target_id(db, name, [store_id]) or next(
                iter(timeline.captured_ids(db, name, "shipments", ids)), ""
            )
            return Trace(
                name,
                store_id,
                oms_id,
                correlation,
                timeline.latest_versions(db, name, ids),
                happened,
            )
    return None


def _print(found: Trace) -> None:
    click.echo(f"connection      {found.connection}")
    click.echo(f"store's order   {found.store_id}")
    click.echo(f"OMS's order     {found.oms_id or 'not there, as far as is known'}")
    click.echo(f"correlation id  {found.correlation_id}")
    for version in found.versions:
        told = (
            version.rule if version.state != "accepted" else version.outcome or "waits for delivery"
        )
        click.echo(
            f"{version.stream:<15} {version.state}{': ' if told else ''}{told} (version of {at(version.source_updated_at)})"
        )
    rows = [
        (event.at, event.stream, event.event, event.detail, event.run_id or "-")
        for event in found.events
    ]
    print_table(("when", "stream", "what", "detail", "run"), rows)


def _nothing(order: str, names: Sequence[str], installation: Installation) -> str:
    prefixes = {_prefix(installation, name) for name in names} - {""}
    hint = f"OMS ids begin with {' or '.join(sorted(prefixes))}; " if prefixes else ""
    return (
        f"lockstep: nothing is known of order '{printable(order, LONGEST_ID)}' in {', '.join(names)}. "
        f"Was it changed before the connection's first capture, or only seconds ago? Try: the id as the "
        f"store shows it ({hint}not the customer's reference), 'lockstep status' (is it in step?), "
        "'lockstep replay CONNECTION --streams orders --from DATE --to DATE' over the day on which it was last modified."
    )
