"""Delivery, effectively once: claim and commit, send, settle.

An intent's key is claimed before it is sent, so a crash leaves the delivery ``in_flight``. The
holder of the writer's lock that finds such a delivery knows that its run is dead and its outcome
unknown. Operations that are upserts by our id are sent again; for the others the stream looks the
effect up at the target first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal
from uuid import UUID

from assets.chain.stream import DeliveryCounts
from domain.errors import (
    AccessRefused,
    LockstepError,
    PermanentError,
    Problem,
    RateLimited,
    RecordRejected,
    TransientError,
)
from domain.exchange import Exchange, OutcomeUnknown, Receipt
from resources.ledger.rows import AcceptedRecord, ClaimRow, RejectionRow, SettleRow, TargetRow
from resources.ledger.session import Session

State = Literal["delivered", "requested", "refused", "failed", "unknown", "unsent"]
SUCCESS = ("delivered", "requested")
SETTLE_EVERY = 500
"""Intents kept in memory before they are settled: a crash leaves their outcomes unknown."""
FAILURES_IN_A_ROW = 5
"""After so many the target counts as down, and the rest keeps its attempts by staying unsent."""


@dataclass(frozen=True)
class Intent:
    """One effect on a target record: its claim, how to send it, what the target then holds."""

    claim: ClaimRow
    send: Callable[[], Awaitable[Receipt]]
    holds: Callable[[Receipt], TargetRow | None] = lambda _: None
    may_have_been_sent: bool = False
    """An earlier run may have sent it: unless this one does, it stays in flight for a look-up."""


@dataclass
class Outcome:
    """The outcome of one intent."""

    intent: Intent
    state: State
    receipt: Receipt | None = None
    problems: tuple[Problem, ...] = ()
    error: str = ""
    fault: LockstepError | None = None
    """The error of a failed attempt; its class separates refused access and throttling."""


@dataclass
class Plan:
    """The ordered intents of one record; a failure stops the rest of the plan."""

    capture_id: UUID
    source_id: str
    intents: list[Intent] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    refusal: tuple[Problem, ...] = ()
    """Why nothing could be planned for the record: it is refused without having been sent."""

    def failure(self) -> Outcome | None:
        """Return the first outcome that is not a success."""
        return next((o for o in self.outcomes if o.state not in SUCCESS), None)


class Engine:
    """Sends the plans of a chunk concurrently and settles them in the ledger as they end."""

    def __init__(self, session: Session, run_id: str, max_attempts: int) -> None:
        self._session = session
        self._run_id = run_id
        self._max_attempts = max_attempts
        self._attempts: dict[UUID, int] = {}
        self._exchanges: list[Exchange] = []
        self._unsettled: list[Plan] = []
        self._stop: LockstepError | None = None
        self._failures = 0
        self._settling = asyncio.Lock()
        self.settled: list[Plan] = []

    def log(self, exchange: Exchange) -> None:
        """Keep an exchange for ``sync.message_log``."""
        self._exchanges.append(exchange)

    def claim(self, plans: Sequence[Plan]) -> None:
        """Claim every intent of the plans; committed when this returns."""
        claims = [intent.claim for plan in plans for intent in plan.intents]
        with self._session.transaction():
            self._attempts.update(self._session.deliveries.claim(claims, self._run_id))

    async def send(self, plans: Sequence[Plan], concurrency: int) -> None:
        """Send all plans, at most ``concurrency`` at once.

        Raises the target's fault, if there was one, after settling.
        """
        waiting = iter(plans)

        async def work() -> None:
            for plan in waiting:
                await self._run(plan)
                self._unsettled.append(plan)
                if len(self._unsettled) >= SETTLE_EVERY:
                    await self._settle()

        await asyncio.gather(*(work() for _ in range(min(concurrency, max(len(plans), 1)))))
        await self._settle()
        if self._stop is not None:
            raise self._stop

    async def _run(self, plan: Plan) -> None:
        for intent in plan.intents:
            if self._stop is not None or plan.failure() is not None:
                plan.outcomes.append(Outcome(intent, "unsent"))
                continue
            plan.outcomes.append(await self._attempt(intent))

    async def _attempt(self, intent: Intent) -> Outcome:
        try:
            receipt = await intent.send()
        except RecordRejected as refusal:
            self._failures = 0
            return Outcome(intent, "refused", problems=refusal.problems, error=str(refusal))
        except TransientError as error:
            self._failures += 1
            if self._failures >= FAILURES_IN_A_ROW:
                self._stop = error
            state: State = "unknown" if isinstance(error, OutcomeUnknown) else "failed"
            return Outcome(intent, state, error=str(error), fault=error)
        except PermanentError as error:
            self._stop = error
            return Outcome(intent, "failed", error=str(error), fault=error)
        self._failures = 0
        return Outcome(
            intent, "requested" if receipt.state == "requested" else "delivered", receipt=receipt
        )

    async def _settle(self) -> None:
        """Settle the plans that have ended, in a thread: sending goes on while Postgres works."""
        plans, self._unsettled = self._unsettled, []
        rows: list[SettleRow] = []
        unsent: list[UUID] = []
        holds: dict[str, TargetRow] = {}
        for outcome in (o for plan in plans for o in plan.outcomes):
            if outcome.state == "unsent" and not outcome.intent.may_have_been_sent:
                unsent.append(outcome.intent.claim.delivery_key)
            elif outcome.state not in ("unsent", "unknown"):
                # An unknown outcome stays in flight, to be looked up.
                rows.append(self._row(outcome))
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
            self._session.deliveries.settle(rows)
            self._session.deliveries.release(unsent)
            self._session.deliveries.put_targets(holds)
            self._session.log(logged)

        self._session.repeatable(settle)

    def _row(self, outcome: Outcome) -> SettleRow:
        receipt = outcome.receipt
        return SettleRow(
            outcome.intent.claim.delivery_key,
            "dead" if self._is_dead(outcome) else outcome.state,
            receipt.target_id if receipt else "",
            receipt.trace_id if receipt else "",
            outcome.error[:1000],
        )

    def _is_dead(self, outcome: Outcome) -> bool:
        """Return whether a failed intent has no attempts left."""
        attempts = self._attempts.get(outcome.intent.claim.delivery_key, 1)
        return outcome.state == "failed" and attempts >= self._max_attempts

    def _is_refused(self, plan: Plan) -> bool:
        """Return whether the record needs an operator or a new version to be delivered."""
        failure = plan.failure()
        return bool(plan.refusal) or (
            failure is not None and (failure.state == "refused" or self._is_dead(failure))
        )

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
        for plan in self.settled:
            for outcome in plan.outcomes:
                if outcome.state in SUCCESS:
                    counts.count_sent(outcome.intent.claim.action)
            failure = plan.failure()
            is_older = any(intent.claim.capture_id != plan.capture_id for intent in plan.intents)
            if is_older and (failure is None or self._is_refused(plan)):
                # An older version was finished, or is refused for good: this one is sent in the
                # next pass.
                counts.repeat += 1
            elif self._is_refused(plan):
                outcomes.append((plan.capture_id, "rejected"))
                rejection = rejection_of(plan, by_id[plan.capture_id].correlation_id)
                rejections += [rejection] if rejection else []
                counts.rejected += 1
            elif failure is None:
                outcomes.append((plan.capture_id, "delivered" if plan.intents else "unchanged"))
                through.append(plan.source_id)
                counts.delivered += bool(plan.intents)
                counts.unchanged += not plan.intents
            else:
                counts.failed += 1
                counts.errors.append(failure.error)

        def close() -> None:
            self._session.records.settle(day, outcomes)
            self._session.rejections.open(day, rejections, self._run_id)
            if through and self._session.rejections.any_open():
                self._session.rejections.close("delivered", through, why, self._run_id)

        self._session.repeatable(close)
        # Writer and engine refer to each other, and each intent to its writer: plans kept here
        # would be a cycle that waits for the garbage collector.
        self.settled.clear()


def rejection_of(plan: Plan, correlation_id: str) -> RejectionRow | None:
    """Return the rejection of a refused or dead plan; ``None``: it is done or still due."""
    problems = plan.refusal
    if not problems:
        outcome = plan.failure()
        if outcome is None or outcome.state in ("unknown", "unsent"):
            return None
        problems = outcome.problems or (_exhausted(outcome),)
    return RejectionRow(plan.capture_id, plan.source_id, "delivered", problems, correlation_id)


def _exhausted(outcome: Outcome) -> Problem:
    """Return the problem of a delivery that has no attempts left."""
    action = outcome.intent.claim.action
    message = f"Every attempt to {action} it at the target failed: {outcome.error[:300]}"
    if isinstance(outcome.fault, AccessRefused):
        advice = "Give Lockstep's user the right, or renew its credentials, then retry."
        return Problem("delivery_not_permitted", "", message, advice)
    if isinstance(outcome.fault, RateLimited):
        advice = "Lower the connection's request rate or ask for a larger quota, then retry."
        return Problem("delivery_throttled", "", message, advice)
    advice = "Look at the target system, then rerun the partition or retry the rejection."
    return Problem("delivery_failed", "", message, advice)
