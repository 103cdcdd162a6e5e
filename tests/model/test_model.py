"""Random programs of all actors: whatever they do, the promises hold at the end."""

from __future__ import annotations

import pytest

from tests.model.chunks import CHUNKS, FAILING, expect_promises_kept
from tests.model.operations.registry import OPERATIONS
from tests.model.program import ACTORS, drawn, run
from tests.model.promises.kept import NOT_YET

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("chunk", range(CHUNKS // 2))
def test_every_program_ends_as_promised(world, chunk):
    """The first half; the second is a module of its own, for another worker."""
    expect_promises_kept(world, chunk)


@pytest.mark.parametrize("seed", FAILING)
@pytest.mark.xfail(strict=True, reason="see FAILING")
def test_a_known_failing_program_is_still_failing(world, seed):
    """Once it ends as promised, it is taken off the list."""
    assert not run(world, drawn(seed), NOT_YET).problems


def test_there_are_at_least_fifty_kinds_of_operations():
    """Of all five kinds of actors."""
    assert len(OPERATIONS) >= 50
    assert len({operation.actor for operation in OPERATIONS.values()}) == len(ACTORS)
