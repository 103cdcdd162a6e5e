"""``lockstep trace``: the history of one order, or of another record."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click

from domain.identity import LONGEST_ID, correlation_id
from domain.parsing.text import printable
from domain.streams import TRACED
from orchestration.cli.context import connection_of, open_database
from orchestration.cli.output import at, examples, json_option, print_json, print_table
from orchestration.settings import load
from resources.ledger.links import Links
from resources.ledger.monitoring import timeline
from resources.ledger.monitoring.status import known_connections
from resources.ledger.monitoring.timeline import Event, LatestVersion


@dataclass(frozen=True)
class Trace:
    """The history of one record in one connection."""

    connection: str
    entity: str
    """What the record is, such as ``order``."""
    store_id: str
    """Empty for a record of the OMS that is linked to none of the store's."""
    oms_id: str
    """Empty if the OMS is not known to hold the record."""
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
@click.option(
    "--entity",
    type=click.Choice(TRACED),
    help="Only records of this kind, if records of several kinds have the same id.",
)
@json_option
def trace(order: str, connection: str | None, entity: str | None, as_json: bool) -> None:
    """Show the history of one order, oldest event first.

    ORDER is the id or number of an order, or of another synced record, in the store or at the
    OMS. The history shows every captured version, its validation, all deliveries and requests in
    both directions, warnings, rejections and what operators did about them, the milestones that
    the OMS reported, and the order's returns with their refunds.
    """
    installation = load()
    if connection is not None:
        connection_of(installation, connection)
    wanted = order.strip().removeprefix("#")
    with open_database() as db:
        all_names = sorted({*installation.connections, *known_connections(db)})
        names = [connection] if connection else all_names
        found = [
            t
            for name in names
            for one in ([entity] if entity else TRACED)
            if (t := _find(db, name, one, wanted))
        ]
    if as_json:
        print_json([asdict(one) for one in found])
    for one in found if not as_json else ():
        _print(one)
    if not found:
        click.echo(_nothing(order, names), err=True)
        sys.exit(1)


def _find(db: timeline.Database, name: str, entity: str, wanted: str) -> Trace | None:
    """Return the record's history; one without a link has the same id wherever it is known."""
    links = Links(db, name, entity).find(wanted)
    for store_id, oms_id in [(link.store_id, link.oms_id) for link in links] or [(wanted, wanted)]:
        ids = list(dict.fromkeys((store_id, oms_id)))
        # What was captured before it had a link has the correlation id of its id at the OMS.
        correlations = [correlation_id(name, entity, one) for one in ids]
        if events := timeline.events(db, name, entity, ids, correlations):
            from_oms = timeline.captured_ids(db, name, entity, [oms_id], to_oms=False)
            from_store = links or timeline.captured_ids(db, name, entity, [store_id], to_oms=True)
            known = timeline.target_id(db, name, entity, [store_id]) or next(iter(from_oms), "")
            versions = timeline.latest_versions(db, name, entity, ids)
            at_store = store_id if from_store else ""
            return Trace(name, entity, at_store, known, correlations[0], versions, events)
    return None


def _print(found: Trace) -> None:
    click.echo(f"connection      {found.connection}")
    for side, number in (("store", found.store_id), ("OMS", found.oms_id)):
        click.echo(f"{side + ' ' + found.entity:<15} {number or 'none known'}")
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


def _nothing(order: str, names: Sequence[str]) -> str:
    return (
        f"lockstep: the ledger has nothing about order '{printable(order, LONGEST_ID)}' in "
        f"{', '.join(names)}. It may have changed before the connection's first capture, or only "
        "seconds ago. Use the id that the store or the OMS shows (not the customer's reference), "
        "check 'lockstep status', or run 'lockstep sync-orders CONNECTION ID' with the store's id."
    )
