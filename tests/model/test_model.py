"""Random programs of all actors: whatever they do, the promises hold at the end."""

from __future__ import annotations

import pytest

from orchestration.local.simulated import Pair, pairs
from tests.model.chunks import CHUNKS, expect_promises_kept
from tests.model.operations.registry import OPERATIONS, names_for
from tests.model.program import ALWAYS, KINDS
from tests.model.systems import PAIR

pytestmark = pytest.mark.slow(seconds=90)


@pytest.mark.parametrize("chunk", range(CHUNKS // 2))
def test_every_program_ends_as_promised(world, chunk):
    """The first half; the second is a module of its own, for another worker."""
    expect_promises_kept(world, chunk)


def test_there_are_at_least_fifty_kinds_of_operations():
    """Of all five kinds of actors."""
    assert len(names_for(PAIR)) >= 50
    actors = {operation.actor for operation in OPERATIONS.values()}
    assert actors == {"shopper", "merchant", "agent", "oms", "operator", "world"}


@pytest.mark.parametrize("pair", pairs(), ids="/".join)
def test_every_pair_has_what_a_program_needs(pair: Pair) -> None:
    """More kinds than a program draws, and those that each program has."""
    names = names_for(pair)
    assert len(names) > 2 * KINDS
    assert set(ALWAYS) <= set(names)
