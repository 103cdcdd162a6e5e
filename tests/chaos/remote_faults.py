"""Faults between Lockstep and the remote systems, as rules of the sandbox (sandbox/faults.py)."""

from __future__ import annotations

from random import Random
from typing import Any

Json = dict[str, Any]
BIGCOMMERCE, MANHATTAN = "bigcommerce", "manhattan"
WRITES = (
    (MANHATTAN, "POST", "/order/save$"),
    (MANHATTAN, "POST", "/cancel$"),
    (BIGCOMMERCE, "POST", "/shipments$"),
    (BIGCOMMERCE, "PUT", r"/v2/orders/\d+$"),
    (BIGCOMMERCE, "PUT", "/adjustments/absolute$"),
)
READS = (
    (BIGCOMMERCE, "GET", "/v2/orders$"),
    (MANHATTAN, "POST", "/order/search$"),
    (MANHATTAN, "POST", "/availability"),
    (MANHATTAN, "POST", "/oauth/token$"),
    (MANHATTAN, "POST", "/item/search$"),
)
HELD = (
    (MANHATTAN, "POST", "/order/save$"),
    (MANHATTAN, "POST", "/order/save$"),
    (BIGCOMMERCE, None, r"/shipments$|/v2/orders/\d+$"),
)
"""Requests during which a run is killed."""
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


def rules(kind: str, seed: int) -> list[tuple[str, Json]]:
    """Return the rules of one strike: one on writes, and mostly one on reads as well."""
    dice = Random(seed)
    chosen = [dice.choice(WRITES)] if kind != "wrong_types" else [dice.choice(WRITES[:3])]
    if kind not in ("drop_after", "wrong_types") and dice.random() < 0.7:
        chosen.append(dice.choice(READS))
    return [(system, _rule(kind, dice, method, path)) for system, method, path in chosen]


def hold(seed: int) -> tuple[str, Json]:
    """Return a rule that delays a request with an effect until its sender is killed."""
    dice = Random(seed)
    system, method, path = dice.choice(HELD)
    kind = dice.choice(("delay", "delay_after"))
    return system, {
        "method": method,
        "path": path,
        "kind": kind,
        "delay_ms": 1500,
        "times": 1,
        "skip": dice.randrange(2),
    }


def _rule(kind: str, dice: Random, method: str, path: str) -> Json:
    rule: Json = {
        "method": method,
        "path": path,
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
