"""``lockstep demo``: runs everything once between two sandbox systems and verifies both ends."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import dagster as dg
import httpx
from rich.console import Console

from domain.connections import ACTIONS, CATALOG, CUSTOMERS, LISTINGS, PRICES, RETURNS
from domain.errors import LockstepError
from domain.streams import KINDS
from domain.values import Partition
from orchestration.cli.machine.demo_output import print_progress, print_totals
from orchestration.local import asked, in_process, sandbox_process
from orchestration.local.agreement import Agreement, print_pairs, verified
from orchestration.local.instance import open_instance
from orchestration.local.simulated import PAIR, Pair, pair_named, pair_of, simulated
from orchestration.local.simulated import pairs as all_pairs
from orchestration.local.truth import Systems
from orchestration.settings import load
from resources.http.urls import tls_context
from resources.ledger.database import embedded
from resources.ledger.database.migrate import migrate
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from resources.systems import streams_carried
from sandbox.seed import registered, synthetic_seed
from sandbox.seed.load import post, read
from sandbox.seed.seedset import SeedSet

COUNT, DAYS, SEED, DIRT, REGISTERED = 400, 4, 7, 0.06, 20
PIPE_WIDTH = 160
"""Columns if there is no terminal: the table of pairs has one for each stream."""
SPAN = 31
"""Partitions per run; each run ends with a line of progress."""


@dataclass(frozen=True)
class Scene:
    """The pair of a demo, the connection, the name of its systems, its data and its streams."""

    pair: Pair
    connection: str
    seed: SeedSet
    streams: list[str]


@click.command()
@click.option(
    "--orders-from",
    type=click.Path(exists=True, path_type=Path),
    help="Use real orders: a folder with the public Olist tables, or a CSV of invoices (InvoiceNo, "
    "StockCode, Description, Quantity, InvoiceDate, UnitPrice, CustomerID, Country), plain or .gz.",
)
@click.option(
    "--pairs",
    metavar="PLATFORM/OMS",
    help=f"The systems: 'all', or pairs separated by commas, of "
    f"{', '.join('/'.join(pair) for pair in all_pairs())}. Pairs run one after the other, each "
    f"with all streams that it carries. By default {'/'.join(PAIR)} with the streams that every "
    "store needs.",
)
@click.option(
    "--count",
    type=click.IntRange(20),
    default=COUNT,
    show_default=True,
    help="How many orders to place in each store, without --orders-from.",
)
@click.option(
    "--port", default=sandbox_process.PORT, show_default=True, help="Loopback port of the sandbox."
)
def demo(orders_from: Path | None, pairs: str | None, count: int, port: int) -> None:
    """Run everything once between two sandbox systems and verify both ends.

    Starts the embedded PostgreSQL and the sandbox (a simulated store and OMS over HTTP), syncs
    several days of orders by partition, lets the OMS fulfil them and take a unit back, and syncs
    stock, shipments and the refund back. Exits with 0 only if both systems agree. Running it again,
    with the same number of orders, delivers nothing twice.
    """
    console = Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)
    named = "/".join(PAIR) if pairs is None else pairs
    chosen = all_pairs() if named == "all" else list(map(pair_named, named.split(",")))
    scenes = [_scene(orders_from, pair, count, every=pairs is not None) for pair in chosen]
    if orders_from is None:
        sandbox_process.keep_count([scene.connection for scene in scenes], count)
    console.print("[bold]Lockstep demo[/]: simulated systems on this machine")
    given = embedded.configured_url()
    database = given or embedded.start()
    migrate(database)
    console.print(f"  database  {'DATABASE_URL' if given else 'embedded PostgreSQL'}")
    sandbox = sandbox_process.start(port)
    results: dict[Pair, Agreement] = {}
    try:
        for scene in scenes:
            results[scene.pair] = _run(console, scene, sandbox.url, database)
    except dg.Failure as failure:
        raise LockstepError(f"A run failed: {failure.description}") from None
    finally:
        sandbox.stop()
    if len(results) > 1:
        print_pairs(console, results)
    if any(found for checks in results.values() for found in checks.values()):
        sys.exit(1)


def _scene(orders_from: Path | None, pair: Pair, count: int, *, every: bool) -> Scene:
    """Return what is run; ``every``: not the default streams, but all that the pair carries."""
    left_out = set() if every else {CATALOG, LISTINGS, PRICES, ACTIONS}
    if orders_from is not None:
        left_out |= {CATALOG, LISTINGS, PRICES, ACTIONS}  # for large data sets
    if not every and pair == PAIR:
        left_out.add(CUSTOMERS)
    if orders_from is not None:
        left_out.add(RETURNS)  # how such orders were paid, and could be paid back, is not known
    streams = [stream for stream in streams_carried(*pair) if stream not in left_out]
    if orders_from is None:
        start = datetime.now(UTC).date() - timedelta(days=DAYS)
        seed = synthetic_seed.seed_set(count, SEED, start, DAYS, dirt=DIRT)
        if CUSTOMERS in streams:
            seed.customers = registered.customers(REGISTERED, SEED)
        return Scene(pair, pair.connection, seed, streams)
    try:
        seed = read(orders_from)
    except ValueError as error:
        raise LockstepError(str(error)) from error
    # One store per data set: the ids of two sets could collide in one.
    mark = hashlib.blake2b(str(orders_from.resolve()).encode(), digest_size=2).hexdigest()
    parts = [seed.name, mark, *([] if pair == PAIR else pair)]
    return Scene(pair, "_".join(parts).lower().replace("-", "_"), seed, streams)


def _run(console: Console, scene: Scene, url: str, database: str) -> Agreement:
    start, name = scene.seed.first_day, scene.connection
    file = sandbox_process.configure(name, name, start, url, pair=scene.pair, streams=scene.streams)
    os.environ.setdefault("LOCKSTEP_CONNECTIONS", str(file))
    installation = load()
    paths = (pair := pair_of(installation.connections[name])).paths(name)
    console.print(f"  systems   {' and '.join(simulated(kind).title for kind in pair)}")
    sandbox_process.behave_as_vendors(url, pair, name, large=name != pair.connection)
    _fill(console, scene, url, paths)
    lockstep = Lockstep(installation, lambda: database)
    try:
        systems = Systems(url, *paths, ships_only=simulated(pair.oms).ships_only)
        _sync(console, scene, lockstep, f"{url}/_sandbox/{paths.oms}", database, systems)
    finally:
        lockstep.close()
    print_totals(console, database, name)
    return verified(console, systems, database, name, lockstep.installation.connections[name])


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


def _sync(
    console: Console,
    scene: Scene,
    lockstep: Lockstep,
    control: str,
    database: str,
    systems: Systems,
) -> None:
    """Sync what the store has, partition by partition, and then what two days at the OMS change."""
    name, seed = scene.connection, scene.seed
    streams = lockstep.installation.connections[name].streams
    with lockstep.ledger.connect() as db:
        resume(db, name, streams, "lockstep demo")
    with open_instance() as instance:

        def run(chosen: Sequence[str], first: date, last: date) -> None:
            span = Partition.of_day(first), Partition.of_day(last)
            in_process.run_partitions(lockstep, instance, name, chosen, *span, {})
            for stream in chosen:
                print_progress(console, database, name, stream, first, last)

        at_once = {CUSTOMERS, CATALOG, ACTIONS}
        past = [s for s in streams if KINDS[s].to_oms and s not in at_once]
        for first, last in _spans(seed.first_day, seed.last_day):
            run(past, first, last)
        today = datetime.now(UTC).date()
        for stream in (CUSTOMERS, CATALOG):  # customers were registered just now
            if stream in streams:
                run([stream], today, today)
        for stream, at, ids in asked.requests(lockstep.sync(name, "demo"), systems):
            in_process.run_partitions(lockstep, instance, name, [stream], at, at, {}, records=ids)
            print_progress(console, database, name, stream, at.day, at.day)
        if PRICES in streams:
            console.print(f"  prices at the OMS: {asked.set_prices(control, systems)}")
        back = [s for s in streams if not KINDS[s].to_oms and s != LISTINGS]
        for day in range(2):
            _fulfil(console, control, day)
            if day and RETURNS in streams:
                _return_a_unit(console, control)
            run(back, today, today)


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    while first <= last:
        end = min(first + timedelta(days=SPAN - 1), last)
        yield first, end
        first = end + timedelta(days=1)


def _fulfil(console: Console, control: str, day: int) -> None:
    """Simulate a day at the OMS: allocate, release, ship (also split and partly), cancel."""
    answer = httpx.post(
        f"{control}/advance",
        json={"to": "day", "seed": SEED + day},
        timeout=300,
        verify=tls_context(),
    )
    done = ", ".join(
        f"{name} {number}"
        for name, number in answer.raise_for_status().json().items()
        if isinstance(number, int) and number
    )
    console.print(f"  a day at the OMS: {done or 'nothing left to do'}")


def _return_a_unit(console: Console, control: str) -> None:
    """Let one shopper send a unit of several back, which the OMS takes; once for all demos."""
    truth = (
        httpx.get(f"{control}/truth", timeout=120, verify=tls_context()).raise_for_status().json()
    )
    if truth["returns"]:
        return
    order, line = next(
        (order["id"], line["line"])
        for order in sorted(truth["orders"], key=lambda order: str(order["id"]))
        for parcel in order["parcels"]
        for line in parcel["lines"]
        if int(line["quantity"]) > 1
    )
    body = {"lines": [{"line": line, "quantity": 1}]}
    made = httpx.post(
        f"{control}/orders/{order}/returns", json=body, timeout=30, verify=tls_context()
    )
    returned = made.raise_for_status().json()["return"]
    httpx.post(
        f"{control}/orders/{returned}/verify", json={}, timeout=30, verify=tls_context()
    ).raise_for_status()
    console.print(f"  a return at the OMS: 1 unit of line {line} of order {order}, taken back")
