"""The schedule of failures, from a seed alone: strikes over the progress of the traffic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from random import Random

KILLS = {
    "run": 42,
    "run_sending": 20,
    "daemon": 11,
    "postgres": 11,
    "code_server": 8,
    "webhooks": 8,
}
"""Victim -> weight. ``run_sending`` dies while the remote system has its request."""
FIRST_KILLS = (
    "run",
    "run_sending",
    "postgres",
    "daemon",
    "run_sending",
    "code_server",
    "webhooks",
    "postgres",
)
"""The first ones are of each kind, so that a short form leaves none out."""
FAULTS = (
    "storm_429", "server_errors", "drop_before", "drop_after", "slow", "truncated", "malformed",
    "wrong_types", "late_records", "duplicated_events", "unruly_webhooks", "webhooks_off",
    "forged_webhooks", "clock_jump", "token_expiry", "deadlock", "serialization",
    "backends_terminated", "disk_full", "two_daemons",
)  # fmt: skip
ONCE = frozenset({"two_daemons", "disk_full"})
"""Faults that take a while of their own: at most once for every hundred kills."""
OF_WEBHOOKS = frozenset({"unruly_webhooks", "webhooks_off", "forged_webhooks"})
SKEW_SECONDS = 8.0
"""How far the clocks of store and OMS may be off at the start."""
LAST_STRIKE = 0.9
"""The share of the traffic after which nothing strikes any more."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One thing that goes wrong, once ``at`` operations have been done."""

    at: int
    kind: str
    """``kill`` or one of ``FAULTS``."""
    victim: str = ""
    """What is killed."""
    delay: float = 0.0
    """Seconds before the victim is killed, so that a run dies in any of its stages."""
    seed: int = 0
    """Of everything else that has to be decided about it."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """All strikes of one seed, in their order, and the clocks' offsets."""

    seed: int
    kills: int
    operations: int
    store_skew: float
    oms_skew: float
    strikes: tuple[Strike, ...]

    def digest(self) -> str:
        """Name the schedule: two runs of one seed show the same."""
        text = json.dumps(
            [asdict(strike) for strike in self.strikes] + [self.store_skew, self.oms_skew]
        )
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def build(seed: int, kills: int, operations: int) -> Schedule:
    """Draw the schedule; a function of its arguments and of nothing else."""
    dice = Random(f"chaos:{seed}:{kills}:{operations}")
    last = max(int(operations * LAST_STRIKE), 1)
    store_skew, oms_skew = (round(dice.uniform(-SKEW_SECONDS, 0.0), 3) for _ in range(2))
    victims = list(FIRST_KILLS[:kills]) + dice.choices(
        list(KILLS), list(KILLS.values()), k=max(kills - len(FIRST_KILLS), 0)
    )
    strikes = [
        Strike(at, "kill", victim, round(dice.uniform(0.0, 1.5), 2), dice.getrandbits(32))
        for at, victim in zip(_moments(dice, len(victims), last), victims, strict=True)
    ]
    faults = _faults(dice, kills)
    strikes += [
        Strike(at, kind, seed=dice.getrandbits(32))
        for at, kind in zip(_moments(dice, len(faults), last), faults, strict=True)
    ]
    return Schedule(
        seed,
        kills,
        operations,
        store_skew,
        oms_skew,
        tuple(sorted(strikes, key=lambda s: (s.at, s.kind, s.victim, s.seed))),
    )


def without_webhooks(schedule: Schedule) -> Schedule:
    """Return the schedule between systems that send none: runs die instead of the endpoint."""
    strikes = tuple(
        replace(strike, victim="run") if strike.victim == "webhooks" else strike
        for strike in schedule.strikes
        if strike.kind not in OF_WEBHOOKS
    )
    return replace(schedule, strikes=strikes)


def _faults(dice: Random, kills: int) -> Sequence[str]:
    """Return each kind once, and one more fault for each kill beyond: in random order."""
    often = [kind for kind in FAULTS if kind not in ONCE]
    chosen = (
        list(FAULTS)
        + dice.choices(often, k=max(kills - len(FAULTS), 0))
        + sorted(ONCE) * (kills // 100)
    )
    dice.shuffle(chosen)
    return chosen


def _moments(dice: Random, count: int, last: int) -> list[int]:
    """Spread ``count`` moments over the traffic: one in each of as many equal stretches."""
    return [1 + int((index + dice.random()) * last / max(count, 1)) for index in range(count)]
