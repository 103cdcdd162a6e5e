"""Rejections of records that the target refused, or that have no attempts left."""

from __future__ import annotations

from assets.delivery.plan import Plan, Sent
from domain.errors import AccessRefused, Problem, RateLimited
from resources.ledger.rows import RejectionRow


def rejection_of(plan: Plan) -> RejectionRow | None:
    """Return the rejection of a refused or dead plan; ``None``: it is done or still due."""
    failure, problems = plan.failure(), plan.problems()
    if failure is not None and not failure.outcome.problems:
        is_final = failure.outcome.state == "refused" or failure.outcome.is_dead
        problems += [_exhausted(failure)] if is_final else []
    if not problems:
        return None
    accepted = plan.accepted
    return RejectionRow(
        accepted.capture_id, accepted.source_id, "delivered", problems, accepted.correlation_id
    )


def _exhausted(sent: Sent) -> Problem:
    """Return the problem of a delivery that has no attempts left."""
    action, outcome = sent.intent.operation, sent.outcome
    message = f"Every attempt to {action} it at the target failed: {outcome.error[:300]}"
    if isinstance(outcome.fault, AccessRefused):
        advice = "Give Lockstep's user the permission, or renew its credentials, then retry."
        return Problem("delivery_not_permitted", "", message, advice)
    if isinstance(outcome.fault, RateLimited):
        advice = "Lower the connection's request rate or ask for a larger quota, then retry."
        return Problem("delivery_throttled", "", message, advice)
    advice = "Check the target, then rerun the partition or retry the rejection."
    return Problem("delivery_failed", "", message, advice)
