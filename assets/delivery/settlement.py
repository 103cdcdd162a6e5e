"""Settlement: outcomes, target state, exchanges and rejections are written to the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from assets.delivery.conclusions import conclude
from assets.delivery.links import claim_links
from assets.delivery.plan import Plan, Sent
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryCounts
from assets.delivery.system import answers
from domain.delivery import Intent
from domain.errors import LockstepError, RateLimited
from domain.exchange import Exchange
from resources.ledger.rows import (
    AcceptedRecord,
    ClaimRow,
    SettleRow,
    TargetRow,
    UnsettledDelivery,
)

STATES = {
    "done": "delivered",
    "partly": "delivered",
    "requested": "requested",
    "refused": "refused",
    "retry": "failed",
    "unknown": "in_flight",
}
"""State of an outcome -> state of its delivery in the ledger."""


def _is_to_link(plan: Plan) -> bool:
    """Return whether the target has the plan's record, or may have it from now on."""
    if plan.refusal or plan.waits_until is not None:
        return False
    return bool(plan.unsent()) or (plan.due.is_read and plan.due.known is not None)


class Ended(NamedTuple):
    """An intent that has an outcome, and what the target then holds."""

    plan: Plan
    sent: Sent
    held: TargetRow | None


class Settlement:
    """Claims a chunk's intents, and settles them."""

    def __init__(self, planner: Planner[Any]) -> None:
        self._planner, self._session = planner, planner.session
        self._attempts: dict[UUID, int] = {}

    def claim(self, plans: Sequence[Plan], replaced: Sequence[UnsettledDelivery] = ()) -> None:
        """Claim every unsent intent of the plans; committed when this returns.

        ``replaced`` are deliveries that took no effect and whose place the plans take: as one
        transaction, so that none is dropped before its successor is claimed.
        """
        run_id = self._planner.sync.run_id
        with self._session.transaction():
            claim_links(
                self._session,
                [
                    (plan, link)
                    for plan in plans
                    if _is_to_link(plan) and (link := self._planner.link(plan.due)) is not None
                ],
            )
            self._session.deliveries.supersede([u.delivery_key for u in replaced])
            self._planner.claimed(plans)
            claims = self._claims(plans)
            request = self._planner.request
            if request.force or request.again:
                # Sent again: due until that has succeeded, whatever happens to the run.
                self._session.records.make_due(
                    request.partition.day, {c.capture_id for c in claims}
                )
            self._attempts.update(self._session.deliveries.claim(claims, run_id))

    def _claims(self, plans: Sequence[Plan]) -> list[ClaimRow]:
        return [
            ClaimRow(
                intent.key,
                plan.due.delivered_as,
                intent.operation,
                intent.target_key,
                plan.accepted.capture_id,
                self._planner.request.partition.day,
                plan.accepted.correlation_id,
            )
            for plan in plans
            for intent in plan.unsent()
        ]

    def tries_of(self, plan: Plan) -> int:
        """Return how often the plan's intents have been tried.

        Attempts would not do: those that an outage has used are taken back, so that records which
        always fail would be the first again each time, and keep all others waiting.
        """
        tries = self._session.deliveries.tries
        return max((tries.get(i.key, 1) for i in plan.intents), default=0)

    def attempts_of(self, intent: Intent) -> int:
        """Return the number of an intent's attempt; those of an outage do not count."""
        return self._attempts.get(intent.key, 1)

    def settle(self, ended: Sequence[Ended], exchanges: Sequence[Exchange]) -> None:
        """Write outcomes, target state and exchanges in one transaction."""
        rows: list[SettleRow] = []
        unsent: list[UUID] = []
        holds: dict[str, TargetRow] = {}
        for _, (intent, outcome), held in ended:
            if outcome.state == "unsent":
                unsent.append(intent.key)
                continue
            error = outcome.error or "; ".join(p.message for p in outcome.problems)
            rows.append(
                SettleRow(
                    intent.key,
                    STATES[outcome.state],
                    outcome.target_id,
                    outcome.trace_id,
                    "" if outcome.succeeded else error[:1000],
                    outcome.is_lost,
                )
            )
            if held is not None:
                holds[held.target_key] = held

        def write() -> None:
            self._session.deliveries.settle(rows, self._planner.target.acts_for)
            self._session.deliveries.release(unsent)
            self._session.deliveries.put_targets(list(holds.values()))
            self._session.log(exchanges)
            self._planner.store([(one.plan, one.sent) for one in ended])

        self._session.repeatable(write)
        for one in ended:
            one.plan.settled += 1

    def count_attempts(
        self, plans: Sequence[Plan], *, got_through: bool, stopped_by: LockstepError | None
    ) -> None:
        """Give up what has no attempts left; take back the attempts that an outage has used.

        An attempt counts only where others got through, or where the target is alive; waiting for
        a quota uses none.
        """
        failed = [
            sent
            for plan in plans
            for sent in plan.sent
            if sent.outcome.state in ("retry", "unknown")
        ]
        if isinstance(stopped_by, RateLimited):
            waiting = [sent for sent in failed if isinstance(sent.outcome.fault, RateLimited)]
            self._session.deliveries.spare([sent.intent.key for sent in waiting])
            failed = [sent for sent in failed if not isinstance(sent.outcome.fault, RateLimited)]
        if not failed:
            return
        is_stopped = stopped_by is not None
        is_oms = self._planner.to_oms
        if not got_through and (is_stopped or not answers(self._planner.sync, is_oms=is_oms)):
            self._session.deliveries.spare([sent.intent.key for sent in failed])
            return
        limit = self._planner.sync.connection.max_attempts
        for intent, outcome in failed:
            outcome.is_dead = self._attempts.get(intent.key, 1) >= limit
        self._session.deliveries.bury([s.intent.key for s in failed if s.outcome.is_dead])

    def record(
        self,
        chunk: Sequence[AcceptedRecord],
        plans: Sequence[Plan],
        counts: DeliveryCounts,
        *,
        got_through: bool,
    ) -> None:
        """Store each record's outcome, and open or close its rejection.

        A record whose plan is unfinished has no outcome, and the next pass or run takes it up.
        """
        plans = [plan for plan in plans if plan.settled == len(plan.sent)]
        operations = self._planner.target.operations
        ended = conclude(plans, operations, counts, got_through=got_through)
        superseded = [(a.capture_id, "superseded") for a in chunk if a.superseded]
        counts.superseded = len(superseded)
        warnings = {p.accepted.capture_id: found for p in plans if (found := p.warnings())}
        for problem in (problem for found in warnings.values() for problem in found):
            counts.count_warning(problem.code)
        session, run_id = self._session, self._planner.sync.run_id
        day = self._planner.request.partition.day

        def close() -> int:
            self._planner.concluded(ended.plans)
            session.deliveries.supersede(ended.resolved)
            session.deliveries.bury(ended.left)
            session.records.warn(day, warnings)
            session.records.settle(day, [*superseded, *ended.outcomes])
            unknown = session.rejections.open(day, ended.rejections, run_id)
            if ended.through and session.rejections.any_open():
                session.rejections.close("delivered", ended.through, self._planner.why, run_id)
            return unknown

        counts.newly_rejected += session.repeatable(close)
