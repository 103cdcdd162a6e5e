"""``lockstep catalog from-oms``: the OMS's items, listed in the store."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import click

from assets.streams.listings.items_asked import (
    ABSENT,
    Asked,
    asked_for,
    capture_asked,
    changed,
    left_alone,
)
from assets.streams.listings.sheet import UNREAD, note_results
from domain.connections import CATALOG, LISTINGS
from domain.parsing.text import plural
from domain.rules.capabilities import ITEMS
from domain.values import Partition
from orchestration.cli.context import connection_of, streams_of
from orchestration.cli.output import examples, print_table
from orchestration.cli.runs import Chunk, run_each
from orchestration.settings import load
from resources.ledger.session import Session
from resources.lockstep import Lockstep
from resources.sync import Sync

SHOWN = 20


@click.command(
    epilog=examples(
        "lockstep catalog from-oms acme_us MUG-1 MUG-2 --dry-run",
        "lockstep catalog from-oms acme_us",
        exit_codes="0 all items are done, 1 some are not, 2 wrong usage",
    )
)
@click.argument("connection")
@click.argument("skus", nargs=-1)
@click.option("--dry-run", is_flag=True, help="Only show what would be written.")
def from_oms(connection: str, skus: tuple[str, ...], *, dry_run: bool) -> None:
    """List items of the OMS in the store, as catalog.create_products and catalog.oms_fields say.

    Items that are named are written even if the merchant has changed or removed the product.
    Without SKUs, all items are read, and those that changed are written.
    """
    installation = load()
    streams_of(connection_of(installation, connection), connection, (CATALOG, LISTINGS))
    lockstep = Lockstep(installation)
    try:
        sync = lockstep.sync(connection, f"cli-{uuid4().hex}")
        with sync.ledger.session(connection, LISTINGS) as session:
            _refuse_early(sync, session)
            if skus:
                is_done = _named(lockstep, sync, session, skus, dry_run=dry_run)
            elif dry_run:
                is_done = _show_all(sync, session)
            else:
                is_done = _run_all(lockstep, sync)
    finally:
        lockstep.close()
    if not is_done:
        sys.exit(1)


def _refuse_early(sync: Sync, session: Session) -> None:
    if ITEMS not in sync.oms.sources:
        raise click.ClickException(
            f"The items of {sync.oms.kind} can't be read with their texts: use a sheet "
            "(lockstep catalog template)."
        )
    if session.products.read_at() is None:
        raise click.ClickException(f"{UNREAD[0].upper()}{UNREAD[1:]}.")


def _named(
    lockstep: Lockstep, sync: Sync, session: Session, skus: Sequence[str], *, dry_run: bool
) -> bool:
    """List named items; return whether all are done."""
    found, absent = asked_for(sync, session, skus)
    rows = [one.row for one in found]
    if dry_run:
        for one in found:
            one.row.result = one.effect
        is_done = all(row.listing is not None for row in rows)
    else:
        captured = capture_asked(sync, session, found)
        wanted = [Chunk((LISTINGS,), at, at, tuple(ids)) for at, ids in captured.items()]
        for outcome in run_each(lockstep, sync.name, wanted, "listing"):
            if outcome.error:
                click.echo(f"{outcome.chunk}: {outcome}", err=True)
        is_done = note_results(session, rows)
    print_table(
        ("SKU", "result"),
        [*((row.sku, row.result) for row in rows), *((s, ABSENT) for s in absent)],
    )
    return is_done and not absent


def _show_all(sync: Sync, session: Session) -> bool:
    """Show what the items that changed would do; return whether all of them can be used."""
    shown: list[Asked] = []
    effects: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for some in changed(sync, session):
        rules.update(left_alone(some))
        effective = [one for one in some if not one.rule and one.effect != "unchanged"]
        effects.update(one.effect.partition(":")[0] for one in effective)
        shown += effective[: SHOWN - len(shown)]
    if shown:
        print_table(("SKU", "result"), [(one.row.sku, one.effect) for one in shown])
    for name, count in sorted((effects + rules).items()):
        click.echo(f"{name}: {plural(count, 'item')}")
    if not effects:
        click.echo("nothing to write")
    return not effects["not used"]


def _run_all(lockstep: Lockstep, sync: Sync) -> bool:
    """Read the items and deliver what changed; return whether that succeeded."""
    today = Partition.of(datetime.now(UTC), sync.connection.grain)
    is_done = True
    for outcome in run_each(lockstep, sync.name, [Chunk((LISTINGS,), today, today)], "listing"):
        click.echo(f"{outcome.chunk}: {outcome}")
        is_done = is_done and not outcome.error
    return is_done
