"""The programs of ``make test``, in chunks that two test modules share."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair, pairs
from tests.model.program import drawn, run
from tests.model.shrink import as_script, shrunk
from tests.model.systems import PAIR
from tests.model.world import World

CHUNKS, PROGRAMS = 10, 6
"""By count and not by time, so that a slow machine tests the same."""


OTHERS = [pair for pair in pairs() if pair != PAIR]


def pair_of(seed: int) -> Pair:
    """Return the pair of a program: every second one has the default pair, which is known best."""
    return OTHERS[seed // 2 % len(OTHERS)] if seed % 2 else PAIR


def expect_promises_kept(world: World, chunk: int) -> None:
    """Run a chunk; a failure prints the shortest program that was found, as a test."""
    for seed in range(chunk * PROGRAMS, (chunk + 1) * PROGRAMS):
        pair = pair_of(seed)
        script = drawn(seed, pair)
        result = run(world, script, pair)
        if result.problems:
            shortest = shrunk(world, script, result, pair)
            pytest.fail(f"seed {seed}, {'/'.join(pair)}\n" + as_script(*shortest, pair))
