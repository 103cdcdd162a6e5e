"""Intents that a target takes in one call: all or none, each with an outcome of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from assets.delivery.plan import Plan
from assets.delivery.sender import Sender
from domain.delivery import Claimed, Held, Intent, Operation, Outcome
from domain.errors import Problem, TransientError
from domain.exchange import OutcomeUnknown, Receipt
from tests.assets.delivery.test_concurrency import Ledger

OPERATIONS = {
    "add": Operation(repeat="find", joins=True, concurrency=4),
    "set": Operation(joins=True, concurrency=4),
    "alone": Operation(concurrency=4),
}
NOTE = Problem("note", "", "seen", "nothing")


class Store:
    """A target that takes several intents of one record at once, all or none of them."""

    def __init__(self, refuses: Collection[str] = (), lost: int = 0, busy: int = 0) -> None:
        self.refuses, self.lost, self.busy = refuses, lost, busy
        self.calls: list[list[str]] = []
        self.has: list[str] = []
        self.looked_up: list[str] = []

    async def held(self, asked: Mapping[str, Any]) -> dict[str, Held]:
        """Return what has been applied of the record."""
        return {key: Held(key, tuple(self.has)) for key in asked}

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Apply all contents or none."""
        names = [one.content for one in claimed]
        self.calls.append(names)
        if self.busy:
            self.busy -= 1
            error = TransientError("busy")
            return [Outcome("retry", error="busy", fault=error) for _ in claimed]
        if set(names) & set(self.refuses):
            problem = Problem("refused", "", "no", "no")
            return [Outcome("refused", problems=(problem,)) for _ in claimed]
        self.has += names
        if self.lost:
            self.lost -= 1
            error = OutcomeUnknown("no answer")
            return [Outcome("unknown", error="lost", fault=error, is_lost=True) for _ in claimed]
        return [Outcome("done", name) for name in names]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return what has been applied."""
        del owned
        self.looked_up += [one.content for one in claimed]
        return [Receipt(o.content) if o.content in self.has else None for o in claimed]


def deliver(store: Store, *intents: Intent, apart: bool = False, unsettled: Any = ()) -> Plan:
    """Send one plan; return it with its outcomes. ``apart``: they can't be decided together."""

    def decide_jointly(plan: Plan, joint: Sequence[Intent], held: Held) -> Any:
        del held
        plan.notes.append(NOTE)
        return None if apart else list(joint)

    planner: Any = SimpleNamespace(
        session=Ledger(),
        target=SimpleNamespace(operations=OPERATIONS),
        settled=lambda *_: None,
        foreseen=lambda _: None,
        decide_jointly=decide_jointly,
    )
    due: Any = SimpleNamespace(accepted=SimpleNamespace(correlation_id="c"), unsettled=unsettled)
    plan = Plan(due, list(intents))
    asyncio.run(Sender(planner, planner.session).send([plan], store))  # type: ignore[arg-type]
    return plan


def intent(operation: str, name: str, key: UUID | None = None, **changes: Any) -> Intent:
    """Return an intent of the one record."""
    return replace(Intent(operation, key or uuid4(), "record", name), **changes)


def states(plan: Plan) -> list[str]:
    """Return the outcomes in the intents' order."""
    assert [sent.intent for sent in plan.sent] == plan.intents
    return [sent.outcome.state for sent in plan.sent]


def test_intents_that_join_are_one_call() -> None:
    """One that does not join ends it, and goes alone."""
    store = Store()
    plan = deliver(
        store, intent("add", "a"), intent("add", "b"), intent("set", "s"), intent("alone", "x")
    )
    assert store.calls == [["a", "b", "s"], ["x"]]
    assert states(plan) == ["done"] * 4
    assert [sent.outcome.target_id for sent in plan.sent] == ["a", "b", "s", "x"]
    assert plan.notes == [NOTE]


def test_a_refused_call_is_followed_by_single_ones_that_show_whose_fault_it_is() -> None:
    """The others are taken; what was decided for the joint call is forgotten."""
    store = Store(refuses={"b"})
    plan = deliver(
        store,
        intent("add", "a", is_independent=True),
        intent("add", "b", is_independent=True),
        intent("set", "s"),
    )
    assert store.calls == [["a", "b", "s"], ["a"], ["b"], ["s"]]
    assert states(plan) == ["done", "refused", "done"]
    assert store.has == ["a", "s"]
    assert plan.notes == []


def test_after_a_lost_answer_each_effect_is_looked_for() -> None:
    """What may be written again is left to the next run, as that of a single call."""
    store = Store(lost=1)
    plan = deliver(store, intent("add", "a"), intent("add", "b"), intent("set", "s"))
    assert store.looked_up == ["a", "b"]
    assert states(plan) == ["done", "done", "unknown"]
    assert [sent.outcome.is_found for sent in plan.sent] == [True, True, False]
    assert plan.sent[2].outcome.is_lost


def test_a_call_that_did_not_take_place_fails_once() -> None:
    """Only the first intent has used up an attempt; the others were kept back."""
    store = Store(busy=1)
    plan = deliver(store, intent("add", "a"), intent("set", "s"))
    assert store.calls == [["a", "s"]]
    assert states(plan) == ["retry", "unsent"]


def test_what_can_not_be_decided_together_goes_alone() -> None:
    """Without a call that was in vain."""
    store = Store()
    plan = deliver(store, intent("add", "a"), intent("set", "s"), apart=True)
    assert store.calls == [["a"], ["s"]]
    assert states(plan) == ["done", "done"]
    assert plan.notes == []


@pytest.mark.parametrize("unsettled", [(), ("an uncertain delivery",)])
def test_what_may_be_at_the_target_is_looked_up_alone(unsettled: Any) -> None:
    """Where the ledger is cautious, or has an uncertain delivery of the record."""
    key = uuid4()
    rows = [SimpleNamespace(delivery_key=key, is_uncertain=True) for _ in unsettled]
    store = Store()
    first = intent("add", "a", key, may_exist=not unsettled)
    plan = deliver(store, first, intent("set", "s"), unsettled=rows)
    assert store.calls == [["a"], ["s"]]
    assert store.looked_up == ([] if unsettled else ["a"])
    assert states(plan) == ["done", "done"]


def test_a_long_plan_takes_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call is bounded."""
    monkeypatch.setattr("assets.delivery.joint.MOST", 3)
    store = Store()
    plan = deliver(store, *(intent("add", str(n)) for n in range(7)))
    assert store.calls == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
    assert states(plan) == ["done"] * 7


def test_an_unforeseen_error_leaves_all_of_them_uncertain() -> None:
    """It may have come after the request."""

    class Broken(Store):
        async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
            raise KeyError(claimed[0].content)

    store, logged = Broken(), list[str]()
    planner: Any = SimpleNamespace(
        session=Ledger(),
        target=SimpleNamespace(operations=OPERATIONS),
        settled=lambda *_: None,
        foreseen=lambda _: None,
        decide_jointly=lambda _plan, joint, _held: list(joint),
        sync=SimpleNamespace(name="acme", log=logged.append),
    )
    due: Any = SimpleNamespace(accepted=SimpleNamespace(correlation_id="c"), unsettled=())
    plan = Plan(due, [intent("add", "a"), intent("set", "s")])
    asyncio.run(Sender(planner, planner.session).send([plan], store))  # type: ignore[arg-type]
    assert states(plan) == ["unknown", "unknown"]
    assert all(sent.outcome.is_lost for sent in plan.sent)
    assert logged
