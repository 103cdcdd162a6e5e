"""What an agent's request changes of its order at the OMS, and whether the OMS shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from assets.delivery.plan import Due
from assets.streams.actions.book import OrderPage
from domain.delivery import Held
from domain.policies import ActionsPolicy
from domain.records.actions import ActionRequest, Amendment
from domain.records.orders import Order
from domain.records.record import decode_record
from domain.rules.amendments import amended
from domain.rules.permissions import Decision, decide
from domain.targets import ChangingOrderTarget, OrderTarget

TENTATIVE = "tentative"
"""Milestone of an amendment that was claimed and not settled: later versions of the order respect
it, since its effect may have happened."""


def decision_on(
    due: Due[ActionRequest], page: OrderPage, policy: ActionsPolicy, now: datetime
) -> Decision:
    """Return what is decided; what may have been sent stands until a look has shown it."""
    known = due.known
    is_sent = known is not None and known.milestone == TENTATIVE
    if known is not None and is_sent and any(u.is_uncertain for u in due.unsettled):
        sent = decode_record(Amendment, known.content)
        if sent != Amendment():  # else its rejection was discarded
            return sent
    return decide(due.record, policy, page.standing(due.record.action_id), now)


def change_of(
    action_id: str, page: OrderPage, decision: Decision, target: OrderTarget
) -> Mapping[str, object] | None:
    """Return what a request changes of the OMS's order, ``None`` for a cancellation."""
    if not isinstance(decision, Amendment) or decision.canceled:
        return None
    order = cast("Order", page.order)
    before = page.before(action_id)
    base = target.payload(amended(order, before))
    return target.change(base, target.payload(amended(order, [*before, decision])))


def shows(
    held: Held,
    action_id: str,
    page: OrderPage,
    decision: Amendment,
    target: ChangingOrderTarget,
) -> bool:
    """Return whether what the OMS holds is what the request wanted, for a change that shows.

    Of a hold that was released, a line that was canceled and a node it does not: they are sent
    again, which changes nothing.
    """
    if decision.released or any(redirect.node for redirect in decision.redirects):
        return False
    if any(not cut.left for cut in decision.cuts):
        return False
    if (change := change_of(action_id, page, decision, target)) is None:
        return True
    return target.change(held.content, target.applied(held.content, change)) is None
