"""The engine keeps its promise for each way in which a target's operations may behave."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest

from assets.delivery.engine import Engine
from assets.delivery.plan import Due, Plan
from assets.delivery.request import DeliveryRequest
from assets.delivery.resolution import Resolver
from domain.delivery import Claimed, Held, Intent, Operation, Outcome, Question, failed
from domain.errors import LockstepError, TransientError
from domain.identity import content_digest
from domain.values import Partition
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow
from resources.ledger.session import Session
from tests.assets.delivery.targets import (
    NOW,
    Documents,
    Faults,
    Json,
    Killed,
    Lists,
    MemoryPlanner,
    MemoryTarget,
    Values,
    Wanted,
)

RECORDS, STEPS = 5, 8


def _values(random_: random.Random, before: Json) -> Json:
    del before
    return {"quantity": random_.randrange(4)}


def _documents(random_: random.Random, before: Json) -> Json:
    del before
    return {name: random_.randrange(3) for name in "abc" if random_.random() < 0.7}


def _lists(random_: random.Random, before: Json) -> Json:
    entries: list[int] = before.get("entries", [])
    return {"entries": [*entries, len(entries)] if random_.random() < 0.6 else entries}


def _whole(held: Any) -> Any:
    return held


def _present(held: Any) -> Any:
    return {name: value for name, value in held.items() if value is not None}


def _entries(held: Any) -> Any:
    return {"entries": sorted(content for _, content in held)}


KINDS: dict[str, tuple[type[MemoryTarget], Any, Callable[[Any], Any]]] = {
    "replaced by a later one": (Values, _values, _whole),
    "changed in part": (Documents, _documents, _present),
    "created without a key": (Lists, _lists, _entries),
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_gets_lost_each_record_ends_once_as_wanted(
    database: str, kind: str, seed: int
) -> None:
    """Lost requests, lost answers and kills at random, versions that change in between."""
    made, change, shown = KINDS[kind]
    faults, random_ = Faults(seed), random.Random(seed)
    target = made(faults)
    name = f"e{uuid4().hex[:10]}"
    wanted: dict[str, Json] = {f"r{n}": {} for n in range(RECORDS)}
    with psycopg.connect(database, autocommit=True) as db:
        session = Session(db, name, "orders", "run")
        for step in range(STEPS + 2):
            faults.is_on = step < STEPS
            if faults.is_on:
                wanted = {key: change(random_, before) for key, before in wanted.items()}
            with suppress(Killed, LockstepError):
                _deliver(session, target, wanted)
        open_deliveries = session.deliveries.unsettled(list(wanted), 0.0)
    assert {key: shown(target.held_now.get(key, made(faults).empty)) for key in wanted} == wanted
    assert open_deliveries == {}


class _System:
    """A system that always answers."""

    def clock(self) -> datetime:
        return NOW


class Unreadable(Documents):
    """Documents of which some can't be read."""

    unreadable: Collection[str] = ()

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Fail as a whole if one can't be read."""
        if not set(self.unreadable).isdisjoint(asked):
            raise TransientError("the search answered 500")
        return await super().held(asked)


def test_a_record_that_cannot_be_read_holds_up_no_other(database: str) -> None:
    """It becomes a rejection; if none can be read, the target is at fault and all stay due."""
    faults = Faults(1)
    faults.draw = lambda: "lost_after"  # type: ignore[method-assign]
    target = Unreadable(faults)
    wanted: dict[str, Json] = {f"r{n}": {"a": 1} for n in range(4)}
    with psycopg.connect(database, autocommit=True) as db:
        session = Session(db, f"e{uuid4().hex[:10]}", "orders", "run")
        _deliver(session, target, wanted)
        wanted = {key: {"b": 2} for key in wanted}
        faults.is_on, faults.draw = False, lambda: "ok"  # type: ignore[method-assign]

        target.unreadable = set(wanted)
        with pytest.raises(TransientError, match="answered 500"):
            _deliver(session, target, wanted)
        assert session.rejections.open_captures("delivered", list(wanted)) == {}

        target.unreadable = {"r0"}
        _deliver(session, target, wanted)
        assert set(session.rejections.open_captures("delivered", list(wanted))) == {"r0"}
        assert {key: _present(held) for key, held in target.held_now.items()} == {
            **wanted,
            "r0": {"a": 1},
        }


@pytest.mark.parametrize("target", [Documents, Values, Lists])
def test_a_target_that_must_be_read_needs_a_planner_that_reads(target: type[MemoryTarget]) -> None:
    """Without one it is refused before anything is sent, not when something is uncertain."""
    planner: Any = SimpleNamespace(target=SimpleNamespace(operations=target.operations))
    if target is Documents:
        with pytest.raises(TypeError, match="the operation change may need"):
            Resolver(planner, NOW, is_cautious=False)
    else:
        Resolver(planner, NOW, is_cautious=False)


class Troubled(MemoryPlanner):
    """Plans with a mistake that shows in one step of one record."""

    step = ""

    def _stumble(self, step: str, due: Due[Wanted]) -> None:
        if step == self.step and due.accepted.source_id == "r0":
            raise KeyError("Shipper")

    def plan(self, due: Due[Wanted]) -> Plan:
        """Return what is missing."""
        self._stumble("plan", due)
        return super().plan(due)

    def question(self, due: Due[Wanted]) -> tuple[str, Question]:
        """Ask for the document."""
        self._stumble("question", due)
        return super().question(due)

    def resolve(self, due: Due[Wanted], held: Held | None) -> list[SettleRow]:
        """Take what the target holds as known."""
        self._stumble("resolve", due)
        return super().resolve(due, held)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what is held now."""
        self._stumble("settled", plan.due)
        return super().settled(plan, intent, outcome)

    def follow_up(self, plan: Plan) -> list[Intent]:
        """Return nothing more."""
        self._stumble("follow_up", plan.due)
        return super().follow_up(plan)


@pytest.mark.parametrize("step", ["plan", "question", "resolve", "settled", "follow_up"])
def test_a_mistake_in_one_step_of_one_record_costs_no_other(database: str, step: str) -> None:
    """The run goes on, and the record is delivered once the mistake is corrected.

    Until then it is a rejection; where it has been sent, its effect stays uncertain.
    """
    faults = Faults(1)
    faults.draw = lambda: "lost_after"  # type: ignore[method-assign]
    target, wanted = Documents(faults), {f"r{n}": {"a": 1} for n in range(4)}
    kind = type("_", (Troubled,), {"step": step})
    with psycopg.connect(database, autocommit=True) as db:
        session = Session(db, f"e{uuid4().hex[:10]}", "orders", "run")
        _deliver(session, target, wanted)  # uncertain, so that all are read
        faults.is_on, faults.draw = False, lambda: "ok"  # type: ignore[method-assign]
        wanted = {key: {"b": 2} for key in wanted}
        for _ in range(1 if step == "follow_up" else 3):
            _deliver(session, target, wanted, kind, max_attempts=2)

        rejected = set(session.rejections.open_captures("delivered", list(wanted)))
        assert rejected == (set() if step == "settled" else {"r0"})
        held = {key: _present(one) for key, one in target.held_now.items()}
        del held["r0"]
        assert held == {key: {"b": 2} for key in ("r1", "r2", "r3")}
        _deliver(session, target, wanted, again=True)
        assert session.rejections.open_captures("delivered", list(wanted)) == {}
        assert _present(target.held_now["r0"]) == {"b": 2}


class Poisoned(Values):
    """Levels of which one fails every call that it is in."""

    operations = {"set": Operation(batch=1000)}
    sizes: list[int]

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Fail as a whole."""
        self.sizes.append(len(claimed))
        if any(one.intent.target_key == "r7" for one in claimed):
            if self.faults.is_on:
                raise KeyError("r7")
            return [failed(TransientError("answered 500")) for _ in claimed]
        return await super().apply(claimed)


@pytest.mark.parametrize("is_foreseen", [True, False])
def test_a_record_that_fails_its_call_holds_up_the_others_of_it_for_a_while(
    database: str, is_foreseen: bool
) -> None:
    """What has failed goes in ever smaller calls, in a few runs."""
    faults = Faults(1)
    faults.is_on, faults.draw = not is_foreseen, lambda: "ok"  # type: ignore[method-assign]
    target, wanted = Poisoned(faults), {f"r{n}": {"a": n} for n in range(250)}
    target.sizes = []
    with psycopg.connect(database, autocommit=True) as db:
        session = Session(db, f"e{uuid4().hex[:10]}", "orders", "run")
        for _ in range(6):
            with suppress(LockstepError):
                _deliver(session, target, wanted, max_attempts=5)
        assert set(session.rejections.open_captures("delivered", list(wanted))) == {"r7"}
    assert target.held_now.keys() == wanted.keys() - {"r7"}
    assert len(target.sizes) < 40


def _deliver(
    session: Session,
    target: MemoryTarget,
    wanted: dict[str, Json],
    kind: type[MemoryPlanner] = MemoryPlanner,
    *,
    max_attempts: int = 1_000,
    again: bool = False,
) -> None:
    sync = SimpleNamespace(
        name=session.connection,
        run_id="run",
        connection=SimpleNamespace(max_attempts=max_attempts),
        log=lambda _: None,
        oms=_System(),
        shipments=SimpleNamespace(probe=lambda _: None),
    )
    request = DeliveryRequest(Partition.of_day(NOW.date()), again=again, force=False)
    chunk = []
    for key, content in wanted.items():
        stored = orjson.dumps(content)
        chunk.append(
            AcceptedRecord(uuid4(), key, NOW, stored, content_digest(stored), f"c-{key}", False)
        )
    planner = kind(sync, session, request, target)
    Engine(planner).run(chunk)
