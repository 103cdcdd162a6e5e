"""Some of the faults that were fixed, brought back: programs find them."""

from __future__ import annotations

import pytest

from tests.model.mutants.faults import MUTANTS
from tests.model.mutants.hunt import hunt

pytestmark = pytest.mark.slow(seconds=50)

QUICK = (
    "the watermark runs ahead of the source's clock",
    "of a window only the first record is kept",
    "the merchant's status is overwritten",
)
"""Found by one of the first programs."""
CHOSEN = [mutant for mutant in MUTANTS if mutant.name in QUICK]


@pytest.mark.parametrize("mutant", CHOSEN, ids=[mutant.name for mutant in CHOSEN])
def test_a_fault_that_is_brought_back_is_found(world, mutant):
    """Within forty programs."""
    assert hunt(world, mutant, programs=40, seconds=300).promise


def test_the_chosen_faults_exist():
    """A renamed one would not be tested."""
    assert len(CHOSEN) == len(QUICK)
