"""The long form: ``python -m tests.model --programs 5000 --seed 1 --pair all``."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from orchestration.local.simulated import pair_named, pairs
from resources.ledger.database import embedded
from tests.conftest import NOT_DURABLE
from tests.model.program import drawn, run
from tests.model.shrink import as_script, shrunk
from tests.model.stopping import stoppable
from tests.model.systems import PAIR
from tests.model.world import World, opened


@contextmanager
def world_of_its_own() -> Iterator[World]:
    """Open a world with a server of its own."""
    with tempfile.TemporaryDirectory(prefix="lockstep-model-") as name:
        folder = Path(name)
        url = embedded.start(folder / "postgres")
        with psycopg.connect(url, autocommit=True) as db:
            for setting in NOT_DURABLE:
                db.execute(f"ALTER SYSTEM SET {setting} = off".encode())
            db.execute("SELECT pg_reload_conf()")
        try:
            with opened(url, folder) as world:
                yield world
        finally:
            embedded.stop(folder / "postgres")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Run programs, print those that break a promise, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pair", default="/".join(PAIR), help="store/oms, or all")
    parser.add_argument("--also", default="", help="operations that each program has, by comma")
    parser.add_argument("--shrink", action=argparse.BooleanOptionalAction, default=True)
    given = parser.parse_args()
    chosen = pairs() if given.pair == "all" else [pair_named(given.pair)]
    failed = 0
    started = time.monotonic()
    with stoppable(), world_of_its_own() as world:
        for seed in range(given.seed, given.seed + given.programs):
            if seed > given.seed and (seed - given.seed) % 100 == 0:
                say(f"{seed - given.seed} programs, {failed} broke a promise")
            pair = chosen[seed % len(chosen)]
            script = drawn(seed, pair, also=[name for name in given.also.split(",") if name])
            result = run(world, script, pair)
            if result.problems:
                failed += 1
                say(f"seed {seed}, {'/'.join(pair)}:")
                if given.shrink:
                    script, result = shrunk(world, script, result, pair)
                say(as_script(script, result, pair))
    seconds = time.monotonic() - started
    say(f"{given.programs} programs in {seconds:.0f} s, {failed} broke a promise")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
