"""Intents of one record that a target takes in one call: all of them, or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import takewhile
from typing import Any

from assets.delivery.plan import Plan
from assets.delivery.planner import Planner
from domain.delivery import Claimed, Intent, Operation, Outcome
from domain.targets import Writer

MOST = 50
"""Intents of one call; the others follow in the next one."""


def joint_intents(plan: Plan, operations: Mapping[str, Operation]) -> list[Intent]:
    """Return the plan's next intents that one call may take; empty if each goes alone.

    What may be at the target already is looked up one by one.
    """
    if plan.goes_apart or not operations[plan.unsent()[0].operation].joins:
        return []
    waiting = plan.unsent()[:MOST]
    joint = [
        *takewhile(
            lambda intent: (
                operations[intent.operation].joins
                and not intent.may_exist
                and intent.target_key == waiting[0].target_key
            ),
            waiting,
        )
    ]
    return joint if len(joint) > 1 and not plan.due.unsettled else []


async def decide(
    plan: Plan, intents: Sequence[Intent], writer: Writer, planner: Planner[Any]
) -> list[Claimed | Outcome]:
    """Return what is sent by what the target holds now; empty if each has to go alone."""
    key = intents[0].target_key
    held = (await writer.held({key: ()}))[key]
    decided = None if held.problems else planner.decide_jointly(plan, intents, held)
    correlation_id = plan.accepted.correlation_id
    return [
        Claimed(one, correlation_id) if isinstance(one, Intent) else one for one in decided or ()
    ]


async def apply(
    decided: Sequence[Claimed | Outcome],
    writer: Writer,
    operations: Mapping[str, Operation],
    find: Callable[[Claimed, Writer], Awaitable[Outcome | None]],
) -> list[Outcome]:
    """Send what was decided in one call; return one outcome for each.

    Where it may have taken effect, what can't be repeated is looked for.
    """
    claimed = [one for one in decided if isinstance(one, Claimed)]
    answers = await writer.apply(claimed) if claimed else []
    applied = dict(zip((c.key for c in claimed), answers, strict=True))
    for one in claimed:
        is_unknown = applied[one.key].state == "unknown"
        if is_unknown and operations[one.intent.operation].repeat == "find":
            applied[one.key] = await find(one, writer) or applied[one.key]
    return [applied[one.key] if isinstance(one, Claimed) else one for one in decided]


def in_order(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Return the outcomes of one call as those of single ones: a failure keeps the rest back.

    Where nothing happened, only the first has failed; what may have happened is unknown of all.
    """
    failed = next((o for o in outcomes if o.state == "retry"), None)
    if failed is None:
        return list(outcomes)
    return [failed, *(Outcome("unsent") for _ in outcomes[1:])]
