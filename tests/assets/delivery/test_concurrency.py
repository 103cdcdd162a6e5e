"""Each operation of a target has its own number of calls at once, for single calls and batches."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from assets.delivery.plan import Plan
from assets.delivery.sender import Sender
from domain.delivery import Claimed, Intent, Operation, Outcome


class Ledger:
    """A session and a settlement that keep nothing."""

    def __init__(self) -> None:
        self.deliveries = SimpleNamespace(target_ids=lambda _keys, _actions: set[str]())

    def check_writer(self) -> None:
        """The lock is held."""

    def tries_of(self, plan: Plan) -> int:
        """Return that none was tried."""
        del plan
        return 0

    def attempts_of(self, intent: Intent) -> int:
        """Return that each is tried for the first time."""
        del intent
        return 1

    def settle(self, *_: object) -> None:
        """Write nothing."""


class Gauge:
    """A writer that measures how many calls are open at once, of each operation and of all."""

    def __init__(self) -> None:
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.sent: list[str] = []

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Take a moment."""
        operation = claimed[0].intent.operation
        for name in (operation, "all"):
            self.open[name] += 1
            self.most[name] = max(self.most[name], self.open[name])
        await asyncio.sleep(0.01)
        for name in (operation, "all"):
            self.open[name] -= 1
        self.sent += [one.intent.target_key for one in claimed]
        return [Outcome("done") for _ in claimed]


def sent(operations: dict[str, Operation], *names: str) -> Gauge:
    """Send a plan of one intent for each of the names of operations."""
    ledger, gauge = Ledger(), Gauge()
    planner: Any = SimpleNamespace(
        session=ledger,
        target=SimpleNamespace(operations=operations),
        settled=lambda *_: None,
    )
    due: Any = SimpleNamespace(accepted=SimpleNamespace(correlation_id=""))
    plans = [
        Plan(due, [Intent(name, uuid4(), f"{name}-{number}", None)])
        for number, name in enumerate(names)
    ]
    asyncio.run(Sender(planner, ledger).send(plans, gauge))  # type: ignore[arg-type]
    assert sorted(gauge.sent) == sorted(i.target_key for plan in plans for i in plan.intents)
    return gauge


@pytest.mark.parametrize("limits", [(1, 4), (4, 1), (2, 3)])
def test_single_calls_obey_the_limit_of_their_operation(limits: tuple[int, int]) -> None:
    """The narrow one is not widened by the other, nor does it hold the other up."""
    narrow, wide = limits
    operations = {"a": Operation(concurrency=narrow), "b": Operation(concurrency=wide)}
    gauge = sent(operations, *["a"] * 12, *["b"] * 12)
    assert gauge.most == {"a": narrow, "b": wide, "all": max(limits)}


def test_an_operation_that_waits_holds_up_no_other() -> None:
    """The calls that wait for the narrow one leave the wide one its own."""
    operations = {"narrow": Operation(), "wide": Operation(concurrency=3)}
    gauge = sent(operations, *["narrow"] * 9, *["wide"] * 6)
    assert gauge.sent.index("wide-14") < gauge.sent.index("narrow-8")


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_batches_obey_the_limit_of_their_operation(limit: int) -> None:
    """A target that takes one batch at a time gets the next one after the answer."""
    operations = {"set": Operation(batch=2, concurrency=limit), "more": Operation(concurrency=2)}
    gauge = sent(operations, *["set"] * 20, *["more"] * 6)
    assert gauge.most["set"] == limit
    assert gauge.most["more"] == 2
