"""The links of records that are sent to the OMS, made in the transaction that claims them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assets.delivery.plan import Plan
from domain.errors import Problem
from domain.records.orders import Order
from resources.ledger.links import ORDER, Link, RefusedLink
from resources.ledger.rejections.recovery import retry_linked
from resources.ledger.session import Session
from resources.ledger.store_links import SENT_ELSEWHERE

NOT_LINKED = "order_not_linked"
"""The code, and the rule, of an OMS order that is not one of the store's, as far as known."""


def link_of(order: Order) -> Link:
    """Return the link of an order; its id at the OMS is the one that it is sent with."""
    return Link(order.source_id, order.number, order.order_id, order.order_id)


def claim_links(session: Session, planned: Sequence[tuple[Plan, Link]]) -> None:
    """Link the records that are about to be sent.

    A plan whose link is refused sends nothing and becomes a rejection.
    """
    plans = {link.store_id: plan for plan, link in planned}
    for refused in make_links(session, [link for _, link in planned]):
        plan = plans[refused.wanted.store_id]
        plan.intents.clear()
        plan.refusal = (_elsewhere(refused, session.links.entity, session.connection),)


def make_links(session: Session, links: Sequence[Link]) -> list[RefusedLink]:
    """Make links, and take up what was kept out for want of them; return those that are refused."""
    refused = session.links.claim(links, session.run_id)
    if session.links.entity != ORDER:
        return refused
    without = {one.wanted for one in refused}
    retry_linked(session, NOT_LINKED, [link.oms_id for link in links if link not in without])
    return refused


def not_linked(order_id: str) -> Problem:
    """Return why an order of the OMS is kept out: no order of the store is linked to it."""
    return Problem(
        NOT_LINKED,
        "order_id",
        f"Units of the OMS's order {order_id} have left, which looks like one of this store, but "
        "no order of the store was sent as it.",
        "If it is the store's, sync it with 'lockstep sync-orders' and its id in the store, or "
        "run 'lockstep reconcile --repair' over the day it changed at the OMS; this record is "
        "then tried again automatically. If it is not, discard the rejection.",
        order_id,
    )


def already_sent(connection: str, oms_id: str) -> Problem:
    """Return why an order is not sent: another connection of the store has sent it."""
    return Problem(
        SENT_ELSEWHERE,
        "order_id",
        f"The connection {connection} has sent this order of the store to its OMS already, as "
        f"{oms_id}; under another id it would be fulfilled twice.",
        "Let it be fulfilled as it is, and discard the rejection. That connection alone sends its "
        "changes and cancellations and shows its shipments, as long as it is configured; otherwise "
        "enter them by hand: in the OMS, and in the store.",
        oms_id,
    )


def _elsewhere(refused: RefusedLink, entity: str, connection: str) -> Problem:
    wanted = refused.wanted
    if refused.sent_as:
        return already_sent(refused.owner, refused.sent_as)
    if refused.owner == connection and entity == ORDER:
        return _number_used(refused)
    if refused.linked_id and refused.linked_id != wanted.oms_id:
        text = (
            f"The {entity} was sent to the OMS as {refused.linked_id}, and would now be sent as "
            f"{wanted.oms_id}."
        )
    else:
        text = (
            f"The {entity} {wanted.oms_id} at the OMS is the {entity} {refused.owner_id} of the "
            f"connection {refused.owner}, which this one would overwrite."
        )
    problem = Problem(
        "order_linked_elsewhere",
        "order_id",
        text,
        "Replace this connection by one with a new name and an orders.order_id_prefix that no "
        "other connection to the OMS's organisation starts with, then discard the rejection.",
        wanted.oms_id,
    )
    if entity == ORDER:
        return problem
    return replace(problem, code="customer_linked_elsewhere", field="customer_id")


def _number_used(refused: RefusedLink) -> Problem:
    """Return why an order is not sent: its number was another order's, which may be deleted now."""
    wanted = refused.wanted
    return Problem(
        "order_linked_elsewhere",
        "number",
        f"The order {wanted.oms_id} at the OMS is the store's order {refused.owner_id}, which had "
        f"the number {wanted.store_number} before; this one would overwrite it.",
        "Place the order again in the store under a number that was never used, or enter it at the "
        "OMS by hand; then discard the rejection.",
        wanted.store_number,
    )
