"""``lockstep trace``: the history of one order."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from domain.connections import Installation
from domain.identity import LONGEST_ID, correlation_id
from domain.text import printable
from orchestration.cli.context import connection_of, open_database
from orchestration.cli.output import at, examples, json_option, print_json, print_table
from orchestration.settings import load
from resources.ledger.monitoring import timeline
from resources.ledger.monitoring.status import known_connections
from resources.ledger.monitoring.timeline import Event, LatestVersion


@dataclass(frozen=True)
class Trace:
    """The history of one order in one connection."""

    connection: str
    store_id: str
    oms_id: str
    """Empty if the OMS is not known to hold the order."""
    correlation_id: str
    versions: Sequence[LatestVersion]
    events: Sequence[Event]


@click.command(
    epilog=examples(
        "lockstep trace 10523",
        "lockstep trace BC-10523 --connection acme_us",
        "lockstep trace 10523 --json | jq '.[].events[].event'",
        exit_codes="0 found, 1 the ledger has nothing about the order",
    )
)
@click.argument("order")
@click.option("--connection", metavar="CONNECTION", help="Only this connection; default: all.")
@json_option
def trace(order: str, connection: str | None, as_json: bool) -> None:
    """Show the history of one order, oldest event first.

    ORDER is the order id of the store, or of the OMS (with the connection's order_id_prefix). The
    history has every captured version, its validation, all deliveries and requests in both
    directions, warnings, rejections, what operators did about them, and the milestones that the
    OMS reported.
    """
    installation = load()
    if connection is not None:
        connection_of(installation, connection)
    wanted = order.strip().removeprefix("#")
    with open_database() as db:
        all_names = sorted({*installation.connections, *known_connections(db)})
        names = [connection] if connection else all_names
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
    """Return the order's history; an id with the prefix is first taken as the OMS's."""
    stripped = [wanted.removeprefix(prefix)] if prefix and wanted.startswith(prefix) else []
    for store_id in (*stripped, wanted):
        ids = [store_id, prefix + store_id] if prefix else [store_id]
        correlation = correlation_id(name, "order", store_id)
        if events := timeline.events(db, name, ids, [correlation]):
            from_oms = timeline.captured_ids(db, name, "shipments", ids)
            oms_id = timeline.target_id(db, name, [store_id]) or next(iter(from_oms), "")
            versions = timeline.latest_versions(db, name, ids)
            return Trace(name, store_id, oms_id, correlation, versions, events)
    return None


def _print(found: Trace) -> None:
    click.echo(f"connection      {found.connection}")
    click.echo(f"store order     {found.store_id}")
    click.echo(f"OMS order       {found.oms_id or 'none known'}")
    click.echo(f"correlation id  {found.correlation_id}")
    for version in found.versions:
        accepted = version.state == "accepted"
        reason = (version.outcome or "waiting for delivery") if accepted else version.rule
        state = f"{version.state}: {reason}" if reason else version.state
        click.echo(f"{version.stream:<15} {state} (version of {at(version.source_updated_at)})")
    rows = [
        (event.at, event.stream, event.event, event.detail, event.run_id or "-")
        for event in found.events
    ]
    print_table(("time", "stream", "event", "detail", "run"), rows)


def _nothing(order: str, names: Sequence[str], installation: Installation) -> str:
    prefixes = {_prefix(installation, name) for name in names} - {""}
    hint = f"OMS ids begin with {' or '.join(sorted(prefixes))}; " if prefixes else ""
    return (
        f"lockstep: the ledger has nothing about order '{printable(order, LONGEST_ID)}' in "
        f"{', '.join(names)}. It may have changed before the connection's first capture, or only "
        f"seconds ago. Use the id that the store shows ({hint}not the customer's reference), check "
        "'lockstep status', or run 'lockstep replay CONNECTION --streams orders --from DATE --to "
        "DATE' for the day of its last change."
    )
