"""Delivery, effectively once: claim and commit, send, settle; what a dead run left in flight is cleared up first.

An effect's key is claimed before it is sent, so a crash leaves it ``in_flight``. Whoever holds the writer's lock and finds such a row
knows that its run is dead and its outcome unknown. Operations that are upserts by our id are simply sent again; for the others the
stream looks the effect up at the target first.
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
SETTLE_EVERY = 500
"""Effects whose outcomes are kept in memory before they are settled: what a crash would leave unknown."""


@dataclass(frozen=True)
class Effect:
    """One intended effect: what to claim, how to send it, and what the target then holds."""

    claim: ClaimRow
    send: Callable[[], Awaitable[Receipt]]
    holds: Callable[[Receipt], TargetRow | None] = lambda _: None
    was_begun: bool = False
    """An earlier run may have sent it: unless this one does, it stays in flight, to be looked up."""


@dataclass
class Outcome:
    """What became of one effect."""

    effect: Effect
    state: State
    receipt: Receipt | None = None
    problems: tuple[Problem, ...] = ()
    error: str = ""
    fault: LockstepError | None = None
    """What the attempt failed by: its kind tells a closed door from a full or a silent one."""


@dataclass
class Course:
    """Effects on one target record in the order in which they must happen; a failure stops the rest of the course."""

    record: UUID
    source_id: str
    effects: list[Effect] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    refusal: tuple[Problem, ...] = ()
    """Why nothing could be planned for the record: it is refused without having been sent."""

    def failed(self) -> Outcome | None:
        """Return the first outcome that is not a success."""
        return next((o for o in self.outcomes if o.state not in ("delivered", "requested")), None)


class Desk:
    """Sends courses side by side and settles them in the ledger as they come in."""

    def __init__(self, session: Session, run_id: str, max_attempts: int) -> None:
        self._session = session
        self._run_id = run_id
        self._max_attempts = max_attempts
        self._attempts: dict[UUID, int] = {}
        self._exchanges: list[Exchange] = []
        self._unsettled: list[Course] = []
        self._stop: LockstepError | None = None
        self._lost = 0
        self._settling = asyncio.Lock()
        self.settled: list[Course] = []

    def log(self, exchange: Exchange) -> None:
        """Take an exchange for ``sync.message_log``."""
        self._exchanges.append(exchange)

    def claim(self, courses: Sequence[Course]) -> None:
        """Claim every effect of the courses; committed when this returns."""
        claims = [effect.claim for course in courses for effect in course.effects]
        with self._session.transaction():
            self._attempts.update(self._session.deliveries.claim(claims, self._run_id))

    async def send(self, courses: Sequence[Course], concurrency: int) -> None:
        """Send all courses, at most ``concurrency`` at once; raises the system's fault, if there was one, after settling."""
        waiting = iter(courses)

        async def work() -> None:
            for course in waiting:
                await self._run(course)
                self._unsettled.append(course)
                if len(self._unsettled) >= SETTLE_EVERY:
                    await self._settle()

        await asyncio.gather(*(work() for _ in range(min(concurrency, max(len(courses), 1)))))
        await self._settle()
        if self._stop is not None:
            raise self._stop

    async def _run(self, course: Course) -> None:
        for effect in course.effects:
            if self._stop is not None or course.failed() is not None:
                course.outcomes.append(Outcome(effect, "unsent"))
                continue
            course.outcomes.append(await self._attempt(effect))

    async def _attempt(self, effect: Effect) -> Outcome:
        try:
            receipt = await effect.send()
        except RecordRejected as refusal:
            self._lost = 0
            return Outcome(effect, "refused", problems=refusal.problems, error=str(refusal))
        except OutcomeUnknown as error:
            return Outcome(effect, "unknown", error=str(error))
        except TransientError as error:
            self._note_loss(error)
            return Outcome(effect, "failed", error=str(error), fault=error)
        except PermanentError as error:
            self._stop = error
            return Outcome(effect, "failed", error=str(error), fault=error)
        self._lost = 0
        return Outcome(
            effect, "requested" if receipt.state == "requested" else "delivered", receipt=receipt
        )

    def _note_loss(self, error: TransientError) -> None:
        """Take the target for down after several failures in a row, rather than wear every record's attempts out."""
        self._lost += 1
        if self._lost >= 5:
            self._stop = error

    async def _settle(self) -> None:
        """Settle what has come in, in a thread: the others go on sending while Postgres works."""
        courses, self._unsettled = self._unsettled, []
        rows: list[SettleRow] = []
        unsent: list[UUID] = []
        for outcome in (o for course in courses for o in course.outcomes):
            if outcome.state == "unsent" and not outcome.effect.was_begun:
                unsent.append(outcome.effect.claim.delivery_key)
            elif outcome.state not in (
                "unsent",
                "unknown",
            ):  # an unknown outcome stays in flight, to be looked up
                rows.append(self._row(outcome))
        holds = [
            t
            for c in courses
            for o in c.outcomes
            if o.receipt is not None and (t := o.effect.holds(o.receipt)) is not None
        ]
        exchanges, self._exchanges = self._exchanges, []
        async with self._settling:
            await asyncio.to_thread(
                self.settle_rows,
                rows,
                list({t.target_key: t for t in holds}.values()),
                unsent,
                exchanges,
            )
        self.settled.extend(courses)

    def settle_rows(
        self,
        rows: Sequence[SettleRow],
        holds: Sequence[TargetRow],
        unsent: Sequence[UUID] = (),
        exchanges: Sequence[Exchange] | None = None,
    ) -> None:
        """Write outcomes, what the target now holds, and the exchanges that led there (by default all so far), in one transaction."""
        if exchanges is None:
            exchanges, self._exchanges = self._exchanges, []
        told = exchanges

        def settle() -> None:
            self._session.deliveries.settle(rows)
            self._session.deliveries.release(unsent)
            self._session.deliveries.put_targets(holds)
            self._session.log(told)

        self._session.repeatable(settle)

    def _row(self, outcome: Outcome) -> SettleRow:
        state: str = outcome.state
        if (
            state == "failed"
            and self._attempts.get(outcome.effect.claim.delivery_key, 1) >= self._max_attempts
        ):
            state = "dead"
        receipt = outcome.receipt
        return SettleRow(
            outcome.effect.claim.delivery_key,
            state,
            receipt.target_id if receipt else "",
            receipt.trace_id if receipt else "",
            outcome.error[:1000],
        )

    def is_refused(self, course: Course) -> bool:
        """Tell whether the record is out of delivery until a person or a later version changes something."""
        failed = course.failed()
        return bool(course.refusal) or (
            failed is not None and (failed.state == "refused" or self.is_dead(failed))
        )

    def record(
        self, day: date, chunk: Sequence[AcceptedRecord], counts: DeliveryCounts, why: str
    ) -> None:
        """Give each record its outcome, and open or close its rejection; ``why`` is the reason why one closes.

        A record whose course is unfinished has none and is taken up by the next pass or run.
        """
        by_id = {a.capture_id: a for a in chunk}
        outcomes = [(a.capture_id, "superseded") for a in chunk if a.superseded]
        counts.superseded = len(outcomes)
        rejections: list[RejectionRow] = []
        through: list[str] = []
        for course in self.settled:
            for outcome in course.outcomes:
                if outcome.state in ("delivered", "requested"):
                    counts.effect(outcome.effect.claim.action)
            failed = course.failed()
            is_older = any(effect.claim.capture_id != course.record for effect in course.effects)
            if is_older and (failed is None or self.is_refused(course)):
                counts.repeat += 1  # an older version was finished, or is out for good: this record comes in the next pass
            elif self.is_refused(course):
                outcomes.append((course.record, "rejected"))
                rejection = rejection_of(course, by_id[course.record].correlation_id)
                rejections += [rejection] if rejection else []
                counts.rejected += 1
            elif failed is None:
                outcomes.append((course.record, "delivered" if course.effects else "unchanged"))
                through.append(course.source_id)
                counts.delivered += bool(course.effects)
                counts.unchanged += not course.effects
            else:
                counts.failed += 1
                counts.errors.append(failed.error)

        def close() -> None:
            self._session.records.settle(day, outcomes)
            self._session.rejections.open(day, rejections, self._run_id)
            if through and self._session.rejections.any_open():
                self._session.rejections.close("delivered", through, why, self._run_id)

        self._session.repeatable(close)
        # Writer and desk know each other, and each effect its writer: what is kept here would wait for the cyclic collector.
        self.settled.clear()

    def is_dead(self, outcome: Outcome) -> bool:
        """Tell whether a failed effect has used its attempts up."""
        return (
            outcome.state == "failed"
            and self._attempts.get(outcome.effect.claim.delivery_key, 1) >= self._max_attempts
        )


def rejection_of(course: Course, correlation_id: str) -> RejectionRow | None:
    """Return the open rejection that a refused or dead course becomes, or ``None`` where it went well or may still be tried."""
    if course.refusal:
        return RejectionRow(
            course.record, course.source_id, "delivered", course.refusal, correlation_id
        )
    outcome = course.failed()
    if outcome is None or outcome.state in ("unknown", "unsent"):
        return None
    return RejectionRow(
        course.record,
        course.source_id,
        "delivered",
        outcome.problems or (_worn_out(outcome),),
        correlation_id,
    )


def _worn_out(outcome: Outcome) -> Problem:
    """Return why a delivery is dead whose attempts are used up."""
    message = f"Every attempt to {outcome.effect.claim.action} it at the target failed: {outcome.error[:300]}"
    if isinstance(outcome.fault, AccessRefused):
        return Problem(
            "delivery_not_permitted",
            "",
            message,
            "Give Lockstep's user the right, or renew its credentials, then retry.",
        )
    if isinstance(outcome.fault, RateLimited):
        return Problem(
            "delivery_throttled",
            "",
            message,
            "Lower the connection's request rate or ask for a larger quota, then retry.",
        )
    return Problem(
        "delivery_failed",
        "",
        message,
        "Look at the target system, then rerun the partition or retry the rejection.",
    )
