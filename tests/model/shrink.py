"""Shrinks a failing program: operations are left out while it still breaks the same promise."""

from __future__ import annotations

from collections.abc import Sequence

from orchestration.local.simulated import Pair
from tests.model.operations.registry import Op
from tests.model.program import Result, run
from tests.model.systems import PAIR
from tests.model.world import World

MOST_RUNS = 150


def shrunk(
    world: World, script: Sequence[Op], result: Result, pair: Pair = PAIR
) -> tuple[list[Op], Result]:
    """Return the shortest program found that breaks one of the same promises, with its result."""
    kinds, runs = result.kinds, 0
    best, found = list(script), result
    size = max(1, len(best) // 2)
    while size:
        start = 0
        while start < len(best) and runs < MOST_RUNS:
            shorter = best[:start] + best[start + size :]
            runs += 1
            again = run(world, shorter, pair)
            if again.kinds & kinds:
                best, found = shorter, again
            else:
                start += size
        size = size // 2 if size > 1 else 0
    return best, found


def as_script(script: Sequence[Op], result: Result, pair: Pair = PAIR) -> str:
    """Return a program as a test to be pasted into ``tests/model/regressions``."""
    lines = "\n".join(f"        {one}," for one in script)
    said = [line for problem in result.problems for line in problem.splitlines()]
    why = "\n".join(f"    # {line}" for line in said)
    between = "" if pair == PAIR else f", Pair{tuple(pair)}"
    end = f"    assert not run(world, script{between}).problems"
    return f"def test_(world):\n{why}\n    script = [\n{lines}\n    ]\n{end}\n"
