"""``python -m benchmarks.pipeline``: speed and CPU of the steps for orders, without Dagster.

Orders of about 3 kB with one or two lines, one partition day per round. The first round warms up
and is not counted; of the others the one with the least client CPU counts, since other work on the
machine only adds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

from assets.delivery.partition import deliver_partition
from assets.delivery.request import DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from assets.streams.registry import STREAMS
from benchmarks.rig import NAME, START, STORE, TENTH, Result, Rig, best, heads, rig
from domain.values import Partition
from resources.lockstep import Lockstep
from sandbox.seed.catalogue import Catalogue

ORDERS = STREAMS["orders"]
WARM_UP = 2_000
IN_BULK = 50
"""New orders a call in the rounds that create them so; otherwise each is saved by itself."""
VARIANTS = {
    "never": "capture + validation",
    "authorized": "the same, fetch_transactions: authorized",
}
TARGETS = {"capture + validation": (3_500, 2.2), "delivery": (1_500, 6.0)}
"""Targets of each stage: orders/s, and client CPU seconds per 10,000 orders."""


class Series:
    """A series of rounds: each round places its own orders on its own day."""

    def __init__(self, on: Rig, articles: Catalogue) -> None:
        self._rig, self._articles = on, articles
        self._day, self._next = START, 1001

    def round(
        self, lockstep: Lockstep, count: int, variant: str, profile: cProfile.Profile | None
    ) -> tuple[list[Result], float]:
        """Run a day's orders through the three steps; return both stages and the orders' size."""
        self._day += timedelta(days=1)
        size = self._rig.seed_orders(self._articles, count, self._day, self._next)
        self._next += count
        sync = lockstep.sync(NAME, f"{variant}-{self._day}")
        batch = sync.oms.targets["orders"].operations["create"].batch
        partition = Partition.of_day(self._day)

        def read() -> None:
            captured = capture(sync, ORDERS, partition, partition.window, is_live=False)
            validated = validate(sync, ORDERS, partition, everything=True)
            _expect(count, captured.captured, validated.accepted)

        def send() -> None:
            _expect(
                count,
                deliver_partition(
                    sync, ORDERS, DeliveryRequest(partition, again=True, force=False)
                ).delivered,
            )

        sends = f"delivery, {batch} orders a call" if batch > 1 else "delivery"
        with profile or _nothing():
            return [
                self._measured(VARIANTS[variant], count, read),
                self._measured(sends, count, send),
            ], size

    def _measured(self, stage: str, count: int, work: Callable[[], None]) -> Result:
        before, started = self._rig.cpu(), time.perf_counter()
        work()
        wall = time.perf_counter() - started
        return Result(stage, count, wall, self._rig.cpu().since(before), TARGETS.get(stage))


def _nothing() -> AbstractContextManager[Any]:
    return nullcontext()


def _expect(count: int, *reported: int) -> None:
    if any(number != count for number in reported):
        raise SystemExit(
            f"{count} orders were placed, but the steps report {', '.join(map(str, reported))}: "
            "the figures would be meaningless"
        )


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.pipeline", description="Speed and CPU of the orders chain."
    )
    parser.add_argument(
        "--orders", type=int, default=20_000, help="orders a round (default 20,000)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="measured rounds; the best counts (default 3)"
    )
    parser.add_argument(
        "--authorized",
        action="store_true",
        help="also measure with the transactions of authorized orders fetched",
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help="one round under cProfile, which makes it slower; prints the top 45",
    )
    arguments = parser.parse_args()
    with rig() as on:
        on.control(f"bigcommerce/{STORE}/settings", {"quota": 1_000_000})
        series = Series(on, on.seed_catalogue())
        series_of = [("never", 1), ("never", IN_BULK)]
        series_of += [("authorized", 1)] if arguments.authorized else []
        for number, (variant, batch) in enumerate(series_of):
            lockstep = on.lockstep({"orders_per_call": batch}, fetch_transactions=variant)
            series.round(lockstep, WARM_UP, variant, None)
            profile = cProfile.Profile() if arguments.profile else None
            rounds = [
                series.round(lockstep, arguments.orders, variant, profile)
                for _ in range(1 if profile else arguments.rounds)
            ]
            lockstep.close()
            if number == 0:
                print(
                    f"orders of {rounds[0][1]:,.0f} bytes as placed; "
                    f"CPU seconds per {TENTH:,} orders\n{heads('orders')}"
                )
            for result in best([results for results, _ in rounds]):
                print(result.line())
            if profile:
                pstats.Stats(profile).sort_stats("tottime").print_stats(45)


if __name__ == "__main__":
    main()
