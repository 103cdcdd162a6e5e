"""``python -m benchmarks.pairs``: speed, CPU and calls of the orders chain for every pair.

The same small orders, shipped to one address, through each platform and OMS. The pure mapping of
each is timed alone as well, in turns, so that other work on the machine takes its time of all of
them alike: a connector's may cost at most ``MOST`` times as much as that of the first of its side.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import httpx
import psycopg

from assets.delivery.partition import deliver_partition
from assets.delivery.request import DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.prefetch import gc_paused
from assets.pipeline.validate import validate
from assets.streams.registry import STREAMS
from benchmarks.rig import START, TENTH, Rig, rig
from domain.exchange import Mapped
from domain.values import Partition
from orchestration import settings
from orchestration.local import sandbox_process
from orchestration.local.simulated import PAIR, Pair, pairs
from resources.ledger.monitoring.activation import resume
from resources.lockstep import Lockstep
from sandbox.seed import bulk, load, synthetic_seed
from sandbox.seed.seedset import Document

ORDERS = STREAMS["orders"]
MOST = 1.3
SAMPLE, REPEATS = 500, 30
Mapping = tuple[Callable[[Any], object], list[Any]]
"""A pure mapping, and orders that it maps."""
DAY = START + timedelta(days=1)
PARTITION = Partition.of_day(DAY)
HEAD = (
    f"{'pair':28}{'orders':>7}  {'read/s':>7}{'CPU s':>7}{'calls':>7}  {'sent/s':>7}{'CPU s':>7}"
    f"{'calls':>7}"
)


def orders(count: int) -> list[Document]:
    """Return orders that every OMS has a place for."""
    made = bulk.orders(4 * count, 3, DAY, 1, synthetic_seed.standard_catalogue())
    return list(islice(_plain(made), count))


def _plain(made: Iterator[Document]) -> Iterator[Document]:
    for order in made:
        kinds = {line["type"] for line in order["products"]}
        if len(order["shipping_addresses"]) == 1 and kinds == {"physical"}:
            yield order


class Run:
    """One pair's connection, with its orders placed."""

    def __init__(self, on: Rig, pair: Pair, placed: list[Document]) -> None:
        self._on, self._pair = on, pair
        self.name = pair.connection
        file = sandbox_process.configure(self.name, self.name, START, on.url, pair=pair)
        sandbox_process.behave_as_vendors(on.url, pair, self.name, large=True)
        seed = synthetic_seed.seed_set(0, 1, DAY, 1)
        seed.documents = lambda: iter(placed)
        load.post(on.url, *pair.paths(self.name), seed, timeout=300)
        installation = settings.load(file)
        with psycopg.connect(on.database, autocommit=True) as db:
            resume(db, self.name, installation.connections[self.name].streams, "benchmark")
            # A connection that runs already: a new one would look for what it replaces first.
            db.execute("UPDATE sync.activation SET started_at = NULL")
        self.lockstep = Lockstep(installation, lambda: on.database)
        self.sync = self.lockstep.sync(self.name, f"benchmark-{self.name}")

    def measured(self, count: int) -> str:
        """Run the chain, and return the row of the table."""
        calls, cpu, started = self._calls(self._pair.store), self._cpu(), time.perf_counter()
        capture(self.sync, ORDERS, PARTITION, PARTITION.window, is_live=False)
        accepted = validate(self.sync, ORDERS, PARTITION, everything=True).accepted
        read = time.perf_counter() - started, self._cpu() - cpu
        read_calls = self._calls(self._pair.store) - calls
        calls, cpu, started = self._calls(self._pair.oms), self._cpu(), time.perf_counter()
        request = DeliveryRequest(PARTITION, again=True, force=False)
        sent = deliver_partition(self.sync, ORDERS, request).delivered
        write = time.perf_counter() - started, self._cpu() - cpu
        write_calls = self._calls(self._pair.oms) - calls
        if (accepted, sent) != (count, count):
            raise SystemExit(
                f"{self.name}: of {count} orders {accepted} accepted, {sent} delivered"
            )
        per = TENTH / count
        return (
            f"{'/'.join(self._pair):28}{count:>7,}  {count / read[0]:>7,.0f}{read[1] * per:>7.2f}"
            f"{read_calls:>7,}  {count / write[0]:>7,.0f}{write[1] * per:>7.2f}{write_calls:>7,}"
        )

    def _cpu(self) -> float:
        return self._on.cpu().client

    def _calls(self, kind: str) -> int:
        """Return how many calls of its API a system has answered."""
        url = f"{self._on.url}/_sandbox/{kind}/{self.name}/counts"
        counts: dict[str, Any] = httpx.get(url, timeout=60).raise_for_status().json()
        found = counts.get("requests", 0)
        return sum(found.values()) if isinstance(found, dict) else int(found)

    def mappings(self) -> tuple[Mapping, Mapping]:
        """Return the mapping of orders from the store, and of the same orders to the OMS."""
        pages = self.sync.platform.sources["orders"].fetch(PARTITION.window)
        payloads = [record.payload for page in pages for record in page.records][:SAMPLE]
        to_canonical = self.sync.platform.sources["orders"].to_canonical
        mapped = [to_canonical(payload) for payload in payloads]
        records = [one.record for one in mapped if isinstance(one, Mapped)]
        to_body = self.sync.oms.targets["orders"].payload
        return (to_canonical, payloads), (to_body, records)


def least_costs(mappings: dict[str, Mapping]) -> dict[str, float]:
    """Return the least microseconds of mapping an order, of each kind of system."""
    costs = dict.fromkeys(mappings, float("inf"))
    for _ in range(REPEATS):
        for kind, (work, orders_) in mappings.items():
            with gc_paused():  # as in a step
                started = time.process_time()
                for order in orders_:
                    work(order)
                spent = time.process_time() - started
            costs[kind] = min(costs[kind], spent / len(orders_) * 1e6)
    return costs


def main() -> None:
    """Run and print the table; exit with 1 where a mapping costs too much."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pairs", description="The orders chain of every pair."
    )
    parser.add_argument("--orders", type=int, default=5_000, help="orders a pair (default 5,000)")
    count = parser.parse_args().orders
    mappings: dict[str, Mapping] = {}
    with rig() as on:
        placed = orders(count)
        print(f"CPU seconds of the client per {TENTH:,} orders; calls of each system\n{HEAD}")
        for pair in pairs():
            run = Run(on, pair, placed)
            print(run.measured(count), flush=True)
            mappings |= zip(pair, run.mappings(), strict=True)
            run.lockstep.close()
    costs = least_costs(mappings)
    firsts = {kind: first for pair in pairs() for kind, first in zip(pair, PAIR, strict=True)}
    worst = []
    for kind, first in firsts.items():
        times = costs[kind] / costs[first]
        print(f"{kind:14} {costs[kind]:5.0f} us an order, {times:.2f} times {first}")
        if times > MOST:
            worst.append(f"{kind}: mapping an order costs {times:.2f} times as much as {first}'s")
    if worst:
        raise SystemExit("\n".join(worst))


if __name__ == "__main__":
    main()
