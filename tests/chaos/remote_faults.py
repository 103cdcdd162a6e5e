"""Faults between Lockstep and the remote systems, as rules of the sandbox (sandbox/faults.py)."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from orchestration.local.simulated import PAIR, Pair
from tests.chaos.ways import Call, held_of, reads_of, writes_of

Json = dict[str, Any]
KINDS = (
    "storm_429",
    "server_errors",
    "drop_before",
    "drop_after",
    "slow",
    "truncated",
    "malformed",
    "wrong_types",
)


TYPED = 3
"""Of so many of the first writes the answer is read: wrong types in it are noticed."""


def rules(
    kind: str, seed: int, pair: Pair = PAIR, streams: Sequence[str] = ()
) -> list[tuple[str, Json]]:
    """Return the rules of one strike: one on writes, and mostly one on reads as well."""
    dice = Random(seed)
    writes = writes_of(pair, streams)
    chosen = [dice.choice(writes)] if kind != "wrong_types" else [dice.choice(writes[:TYPED])]
    if kind not in ("drop_after", "wrong_types") and dice.random() < 0.7:
        chosen.append(dice.choice(reads_of(pair)))
    return [(system, _rule(kind, dice, call)) for system, call in chosen]


def hold(seed: int, pair: Pair = PAIR) -> tuple[str, Json]:
    """Return a rule that delays a request with an effect until its sender is killed."""
    dice = Random(seed)
    system, call = dice.choice(held_of(pair))
    kind = dice.choice(("delay", "delay_after"))
    return system, call.rule() | {
        "kind": kind,
        "delay_ms": 1500,
        "times": 1,
        "skip": dice.randrange(2),
    }


def _rule(kind: str, dice: Random, call: Call) -> Json:
    rule: Json = call.rule() | {
        "times": dice.randint(1, 4),
        "probability": 0.8,
        "seed": dice.getrandbits(16),
    }
    match kind:
        case "storm_429":
            return rule | {
                "kind": "status",
                "status": 429,
                "headers": {"Retry-After": dice.choice(("0", "1"))},
                "times": dice.randint(5, 20),
            }
        case "server_errors":
            page = dice.choice((None, "<html>Service Unavailable</html>"))
            return rule | {
                "kind": "status",
                "status": dice.choice((500, 502, 503)),
                "body": page,
                "times": dice.randint(2, 8),
            }
        case "slow":
            after = dice.random() < 0.5
            return rule | {
                "kind": "delay_after" if after else "delay",
                "delay_ms": dice.choice((700, 2000, 3600)),
                "times": 2,
            }
    return rule | {"kind": kind}
