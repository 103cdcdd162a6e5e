"""The outcome of an agent's request: what becomes of it, and what its agent sees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import orjson

from assets.delivery.plan import Due, Plan
from assets.streams.actions.book import OrderPage
from assets.streams.orders.cancel_answers import CANCEL_REQUESTED, CANCELED
from domain.delivery import Intent, OrderCancel, OrderSave, Outcome
from domain.errors import Problem
from domain.records.actions import ActionOutcome, ActionRequest, Amendment, OutcomeState
from domain.records.record import encode_record
from domain.rules.permissions import without_lines
from resources.ledger.records.actions import REUSED, StoredOutcome
from resources.ledger.rows import TargetRow

REUSED_ID = Problem(
    REUSED,
    "action_id",
    "This id was used for another request: for another order, or with other content.",
    "send the request again with a new id; the first request with this id is not affected",
)
REQUESTED = "The OMS has accepted the cancellation as a request and will answer later."


@dataclass
class Work:
    """What is planned for one request, and its outcome."""

    page: OrderPage
    amendment: Amendment | None = None
    state: OutcomeState = "waiting"
    code: str = ""
    reason: str = ""
    is_old: bool = False
    """It was decided by an earlier run."""
    order_row: TargetRow | None = None
    """What the OMS holds of the order after a success."""


def is_another(request: ActionRequest, first: StoredOutcome) -> bool:
    """Return whether a request is another one than the first of its id."""
    if request.source_id != first.source_id:
        return True
    return first.asked is not None and request.asks_for() != first.asked


def came_to_nothing(plan: Plan) -> bool:
    """Return whether nothing of a request can have taken effect, and nothing of it will."""
    if plan.context is None or plan.context.state not in ("refused", "failed"):
        return False
    is_lost = any(sent.outcome.is_lost for sent in plan.sent)
    return not is_lost and not any(u.is_uncertain for u in plan.due.unsettled)


def is_old(plan: Plan) -> bool:
    """Return whether a request had its outcome before, and has come again."""
    return plan.context is not None and plan.context.is_old


def amendment_row(due: Due[ActionRequest], amendment: Amendment, milestone: str = "") -> TargetRow:
    """Return what is known of an action: the amendment that it has made of its order."""
    content = encode_record(amendment)
    source_id = due.accepted.source_id
    moment = datetime.now(UTC)
    return TargetRow.following(None, source_id, source_id, content, moment, milestone)


def carried_out(plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow:
    """Note what a success has changed of the order, and return the action's own row."""
    work: Work = plan.context
    known = cast("TargetRow", work.page.known)
    amendment = cast("Amendment", work.amendment)
    if isinstance(intent.content, OrderCancel):
        is_asked = outcome.state == "requested"
        milestone = CANCEL_REQUESTED if is_asked else CANCELED
        work.order_row = known._replace(milestone=milestone, sequence=known.sequence + 1)
        work.state, work.reason = ("requested", REQUESTED) if is_asked else ("done", "")
        return amendment_row(plan.due, amendment, CANCEL_REQUESTED if is_asked else "")
    save: OrderSave = intent.content
    content = orjson.dumps(outcome.held if outcome.held is not None else save.wanted)
    work.order_row = TargetRow.following(
        known, known.target_key, known.target_id, content, known.source_updated_at
    )
    work.state = "done"
    if outcome.problems:
        work.state, work.code = "partly", outcome.problems[0].code
        work.reason = outcome.problems[0].message
        amendment = without_lines(amendment, outcome.refused_lines)
    return amendment_row(plan.due, amendment)


def note_rejected(plan: Plan) -> None:
    """Note why a request was not carried out, where nothing of it was."""
    if any(sent.outcome.succeeded for sent in plan.sent):
        return
    work: Work = plan.context
    problem = plan.problems()[0] if plan.problems() else None
    failure = plan.failure()
    work.state = "failed" if failure is not None and failure.outcome.is_dead else "refused"
    work.code = problem.code if problem is not None else ""
    work.reason = problem.message if problem is not None else "The OMS did not answer."


def stored_outcome(plan: Plan) -> StoredOutcome:
    """Return the outcome of a request as the ledger keeps it."""
    request: ActionRequest = plan.due.record
    work: Work = plan.context
    outcome = ActionOutcome(
        action_id=request.action_id, state=work.state, code=work.code, reason=work.reason
    )
    return StoredOutcome(request.source_id, outcome)


def given_up(due: Due[ActionRequest], first: StoredOutcome) -> list[StoredOutcome]:
    """Return what happens to a request that waits while another one comes under its id.

    The ``first`` one is no longer the newest of its id, so that no run carries it out: its agent
    must know. What is final stays, and so does what may have been sent.
    """
    if first.outcome.state != "waiting":
        return []
    outcome = ActionOutcome(
        action_id=due.record.action_id,
        state="invalid" if due.known is None else "failed",
        code=REUSED_ID.code,
        reason="Another request with the same id came before this one was carried out.",
    )
    return [first._replace(outcome=outcome)]
