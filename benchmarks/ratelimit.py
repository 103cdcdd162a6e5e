"""``python -m benchmarks.ratelimit``: how well concurrent processes use a store's quota.

Processes read and write as fast as they can against a store with BigCommerce's quota of 150 calls,
in windows of 3 s instead of 30. They know of each other only through the ledger, and of the store's
windows only through its headers.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from uuid import uuid4

import httpx

from benchmarks.rig import NAME, START, STORE, Rig, rig
from domain.delivery import Claimed, Intent, StatusChange
from domain.ports import CommercePlatform
from domain.targets import Writer
from orchestration import settings
from resources.lockstep import Lockstep

QUOTA, WINDOW = 150, 3.0
PROCESSES, TASKS = 3, 4
WINDOWS = 10
LEAST = 0.95
FIRST_ORDER, ORDERS, AWAITING_FULFILMENT = 1001, 50, "11"
START_UP = 6.0
"""Seconds that the processes have for their imports, so that all start at once."""


def work(begin: float, end: float) -> None:
    """Call the store from ``begin`` to ``end`` (monotonic clock); print when each call returned."""
    lockstep = Lockstep(settings.load())
    platform = lockstep.sync(NAME, "ratelimit").platform
    moments: list[float] = []
    time.sleep(max(0.0, begin - time.monotonic()))
    reading = threading.Thread(target=_read, args=(platform, moments, end))
    reading.start()
    asyncio.run(_write_all(platform, moments, end))
    reading.join()
    lockstep.close()
    print(" ".join(map(str, moments)))


def _read(platform: CommercePlatform, moments: list[float], end: float) -> None:
    while time.monotonic() < end:
        platform.sources["orders"].probe(datetime(START.year, START.month, START.day, tzinfo=UTC))
        moments.append(time.monotonic())


async def _write_all(platform: CommercePlatform, moments: list[float], end: float) -> None:
    async with platform.targets["shipments"].writer(lambda _: None) as writer:
        await asyncio.gather(
            *(_write(writer, moments, end, FIRST_ORDER + task) for task in range(TASKS))
        )


async def _write(writer: Writer, moments: list[float], end: float, order: int) -> None:
    while time.monotonic() < end:
        await writer.held({str(order): ()})
        moments.append(time.monotonic())
        change = StatusChange(str(order), AWAITING_FULFILMENT)
        await writer.apply([Claimed(Intent("status", uuid4(), str(order), change), "")])
        moments.append(time.monotonic())


def run(on: Rig, processes: int, windows: int) -> tuple[list[float], int]:
    """Run the processes; return the sorted times of the answers, and the number of refusals."""
    on.write_installation(quota=QUOTA, window_seconds=WINDOW)
    on.seed_orders(on.seed_catalogue(), ORDERS, START, FIRST_ORDER)
    on.control(f"bigcommerce/{STORE}/settings", {"quota": QUOTA, "window_ms": int(WINDOW * 1000)})
    begin = time.monotonic() + START_UP
    command = [
        sys.executable,
        "-m",
        "benchmarks.ratelimit",
        "--span",
        str(begin),
        str(begin + windows * WINDOW),
    ]
    environment = os.environ | {
        "DATABASE_URL": on.database,
        settings.VARIABLE: str(on.folder / settings.FILE_NAME),
    }
    children = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    moments = [float(moment) for child in children for moment in child.communicate()[0].split()]
    if any(child.returncode for child in children):
        raise SystemExit("a process failed; its error is printed above")
    counts = httpx.get(f"{on.url}/_sandbox/bigcommerce/{STORE}/counts").raise_for_status().json()
    return sorted(moments), counts["rate_limited"]


def share(moments: list[float]) -> float:
    """Return the used share of the quota: the ideal duration of all calls by the actual one."""
    whole = (len(moments) - 1) // QUOTA
    return whole * WINDOW / (moments[whole * QUOTA] - moments[0]) if whole else 0.0


def main() -> None:
    """Run and print the share and the refusals."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ratelimit",
        description="Use of a store's quota by several processes.",
    )
    parser.add_argument("--processes", type=int, default=PROCESSES)
    parser.add_argument("--windows", type=int, default=WINDOWS)
    parser.add_argument("--span", type=float, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.span:
        work(*arguments.span)
        return
    with rig() as on:
        moments, refused = run(on, arguments.processes, arguments.windows)
    used = share(moments)
    spent = moments[-1] - moments[0]
    print(
        f"{arguments.processes} processes made {len(moments):,} calls in {spent:.1f} s: "
        f"{used:.1%} of the quota ",
        end="",
    )
    print(
        f"of {QUOTA} calls in {WINDOW:.0f} s was used (at least {LEAST:.0%}); "
        f"{refused} calls were refused (429)"
    )
    sys.exit(used < LEAST)


if __name__ == "__main__":
    main()
