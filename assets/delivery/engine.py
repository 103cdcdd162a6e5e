"""Delivery, effectively once: claim and commit, send, settle.

An intent's key is claimed before it is sent, so a crash leaves the delivery ``in_flight``, and the
holder of the writer's lock that finds it knows that its effect is uncertain. So is that of a
request without an answer. Uncertainty is kept in the ledger until the same intent is sent again
with success, or a look at the target shows what became of it; no failure, retry or newer version
ends it (docs/delivery.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import date
from uuid import UUID

from assets.chain.stream import DeliveryCounts
from assets.delivery.plan import SUCCESS, Intent, Outcome, Plan, State
from assets.delivery.refusals import rejection_of
from assets.delivery.system import Target
from domain.errors import LockstepError, PermanentError, RecordRejected, TransientError
from domain.exchange import Exchange, OutcomeUnknown
from resources.ledger.rows import AcceptedRecord, RejectionRow, SettleRow, TargetRow
from resources.ledger.session import Session

SETTLE_EVERY = 500
"""Intents kept in memory before they are settled: a crash leaves their outcomes unknown."""
FAILURES_IN_A_ROW = 5
"""After so many the target counts as failing, and the rest is not sent."""
_lost: ContextVar[list[bool]] = ContextVar("lost")
"""Whether a request of the present attempt got no answer that shows what became of it."""


class Engine:
    """Sends the plans of a chunk concurrently and settles them in the ledger as they end."""

    def __init__(self, session: Session, run_id: str, max_attempts: int, target: Target) -> None:
        self._session, self._run_id, self._target = session, run_id, target
        self._max_attempts = max_attempts
        self._attempts: dict[UUID, int] = {}
        self._exchanges: list[Exchange] = []
        self._unsettled: list[Plan] = []
        self._stop: LockstepError | None = None
        self._failures = 0
        self._settling = asyncio.Lock()
        self.got_through = False
        """Whether the target has taken or refused anything."""
        self.settled: list[Plan] = []

    def log(self, exchange: Exchange) -> None:
        """Keep an exchange for ``sync.message_log``."""
        self._exchanges.append(exchange)
        if exchange.is_lost and (marks := _lost.get(None)) is not None:
            marks.append(True)

    def claim(self, plans: Sequence[Plan]) -> None:
        """Claim every intent of the plans; committed when this returns."""
        claims = [intent.claim for plan in plans for intent in plan.intents]
        with self._session.transaction():
            self._attempts.update(self._session.deliveries.claim(claims, self._run_id))

    async def send(self, plans: Sequence[Plan], concurrency: int) -> None:
        """Send all plans, at most ``concurrency`` at once, those that were tried least first.

        Raises the target's fault, if there was one, after settling.
        """
        waiting = iter(sorted(plans, key=self._tries))

        async def work() -> None:
            for plan in waiting:
                await self._run(plan)
                self._unsettled.append(plan)
                if len(self._unsettled) >= SETTLE_EVERY:
                    await self._settle()

        workers = [work() for _ in range(min(concurrency, max(len(plans), 1)))]
        for error in await asyncio.gather(*workers, return_exceptions=True):
            if error is not None:
                raise error
        await self._settle()
        await asyncio.to_thread(self._count_attempts)
        if self._stop is not None:
            raise self._stop

    def _tries(self, plan: Plan) -> int:
        keys = [intent.claim.delivery_key for intent in plan.intents]
        return max([self._attempts.get(key, 1) for key in keys], default=0)

    async def _run(self, plan: Plan) -> None:
        for intent in plan.intents:
            if self._stop is None and not plan.is_blocked():
                self.check_writer()
            if self._stop is not None or plan.is_blocked():
                plan.outcomes.append(Outcome(intent, "unsent"))
                continue
            plan.outcomes.append(await self.attempt(intent))

    @property
    def stopped_by(self) -> LockstepError | None:
        """Return the target's fault that ends the delivery of the chunk, if there is one."""
        return self._stop

    def check_writer(self) -> None:
        """Stop where the writer's lock was lost: another run may be sending the same records.

        Raises ``TransientError``.
        """
        if self._settling.locked():
            return  # the connection is in use, and its end would be noticed there
        try:
            self._session.check_writer()
        except TransientError as error:
            self._stop = error
            raise

    async def attempt(self, intent: Intent) -> Outcome:
        """Send an intent once; never raises but for cancellation."""
        marks: list[bool] = []
        token = _lost.set(marks)
        try:
            outcome = await self._attempt(intent)
        finally:
            _lost.reset(token)
        outcome.is_lost = outcome.is_lost or bool(marks)
        return outcome

    async def _attempt(self, intent: Intent) -> Outcome:
        try:
            receipt = await intent.send()
        except RecordRejected as refusal:
            self._failures, self.got_through = 0, True
            return Outcome(intent, "refused", problems=refusal.problems, error=str(refusal))
        except OutcomeUnknown as error:
            self._fail(error)
            return Outcome(intent, "unknown", error=str(error), fault=error, is_lost=True)
        except TransientError as error:
            self._fail(error)
            return Outcome(intent, "failed", error=str(error), fault=error)
        except PermanentError as error:
            self._stop = error
            return Outcome(intent, "failed", error=str(error), fault=error)
        except Exception as error:  # noqa: BLE001 - it costs this record, and no other
            return Outcome(intent, "unknown", error=self._target.report(error), is_lost=True)
        self._failures, self.got_through = 0, True
        state: State = "requested" if receipt.state == "requested" else "delivered"
        return Outcome(intent, state, receipt=receipt, problems=receipt.refused)

    def _fail(self, error: TransientError) -> None:
        self._failures += 1
        if self._failures >= FAILURES_IN_A_ROW:
            self._stop = error

    async def _settle(self) -> None:
        """Settle the plans that have ended, in a thread: sending goes on while Postgres works."""
        plans, self._unsettled = self._unsettled, []
        rows: list[SettleRow] = []
        unsent: list[UUID] = []
        holds: dict[str, TargetRow] = {}
        for outcome in (o for plan in plans for o in plan.outcomes):
            if outcome.state == "unsent":
                unsent.append(outcome.intent.claim.delivery_key)
            else:
                rows.append(_row(outcome))
            if outcome.receipt is not None:
                held = outcome.intent.holds(outcome.receipt)
                if held is not None:
                    holds[held.target_key] = held
        exchanges, self._exchanges = self._exchanges, []
        async with self._settling:
            await asyncio.to_thread(self.settle_rows, rows, list(holds.values()), unsent, exchanges)
        self.settled.extend(plans)

    def settle_rows(
        self,
        rows: Sequence[SettleRow],
        holds: Sequence[TargetRow],
        unsent: Sequence[UUID] = (),
        exchanges: Sequence[Exchange] | None = None,
    ) -> None:
        """Write outcomes, target state and exchanges (by default all so far) in one transaction."""
        if exchanges is None:
            exchanges, self._exchanges = self._exchanges, []
        logged = exchanges

        def settle() -> None:
            self._session.deliveries.settle(rows, self._target.acts_for)
            self._session.deliveries.release(unsent)
            self._session.deliveries.put_targets(holds)
            self._session.log(logged)

        self._session.repeatable(settle)

    def _count_attempts(self) -> None:
        """Give up what has no attempts left; take back the attempts that an outage has used.

        An attempt counts only where others got through, or where the target is alive.
        """
        failed = [
            outcome
            for plan in self.settled
            for outcome in plan.outcomes
            if outcome.state in ("failed", "unknown")
        ]
        if not failed:
            return
        keys = [outcome.intent.claim.delivery_key for outcome in failed]
        if not self.got_through and (self._stop is not None or not self._target.is_alive()):
            self._session.deliveries.spare(keys)
            return
        for outcome, key in zip(failed, keys, strict=True):
            outcome.is_dead = self._attempts.get(key, 1) >= self._max_attempts
        dead = [key for outcome, key in zip(failed, keys, strict=True) if outcome.is_dead]
        self._session.deliveries.bury(dead)

    def record(
        self, day: date, chunk: Sequence[AcceptedRecord], counts: DeliveryCounts, why: str
    ) -> None:
        """Store each record's outcome, and open or close its rejection.

        ``why`` is the reason given where one closes. A record whose plan is unfinished has no
        outcome, and the next pass or run takes it up.
        """
        by_id = {a.capture_id: a for a in chunk}
        outcomes = [(a.capture_id, "superseded") for a in chunk if a.superseded]
        counts.superseded = len(outcomes)
        rejections: list[RejectionRow] = []
        through: list[str] = []
        resolved: list[UUID] = []
        for plan in self.settled:
            outcome = self._conclude(plan, counts)
            if outcome is not None:
                outcomes.append((plan.capture_id, outcome))
            if outcome == "rejected":
                rejection = rejection_of(plan, by_id[plan.capture_id].correlation_id)
                rejections += [rejection] if rejection else []
            elif outcome is not None:
                through.append(plan.source_id)
            if plan.is_done():
                resolved += plan.resolves

        warnings = {plan.capture_id: found for plan in self.settled if (found := plan.warnings())}
        for problem in (problem for found in warnings.values() for problem in found):
            counts.count_warning(problem.code)

        def close() -> int:
            self._session.deliveries.supersede(resolved)
            self._session.records.warn(day, warnings)
            self._session.records.settle(day, outcomes)
            unknown = self._session.rejections.open(day, rejections, self._run_id)
            if through and self._session.rejections.any_open():
                self._session.rejections.close("delivered", through, why, self._run_id)
            return unknown

        counts.newly_rejected += self._session.repeatable(close)
        # Writer and engine refer to each other, and each intent to its writer: plans kept here
        # would be a cycle that waits for the garbage collector.
        self.settled.clear()

    def _conclude(self, plan: Plan, counts: DeliveryCounts) -> str | None:
        """Count a plan's outcome and return the record's; ``None`` where the record stays due."""
        for outcome in plan.outcomes:
            if outcome.state in SUCCESS:
                counts.count_sent(outcome.intent.claim.action)
        failure = plan.failure()
        if plan.is_refused():
            counts.rejected += 1
            return "rejected"
        if failure is not None:
            counts.failed += 1
            if not self.got_through:
                counts.errors.append(failure.error)
            return None
        if plan.waits_until is not None:
            counts.wait(plan.waits_until)
            return None
        counts.delivered += bool(plan.intents)
        counts.unchanged += not plan.intents
        return "delivered" if plan.intents else "unchanged"


def _row(outcome: Outcome) -> SettleRow:
    receipt = outcome.receipt
    return SettleRow(
        outcome.intent.claim.delivery_key,
        "in_flight" if outcome.state == "unknown" else outcome.state,
        receipt.target_id if receipt else "",
        receipt.trace_id if receipt else "",
        outcome.error[:1000],
        outcome.is_lost,
    )
