"""``python -m benchmarks.catalog``: a large catalog is read, kept and aligned, without Dagster.

The store sells products of five variants, and the OMS has all of their SKUs but every hundredth.
The first run reads everything and aligns it, the second one finds that nothing has changed. The
peak is that of this process, beyond what it has with a small catalog.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import yaml

from assets.chain.stream import Stream
from assets.delivery.partition import deliver_partition
from assets.delivery.request import DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from assets.streams.catalog.alignment import compare
from assets.streams.registry import STREAMS
from benchmarks.rig import NAME, STORE, Rig, rig
from domain.connections import CATALOG
from domain.values import Partition, Window
from orchestration import settings
from resources.lockstep import Lockstep

VARIANTS = 5
MISSING = 100
"""The OMS lacks one SKU of so many."""
FEW = 500
LONGEST_SECONDS, MOST_MEGABYTES = 120.0, 150.0
Row = tuple[str, int, float, float]


def products(first: int, count: int) -> list[dict[str, Any]]:
    """Return products with their variants."""
    return [
        {
            "id": number,
            "sku": f"P-{number}",
            "name": f"Product {number}",
            "description": f"<p>What product {number} is made of.</p>" * 10,
            "price": 10,
            "date_modified": "2026-01-02T00:00:00Z",
            "variants": [
                {"id": number * 10 + one, "sku": f"P-{number}-{one}", "price": 10 + one}
                for one in range(VARIANTS)
            ],
        }
        for number in range(first, first + count)
    ]


def fill(on: Rig, first: int, count: int) -> None:
    """Give the store products, and the OMS the items of nearly all of them."""
    for start in range(first, first + count, 1_000):
        some = products(start, min(1_000, first + count - start))
        on.control(f"bigcommerce/{STORE}/catalog", some)
        skus = [variant["sku"] for product in some for variant in product["variants"]]
        items = [{"ItemId": sku, "UOM": "EACH"} for sku in skus if hash_of(sku) % MISSING]
        on.control(f"manhattan/{STORE}/items", items)


def hash_of(sku: str) -> int:
    """Return a number that is the same in each process."""
    _, number, one = sku.split("-")
    return int(number) * VARIANTS + int(one)


class Bench:
    """The steps of the stream, one after the other."""

    def __init__(self, lockstep: Lockstep) -> None:
        self._lockstep = lockstep
        self._stream: Stream[Any] = STREAMS[CATALOG]

    def run(self, label: str) -> list[Row]:
        """Run the steps and return what each took: name, variants, seconds, peak megabytes."""
        until = datetime.now(UTC)
        partition = Partition.of_day(until.date())
        sync = self._lockstep.sync(NAME, label, "manual")
        window = Window(until - timedelta(hours=1), until)
        window = Window(max(window.since, partition.start), until)
        only_new = DeliveryRequest(partition, again=False, force=False)

        def align() -> None:
            with sync.ledger.session(NAME, CATALOG, sync.run_id) as session:
                compare(sync, session)

        steps: list[tuple[str, Callable[[], object]]] = [
            ("captured", lambda: capture(sync, self._stream, partition, window, is_live=True)),
            ("validated", lambda: validate(sync, self._stream, partition, everything=False)),
            (
                "delivered, with an alignment",
                lambda: deliver_partition(sync, self._stream, only_new),
            ),
            ("alignment alone", align),
        ]
        return [self._timed(f"{label}: {name}", step) for name, step in steps]

    def _timed(self, name: str, step: Callable[[], object]) -> Row:
        started = time.perf_counter()
        step()
        return name, self.variants(), time.perf_counter() - started, peak()

    def variants(self) -> int:
        """Return how many variants the ledger knows."""
        with self._lockstep.ledger.connect() as db:
            [count] = db.execute("SELECT count(*) FROM sync.product_variant").fetchone() or (0,)
        return int(count)

    def counts(self) -> dict[str, int]:
        """Return the counts of the last alignment."""
        with self._lockstep.ledger.connect() as db:
            [found] = db.execute("SELECT counts FROM sync.alignment").fetchone() or ({},)
        return {kind: number for kind, number in found.items() if number}


def peak() -> float:
    """Return this process's peak resident size in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def open_lockstep(on: Rig) -> Lockstep:
    """Return the installation with the stream."""
    file = on.write_installation({"item_page_size": 500})
    content = yaml.safe_load(file.read_text("utf-8"))
    section = content["connections"][NAME]
    section["streams"] = ["orders", "shipments", CATALOG]
    section["platform"] |= {"quota": 1_000_000}
    section["orders"] |= {"uom": "EACH"}
    file.write_text(yaml.safe_dump(content), "utf-8")
    return Lockstep(settings.load(file), lambda: on.database)


def main() -> int:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", type=int, default=100_000)
    count = parser.parse_args().variants // VARIANTS
    with rig() as on:
        lockstep = open_lockstep(on)
        bench = Bench(lockstep)
        fill(on, 1_000, FEW // VARIANTS)
        rows = bench.run("few")
        small = peak()
        fill(on, 100_000, count)
        with psycopg.connect(on.database, autocommit=True) as db:
            db.execute("UPDATE sync.alignment SET read_at = read_at - interval '2 days'")
        rows += bench.run("first run")
        with psycopg.connect(on.database, autocommit=True) as db:
            db.execute("UPDATE sync.alignment SET read_at = read_at - interval '2 days'")
        rows += bench.run("unchanged")
        counts = bench.counts()
        lockstep.close()
    print(f"{'step':44}{'variants':>10}{'wall s':>9}{'peak MB':>9}")
    for name, variants, seconds, megabytes in rows:
        print(f"{name:44}{variants:>10,}{seconds:>9.1f}{megabytes:>9.0f}")
    print(f"found: {counts}; the peak rose by {peak() - small:.0f} MB")
    slowest = max(seconds for name, _, seconds, _ in rows if "alignment" in name)
    is_good = slowest <= LONGEST_SECONDS and peak() - small <= MOST_MEGABYTES
    return 0 if is_good and counts["missing_in_oms"] > count * VARIANTS // MISSING // 2 else 1


if __name__ == "__main__":
    sys.exit(main())
