"""Programs: drawn from a seed, run in a fresh world until all is quiet, and then checked."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import psycopg

from orchestration.local.simulated import Pair
from tests.model import stopping
from tests.model.ledger import CrashedError
from tests.model.life import Life, NotPossibleError
from tests.model.operations import (
    accounts,
    agents,
    anchanto,
    channels,
    commercetools,
    corrections,
    crossing,
    customers,
    extensiv,
    faults,
    items,
    listed,
    merchants,
    operators,
    periods,
    prices,
    products,
    returns,
    salesforce,
    sequences,
    sheets,
    shoppers,
    warehouse,
    workflows,
)
from tests.model.operations.registry import Op, draw, names_for
from tests.model.promises.kept import broken
from tests.model.promises.prices import watch
from tests.model.promises.products import FULL_READ
from tests.model.runs import Runs
from tests.model.systems import KINDS as SYSTEMS
from tests.model.systems import PAIR
from tests.model.world import ALL, MORE, World

LOADED = (
    *(shoppers, channels, merchants, commercetools, salesforce, warehouse, extensiv, anchanto),
    *(
        items,
        workflows,
        agents,
        returns,
        customers,
        accounts,
        prices,
        periods,
        products,
        sheets,
        listed,
    ),
    *(operators, corrections, faults, sequences, crossing),
)
"""The modules with operations."""
LENGTH = 23
KINDS, ALWAYS = 16, ("place", "sync", "ship")
"""Kinds of operations that a program draws from, and those that each program has."""
FIRST, SETTINGS_SHARE = ("share_oms", "change_clocks"), 0.15
"""What a program can only start with, and the share of programs that do."""
ROUNDS = 14
"""Rounds of runs after the last operation; what still changes then never becomes quiet."""
SET_BACK = timedelta(minutes=30)
"""After it, what was stamped before a clock was set back is no longer in the future."""
NOTICED = timedelta(seconds=5)
"""After it, what a reconciliation has put into the inbox belongs to a second that is over."""
LOOKS = 2
"""How often items are read after all is quiet: once the catalog has shown what was deleted."""
PAUSES = (2, 8, 20, 60, 60, 180, 600, 1500)
"""Minutes between these rounds."""


@dataclass(frozen=True)
class Result:
    """The outcome of a program: empty if every promise was kept."""

    problems: tuple[str, ...]
    done: tuple[str, ...] = ()
    log: tuple[str, ...] = ()

    @property
    def kinds(self) -> frozenset[str]:
        """Return the names of the promises that were broken, which shrinking keeps."""
        return frozenset(problem.partition(":")[0] for problem in self.problems)


def drawn(
    seed: int,
    pair: Pair = PAIR,
    length: int = LENGTH,
    also: Sequence[str] = (),
    kinds: int = KINDS,
) -> list[Op]:
    """Draw a program of a few kinds of operations, so that these meet each other often."""
    random, known = Random(seed), sorted(names_for(pair))
    chosen = sorted({*random.sample(known, kinds), *ALWAYS, *also} - {*FIRST})
    first = [
        draw(random, [name]) for name in FIRST if name in known and random.random() < SETTINGS_SHARE
    ]
    first += [draw(random, ["place"]) for _ in range(2)]
    return [*first, *(draw(random, chosen) for _ in range(length - 2))]


def run(world: World, script: Sequence[Op], pair: Pair = PAIR) -> Result:
    """Run a program between two systems and check what must hold at its end."""
    world.begin(pair)
    life = Life(world, Runs(world))
    try:
        for one in script:
            stopping.check()
            try:
                one.run(life)
            except NotPossibleError:
                continue
            except (CrashedError, psycopg.OperationalError):
                if not life.world.is_dead:
                    raise
                life.revive()  # a command has died, perhaps in the middle of giving back its lock
            watch(life)
            life.done.append(one.name)
            life.happened[dict(one.values).get("number", 0)].add(one.name)
        problems = _settle(life) or broken(life)
    except Exception as error:  # noqa: BLE001 - whatever is raised here is a finding
        problems = [f"{type(error).__name__}: {error}\n{_place(error)}"]
    return Result(tuple(problems), tuple(life.done), tuple(life.runs.log))


def _settle(life: Life) -> list[str]:
    """Run until nothing changes any more; return what is wrong if that never happens."""
    life.world.without_faults()
    before: Any = None
    is_swept, looks = False, 0
    has_whole_seconds = any(SYSTEMS[kind].has_whole_seconds for kind in life.world.pair)
    streams: tuple[str, ...] = ("orders", "shipments", *MORE)
    for number in range(ROUNDS):
        stopping.check()
        life.live(*streams)
        life.attempt(life.runs.requested)
        life.attempt(life.runs.unfinished)
        watch(life)
        now = life.signature()
        if now == before and not life.is_due():
            if (life.facts.is_set_back or has_whole_seconds) and not is_swept:
                is_swept = True  # finds changes that are dated before the watermark
                life.world.pass_time(SET_BACK)
                life.sweep()
                continue
            if streams == ALL and life.facts.needs_repair:
                life.world.pass_time(SET_BACK)
                today = life.world.clock.now().date()
                is_done = life.attempt(life.runs.reconcile, today, repair=True)
                life.facts.needs_repair = not is_done  # a process may be frozen in the middle
                life.world.pass_time(NOTICED)
                continue
            if streams == ALL and life.facts.owned and looks < LOOKS:
                looks += 1
                life.world.pass_time(FULL_READ)
                continue
            if streams == ALL:
                return []
            streams = ALL  # stock last: it depends on the other streams, and is expensive
            continue
        before = now
        life.world.pass_time(timedelta(minutes=PAUSES[min(number, len(PAUSES) - 1)]))
    return [f"never_quiet: still due: {life.is_due()}; last runs: {life.runs.log[-3:]}"]


def _place(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)[-4:])
