"""``python -m tests.chaos``: the whole system under seeded failures; see docs/chaos.md."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.driver import Driver
from tests.chaos.schedule import build

SECONDS_A_KILL, SECONDS_AN_ORDER, SHORTEST = 5.0, 0.1, 30.0
"""Default duration: room for each victim to come back, and for the traffic."""
SETTLING_A_KILL = 4.0
"""The longer the storm, the longer the queue of runs that it leaves behind."""
SHOWN = 40


def main() -> int:
    """Read the arguments, run, and print the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description="Run the whole system under a seeded storm of failures.",
    )
    parser.add_argument(
        "--kills", type=int, default=60, help="processes killed with SIGKILL (default 60)"
    )
    parser.add_argument("--orders", type=int, default=1000, help="orders placed (default 1000)")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of traffic and strikes (default 1)"
    )
    parser.add_argument(
        "--minutes", type=float, help="length of the storm (default: from kills and orders)"
    )
    parser.add_argument(
        "--limit",
        type=float,
        help="minutes after which the storm is given up (default: three times its length, and 10)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        help="seconds in which everything must settle afterwards (default: 240, or 4 per kill)",
    )
    parser.add_argument(
        "--keep",
        type=Path,
        help="folder to keep everything in; else a temporary one, deleted at the end",
    )
    given = parser.parse_args()
    schedule = build(given.seed, given.kills, given.orders)
    seconds = (
        given.minutes * 60
        if given.minutes
        else max(given.kills * SECONDS_A_KILL, given.orders * SECONDS_AN_ORDER, SHORTEST)
    )
    command = (
        f"python -m tests.chaos --kills {given.kills} --orders {given.orders} --seed {given.seed}"
    )
    command += f" --minutes {given.minutes:g}" if given.minutes else ""
    say(
        f"chaos: seed={given.seed} schedule={schedule.digest()} strikes={len(schedule.strikes)} "
        f"duration={seconds:.0f} s; replay: {command}"
    )
    signal.signal(signal.SIGTERM, _end)
    patience = given.patience or max(240.0, given.kills * SETTLING_A_KILL)
    limit = given.limit * 60 if given.limit else 3 * seconds + 600
    folder = given.keep or Path(tempfile.mkdtemp(prefix="lockstep-chaos-"))
    try:
        report = Driver(folder.resolve(), schedule, seconds, patience, limit, say).run()
    except BaseException:
        say(f"chaos: did not come to its end; logs: {folder}; replay: {command}")
        raise
    listed("difference", [str(difference) for difference in report.found])
    listed("unnamed", report.unnamed)
    listed("leak", report.leaks)
    listed("not struck", report.not_struck)
    if not report.is_good:
        say(f"chaos: FAILED with seed {given.seed}; logs: {folder}; replay: {command}")
    elif given.keep is None:
        shutil.rmtree(folder, ignore_errors=True)
    say(report.figures())
    return 0 if report.is_good else 1


def _end(*_: object) -> None:
    """Shut down cleanly, so that nothing of an ended run is left.

    A second signal must not interrupt the clean-up.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(143)


def listed(what: str, lines: list[str]) -> None:
    """Print the first of a list."""
    for line in lines[:SHOWN]:
        say(f"  {what}: {line}")
    if len(lines) > SHOWN:
        say(f"  {what}: and {len(lines) - SHOWN} more")


def say(line: str) -> None:
    """Print at once, for an operator who watches a long run."""
    print(line, flush=True)  # noqa: T201 - its output is its answer


if __name__ == "__main__":
    sys.exit(main())
