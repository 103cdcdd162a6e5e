"""``lockstep forget`` and ``lockstep retention``: erasure of a customer, and of old data."""

from __future__ import annotations

import getpass
import sys
from contextlib import nullcontext
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click
import psycopg

from assets.archive import note_lost_days
from domain.errors import PermanentError
from domain.parsing.text import plural
from orchestration.cli.context import open_database
from orchestration.cli.output import examples, json_option, print_json, print_table
from orchestration.settings import load
from resources.ledger.monitoring.connection_config import recorded_connections
from resources.ledger.privacy import forgetting
from resources.ledger.privacy.retention import retire

LISTED_ORDERS = 20


@click.command(
    epilog=examples(
        "lockstep forget jane@example.com --connection acme_us --dry-run",
        "lockstep forget 4711 --connection acme_us",
        exit_codes="0 success, 1 an order of the customer has open work or rights are missing",
    )
)
@click.argument("customer")
@click.option(
    "--connection", required=True, metavar="CONNECTION", help="The customer's connection."
)
@click.option("--dry-run", is_flag=True, help="Show what would be erased; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@json_option
def forget(customer: str, connection: str, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Erase a customer's personal data from the ledger.

    CUSTOMER is an e-mail address or the store's customer id. Names, addresses, phone numbers,
    e-mail addresses and notes are removed from every stored
    version of the customer and of their orders, from the target state, from edits and from
    messages. Amounts, SKUs, dates and order ids are kept, so that totals still add up. This can't
    be undone. Orders that still have to be sent, shipped or canceled are kept and listed: run the
    command again when they are done.

    Erase the customer in the store and in the OMS first: a later change of an order is captured
    again, then without the personal data. Needs a DATABASE_URL with the owner's rights. The archive
    holds no personal data.
    """
    with open_database() as db:
        _check(db, connection)
        if not dry_run:
            _ask(forgetting.forget(db, connection, customer, "", dry_run=True), yes=yes)
        done = forgetting.forget(db, connection, customer, getpass.getuser(), dry_run=dry_run)
        none_left = not done.records and not done.open_records
        known = none_left and forgetting.was_forgotten(db, connection, customer)
    if as_json:
        print_json(asdict(done))
    elif known:
        click.echo("This customer was forgotten before.")
    elif none_left:
        click.echo(f"The ledger of {connection} has no data of this customer.")
    else:
        _print(done, dry_run=dry_run)
    if done.open_records and not dry_run:
        sys.exit(1)


def _print(done: forgetting.Forgotten, *, dry_run: bool) -> None:
    more = " and more" if len(done.orders) > LISTED_ORDERS else ""
    click.echo(
        f"{plural(len(done.orders), 'order')}: {', '.join(done.orders[:LISTED_ORDERS])}{more}"
    )
    if done.others:
        click.echo(f"further records: {', '.join(done.others)}")
    print_table(("table", "rows"), list(done.counts.items()), numbers=("rows",))
    for record, why in done.open_records.items():
        click.echo(f"{record}: {why}; kept until that ends, then run the command again")
    click.echo(
        "Nothing was changed."
        if dry_run
        else "Forgotten. Erase the customer in the store and in the OMS, too."
    )


def _check(db: psycopg.Connection[Any], connection: str) -> None:
    """Refuse an unknown connection; one removed from connections.yaml still has its ledger."""
    known = recorded_connections(db)
    if connection not in known:
        raise PermanentError(
            f"The ledger has no connection {connection!r}; it has {', '.join(known) or 'none'}."
        )


def _ask(planned: forgetting.Forgotten, *, yes: bool) -> None:
    if yes or not planned.records:
        return
    if not sys.stdin.isatty():
        raise PermanentError(
            "There is no terminal to confirm on; use --yes to erase anyway, or --dry-run first."
        )
    click.confirm(
        f"Erase this customer's data from {plural(len(planned.records), 'record')}? "
        "This can't be undone",
        abort=True,
    )


@click.command(epilog=examples("lockstep retention --dry-run"))
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be deleted, and what is old but kept; change nothing.",
)
@json_option
def retention(dry_run: bool, as_json: bool) -> None:
    """Delete data older than 'retention' in connections.yaml, as the daily job does.

    Payloads, outcomes and messages are dropped by whole months, and only if nothing in the month is
    open. Old batches, closed rejections, processed events and the like are deleted row by row. What
    the archive lacks is kept until it has it. Without 'retention' in connections.yaml everything is
    kept.
    """
    installation = load()
    with open_database() as db, db.transaction(force_rollback=True) if dry_run else nullcontext():
        note_lost_days(db, installation)
        removals = retire(db, installation.retention, datetime.now(UTC).date(), dry_run=dry_run)
    if as_json:
        print_json([asdict(one) for one in removals])
        return
    if not removals:
        click.echo("Nothing is older than its retention.")
        return
    verb = "would be deleted" if dry_run else "deleted"
    rows = [
        (f"sync.{one.table}", one.before, one.rows, f"kept: {one.kept}" if one.kept else verb)
        for one in removals
    ]
    print_table(("table", "before", "rows", "result"), rows, numbers=("rows",))
