"""``python -m tests.chaos``: the whole system under seeded failures; see docs/chaos.md."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
from pathlib import Path

from orchestration.local.simulated import PAIR, Pair, pair_named, pairs
from resources.systems import streams_carried
from tests.chaos.driver import Driver
from tests.chaos.schedule import build, without_webhooks
from tests.chaos.ways import senders_of

SECONDS_A_KILL, SECONDS_AN_ORDER, SHORTEST = 5.0, 0.1, 30.0
"""Default duration: room for each victim to come back, and for the traffic."""
SETTLING_A_KILL = 4.0
"""The longer the storm, the longer the queue of runs that it leaves behind."""
SHOWN = 40
WITH_TRAFFIC = (
    "orders", "inventory", "shipments", "customers", "returns", "prices", "actions", "catalog",
    "listings",
)  # fmt: skip
"""The streams that something happens to in a storm."""


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
        help="empty folder to keep everything in; else a temporary one, deleted at the end",
    )
    parser.add_argument(
        "--pair", default="/".join(PAIR), help="store/oms, or all one after the other"
    )
    parser.add_argument(
        "--streams",
        default="",
        help="streams by comma (default: all that the pair has of those with traffic)",
    )
    given = parser.parse_args()
    if given.keep and given.keep.is_dir() and any(given.keep.iterdir()):
        parser.error(
            f"--keep: {given.keep} is not empty; a storm must not go on with another one's"
        )
    signal.signal(signal.SIGTERM, _end)
    chosen = pairs() if given.pair == "all" else [pair_named(given.pair)]
    failed = [pair for pair in chosen if not storm(given, pair)]
    if len(chosen) > 1:
        names = ", ".join("/".join(pair) for pair in failed) or "none"
        say(f"chaos: {len(chosen)} pairs, failed: {names}")
    return 1 if failed else 0


def storm(given: argparse.Namespace, pair: Pair) -> bool:
    """Run one pair under its storm, print its figures, and return whether all was right."""
    carried = [name for name in WITH_TRAFFIC if name in streams_carried(*pair)]
    streams = given.streams.split(",") if given.streams else carried
    schedule = build(given.seed, given.kills, given.orders)
    if not senders_of(pair):
        schedule = without_webhooks(schedule)
    seconds = (
        given.minutes * 60
        if given.minutes
        else max(given.kills * SECONDS_A_KILL, given.orders * SECONDS_AN_ORDER, SHORTEST)
    )
    command = (
        f"python -m tests.chaos --kills {given.kills} --orders {given.orders} --seed {given.seed}"
    )
    command += f" --minutes {given.minutes:g}" if given.minutes else ""
    command += f" --pair {'/'.join(pair)}" if pair != PAIR else ""
    command += f" --streams {given.streams}" if given.streams else ""
    say(
        f"chaos: seed={given.seed} schedule={schedule.digest()} strikes={len(schedule.strikes)} "
        f"duration={seconds:.0f} s; replay: {command}"
    )
    patience = given.patience or max(240.0, given.kills * SETTLING_A_KILL)
    limit = given.limit * 60 if given.limit else 3 * seconds + 600
    kept = given.keep / "-".join(pair) if given.keep and given.pair == "all" else given.keep
    folder = kept or Path(tempfile.mkdtemp(prefix="lockstep-chaos-"))
    try:
        report = Driver(
            folder.resolve(), schedule, seconds, patience, limit, say, pair, streams
        ).run()
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
    return report.is_good


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
