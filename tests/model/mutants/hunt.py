"""Hunts a mutant: programs are run until one breaks a promise, or the time is up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from tests.model.mutants.faults import Mutant
from tests.model.operations.registry import Op
from tests.model.program import KINDS, drawn, run
from tests.model.world import World

FEW = 3
"""Kinds of operations beside those that a mutant needs."""


class Catch(NamedTuple):
    """How a mutant was found; ``promise`` is empty if it was not.

    ``seconds`` are those of this process's CPU time, which another load does not change.
    """

    promise: str
    programs: int
    seconds: float


def hunt(world: World, mutant: Mutant, *, programs: int, seconds: float) -> Catch:
    """Run programs until one breaks a promise that it keeps without the mutant."""
    started, seed = time.process_time(), 0
    while seed < programs and time.process_time() - started < seconds:
        kinds = FEW if mutant.also else KINDS
        script = drawn(seed, mutant.pair, also=mutant.also, kinds=kinds)
        seed += 1
        problems = _problems_with(world, mutant, script)
        if problems and not run(world, script, mutant.pair).problems:
            return Catch(problems[0][:60], seed, time.process_time() - started)
    return Catch("", seed, time.process_time() - started)


def _problems_with(world: World, mutant: Mutant, script: Sequence[Op]) -> tuple[str, ...]:
    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch, world)
        try:
            return run(world, script, mutant.pair).problems
        finally:
            world.database.drop_triggers()
