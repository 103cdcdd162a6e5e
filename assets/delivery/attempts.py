"""Attempts: an intent is decided, sent once and, without an answer, looked up; never more.

A request without an answer leaves its delivery uncertain in the ledger until the same intent is
sent again with success, or a look at the target shows its outcome; no failure, retry or
newer version ends it (docs/delivery.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from assets.delivery.joint import apply, decide, in_order
from assets.delivery.plan import Plan
from assets.delivery.planner import Planner
from assets.delivery.system import log_unforeseen
from domain.delivery import Claimed, Held, Intent, Operation, Outcome, failed, succeeded
from domain.errors import LockstepError, NoPermit, PermanentError, WriterLost
from domain.targets import Writer

FAILURES_IN_A_ROW = 5
"""After this many the target counts as failing, and the rest is not sent."""
_lost: ContextVar[list[bool]] = ContextVar("lost")
"""Whether a request of the current attempt got no answer that shows its outcome."""


class Attempts:
    """Attempts of a chunk's intents, until the target as a whole fails."""

    def __init__(self, planner: Planner[Any], settling: asyncio.Lock) -> None:
        """``settling`` is held while another thread uses the session."""
        self._planner, self._session, self._settling = planner, planner.session, settling
        self._operations = planner.target.operations
        self._failures = 0
        self.owned: set[str] = set()
        """Ids that deliveries own: no look-up may find them."""
        self.stopped_by: LockstepError | None = None
        """The fault that ends the delivery of the chunk."""
        self.got_through = False
        """Whether the target has taken or refused anything."""

    async def send(self, plan: Plan, intent: Intent, writer: Writer) -> Outcome:
        """Send an intent once; never raises but for cancellation."""
        with _noting_losses() as lost:
            try:
                outcome = await self._attempt(plan, intent, writer)
            except LockstepError as error:
                outcome = failed(error)
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                outcome = self.unforeseen(error)
        outcome.is_lost = outcome.is_lost or bool(lost)
        self._count(outcome)
        return self._doubted(plan, intent, outcome)

    def _doubted(self, plan: Plan, intent: Intent, outcome: Outcome) -> Outcome:
        """Return a refusal as uncertain where the target may have taken an earlier request.

        It may refuse the second because it has taken the first and moved on. The record stays due,
        and the next run reads what the target holds.
        """
        operation = self._of(intent)
        if outcome.state != "refused" or operation.replaces or operation.repeat == "find":
            return outcome
        earlier = (u for u in plan.due.unsettled if u.delivery_key == intent.key)
        if not outcome.is_lost and not any(u.is_uncertain for u in earlier):
            return outcome
        reasons = outcome.error or "; ".join(p.message for p in outcome.problems)
        error = (
            f"refused, but an earlier request without an answer may have been accepted: {reasons}"
        )
        return Outcome("unknown", trace_id=outcome.trace_id, error=error, is_lost=True)

    async def _attempt(self, plan: Plan, intent: Intent, writer: Writer) -> Outcome:
        if intent.reads:
            held = (await writer.held({intent.target_key: intent.asks}))[intent.target_key]
            if held.problems:
                return Outcome("refused", problems=held.problems)
            decision = await self._decide(plan, intent, held)
            if isinstance(decision, Outcome):
                return decision
            intent = decision
            await self._store_foreseen(plan)
        claimed = Claimed(intent, plan.accepted.correlation_id)
        if intent.may_exist and (found := await self._find(claimed, writer)):
            return found
        [outcome] = await writer.apply([claimed])
        if outcome.state == "unknown" and self._of(intent).repeat == "find":
            outcome = await self._find(claimed, writer) or outcome
        if outcome.succeeded:
            self.owned.add(outcome.target_id)
        return outcome

    async def _decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        if not self._planner.decides_by_ledger:
            return self._planner.decide(plan, intent, held)
        async with self._settling:
            return self._planner.decide(plan, intent, held)

    async def send_jointly(
        self, plan: Plan, intents: Sequence[Intent], writer: Writer
    ) -> list[Outcome]:
        """Send intents of one record in one call; no outcome: they have to be sent one by one.

        So they are where the call was refused, which shows whose fault it is.
        """
        found, notes = len(plan.found), len(plan.notes)
        with _noting_losses() as lost:
            try:
                decided = await decide(plan, intents, writer, self._planner)
                await self._store_foreseen(plan)
                outcomes = await apply(decided, writer, self._operations, self._find)
            except LockstepError as error:
                outcomes = [failed(error) for _ in intents]
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                outcomes = [self.unforeseen(error) for _ in intents]
        if not outcomes or any(outcome.state == "refused" for outcome in outcomes):
            plan.goes_apart = True
            del plan.found[found:], plan.notes[notes:]
            if lost:  # refused, since an earlier request of the call was taken
                plan.intents = [
                    replace(one, may_exist=self._of(one).repeat == "find") for one in plan.intents
                ]
            return []
        for outcome in outcomes:
            outcome.is_lost = outcome.is_lost or bool(lost)
            if outcome.succeeded:
                self.owned.add(outcome.target_id)
        self._count(next((o for o in outcomes if o.fault is not None), outcomes[0]))
        return in_order(outcomes)

    async def _find(self, claimed: Claimed, writer: Writer) -> Outcome | None:
        """Return the success of an intent whose effect the target has; no other delivery owns it.

        Raises ``OutcomeUnknown`` if it can't be looked up.
        """
        [receipt] = await writer.find([claimed], self.owned)
        if receipt is None:
            return None
        self.owned.add(receipt.target_id)
        outcome = succeeded(receipt)
        outcome.is_found = True
        return outcome

    async def send_batch(self, batch: Sequence[Plan], writer: Writer) -> list[Outcome]:
        """Send the first intent of each of many records in one call."""
        claimed = [Claimed(p.unsent()[0], p.accepted.correlation_id) for p in batch]
        with _noting_losses() as lost:
            try:
                outcomes = await writer.apply(claimed)
            except Exception as error:  # noqa: BLE001 - it costs one record, and no other
                outcomes = [self.unforeseen(error) for _ in batch]
        for outcome in outcomes:
            outcome.is_lost = outcome.is_lost or bool(lost)
            if outcome.is_lost and outcome.state == "unsent":  # the lost request may have sent it
                outcome.state, outcome.error = "unknown", "an earlier request got no answer"
        self._count(next((o for o in outcomes if o.fault is not None), outcomes[0]))
        self.got_through = self.got_through or any(o.fault is None for o in outcomes)
        return [
            self._doubted(plan, one.intent, outcome)
            for plan, one, outcome in zip(batch, claimed, outcomes, strict=True)
        ]

    def unforeseen(self, error: Exception) -> Outcome:
        """Return the outcome of an attempt that has failed by an error of ours."""
        return Outcome("unknown", error=log_unforeseen(self._planner.sync, error), is_lost=True)

    def stop(self, fault: LockstepError) -> None:
        """Send nothing more, because of a fault; of several the one that says most is kept.

        The first of its kind: others fail in the time that calls under way still take. Without the
        lock nothing may be settled, whatever else has failed meanwhile.
        """
        if self.stopped_by is None or _weight(fault) > _weight(self.stopped_by):
            self.stopped_by = fault

    def _count(self, outcome: Outcome) -> None:
        """Count the target's failures in a row; a fault of the whole target stops at once."""
        if isinstance(outcome.fault, PermanentError | NoPermit):
            self.stop(outcome.fault)
        elif outcome.fault is not None:
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                self.stop(outcome.fault)
        elif outcome.state != "unknown":
            self._failures, self.got_through = 0, True

    async def _store_foreseen(self, plan: Plan) -> None:
        if (row := self._planner.foreseen(plan)) is None:
            return
        deliveries = self._session.deliveries
        async with self._settling:
            await asyncio.to_thread(self._session.repeatable, lambda: deliveries.put_targets([row]))

    def _of(self, intent: Intent) -> Operation:
        return self._operations[intent.operation]


def _weight(fault: LockstepError) -> int:
    """Return how much a fault says: a lost lock, then credentials and the like, then a failure."""
    return 2 if isinstance(fault, WriterLost) else int(isinstance(fault, PermanentError))


def note_lost() -> None:
    """Note that a request of the current attempt got no answer that shows its outcome."""
    if (marks := _lost.get(None)) is not None:
        marks.append(True)


@contextmanager
def _noting_losses() -> Iterator[list[bool]]:
    """Yield a list that is not empty once a request of this task has got no answer."""
    lost: list[bool] = []
    token = _lost.set(lost)
    try:
        yield lost
    finally:
        _lost.reset(token)
