"""The programs of ``make test``, in chunks that two test modules share."""

from __future__ import annotations

import pytest

from tests.model.program import drawn, run
from tests.model.promises.kept import NOT_YET
from tests.model.shrink import as_script, shrunk
from tests.model.world import World

CHUNKS, PROGRAMS = 10, 15
"""By count and not by time, so that a slow machine tests the same."""
FAILING = {
    104: "a unit of a line that is added to an order which the OMS canceled is taken off twice"
}
"""Programs that break a promise; the shortest form is in regressions/test_not_yet.py."""


def expect_promises_kept(world: World, chunk: int) -> None:
    """Run a chunk; a failure prints the shortest program that was found, as a test."""
    for seed in range(chunk * PROGRAMS, (chunk + 1) * PROGRAMS):
        if seed in FAILING:
            continue
        script = drawn(seed)
        result = run(world, script, NOT_YET)
        if result.problems:
            pytest.fail(f"seed {seed}\n" + as_script(*shrunk(world, script, result, NOT_YET)))
