"""``lockstep demo``: runs everything once between two sandbox systems and verifies both ends."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import dagster as dg
import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from domain.errors import LockstepError
from domain.values import Partition
from orchestration.local import in_process, sandbox_process, verify
from orchestration.local.instance import open_instance
from orchestration.settings import load
from resources.ledger.database import embedded
from resources.ledger.database.migrate import migrate
from resources.ledger.monitoring.activation import resume
from resources.ledger.monitoring.status import rule_counts, stream_totals
from resources.ledger.records.catalog import Catalog
from resources.lockstep import Lockstep
from sandbox.seed import synthetic_seed
from sandbox.seed.load import post, read
from sandbox.seed.seedset import SeedSet

ORDERS, DAYS, SEED, DIRT = 400, 4, 7, 0.06
SPAN = 31
"""Partitions per run; each run ends with a line of progress."""
LISTED_DIFFERENCES = 50
COLUMNS = (
    "stream", "captured", "accepted", "rejected", "skipped", "superseded", "delivered", "unchanged",
)  # fmt: skip


@dataclass(frozen=True)
class Scene:
    """The connection, the sandbox store and the data of a demo."""

    connection: str
    store: str
    seed: SeedSet


@click.command()
@click.option(
    "--orders-from",
    type=click.Path(exists=True, path_type=Path),
    help="Use real orders: a folder with the public Olist tables, or a CSV of invoices (InvoiceNo, "
    "StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country), plain or .gz.",
)
@click.option(
    "--port", default=sandbox_process.PORT, show_default=True, help="Loopback port of the sandbox."
)
def demo(orders_from: Path | None, port: int) -> None:
    """Run everything once between two sandbox systems and verify both ends.

    Starts the embedded PostgreSQL and the sandbox (a BigCommerce store and a Manhattan tenant over
    HTTP), syncs several days of orders by partition, lets the OMS fulfil them, and syncs stock and
    shipments back. Exits with 0 only if both systems agree. Running it again delivers nothing
    twice.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    scene = _scene(orders_from)
    console.print(
        "[bold]Lockstep demo[/]: a simulated BigCommerce store and Manhattan tenant on this machine"
    )
    given = embedded.configured_url()
    database = given or embedded.start()
    migrate(database)
    place = "DATABASE_URL" if given else "embedded PostgreSQL"
    console.print(f"  database  {place}")
    sandbox = sandbox_process.start(port)
    try:
        differences = _run(console, scene, sandbox.url, database)
    except dg.Failure as failure:
        raise LockstepError(f"A run failed: {failure.description}") from None
    finally:
        sandbox.stop()
    if differences:
        sys.exit(1)


def _scene(orders_from: Path | None) -> Scene:
    if orders_from is None:
        start = datetime.now(UTC).date() - timedelta(days=DAYS)
        return Scene("demo", "demo", synthetic_seed.seed_set(ORDERS, SEED, start, DAYS, dirt=DIRT))
    try:
        seed = read(orders_from)
    except ValueError as error:
        raise LockstepError(str(error)) from error
    # One store per data set: the ids of two sets could collide in one.
    mark = hashlib.blake2b(str(orders_from.resolve()).encode(), digest_size=2).hexdigest()
    name = f"{seed.name}_{mark}".lower().replace("-", "_")
    return Scene(name, name, seed)


def _run(console: Console, scene: Scene, url: str, database: str) -> list[str]:
    plan = sandbox_process.STORE if scene.store == "demo" else sandbox_process.LARGE_STORE
    sandbox_process.behave_as_vendors(url, scene.store, plan)
    counts = post(url, scene.store, scene.store, scene.seed)
    console.print(
        f"  sandbox   {url}: {counts['orders']} orders, {counts['products']} products, "
        f"{counts['items']} items at the OMS"
    )
    for refused in scene.seed.unreadable[:20]:
        console.print(
            f"  [yellow]not an order[/] {refused.file}, line {refused.line}: {refused.reason}"
        )
    first, last = scene.seed.first_day, scene.seed.last_day
    os.environ.setdefault(
        "LOCKSTEP_CONNECTIONS",
        str(sandbox_process.configure(scene.connection, scene.store, first, url)),
    )
    lockstep = Lockstep(load(), lambda: database)
    streams = lockstep.installation.connections[scene.connection].streams
    with lockstep.ledger.connect() as db:
        resume(db, scene.connection, streams, "lockstep demo")
    try:
        with open_instance() as instance:
            for span_first, span_last in _spans(first, last):
                span = Partition.of_day(span_first), Partition.of_day(span_last)
                in_process.run_partitions(
                    lockstep, instance, scene.connection, ["orders"], *span, {}
                )
                _progress(console, database, scene.connection, "orders", span_first, span_last)
            today = datetime.now(UTC).date()
            for day in range(2):
                _fulfil(console, url, scene.store, day)
                in_process.run_partitions(
                    lockstep,
                    instance,
                    scene.connection,
                    ["shipments", "inventory"],
                    Partition.of_day(today),
                    Partition.of_day(today),
                    {},
                )
                _progress(console, database, scene.connection, "shipments", today, today)
                _progress(console, database, scene.connection, "inventory", today, today)
    finally:
        lockstep.close()
    _table(console, database, scene.connection)
    return _verify(console, scene, url, database)


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(first + timedelta(days=SPAN - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def _fulfil(console: Console, url: str, tenant: str, day: int) -> None:
    """Simulate a day at the OMS: allocate, release, ship (also split and partly), cancel."""
    answer = httpx.post(
        f"{url}/_sandbox/manhattan/{tenant}/advance",
        json={"to": "day", "seed": SEED + day},
        timeout=300,
    )
    done = ", ".join(
        f"{name} {number}"
        for name, number in answer.raise_for_status().json().items()
        if isinstance(number, int) and number
    )
    console.print(f"  a day at the OMS: {done or 'nothing left to do'}")


def _progress(
    console: Console, database: str, connection: str, stream: str, first: date, last: date
) -> None:
    with psycopg.connect(database) as db:
        totals = stream_totals(db, connection, first, last).get(stream, {})
    span = str(first) if first == last else f"{first} to {last}"
    names = ("captured", "accepted", "rejected", "skipped", "delivered")
    numbers = ", ".join(f"{totals.get(name, 0)} {name}" for name in names)
    console.print(f"  {stream:<9} {span}: {numbers}")


def _table(console: Console, database: str, connection: str) -> None:
    table = Table(title=f"Connection {connection}", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name == "stream" else "right")
    with psycopg.connect(database) as db:
        totals = stream_totals(db, connection)
        reasons = rule_counts(db, connection)
    for stream, numbers in totals.items():
        table.add_row(stream, *(str(number) for number in numbers.values()))
        for of_stream, state, rule, number in reasons:
            if of_stream == stream:
                cells = [""] * len(COLUMNS)
                cells[0] = f"  {state}: {rule}"
                cells[COLUMNS.index(state)] = str(number)
                table.add_row(*cells, style="dim")
    console.print(table)


def _verify(console: Console, scene: Scene, url: str, database: str) -> list[str]:
    systems = verify.Systems(url, f"bigcommerce/{scene.store}", f"manhattan/{scene.store}")
    try:
        with psycopg.connect(database) as db:
            tracked = set(Catalog(db, scene.connection).tracked_skus())
        checks = {
            "orders": verify.order_differences(systems, database, scene.connection),
            "shipments": verify.shipment_differences(systems),
            "stock": verify.stock_differences(systems, tracked, {}),
        }
    finally:
        systems.close()
    for name, differences in checks.items():
        if not differences:
            console.print(f"  [green]verified[/]  {name}: store and OMS agree, record by record")
        for difference in differences[:LISTED_DIFFERENCES]:
            console.print(f"  [red]DIFFERS[/]   {name}: {difference}")
        if (more := len(differences) - LISTED_DIFFERENCES) > 0:
            console.print(f"  [red]DIFFERS[/]   {name}: and {more} more")
    if not any(checks.values()):
        console.print(
            f"  next: lockstep rejections list --connection {scene.connection}; "
            "lockstep trace ORDER; make up"
        )
    return [d for found in checks.values() for d in found]
