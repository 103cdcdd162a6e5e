"""Programs: drawn from a seed, run in a fresh world until all is quiet, and then checked."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from tests.model.ledger import CrashedError
from tests.model.life import Life, NotPossibleError
from tests.model.operations import faults, merchants, operators, shoppers, warehouse
from tests.model.operations.registry import OPERATIONS, Op, draw
from tests.model.promises.kept import broken
from tests.model.runs import Runs
from tests.model.world import STREAMS, World

ACTORS = (shoppers, merchants, warehouse, operators, faults)
LENGTH = 25
KINDS, ALWAYS = 16, ("place", "sync", "ship")
"""Kinds of operations that a program draws from, and those that each program has."""
FIRST, SETTINGS_SHARE = ("share_oms", "change_clocks"), 0.15
"""What a program can only start with, and the share of programs that do."""
ROUNDS = 14
"""Rounds of runs after the last operation; what still changes then never becomes quiet."""
SET_BACK = timedelta(minutes=30)
"""After it, what was stamped before a clock was set back is no longer in the future."""
PAUSES = (2, 8, 20, 60, 60, 180, 600, 1500)
"""Minutes between these rounds."""


@dataclass(frozen=True)
class Result:
    """What became of a program: empty where every promise was kept."""

    problems: tuple[str, ...]
    done: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """Return the names of the promises that were broken, which shrinking keeps."""
        return frozenset(problem.partition(":")[0] for problem in self.problems)


def drawn(seed: int, length: int = LENGTH) -> list[Op]:
    """Draw a program of a few kinds of operations, so that these meet each other often."""
    random = Random(seed)
    kinds = sorted({*random.sample(sorted(OPERATIONS), KINDS), *ALWAYS} - {*FIRST})
    first = [draw(random, [name]) for name in FIRST if random.random() < SETTINGS_SHARE]
    first += [draw(random, ["place"]) for _ in range(2)]
    return [*first, *(draw(random, kinds) for _ in range(length - 2))]


def run(world: World, script: Sequence[Op]) -> Result:
    """Run a program and check what must hold at its end."""
    world.begin()
    life = Life(world, Runs(world))
    try:
        for one in script:
            try:
                one.run(life)
            except NotPossibleError:
                continue
            except CrashedError:
                life.revive()  # an operator's command has died
            life.done.append(one.name)
        problems = _settle(life) or broken(life)
    except Exception as error:  # noqa: BLE001 - whatever is raised here is a finding
        problems = [f"{type(error).__name__}: {error}\n{_place(error)}"]
    return Result(tuple(problems), tuple(life.done), tuple(life.runs.log))


def _settle(life: Life) -> list[str]:
    """Run until nothing changes any more; return what is wrong if that never happens."""
    life.world.without_faults()
    before: Any = None
    is_swept = False
    streams: tuple[str, ...] = ("orders", "shipments")
    for number in range(ROUNDS):
        life.live(*streams)
        life.attempt(life.runs.requested)
        life.attempt(life.runs.unfinished)
        now = life.signature()
        if now == before and not life.is_due():
            if life.facts.is_set_back and not is_swept:
                is_swept = True  # finds changes that are dated before the watermark
                life.world.pass_time(SET_BACK)
                life.sweep()
                continue
            if streams == STREAMS:
                return []
            streams = STREAMS  # stock last: it depends on the other streams, and is expensive
            continue
        before = now
        life.world.pass_time(timedelta(minutes=PAUSES[min(number, len(PAUSES) - 1)]))
    return [f"never_quiet: still due: {life.is_due()}; last runs: {life.runs.log[-3:]}"]


def _place(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)[-4:])
