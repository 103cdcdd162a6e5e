"""Sending: intents go out in each record's order, many records at once, and are settled.

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
from itertools import groupby
from typing import Any

from assets.delivery.calls import Calls
from assets.delivery.joint import apply, decide, in_order, joint_intents
from assets.delivery.plan import Plan, Sent
from assets.delivery.planner import Planner
from assets.delivery.settlement import Ended, Settlement
from assets.delivery.system import log_unforeseen
from domain.delivery import Claimed, Held, Intent, Operation, Outcome, failed, succeeded
from domain.errors import LockstepError, NoPermit, PermanentError, WriterLost
from domain.exchange import Exchange, before_effect
from domain.targets import Writer

SETTLE_EVERY = 500
"""Intents kept in memory before they are settled: a crash leaves their outcomes unknown."""
SMALLER = 10
"""By what the records of a call are divided after each attempt that has failed."""
FAILURES_IN_A_ROW = 5
"""After this many the target counts as failing, and the rest is not sent."""
_lost: ContextVar[list[bool]] = ContextVar("lost")
"""Whether a request of the present attempt got no answer that shows its outcome."""


class Sender:
    """Sends claimed plans until the target as a whole fails, and settles their outcomes."""

    def __init__(self, planner: Planner[Any], settlement: Settlement) -> None:
        self._planner, self._settlement = planner, settlement
        self._session = planner.session
        self._operations = planner.target.operations
        self._unsettled: list[Ended] = []
        self._exchanges: list[Exchange] = []
        self._settling = asyncio.Lock()
        self._calls = Calls(self._operations)
        self._failures = 0
        self._owned: set[str] = set()
        self.stopped_by: LockstepError | None = None
        """The target's fault that ends the delivery of the chunk."""
        self.got_through = False
        """Whether the target has taken or refused anything."""

    def log(self, exchange: Exchange) -> None:
        """Keep an exchange for ``sync.message_log``."""
        self._exchanges.append(exchange)
        if exchange.is_lost and (marks := _lost.get(None)) is not None:
            marks.append(True)

    async def send(self, plans: Sequence[Plan], writer: Writer) -> None:
        """Send all unsent intents of the plans, those that were tried least first, and settle.

        Raises the target's fault where the writer's lock was lost.
        """
        token = before_effect.set(self._check_writer)
        try:
            await self._send_all(plans, writer)
        finally:
            before_effect.reset(token)

    async def _send_all(self, plans: Sequence[Plan], writer: Writer) -> None:
        waiting = sorted((p for p in plans if p.unsent()), key=self._settlement.tries_of)
        self._owned |= self._owned_ids(waiting)
        in_batches = [p for p in waiting if self._goes_in_batch(p)]
        await self._in_batches(in_batches, writer)
        await self._one_by_one([p for p in waiting if p.unsent()], writer)
        await self._settle()

    def _owned_ids(self, plans: Sequence[Plan]) -> set[str]:
        """Return the ids that settled deliveries of the records own: no look-up may find them."""
        looking = [
            intent.target_key
            for plan in plans
            for intent in plan.unsent()
            if self._of(intent).repeat == "find"
        ]
        return self._session.deliveries.target_ids(looking) if looking else set()

    def _goes_in_batch(self, plan: Plan) -> bool:
        """Return whether a call may take the record's first intent together with other records'.

        One that no later effect replaces is sent alone once it was tried, or has to be looked for
        or read before: so that a record that fails its call does not fail the others' again.
        """
        intent = plan.unsent()[0]
        operation = self._of(intent)
        if operation.batch == 1 or operation.replaces:
            return operation.batch > 1
        is_known = intent.reads or intent.may_exist or plan.due.unsettled
        return not is_known and self._settlement.tries_of(plan) == 1

    async def _one_by_one(self, plans: Sequence[Plan], writer: Writer) -> None:
        await self._calls.for_each(plans, lambda plan: self._run(plan, writer))

    async def _run(self, plan: Plan, writer: Writer) -> None:
        while plan.unsent():  # an outcome may change the intents that follow
            intent, joint = plan.unsent()[0], joint_intents(plan, self._operations)
            await self._calls.acquire(intent.operation)
            try:
                if plan.is_blocked() or self._is_stopped():
                    outcomes = [Outcome("unsent")]
                elif joint:
                    outcomes = await self._send_jointly(plan, joint, writer)
                else:
                    outcomes = [await self._send(plan, intent, writer)]
            finally:
                self._calls.release(intent.operation)
            for outcome in outcomes:
                await self._note(plan, plan.unsent()[0], outcome)

    async def _in_batches(self, plans: Sequence[Plan], writer: Writer) -> None:
        """Send each record's first intent, where a call takes those of many records.

        What the target leaves unsent of a call is sent on its own afterwards. What has failed while
        the target works goes in ever smaller calls: one record can't fail the others' for ever.
        """
        ordered = sorted(plans, key=self._call_of)
        batches = [
            batch
            for (_, _, size), group in groupby(ordered, key=self._call_of)
            for batch in _slices(list(group), size)
        ]
        await self._calls.for_each(batches, lambda batch: self._run_batch(batch, writer))

    def _call_of(self, plan: Plan) -> tuple[str, str, int]:
        """Return what records have in common that go in one call, and how many it takes."""
        intent = plan.unsent()[0]
        failures = self._settlement.attempts_of(intent) - 1
        size = self._operations[intent.operation].batch // SMALLER**failures
        return intent.operation, intent.group, max(1, size)

    async def _run_batch(self, batch: Sequence[Plan], writer: Writer) -> None:
        operation = batch[0].unsent()[0].operation
        await self._calls.acquire(operation)
        try:
            if self._is_stopped():
                return
            outcomes = await self._send_batch(batch, writer)
        finally:
            self._calls.release(operation)
        for plan, outcome in zip(batch, outcomes, strict=True):
            if outcome.state != "unsent":
                await self._note(plan, plan.unsent()[0], outcome)

    def _is_stopped(self) -> bool:
        """Return whether nothing more is sent.

        Raises the fault where the writer's lock was lost: another run may be sending the same
        records.
        """
        if self.stopped_by is None:
            self._check_writer()
        return self.stopped_by is not None

    def _check_writer(self) -> None:
        """Raise ``WriterLost`` where the writer's lock was lost, and send nothing more."""
        # Where the connection is in use, its end would be noticed there.
        if not self._settling.locked():
            try:
                self._session.check_writer()
            except WriterLost as error:
                self.stopped_by = error
                raise

    async def _send(self, plan: Plan, intent: Intent, writer: Writer) -> Outcome:
        """Send an intent once; never raises but for cancellation."""
        with _noting_losses() as lost:
            try:
                outcome = await self._attempt(plan, intent, writer)
            except LockstepError as error:
                outcome = failed(error)
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                outcome = self._unforeseen(error)
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
            held = (await writer.held({intent.target_key: ()}))[intent.target_key]
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
            self._owned.add(outcome.target_id)
        return outcome

    async def _decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        if not self._planner.decides_by_ledger:
            return self._planner.decide(plan, intent, held)
        async with self._settling:
            return self._planner.decide(plan, intent, held)

    async def _send_jointly(
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
                outcomes = [self._unforeseen(error) for _ in intents]
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
                self._owned.add(outcome.target_id)
        self._count(next((o for o in outcomes if o.fault is not None), outcomes[0]))
        return in_order(outcomes)

    async def _find(self, claimed: Claimed, writer: Writer) -> Outcome | None:
        """Return the success of an intent whose effect the target has; no other delivery owns it.

        Raises ``OutcomeUnknown`` if it can't be looked up.
        """
        [receipt] = await writer.find([claimed], self._owned)
        if receipt is None:
            return None
        self._owned.add(receipt.target_id)
        outcome = succeeded(receipt)
        outcome.is_found = True
        return outcome

    async def _send_batch(self, batch: Sequence[Plan], writer: Writer) -> list[Outcome]:
        claimed = [Claimed(p.unsent()[0], p.accepted.correlation_id) for p in batch]
        with _noting_losses() as lost:
            try:
                outcomes = await writer.apply(claimed)
            except Exception as error:  # noqa: BLE001 - it costs one record, and no other
                outcomes = [self._unforeseen(error) for _ in batch]
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

    def _unforeseen(self, error: Exception) -> Outcome:
        return Outcome("unknown", error=log_unforeseen(self._planner.sync, error), is_lost=True)

    def _count(self, outcome: Outcome) -> None:
        """Count the target's failures in a row; a fault of the whole target stops at once."""
        if isinstance(outcome.fault, PermanentError | NoPermit):
            self.stopped_by = outcome.fault
        elif outcome.fault is not None:
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                self.stopped_by = outcome.fault
        elif outcome.state != "unknown":
            self._failures, self.got_through = 0, True

    async def _note(self, plan: Plan, intent: Intent, outcome: Outcome) -> None:
        held = None
        if outcome.succeeded:
            try:
                held = self._planner.settled(plan, intent, outcome)
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                outcome = self._unforeseen(error)
        sent = Sent(intent, outcome)
        plan.sent.append(sent)
        self._unsettled.append(Ended(plan, sent, held))
        if len(self._unsettled) >= SETTLE_EVERY:
            await self._settle()

    async def _store_foreseen(self, plan: Plan) -> None:
        if (row := self._planner.foreseen(plan)) is None:
            return
        deliveries = self._session.deliveries
        async with self._settling:
            await asyncio.to_thread(self._session.repeatable, lambda: deliveries.put_targets([row]))

    async def _settle(self) -> None:
        """Settle what has an outcome, in a thread: sending goes on while Postgres works.

        Raises ``WriterLost`` where the lock was lost: the next run looks at what became of it.
        """
        if isinstance(self.stopped_by, WriterLost):
            raise self.stopped_by
        ended, self._unsettled = self._unsettled, []
        exchanges, self._exchanges = self._exchanges, []
        async with self._settling:
            await asyncio.to_thread(self._settlement.settle, ended, exchanges)

    def _of(self, intent: Intent) -> Operation:
        return self._operations[intent.operation]


@contextmanager
def _noting_losses() -> Iterator[list[bool]]:
    """Yield a list that is not empty once a request of this task has got no answer."""
    lost: list[bool] = []
    token = _lost.set(lost)
    try:
        yield lost
    finally:
        _lost.reset(token)


def _slices(plans: Sequence[Plan], size: int) -> Iterator[Sequence[Plan]]:
    return (plans[start : start + size] for start in range(0, len(plans), size))
