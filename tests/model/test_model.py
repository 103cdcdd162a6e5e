"""Random programs of all actors: whatever they do, the promises hold at the end."""

from __future__ import annotations

import pytest

from tests.model.chunks import CHUNKS, expect_promises_kept
from tests.model.operations.registry import OPERATIONS
from tests.model.program import ACTORS

pytestmark = pytest.mark.slow(seconds=90)


@pytest.mark.parametrize("chunk", range(CHUNKS // 2))
def test_every_program_ends_as_promised(world, chunk):
    """The first half; the second is a module of its own, for another worker."""
    expect_promises_kept(world, chunk)


def test_there_are_at_least_fifty_kinds_of_operations():
    """Of all five kinds of actors."""
    assert len(OPERATIONS) >= 50
    assert len({operation.actor for operation in OPERATIONS.values()}) == len(ACTORS)
