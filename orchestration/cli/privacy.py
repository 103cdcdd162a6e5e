"""``lockstep forget``: takes a person out of a connection's ledger."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
import psycopg

from domain.errors import PermanentError
from orchestration.cli.context import reading
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.settings import load
from resources.ledger.monitoring.connection_config import recorded_connections
from resources.ledger.privacy import forgetting
from resources.ledger.privacy.retention import retire


@click.command(
    epilog=examples(
        "lockstep forget jane@example.com --connection acme_us --dry-run",
        "lockstep forget 4711 --connection acme_us",
        exit_codes="0, 1 if work on one of their orders is still to be done or rights are missing",
    )
)
@click.argument("customer")
@click.option("--connection", required=True, metavar="CONNECTION", help="Whose customer.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be taken out.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def forget(customer: str, connection: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take a person out of the ledger, by e-mail address or by the store's customer id.

    Names, addresses, phones, e-mail addresses, notes and the like are taken out of every stored version of their orders, of what the OMS is
    known to hold, of edits and of messages. Amounts, SKUs, dates and order ids stay, so the books still balance. It can't be undone. The
    store and the OMS are yours: erase the person there first, or a later change of an order brings a version here (it is then stored
    without the person). Needs a DATABASE_URL with the owner's rights. The archive holds no personal data.
    """
    with reading() as db:
        _check(db, connection)
        if not dry_run:
            _ask(forgetting.forget(db, connection, customer, "", dry_run=True), yes=yes)
        done = forgetting.forget(db, connection, customer, getpass.getuser(), dry_run=dry_run)
        known = not done.orders and forgetting.was_forgotten(db, connection, customer)
    if as_json:
        print_json(asdict(done))
    elif not done.orders:
        click.echo(
            "They were forgotten before."
            if known
            else f"Nothing in the ledger of {connection} is about them."
        )
    else:
        click.echo(
            f"{len(done.orders)} orders: {', '.join(done.orders[:20])}{' and more' if len(done.orders) > 20 else ''}"
        )
        print_table(
            ("table", "rows"),
            [(name, number) for name, number in done.counts.items()],
            numbers=("rows",),
        )
        for order, why in done.open_orders.items():
            click.echo(f"order {order}: {why}; finish it first")
        click.echo(
            "Nothing was changed."
            if dry_run
            else "Forgotten. Erase the person in the store and in the OMS, too."
        )


def _check(db: psycopg.Connection[Any], connection: str) -> None:
    """Refuse a misspelt connection; one that was taken out of connections.yaml still has its ledger."""
    known = recorded_connections(db)
    if connection not in known:
        raise PermanentError(
            f"The ledger has no connection {connection!r}; it has {', '.join(known) or 'none'}."
        )


def _ask(planned: forgetting.Forgotten, *, yes: bool) -> None:
    if yes or not planned.orders:
        return
    if not sys.stdin.isatty():
        raise PermanentError(
            "Nobody can be asked here; give --yes to forget without a question, or --dry-run to look first."
        )
    click.confirm(
        f"Take this person out of {len(planned.orders)} orders? It can't be undone", abort=True
    )


@click.command(epilog=examples("lockstep retention --dry-run"))
@click.option(
    "--dry-run",
    is_flag=True,
    help="Only tell what would be removed, and what is kept although it is old.",
)
@json_option
def retention(dry_run: bool, as_json: bool) -> None:
    """Remove what is past its retention in connections.yaml; the daily job does the same.

    Months of payloads, outcomes and messages are dropped whole, and only where nothing in them is open; old batches, closed rejections,
    events that were taken and the like are deleted. Without 'retention:' in connections.yaml everything is kept.
    """
    with reading() as db:
        removals = retire(db, load().retention, datetime.now(UTC).date(), dry_run=dry_run)
    if as_json:
        print_json([asdict(one) for one in removals])
        return
    if not removals:
        click.echo("Nothing is past its retention.")
        return
    verb = "would be removed" if dry_run else "removed"
    rows = [
        (f"sync.{one.table}", one.before, one.rows, f"kept: {one.kept}" if one.kept else verb)
        for one in removals
    ]
    print_table(("table", "before", "rows", "what"), rows, numbers=("rows",))
