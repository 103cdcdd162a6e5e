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
from domain.streams import KINDS
from domain.values import Partition
from orchestration.local import in_process, sandbox_process, verify
from orchestration.local.instance import open_instance
from orchestration.local.simulated import Pair, pair_of, simulated
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
    """The connection, the name of its systems in the sandbox, and the data of a demo."""

    connection: str
    instance: str
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

    Starts the embedded PostgreSQL and the sandbox (a simulated store and OMS over HTTP), syncs
    several days of orders by partition, lets the OMS fulfil them, and syncs stock and shipments
    back. Exits with 0 only if both systems agree. Running it again delivers nothing twice.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    scene = _scene(orders_from)
    console.print("[bold]Lockstep demo[/]: two simulated systems on this machine")
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
    start = scene.seed.first_day
    file = sandbox_process.configure(scene.connection, scene.instance, start, url)
    os.environ.setdefault("LOCKSTEP_CONNECTIONS", str(file))
    installation = load()
    pair = pair_of(installation.connections[scene.connection])
    paths = pair.paths(scene.instance)
    console.print(f"  systems   {' and '.join(simulated(kind).title for kind in pair)}")
    sandbox_process.behave_as_vendors(url, pair, scene.instance, large=scene.instance != "demo")
    _fill(console, scene, url, paths)
    lockstep = Lockstep(installation, lambda: database)
    try:
        _sync(console, scene, lockstep, f"{url}/_sandbox/{paths.oms}", database)
    finally:
        lockstep.close()
    _table(console, database, scene.connection)
    return _verify(console, scene, verify.Systems(url, *paths), database)


def _fill(console: Console, scene: Scene, url: str, paths: Pair) -> None:
    counts = post(url, *paths, scene.seed)
    console.print(
        f"  sandbox   {url}: {counts['orders']} orders, {counts['products']} products, "
        f"{counts['items']} items at the OMS"
    )
    for refused in scene.seed.unreadable[:20]:
        console.print(
            f"  [yellow]not an order[/] {refused.file}, line {refused.line}: {refused.reason}"
        )


def _sync(console: Console, scene: Scene, lockstep: Lockstep, control: str, database: str) -> None:
    """Sync what the store has, partition by partition, and then what two days at the OMS change."""
    name, seed = scene.connection, scene.seed
    streams = lockstep.installation.connections[name].streams
    with lockstep.ledger.connect() as db:
        resume(db, name, streams, "lockstep demo")
    with open_instance() as instance:

        def run(chosen: list[str], first: date, last: date) -> None:
            span = Partition.of_day(first), Partition.of_day(last)
            in_process.run_partitions(lockstep, instance, name, chosen, *span, {})
            for stream in chosen:
                _progress(console, database, name, stream, first, last)

        for first, last in _spans(seed.first_day, seed.last_day):
            run([stream for stream in streams if KINDS[stream].to_oms], first, last)
        today = datetime.now(UTC).date()
        for day in range(2):
            _fulfil(console, control, day)
            run([stream for stream in streams if not KINDS[stream].to_oms], today, today)


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(first + timedelta(days=SPAN - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def _fulfil(console: Console, control: str, day: int) -> None:
    """Simulate a day at the OMS: allocate, release, ship (also split and partly), cancel."""
    answer = httpx.post(f"{control}/advance", json={"to": "day", "seed": SEED + day}, timeout=300)
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


def _verify(console: Console, scene: Scene, systems: verify.Systems, database: str) -> list[str]:
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
