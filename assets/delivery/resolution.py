"""Resolution: what earlier runs left uncertain is waited for, read at the target, or replaced.

A request that may still take effect keeps back whatever it could undo. After that, an effect that
a later one replaces needs no look; of any other, the target itself shows what it holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner, ReadingPlanner
from assets.delivery.system import unplanned
from domain.delivery import Held, Operation, Question
from domain.errors import LockstepError, Problem, RecordRejected
from domain.targets import Writer
from resources.ledger.rows import SettleRow, TargetRow, UnsettledDelivery, acting_until

MOST_UNREADABLE = 3
"""Records of a chunk that can't be read before the target counts as failing."""


class Resolver:
    """Plans the records of a chunk once it is certain what their targets hold.

    ``is_cautious``: the ledger may lack effects, as after a restore, so what creates looks first. A
    target whose records are found by their keys is read before anything is planned.
    """

    def __init__(self, planner: Planner[Any], now: datetime, *, is_cautious: bool) -> None:
        self._planner, self._now, self._is_cautious = planner, now, is_cautious
        self._operations = planner.target.operations
        self._reader = planner if isinstance(planner, ReadingPlanner) else None
        unread = [name for name, one in self._operations.items() if one.must_be_read]
        if unread and self._reader is None:
            raise TypeError(
                f"{type(planner).__name__} can't read what its target holds, which the operation "
                f"{unread[0]} may need: make it a ReadingPlanner"
            )
        self._reads_all = is_cautious and any(
            one.creates and one.repeat == "upsert" for one in self._operations.values()
        )

    async def plans(self, dues: Sequence[Due[Any]], writer: Writer) -> list[Plan]:
        """Return a plan for each record, in their order; some wait, or are refused."""
        plans = {id(due): self._plan(due) for due in dues}
        doubtful = [plan.due for plan in plans.values() if self._must_read(plan)]
        for plan in await self._read(doubtful, writer):
            plans[id(plan.due)] = plan
        for plan in plans.values():
            self._look_for_creations(plan)
        return list(plans.values())

    def replaced(self, plan: Plan) -> list[UnsettledDelivery]:
        """Return the open deliveries of a record that its plan takes the place of.

        A record that is refused or waits replaces nothing, so its open deliveries stay as they are.
        """
        if plan.refusal or plan.waits_until is not None:
            return []
        return [
            u
            for u in _others(plan)
            if u.state != "delivered" and u.delivery_key not in plan.keeps_open
        ]

    def _plan(self, due: Due[Any]) -> Plan:
        try:
            plan = self._planner.plan(due)
        except RecordRejected as refusal:
            plan = Plan(due, refusal=refusal.problems)
        except Exception as error:  # noqa: BLE001 - it costs this record, and no other
            plan = self._unplanned(due, error)
        if not plan.refusal and plan.waits_until is None:
            plan.waits_until = self._acts_until(plan)
        if plan.waits_until is not None:
            plan.intents.clear()
        return plan

    def _unplanned(self, due: Due[Any], error: Exception) -> Plan:
        problem = unplanned(self._planner.sync, due.accepted.correlation_id, error)
        return Plan(due, refusal=(problem,))

    def _acts_until(self, plan: Plan) -> datetime | None:
        """Return until when a request may take effect that could undo the plan, or be doubled."""
        acting = [
            u
            for u in _others(plan)
            if not self._of(u).commutes
            and (plan.intents or (u.is_uncertain and not self._of(u).replaces))
        ]
        if any(self._operations[i.operation].repeat == "find" for i in plan.intents):
            acting += self._uncertain_creations(plan)
        return acting_until(acting, self._now)

    def _must_read(self, plan: Plan) -> bool:
        if plan.refusal or plan.waits_until is not None or plan.due.is_read:
            return False
        if self._reader is not None and not self._reader.can_ask(plan.due):
            return False
        if self._reads_all or self._unreadable_otherwise(plan):
            return True
        return self._reader is not None and self._reader.doubts(plan.due)

    def _unreadable_otherwise(self, plan: Plan) -> list[UnsettledDelivery]:
        """Return the uncertain effects that only the target can show.

        One that the plan repeats is among them: the target may have had it since, and moved on, so
        that it would refuse it now.
        """
        repeated = {i.key for i in plan.intents if self._operations[i.operation].repeat == "find"}
        return [
            u
            for u in plan.due.unsettled
            if u.is_uncertain and not self._of(u).replaces and u.delivery_key not in repeated
        ]

    async def _read(self, dues: Sequence[Due[Any]], writer: Writer) -> list[Plan]:
        """Read what the target holds of records, settle their deliveries by it, plan them again."""
        reader = self._reader
        if not dues or reader is None:
            return []
        plans: list[Plan] = []
        questions: dict[int, tuple[str, Question]] = {}
        for due in dues:
            try:
                questions[id(due)] = reader.question(due)
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                plans.append(self._unplanned(due, error))
        answers = await _held(writer, dict(questions.values())) if questions else {}
        settled: list[SettleRow] = []
        known: list[TargetRow] = []
        for due in dues:
            if id(due) not in questions:
                continue
            held = answers.get(questions[id(due)][0])
            if held is not None and held.problems:
                plans.append(Plan(due, refusal=held.problems))
                continue
            due.is_read = True
            try:
                rows = reader.resolve(due, held)
            except Exception as error:  # noqa: BLE001 - it costs this record, and no other
                plans.append(self._unplanned(due, error))
                continue
            acting = {u.delivery_key for u in due.unsettled if acting_until([u], self._now)}
            settled += [
                row for row in rows if row.state == "delivered" or row.delivery_key not in acting
            ]
            known += [due.known] if due.known is not None else []
            keys = {row.delivery_key for row in settled}
            due.unsettled = [u for u in due.unsettled if u.delivery_key not in keys]
            plans.append(self._plan(due))
        session = self._planner.session
        with session.transaction():
            session.deliveries.settle(settled)
            session.deliveries.put_targets(known)
        return plans

    def _look_for_creations(self, plan: Plan) -> None:
        """Mark what may exist already: after an uncertain creation, or in a restored ledger."""
        if not (self._is_cautious or self._uncertain_creations(plan)):
            return
        plan.intents = [
            replace(intent, may_exist=self._operations[intent.operation].repeat == "find")
            for intent in plan.intents
        ]

    def _uncertain_creations(self, plan: Plan) -> list[UnsettledDelivery]:
        return [u for u in plan.due.unsettled if u.is_uncertain and self._of(u).repeat == "find"]

    def _of(self, delivery: UnsettledDelivery) -> Operation:
        return self._operations.get(delivery.action, Operation())


async def _held(writer: Writer, asked: Mapping[str, Question]) -> dict[str, Held]:
    """Read target records; one that can't be read while others can holds up none of them.

    Raises the target's fault if none can be read.
    """
    try:
        return await writer.held(asked)
    except LockstepError as error:
        if len(asked) == 1:
            raise
        fault = error
    found: dict[str, Held] = {}
    failed: dict[str, LockstepError] = {}
    for key, question in asked.items():
        try:
            found |= await writer.held({key: question})
        except LockstepError as error:
            failed[key] = error
            if len(failed) > MOST_UNREADABLE:
                raise fault from None
    return found | {key: Held(key, problems=(_unreadable(e),)) for key, e in failed.items()}


def _unreadable(error: LockstepError) -> Problem:
    message = (
        f"What the target holds of the record has to be known first, and can't be read: {error}"
    )
    advice = "Check the record at the target, then retry the rejection."
    return Problem("target_not_read", "", message, advice)


def _others(plan: Plan) -> list[UnsettledDelivery]:
    """Return the record's open deliveries that are not part of its plan."""
    keys = {intent.key for intent in plan.intents}
    return [u for u in plan.due.unsettled if u.delivery_key not in keys]
