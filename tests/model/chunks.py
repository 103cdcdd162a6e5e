"""The programs of ``make test``, in chunks that two test modules share."""

from __future__ import annotations

import pytest

from tests.model.program import drawn, run
from tests.model.shrink import as_script, shrunk
from tests.model.world import World

CHUNKS, PROGRAMS = 10, 15
"""By count and not by time, so that a slow machine tests the same."""


def expect_promises_kept(world: World, chunk: int) -> None:
    """Run a chunk; a failure prints the shortest program that was found, as a test."""
    for seed in range(chunk * PROGRAMS, (chunk + 1) * PROGRAMS):
        script = drawn(seed)
        result = run(world, script)
        if result.problems:
            pytest.fail(f"seed {seed}\n" + as_script(*shrunk(world, script, result)))
