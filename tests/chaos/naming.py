"""Whether the ledger names every fault that hit a request with an effect.

A fault is named by a row of the message log (its status or its error, on that request), or, where
the sender died before it could write one, by the delivery: more than one attempt, an error, or a
successor that took its place.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from tests.chaos.facts import Delivery, Message, Recorded
from tests.chaos.ways import WAYS, Call

NEAR_SECONDS, AGAIN_SECONDS = 45.0, 180.0
"""How far a record may be from its fault: a log row before or after, a new claim after."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One request that a fault of ours hit, as the sandbox noted it."""

    system: str
    kind: str
    status: int
    method: str
    path: str
    correlation: str
    at: float
    killed: bool = False
    """Its sender was killed while it was under way."""

    @property
    def has_effect(self) -> bool:
        """Return whether the request was to change something at the remote system.

        One that shows an agent an outcome is no such: it is repeated until it has, and leaves no
        trace of its failures.
        """
        ways = WAYS[self.system]
        if not self.correlation and self._is_one_of(ways.reports):
            return False
        return self._is_one_of((*ways.writes, *chain.from_iterable(ways.more.values())))

    @property
    def stream(self) -> str:
        """Return the stream of a request for a batch: stock if no other has requests of its own."""
        more = WAYS[self.system].more
        return next((name for name, calls in more.items() if self._is_one_of(calls)), "inventory")

    def _is_one_of(self, calls: Iterable[Call]) -> bool:
        return any(
            call.method in (None, self.method)
            and re.search(call.path, self.path)
            and (self.correlation or not call.is_correlated)
            for call in calls
        )

    def __str__(self) -> str:
        what = f"{self.kind} {self.status}" if self.status else self.kind
        return f"{what} on {self.method} {self.path} [{self.correlation or 'no correlation id'}]"


def unnamed(hits: Iterable[Hit], facts: Recorded) -> list[str]:
    """Return the faults of which the ledger shows no trace."""
    deliveries: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in facts.deliveries:
        deliveries[delivery.correlation_id].append(delivery)
    messages: dict[str, list[Message]] = defaultdict(list)
    for message in facts.messages:
        messages[message.correlation_id].append(message)
    return [str(hit) for hit in hits if hit.has_effect and not _is_named(hit, deliveries, messages)]


def _is_named(
    hit: Hit, deliveries: dict[str, list[Delivery]], messages: dict[str, list[Message]]
) -> bool:
    if any(_is_named_by(hit, message) for message in messages[hit.correlation]):
        return True
    if hit.correlation:
        return any(_shows_trouble(d) for d in deliveries[hit.correlation])
    # Stock and prices go out in batches without a correlation id: a batch whose sender died is
    # known by the time at which what is in it was claimed again, by the next run that writes such.
    # On a busy machine several runs may die before that.
    later = [m.at for m in messages[""] if m.at > hit.at and _is_same_call(hit, m)]
    until = max(hit.at + AGAIN_SECONDS, min(later, default=0) + NEAR_SECONDS)
    batched = (d for found in deliveries.values() for d in found if d.stream == hit.stream)
    return any(_shows_trouble(d) and hit.at - NEAR_SECONDS < d.claimed_at < until for d in batched)


def _shows_trouble(delivery: Delivery) -> bool:
    return delivery.attempts > 1 or bool(delivery.error) or delivery.state == "superseded"


def _is_named_by(hit: Hit, message: Message) -> bool:
    if abs(message.at - hit.at) > NEAR_SECONDS or not _is_same_call(hit, message):
        return False
    match hit.kind:
        case "status":
            return message.status == hit.status
        case "drop_before" | "drop_after":
            return message.status == 0 and bool(message.error)
        case "delay" | "delay_after":
            return message.status == 0 or message.milliseconds >= 500
    # A spoilt answer whose parts that are needed can be read is not a fault.
    return 200 <= message.status < 300 or bool(message.error)


def _is_same_call(hit: Hit, message: Message) -> bool:
    """Return whether both are of one method and path; the log has it below the base address."""
    is_there = hit.path.endswith(message.endpoint) or message.endpoint.endswith(hit.path[-12:])
    return message.method == hit.method and is_there
