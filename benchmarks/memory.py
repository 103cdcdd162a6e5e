"""``python -m benchmarks.memory``: how much more memory a large partition takes than a small one.

Each partition is captured, validated and delivered in a separate process, which reports its peak
resident size.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
from datetime import date, timedelta

from assets.delivery.partition import deliver_partition
from assets.delivery.request import DeliveryRequest
from assets.pipeline.capture import capture
from assets.pipeline.validate import validate
from assets.streams.registry import STREAMS
from benchmarks.rig import NAME, START, STORE, Rig, rig
from domain.values import Partition
from orchestration import settings
from resources.lockstep import Lockstep

MOST = 150
"""Megabytes that the large partition may take beyond the small one."""
SMALL, LARGE = START + timedelta(days=1), START + timedelta(days=2)


def work(day: date, count: int) -> None:
    """Bring one partition through the three steps, and print this process's peak in kB."""
    lockstep = Lockstep(settings.load())
    partition = Partition.of_day(day)
    sync, stream = lockstep.sync(NAME, f"memory-{day}"), STREAMS["orders"]
    captured = capture(sync, stream, partition, partition.window, is_live=False).captured
    accepted = validate(sync, stream, partition, everything=True).accepted
    delivered = deliver_partition(
        sync, stream, DeliveryRequest(partition, again=True, force=False)
    ).delivered
    lockstep.close()
    if not captured == accepted == delivered == count:
        raise SystemExit(
            f"{count} orders were placed, {captured} captured, "
            f"{accepted} accepted and {delivered} delivered"
        )
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def peak(on: Rig, day: date, count: int) -> float:
    """Return the peak of a process that works on one partition, in megabytes."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.memory",
        "--day",
        day.isoformat(),
        "--count",
        str(count),
    ]
    environment = os.environ | {
        "DATABASE_URL": on.database,
        settings.VARIABLE: str(on.folder / settings.FILE_NAME),
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return int(done.stdout.split()[-1]) / 1024


def main() -> None:
    """Run both partitions and print their peaks."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory",
        description="Peak memory of a small and a large partition.",
    )
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=50_000)
    parser.add_argument("--day", type=date.fromisoformat, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.day:
        work(arguments.day, arguments.count)
        return
    with rig() as on:
        on.control(f"bigcommerce/{STORE}/settings", {"quota": 1_000_000})
        on.write_installation(fetch_transactions="never")
        articles = on.seed_catalogue()
        on.seed_orders(articles, arguments.small, SMALL, 1001)
        on.seed_orders(articles, arguments.large, LARGE, 1001 + arguments.small)
        small, large = peak(on, SMALL, arguments.small), peak(on, LARGE, arguments.large)
    print(
        f"{arguments.small:,} orders: {small:.0f} MB at the peak; "
        f"{arguments.large:,} orders: {large:.0f} MB; ",
        end="",
    )
    print(f"{large - small:.0f} MB more (at most {MOST})")
    sys.exit(large - small > MOST)


if __name__ == "__main__":
    main()
