"""Sending: intents go out in each record's order, many records at once, and are settled."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from assets.delivery.attempts import Attempts, note_lost
from assets.delivery.calls import Calls
from assets.delivery.joint import joint_intents
from assets.delivery.plan import Plan, Sent
from assets.delivery.planner import Planner
from assets.delivery.settlement import Ended, Settlement
from domain.delivery import Intent, Outcome
from domain.errors import WriterLost
from domain.exchange import Exchange, before_effect
from domain.targets import Writer

SETTLE_EVERY = 500
"""Intents kept in memory before they are settled: a crash leaves their outcomes unknown."""
SMALLER = 10
"""By what the records of a call are divided after each attempt that has failed."""


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
        self.attempts = Attempts(planner, self._settling)

    def log(self, exchange: Exchange) -> None:
        """Keep an exchange for ``sync.message_log``."""
        self._exchanges.append(exchange)
        if exchange.is_lost:
            note_lost()

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
        self.attempts.owned |= self._owned_ids(waiting)
        in_batches = [p for p in waiting if self._goes_in_batch(p)]
        await self._in_batches(in_batches, writer)
        await self._one_by_one([p for p in waiting if p.unsent()], writer)
        await self._settle()

    def _owned_ids(self, plans: Sequence[Plan]) -> set[str]:
        """Return the ids that settled deliveries of the records own: no look-up may find them."""
        found = {name for name, one in self._operations.items() if one.repeat == "find"}
        looking = [
            intent.target_key
            for plan in plans
            for intent in plan.unsent()
            if intent.operation in found
        ]
        return self._session.deliveries.target_ids(looking, found) if looking else set()

    def _goes_in_batch(self, plan: Plan) -> bool:
        """Return whether a call may take the record's first intent together with other records'.

        One that no later effect replaces is sent alone once it was tried, or has to be looked for
        or read before: so that a record that fails its call does not fail the others' again.
        """
        intent = plan.unsent()[0]
        operation = self._operations[intent.operation]
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
                    outcomes = await self.attempts.send_jointly(plan, joint, writer)
                else:
                    outcomes = [await self.attempts.send(plan, intent, writer)]
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
            outcomes = await self.attempts.send_batch(batch, writer)
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
        if self.attempts.stopped_by is None:
            self._check_writer()
        return self.attempts.stopped_by is not None

    def _check_writer(self) -> None:
        """Raise ``WriterLost`` where the writer's lock was lost, and send nothing more."""
        # Where the connection is in use, its end would be noticed there.
        if not self._settling.locked():
            try:
                self._session.check_writer()
            except WriterLost as error:
                self.attempts.stop(error)
                raise

    async def _note(self, plan: Plan, intent: Intent, outcome: Outcome) -> None:
        held = None
        if outcome.succeeded:
            try:
                held = self._planner.settled(plan, intent, outcome)
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                outcome = self.attempts.unforeseen(error)
        sent = Sent(intent, outcome)
        plan.sent.append(sent)
        self._unsettled.append(Ended(plan, sent, held))
        if len(self._unsettled) >= SETTLE_EVERY:
            await self._settle()

    async def _settle(self) -> None:
        """Settle what has an outcome, in a thread: sending goes on while Postgres works.

        Raises ``WriterLost`` where the lock was lost: the next run looks at what became of it.
        """
        self._check_writer()
        if isinstance(self.attempts.stopped_by, WriterLost):
            raise self.attempts.stopped_by
        ended, self._unsettled = self._unsettled, []
        exchanges, self._exchanges = self._exchanges, []
        async with self._settling:
            try:
                await asyncio.to_thread(self._settlement.settle, ended, exchanges)
            except Exception:
                if self._session.db.closed:  # our reason, not the driver's
                    self._session.check_writer()
                raise


def _slices(plans: Sequence[Plan], size: int) -> Iterator[Sequence[Plan]]:
    return (plans[start : start + size] for start in range(0, len(plans), size))
