"""Webhooks of a chaos run: unreliable senders, forgeries, and whether the inbox is complete."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import psycopg

from tests.chaos.compare import LOST, WRONG, Difference
from tests.chaos.home import CLIENT_SECRET, NAME
from tests.chaos.systems import Systems
from tests.orchestration.webhooks.senders import event, pushed, signed

Json = dict[str, Any]
ORDERLY: Json = {"retries": [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0], "block_seconds": 10.0}
"""The vendor's own ways with its minutes and hours pressed into seconds."""
UNRULY: Json = ORDERLY | {"delay": 2.0, "duplicates": 0.1, "losses": 0.05}
SENDERS = {"bigcommerce": "hooks", "manhattan": "pushes"}
"""Kind of a system that sends webhooks -> the control of how it does."""
FORGED_ID = "msg_forged"
OVERSIZED = 300 * 1024
AN_HOUR = 3600.0


def worse(seed: int) -> Json:
    """Return habits of a bad day: late, out of order, doubled and lost."""
    dice = Random(seed)
    return UNRULY | {
        "delay": dice.uniform(2, 12),
        "duplicates": dice.uniform(0.1, 0.6),
        "losses": dice.choice((0.05, 0.2, 0.6)),
        "seed": dice.getrandbits(16),
    }


def behave(systems: Systems, habits: Json) -> None:
    """Give the systems that send webhooks their habits."""
    for kind, path in SENDERS.items():
        if kind in systems.pair:
            systems.call("POST", f"{kind}/{systems.name}/{path}", habits)


def switch_off(systems: Systems, seed: int) -> None:
    """Let the store switch its webhooks off; where only the OMS sends some, it sends them badly."""
    if "bigcommerce" in systems.pair:
        systems.store("hooks", {"switch_off": True})
    else:
        behave(systems, worse(seed))


def forge(address: str, seed: int) -> list[str]:
    """Send what must be refused, and return what was accepted; without an endpoint nothing is."""
    dice = Random(seed)
    taken = []
    with httpx.Client(base_url=address, timeout=10) as http:
        for index, (what, path, headers, body) in enumerate(
            _forgeries(f"{FORGED_ID}_{seed}", dice)
        ):
            try:
                answer = http.post(f"/hooks/{NAME}/{path}", content=body, headers=headers)
            except httpx.TransportError:
                continue
            if answer.is_success:
                taken.append(f"{what} webhook {index} of seed {seed}")
    return taken


def _forgeries(message_id: str, dice: Random) -> Iterator[tuple[str, str, dict[str, str], bytes]]:
    body = event(dice.randrange(1, 1 << 30), store=NAME)
    yield "forged", "platform", signed(body, "another secret", f"{message_id}_1"), body
    yield (
        "changed",
        "platform",
        signed(body, CLIENT_SECRET, f"{message_id}_2"),
        body.replace(b"updated", b"created"),
    )
    yield "stale", "platform", signed(body, CLIENT_SECRET, f"{message_id}_3", AN_HOUR), body
    yield "postdated", "platform", signed(body, CLIENT_SECRET, f"{message_id}_4", -AN_HOUR), body
    yield "unsigned", "platform", {}, body
    foreign = event(1, store="another")
    yield "foreign", "platform", signed(foreign, CLIENT_SECRET, f"{message_id}_5"), foreign
    large = event(1, store=NAME, padding="x" * OVERSIZED)
    yield "oversized", "platform", signed(large, CLIENT_SECRET, f"{message_id}_6"), large
    push = b'{"OrderId": "1"}'
    yield "forged", "oms", pushed(push, "another secret"), push


def webhook_differences(systems: Systems, url: str, connection: str) -> list[Difference]:
    """Compare what was acknowledged with the inbox; pushes are counted by order, ids vary."""
    hooks = _acknowledged(systems, "bigcommerce")
    pushes = _acknowledged(systems, "manhattan")
    with psycopg.connect(url, autocommit=True) as db:
        rows = db.execute(
            "SELECT system, event_id, source_id FROM sync.inbox WHERE connection = %s",
            (connection,),
        ).fetchall()
    stored = {event_id for system, event_id, _ in rows if system == "platform"}
    found = [
        Difference(LOST, f"webhook {name}", "acknowledged, and not in the inbox")
        for name in sorted(set(hooks) - stored)
    ]
    # A push about a return names it behind its order, and is stored for two streams.
    pushed_rows = {
        (event_id.partition(":")[0], source_id.partition("-")[0])
        for system, event_id, source_id in rows
        if system == "oms"
    }
    of_order = Counter(order for _, order in pushed_rows)
    for order, acknowledged in sorted(
        Counter(name.partition("-")[0] for name in set(pushes)).items()
    ):
        if of_order[order] < acknowledged:
            found.append(
                Difference(
                    LOST,
                    f"pushes of order {order}",
                    f"{acknowledged} acknowledged, {of_order[order]} in the inbox",
                )
            )
    forged = sorted(event_id for event_id in stored if event_id.startswith(FORGED_ID))
    return found + [
        Difference(WRONG, f"webhook {event_id}", "a forgery is in the inbox") for event_id in forged
    ]


def _acknowledged(systems: Systems, kind: str) -> list[str]:
    """Return the ids of what one system sent and was acknowledged."""
    if kind not in systems.pair:
        return []
    path = f"{kind}/{systems.name}/{SENDERS[kind]}/acknowledged"
    found: list[str] = systems.call("GET", path, None)
    return found


def acknowledged(systems: Systems) -> int:
    """Return how many webhooks of both systems were acknowledged."""
    answers = [
        systems.call("POST", f"{kind}/{systems.name}/{path}", {})
        for kind, path in SENDERS.items()
        if kind in systems.pair
    ]
    return sum(int(answer["counts"].get("acknowledged", 0)) for answer in answers)
