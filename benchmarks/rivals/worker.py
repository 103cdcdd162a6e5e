"""The protocol between the benchmark and its contestants: warm up, wait, work, report.

A contestant is a fresh process. It warms up on a small day, prints ``ready``, waits for a line on
stdin, does its measured work, prints its result as one line of JSON and waits for a last line. Only
the standard library is used here: the contestants run in environments of their own.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable


def run(warm_up: Callable[[], int], work: Callable[[], int]) -> None:
    """Run one contestant; both functions return how many orders they stored."""
    warm_up()
    print("ready", flush=True)
    sys.stdin.readline()
    before, started = _cpu(), time.perf_counter()
    orders = work()
    wall, cpu = time.perf_counter() - started, _cpu() - before
    print(json.dumps({"orders": orders, "wall": wall, "cpu": cpu}), flush=True)
    sys.stdin.readline()  # stay until PostgreSQL's CPU is read: ended backends are counted late


def _cpu() -> float:
    """Return the CPU seconds of this process and of its ended children."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in used)
