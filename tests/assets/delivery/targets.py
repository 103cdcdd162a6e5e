"""Targets in memory whose operations behave in each of the declared ways, and their planners."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import NAMESPACE_OID, uuid5

import orjson

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import ReadingPlanner
from domain.delivery import Claimed, Held, Intent, Operation, Outcome, Question, outcome_of
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from domain.identity import content_digest
from domain.records.record import Record
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow

NOW = datetime(2026, 3, 4, tzinfo=UTC)
Json = dict[str, Any]


class Killed(BaseException):
    """Ends the run as a kill does: nothing more is settled."""


class Wanted(Record, frozen=True, kw_only=True):
    """What the target should hold of one record."""

    content: Json


class Faults:
    """Decides at random what happens to each request."""

    def __init__(self, seed: int) -> None:
        self.random, self.is_on = random.Random(seed), True

    def draw(self) -> str:
        """Return the fate of a request."""
        if not self.is_on:
            return "ok"
        return self.random.choice(
            ["ok", "ok", "ok", "lost_before", "lost_after", "lost_after", "killed", "killed_after"]
        )


class MemoryTarget:
    """Records by key; a subclass is one way in which operations behave."""

    operations: Mapping[str, Operation]
    acts_for = 0.0
    empty: Any = {}

    def __init__(self, faults: Faults) -> None:
        self.held_now: dict[str, Any] = {}
        self.faults = faults

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[MemoryTarget]:
        """Open the target."""
        del log
        return self._opened()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[MemoryTarget]:
        yield self

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Take intents, unless their request gets lost."""
        return [await outcome_of(self._send(one)) for one in claimed]

    async def _send(self, claimed: Claimed) -> Receipt:
        fate = self.faults.draw()
        if fate == "killed":
            raise Killed
        if fate != "lost_before":
            self.take(claimed)
        if fate == "killed_after":
            raise Killed
        if fate.startswith("lost"):
            raise OutcomeUnknown("no answer")
        return Receipt(claimed.intent.target_key)

    def take(self, claimed: Claimed) -> None:
        """Let an intent take effect."""
        self.held_now[claimed.intent.target_key] = claimed.content

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Find nothing."""
        del owned
        return [None for _ in claimed]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what is held."""
        return {k: Held(k, dict(self.held_now[k])) for k in asked if k in self.held_now}


class Values(MemoryTarget):
    """Whole values, many a call: a stock level."""

    operations = {"set": Operation(batch=3)}


class Documents(MemoryTarget):
    """Documents of which a change names some fields: an order."""

    operations = {"change": Operation(replaces=False, concurrency=2)}

    def take(self, claimed: Claimed) -> None:
        """Set the named fields."""
        document = self.held_now.setdefault(claimed.intent.target_key, {})
        document.update(claimed.content)


class Lists(MemoryTarget):
    """Entries that are added and have no key of ours: shipments."""

    empty: Any = ()
    operations = {"add": Operation(repeat="find", creates=True, commutes=True, concurrency=2)}

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self._last = 0

    async def _send(self, claimed: Claimed) -> Receipt:
        receipt = await super()._send(claimed)
        return Receipt(self.held_now[receipt.target_id][-1][0])

    def take(self, claimed: Claimed) -> None:
        """Add an entry."""
        self._last += 1
        entries = self.held_now.setdefault(claimed.intent.target_key, [])
        entries.append((str(self._last), claimed.content))

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Find an equal entry that no other delivery owns."""
        [one] = claimed
        for entry_id, content in self.held_now.get(one.intent.target_key, ()):
            if content == one.content and entry_id not in owned:
                return [Receipt(entry_id)]
        return [None]


class MemoryPlanner(ReadingPlanner[Wanted]):
    """Plans for the three targets; ``wanted`` is by record."""

    to_oms = True
    why = "the target has it"

    def __init__(self, sync: Any, session: Any, request: Any, target: MemoryTarget) -> None:
        super().__init__(sync, session, request)
        self.target = cast(Any, target)
        self._plans: dict[str, Callable[[Due[Wanted]], list[Intent]]] = {
            "set": self._set,
            "change": self._change,
            "add": self._add,
        }
        [self._operation] = target.operations

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Wanted]]:
        """Read what is known."""
        known = self.session.deliveries.targets([a.source_id for a in current])
        return [
            Due(
                a,
                Wanted(content=orjson.loads(a.canonical)),
                a.source_id,
                known.get(a.source_id),
            )
            for a in current
        ]

    def plan(self, due: Due[Wanted]) -> Plan:
        """Return what is missing."""
        return Plan(due, self._plans[self._operation](due))

    def _set(self, due: Due[Wanted]) -> list[Intent]:
        is_doubtful = any(u.is_uncertain for u in due.unsettled)
        if self._known(due) == due.record.content and not is_doubtful:
            return []
        return [self._intent(due, due.record.content)]

    def _change(self, due: Due[Wanted]) -> list[Intent]:
        known, wanted = self._known(due) or {}, due.record.content
        change = {k: wanted.get(k) for k in {*known, *wanted} if known.get(k) != wanted.get(k)}
        if due.is_read:
            change = {k: wanted.get(k) for k in {*known, *wanted}}
        return [self._intent(due, change)] if change else []

    def _add(self, due: Due[Wanted]) -> list[Intent]:
        known = (self._known(due) or {}).get("entries", [])
        return [self._intent(due, one) for one in due.record.content["entries"] if one not in known]

    def _known(self, due: Due[Wanted]) -> Any:
        return orjson.loads(due.known.content) if due.known is not None else None

    def _intent(self, due: Due[Wanted], content: Any) -> Intent:
        sequence = due.known.sequence if due.known is not None else 0
        counted = 0 if self._operation == "add" else sequence
        name = [due.accepted.source_id, counted, orjson.dumps(content).decode()]
        key = uuid5(NAMESPACE_OID, f"{self.sync.name}{name}")
        return Intent(self._operation, key, due.accepted.source_id, content)

    def question(self, due: Due[Wanted]) -> tuple[str, Question]:
        """Ask for the document."""
        return due.accepted.source_id, ()

    def resolve(self, due: Due[Wanted], held: Held | None) -> list[SettleRow]:
        """Take what the target holds as known."""
        due.known = self._row(due, held.content) if held is not None else None
        return [SettleRow(u.delivery_key, "superseded") for u in due.unsettled if u.is_uncertain]

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what is held now."""
        del outcome
        known = self._known(plan.due) or {}
        if self._operation == "add":
            content: Any = {"entries": [*known.get("entries", []), intent.content]}
        else:
            content = plan.due.record.content
        plan.due.known = self._row(plan.due, content)
        return plan.due.known

    def _row(self, due: Due[Wanted], content: Any) -> TargetRow:
        sequence = (due.known.sequence if due.known is not None else 0) + 1
        stored, key = orjson.dumps(content), due.accepted.source_id
        return TargetRow(key, key, stored, content_digest(stored), "", sequence, NOW)
