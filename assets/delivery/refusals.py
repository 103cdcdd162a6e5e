"""Rejections of records that the target refused, or that have no attempts left."""

from __future__ import annotations

from assets.delivery.plan import Outcome, Plan
from domain.errors import AccessRefused, Problem, RateLimited
from resources.ledger.rows import RejectionRow


def rejection_of(plan: Plan, correlation_id: str) -> RejectionRow | None:
    """Return the rejection of a refused or dead plan; ``None``: it is done or still due."""
    failure = plan.failure()
    problems = [*plan.refusal, *plan.kept_back]
    problems += [problem for outcome in plan.outcomes for problem in outcome.problems]
    is_final = failure is not None and (failure.state == "refused" or failure.is_dead)
    if failure is not None and is_final and not failure.problems:
        problems.append(_exhausted(failure))
    if not problems:
        return None
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
