"""The engine: resolve, claim and commit, apply, settle, for the chunks of every stream."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryCounts
from assets.delivery.resolution import Resolver
from assets.delivery.sender import Sender
from assets.delivery.settlement import Settlement
from assets.delivery.system import unplanned
from domain.errors import LockstepError, RateLimited
from domain.targets import Writer
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.rows import AcceptedRecord

ROUNDS = 4
"""How often an outcome may make further intents necessary."""


class Engine:
    """Delivers one chunk of accepted records, each record once in effect."""

    def __init__(self, planner: Planner[Any]) -> None:
        self._planner, self._session = planner, planner.session
        self._settlement = Settlement(planner)
        self._sender = Sender(planner, self._settlement)
        self._attempts = self._sender.attempts
        self._counts = DeliveryCounts()
        self._plans: list[Plan] = []

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        """Deliver the chunk and return its counts.

        Called under the writer's lock. Raises the target's fault, if there was one, after settling.
        """
        chunk = self._planner.select(chunk)
        dues = self._planner.prepare([a for a in chunk if not a.superseded])
        self._attach_unsettled(dues)
        try:
            asyncio.run(self._deliver(dues))
        finally:
            if not self._session.db.closed:  # it is where the writer's lock was lost
                self._settlement.record(
                    chunk, self._plans, self._counts, got_through=self._attempts.got_through
                )
        if self._attempts.stopped_by is not None:
            raise self._attempts.stopped_by
        return self._counts

    def _attach_unsettled(self, dues: Sequence[Due[Any]]) -> None:
        ids = [due.delivered_as for due in dues]
        if self._planner.request.again:
            self._session.deliveries.revive(ids)
        unsettled = self._session.deliveries.unsettled(ids, self._planner.target.acts_for)
        for due in dues:
            due.unsettled = unsettled.get(due.delivered_as, ())

    async def _deliver(self, dues: Sequence[Due[Any]]) -> None:
        session = self._session
        cautious = is_cautious(session.db, self._planner.sync.name)
        resolver = Resolver(self._planner, session.now(), is_cautious=cautious)
        async with self._planner.target.writer(self._sender.log) as writer:
            self._plans = await resolver.plans(dues, writer)
            replaced = [(plan, u) for plan in self._plans for u in resolver.replaced(plan)]
            for plan, delivery in replaced:
                if delivery.is_uncertain:
                    plan.resolves.append(delivery)
            self._settlement.claim(self._plans, [u for _, u in replaced if not u.is_uncertain])
            await self._send(writer)
        self._attempts.stopped_by = self._attempts.stopped_by or self._throttled()
        self._settlement.count_attempts(
            self._plans,
            got_through=self._attempts.got_through,
            stopped_by=self._attempts.stopped_by,
        )

    def _throttled(self) -> LockstepError | None:
        """Return the target's answer where it answered nothing but that its quota is used up."""
        outcomes = [
            sent.outcome
            for plan in self._plans
            for sent in plan.sent
            if sent.outcome.state != "unsent"
        ]
        faults = [o.fault for o in outcomes if isinstance(o.fault, RateLimited)]
        return faults[0] if faults and len(faults) == len(outcomes) else None

    async def _send(self, writer: Writer) -> None:
        """Send the plans, and what their outcomes have made necessary."""
        plans = self._plans
        for left in reversed(range(ROUNDS)):
            await self._sender.send(plans, writer)
            if self._attempts.stopped_by is not None or not left:
                return
            plans = [plan for plan in plans if self._has_follow_up(plan)]
            if not plans:
                return
            self._settlement.claim(plans)

    def _has_follow_up(self, plan: Plan) -> bool:
        if not plan.sent or plan.is_blocked():
            return False
        try:
            more = self._planner.follow_up(plan)
        except Exception as error:  # noqa: BLE001 - it costs this record, and no other
            sync, correlation_id = self._planner.sync, plan.accepted.correlation_id
            plan.found.append(unplanned(sync, correlation_id, error))
            return False
        plan.intents += more
        return bool(more)
