"""Prints how each fault that was brought back is found: ``python -m tests.model.mutants``."""

from __future__ import annotations

import argparse
import sys

from tests.model.__main__ import say, world_of_its_own
from tests.model.mutants import products, streams, work
from tests.model.mutants.faults import MUTANTS
from tests.model.mutants.hunt import hunt
from tests.model.stopping import stoppable


def main() -> int:
    """Hunt the mutants, print a table, and return how many got away."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.mutants", description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=600.0, help="of CPU time, for each mutant")
    parser.add_argument("--only", default="", help="part of a name")
    parser.add_argument("--part", type=int, nargs=2, default=(0, 1), help="the n-th of m parts")
    given = parser.parse_args()
    part, parts = given.part
    lost = 0
    with stoppable(), world_of_its_own() as world:
        for mutant in (*MUTANTS, *products.MUTANTS, *streams.MUTANTS, *work.MUTANTS)[part::parts]:
            if given.only not in mutant.name:
                continue
            catch = hunt(world, mutant, programs=given.programs, seconds=given.seconds)
            lost += not catch.promise
            say(
                f"{mutant.number:3} | {mutant.name:50} | {catch.programs:4} programs | "
                f"{catch.seconds:5.0f} s | {catch.promise or 'NOT FOUND'}"
            )
    return lost


if __name__ == "__main__":
    sys.exit(main())
