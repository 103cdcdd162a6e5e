"""Random programs of all actors: whatever they do, the promises hold at the end."""

from __future__ import annotations

import pytest

from tests.model.operations.registry import OPERATIONS
from tests.model.program import ACTORS, drawn, run
from tests.model.promises.kept import NOT_YET
from tests.model.shrink import as_script, shrunk

CHUNKS, PROGRAMS = 10, 15
"""By count and not by time, so that a slow machine tests the same."""
FAILING = {
    104: "the store shows a unit too few of a line that was added while the OMS's answer was late"
}
"""Programs that break a promise for a reason that is not found yet."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_program_ends_as_promised(world, chunk):
    """A failure prints the shortest program that was found, as a test."""
    for seed in range(chunk * PROGRAMS, (chunk + 1) * PROGRAMS):
        if seed in FAILING:
            continue
        script = drawn(seed)
        result = run(world, script, NOT_YET)
        if result.problems:
            pytest.fail(f"seed {seed}\n" + as_script(*shrunk(world, script, result, NOT_YET)))


@pytest.mark.parametrize("seed", FAILING)
@pytest.mark.xfail(strict=True, reason="see FAILING")
def test_a_known_failing_program_is_still_failing(world, seed):
    """Once it ends as promised, it is taken off the list."""
    assert not run(world, drawn(seed), NOT_YET).problems


def test_there_are_at_least_fifty_kinds_of_operations():
    """Of all five kinds of actors."""
    assert len(OPERATIONS) >= 50
    assert len({operation.actor for operation in OPERATIONS.values()}) == len(ACTORS)
