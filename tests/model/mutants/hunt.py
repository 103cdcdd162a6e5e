"""Hunts a mutant: programs are run until one breaks a promise, or the time is up."""

from __future__ import annotations

import time
from typing import NamedTuple

import pytest

from tests.model.mutants.faults import Mutant
from tests.model.program import drawn, run
from tests.model.promises.kept import NOT_YET
from tests.model.world import World


class Catch(NamedTuple):
    """How a mutant was found; ``promise`` is empty where it was not."""

    promise: str
    programs: int
    seconds: float


def hunt(world: World, mutant: Mutant, *, programs: int, seconds: float) -> Catch:
    """Run programs that break no promise without the mutant."""
    started = time.monotonic()
    seed = 0
    with pytest.MonkeyPatch.context() as patch:
        mutant.apply(patch, world)
        try:
            while seed < programs and time.monotonic() - started < seconds:
                result = run(world, drawn(seed), NOT_YET)
                seed += 1
                if result.problems:
                    return Catch(result.problems[0][:60], seed, time.monotonic() - started)
        finally:
            world.database.drop_triggers()
    return Catch("", seed, time.monotonic() - started)
