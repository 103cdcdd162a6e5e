"""``lockstep sync-orders`` and ``sync-stock``: what an operator wants to see synced now."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import click

from assets.streams.requested import Requested, capture_orders, capture_stock
from domain.connections import INVENTORY, ORDERS, SHIPMENTS
from domain.parsing.text import printable
from domain.values import Partition
from orchestration.cli.context import DAY, connection_of, streams_of
from orchestration.cli.output import examples
from orchestration.cli.runs import Chunk, check_days, chunks, run_each, span_of
from orchestration.settings import load
from resources.lockstep import Lockstep
from resources.sync import Sync

DAYS_A_RUN = 7
LONGEST_NAME = 100
CODES = "0 success, 1 a record was not found or a run failed, 2 wrong usage"
Capture = Callable[[Sync, datetime, Sequence[str]], Requested]


@click.command(
    "sync-orders",
    epilog=examples(
        "lockstep sync-orders acme_us 10523 10524",
        "lockstep sync-orders acme_us --from 2026-08-01 --to 2026-08-03",
        exit_codes=CODES,
    ),
)
@click.argument("connection")
@click.argument("orders", nargs=-1)
@click.option(
    "--from", "first", type=DAY, metavar="YYYY-MM-DD", help="Instead of orders: the first day."
)
@click.option("--to", "last", type=DAY, metavar="YYYY-MM-DD", help="Last day, inclusive.")
def sync_orders(
    connection: str, orders: tuple[str, ...], first: datetime | None, last: datetime | None
) -> None:
    """Read orders from the store and their progress from the OMS, and deliver both ways.

    ORDERS are ids or numbers; orders that Lockstep has never seen are found by their id in the
    store. With --from (and --to), all orders that were changed on these days are synced. What the
    other side already holds is not sent again.
    """
    if bool(orders) == (first is not None) or (last is not None and first is None):
        raise click.UsageError("Give orders, or --from with or without --to.")
    installation = load()
    configured = connection_of(installation, connection)
    streams_of(configured, connection, (ORDERS,))
    if first is None:
        _sync_named(connection, capture_orders, orders)
        return
    days = first.date(), (last or first).date()
    check_days(installation, *days)
    streams = [name for name in (ORDERS, SHIPMENTS) if name in configured.streams]
    wanted = chunks(streams, *span_of(*days, configured.grain), DAYS_A_RUN)
    _finish(Lockstep(installation), connection, wanted)


@click.command(
    "sync-stock",
    epilog=examples(
        "lockstep sync-stock acme_us",
        "lockstep sync-stock acme_us --sku MUG --sku LAMP",
        exit_codes=CODES,
    ),
)
@click.argument("connection")
@click.option("--sku", "skus", multiple=True, metavar="SKU", help="Only this SKU; repeatable.")
def sync_stock(connection: str, skus: tuple[str, ...]) -> None:
    """Read stock from the OMS and write it to the store where it differs.

    Without --sku, all stock is synced.
    """
    installation = load()
    configured = connection_of(installation, connection)
    streams_of(configured, connection, (INVENTORY,))
    if skus:
        _sync_named(connection, capture_stock, skus)
        return
    present = Partition.of(datetime.now(UTC), configured.grain)
    _finish(Lockstep(installation), connection, [Chunk((INVENTORY,), present, present)])


def _sync_named(connection: str, capture: Capture, names: Sequence[str]) -> None:
    installation = load()
    lockstep = Lockstep(installation)
    sync = lockstep.sync(connection, f"cli-{uuid4().hex}")
    found = capture(sync, installation.start, names)
    for name in found.missing:
        click.echo(f"lockstep: {printable(name, LONGEST_NAME)}: not found", err=True)
    wanted = [Chunk((stream,), at, at, tuple(ids)) for stream, at, ids in found.records]
    _finish(lockstep, connection, wanted, failed=bool(found.missing))


def _finish(
    lockstep: Lockstep, connection: str, wanted: Sequence[Chunk], *, failed: bool = False
) -> None:
    """Run the chunks, print a line for each, and exit with 1 if one failed."""
    try:
        for outcome in run_each(lockstep, connection, wanted, "sync"):
            click.echo(f"{outcome.chunk}: {outcome}")
            failed = failed or bool(outcome.error)
    finally:
        lockstep.close()
    if failed:
        sys.exit(1)
