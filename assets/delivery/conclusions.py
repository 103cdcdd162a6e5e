"""Conclusions: what the plans of a chunk have come to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from assets.delivery.plan import Plan
from assets.delivery.refusals import rejection_of
from assets.delivery.request import DeliveryCounts
from domain.delivery import Operation
from resources.ledger.rows import RejectionRow, UnsettledDelivery


@dataclass
class Conclusions:
    """What a chunk's plans have come to; one transaction writes all of it."""

    plans: list[tuple[Plan, str | None]] = field(default_factory=list)
    """With the outcome of each plan's record, or ``None`` if the record stays due."""
    outcomes: list[tuple[UUID, str]] = field(default_factory=list)
    """Of captures."""
    rejections: list[RejectionRow] = field(default_factory=list)
    through: list[str] = field(default_factory=list)
    """Source ids whose open rejections end."""
    resolved: list[UUID] = field(default_factory=list)
    """Uncertain deliveries that a plan has replaced."""
    left: list[UUID] = field(default_factory=list)
    """Uncertain deliveries that no run will take up."""


def conclude(
    plans: Sequence[Plan],
    operations: Mapping[str, Operation],
    counts: DeliveryCounts,
    *,
    got_through: bool,
) -> Conclusions:
    """Count what the plans have come to, and collect what is to be written of them."""
    ended = Conclusions()
    for plan in plans:
        outcome = _conclude(plan, counts, got_through=got_through)
        ended.plans.append((plan, outcome))
        if outcome is not None:
            ended.outcomes.append((plan.accepted.capture_id, outcome))
        if outcome == "rejected":
            rejection = rejection_of(plan)
            ended.rejections += [rejection] if rejection else []
        elif outcome is not None:
            ended.through.append(plan.accepted.source_id)
        replaced = _replaced(plan, operations)
        ended.resolved += replaced
        if outcome is not None:
            left = [u.delivery_key for u in _left(plan)]
            ended.left += [key for key in left if key not in replaced]
    return ended


def _conclude(plan: Plan, counts: DeliveryCounts, *, got_through: bool) -> str | None:
    """Count a plan's outcome, and return the record's; ``None`` if the record stays due.

    It also stays due while a part of it is kept back or refused and the rest is not sent yet.
    """
    for intent, outcome in plan.sent:
        if outcome.succeeded:
            counts.count_sent(intent.operation)
    if plan.is_refused() and not plan.is_unfinished():
        counts.rejected += 1
        return "rejected"
    failure = plan.failure()
    if failure is not None:
        counts.failed += 1
        if not got_through:
            counts.errors.append(failure.outcome.error)
        return None
    if plan.is_unfinished():
        if plan.waits_until is not None:
            counts.wait(plan.waits_until)
        return None
    if plan.left_alone is not None:
        counts.leave_alone(*plan.left_alone)
    counts.delivered += bool(plan.intents)
    counts.unchanged += not plan.intents
    if plan.is_provisional:
        return None
    return "delivered" if plan.intents else "unchanged"


def _replaced(plan: Plan, operations: Mapping[str, Operation]) -> list[UUID]:
    """Return the uncertain deliveries that a plan has replaced: all, where all has succeeded.

    Where a part was refused, those that an effect which has succeeded replaces.
    """
    if plan.is_done():
        return [u.delivery_key for u in plan.resolves]
    done = {
        intent.operation
        for intent, outcome in plan.sent
        if outcome.succeeded
        and operations[intent.operation].replaces
        and operations[intent.operation].repeat == "upsert"
    }
    return [u.delivery_key for u in plan.resolves if u.action in done]


def _left(plan: Plan) -> list[UnsettledDelivery]:
    """Return what earlier runs have left under way of a record that is now done.

    No run will take it up: it stays uncertain until the record is delivered again.
    """
    own = {intent.key for intent in plan.intents}
    return [
        u
        for u in plan.due.unsettled
        if u.is_uncertain and u.state in ("in_flight", "failed") and u.delivery_key not in own
    ]
