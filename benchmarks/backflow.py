"""``python -m benchmarks.backflow``: speed and CPU of what flows back, without Dagster.

Shipments: each order ships in one parcel with a tracking number, and the store gets a shipment and
its status. Stock: every item's quantity moves at one place, and the store gets the new levels.
The first round warms up; of the others the one with the least client CPU counts.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson

from assets.chain.stream import Stream
from assets.delivery.partition import deliver_partition
from assets.delivery.request import DeliveryCounts, DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from assets.streams.registry import STREAMS
from benchmarks.pipeline import Series
from benchmarks.rig import NAME, STORE, TENTH, Result, Rig, best, heads, rig
from domain.values import Partition, Window
from resources.lockstep import Lockstep
from sandbox.seed import load
from sandbox.seed.catalogue import Catalogue

PRODUCTS = 2_000
FIRST = 1001
OMS = f"manhattan/{STORE}"


class Backflow:
    """Rounds of shipments and of stock on one installation."""

    def __init__(self, on: Rig, lockstep: Lockstep, articles: Catalogue) -> None:
        self._rig, self._lockstep, self._articles = on, lockstep, articles
        self._series = Series(on, articles)
        self._next, self._rounds = FIRST, 0

    def round(self, count: int) -> list[Result]:
        """Place and ship ``count`` orders, move the stock, and bring both to the store."""
        self._rounds += 1
        self._series.round(self._lockstep, count, "never", None)
        since = datetime.now(UTC) - timedelta(seconds=1)
        with httpx.Client(base_url=f"{self._rig.url}/_sandbox/{OMS}", timeout=120) as oms:
            for number in range(self._next, self._next + count):
                body = orjson.dumps({"tracking": f"1Z{number:016d}", "carrier": "UPS"})
                oms.post(f"/orders/{number}/ship", content=body).raise_for_status()
        self._next += count
        time.sleep(1.1)  # the source's window ends at a whole second
        return self._chain("shipments", since) + self._stock()

    def _stock(self) -> list[Result]:
        moved = [
            row | {"quantity": 1_000_000 + self._rounds}
            for row in self._articles.supply
            if row["location"] == "DC-EAST"
        ]
        for batch in load.batches(moved, 500):
            self._rig.control(f"{OMS}/supply", batch)
        return self._chain("inventory", datetime.now(UTC) - timedelta(seconds=1))

    def _chain(self, name: str, since: datetime) -> list[Result]:
        """Run the three steps for what has changed since a moment."""
        stream: Stream[Any] = STREAMS[name]
        until = datetime.now(UTC).replace(microsecond=0)
        partition = Partition.of_day(until.date())
        sync = self._lockstep.sync(NAME, f"{name}-{self._rounds}")
        sent = DeliveryCounts()

        def read() -> int:
            found = capture(sync, stream, partition, Window(since, until), is_live=True)
            validate(sync, stream, partition, everything=False)
            return found.captured

        def send() -> int:
            nonlocal sent
            request = DeliveryRequest(partition, again=False, force=False)
            sent = deliver_partition(sync, stream, request)
            return sent.delivered

        results = [self._measured(f"{name}: capture + validation", read)]
        results.append(self._measured(f"{name}: delivery", send))
        if sent.failed or sent.rejected:
            raise SystemExit(f"{name}: {sent.failed} failed, {sent.rejected} rejected: no figures")
        return results

    def _measured(self, stage: str, work: Callable[[], int]) -> Result:
        before, started = self._rig.cpu(), time.perf_counter()
        count = work()
        if not count:
            raise SystemExit(f"{stage}: no record came through: no figures")
        wall = time.perf_counter() - started
        return Result(stage, count, wall, self._rig.cpu().since(before))


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.backflow", description="Speed and CPU of shipments and stock."
    )
    parser.add_argument("--orders", type=int, default=3_000, help="shipments a round")
    parser.add_argument("--rounds", type=int, default=2, help="measured rounds; the best counts")
    arguments = parser.parse_args()
    with rig() as on:
        on.control(f"bigcommerce/{STORE}/settings", {"quota": 1_000_000})
        lockstep = on.lockstep(quota=1_000_000)
        flow = Backflow(on, lockstep, on.seed_catalogue(PRODUCTS))
        rounds = [flow.round(arguments.orders) for _ in range(arguments.rounds + 1)][1:]
        lockstep.close()
    print(f"CPU seconds per {TENTH:,} records\n{heads('records')}")
    for result in best(rounds):
        print(result.line())


if __name__ == "__main__":
    main()
