"""The OMS's late answers to cancellations that it had only accepted as requests.

They come with the fulfilment, and are recorded by its stream. The orders' target state is written
under the orders' own lock: before a chunk of orders is planned, or after fulfilment was delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from domain.connections import ACTIONS, ORDERS
from domain.errors import Problem
from domain.identity import correlation_id
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.ledger.deliveries.requests import Requests, note_order_answers
from resources.ledger.records.withdrawals import newest_open, opened_again
from resources.ledger.rows import RejectionRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.sync import Sync

CANCELED, CANCEL_REQUESTED = "canceled", "cancel_requested"
"""Milestones of the OMS's order in the target state."""
CANCEL = "cancel"
CANCEL_REFUSED = Problem(
    "cancel_refused",
    "status",
    "The OMS did not accept the cancellation: the order is already being picked or has left.",
    "Inform the customer and arrange a return, or stop the parcel with the warehouse.",
)


def record_cancel_answers(session: Session, sync: Sync, fulfilments: Sequence[Fulfilment]) -> None:
    """Record what the OMS's orders show of cancellations, asked for or not.

    An order that the OMS canceled unasked is included: otherwise the store's own cancellation,
    which follows, would be sent back to the OMS.
    """
    requests = Requests(session.db, sync.name, ORDERS)
    accepted = [
        f.source_id
        for f in fulfilments
        if f.cancel_answer == "accepted" or f.milestone() is Milestone.CANCELED
    ]
    rejected = [f.source_id for f in fulfilments if f.cancel_answer == "rejected"]
    with session.transaction():
        requests.accepted(accepted, CANCEL)
        requests.rejected(rejected, CANCEL)
        note_order_answers(session.db, sync.name, ACTIONS, CANCEL, accepted, "accepted")
        note_order_answers(session.db, sync.name, ACTIONS, CANCEL, rejected, "rejected")


def apply_after_delivery(sync: Sync) -> None:
    """Apply answers that were recorded, once no orders are being delivered.

    To be called without a lock: the holder of the orders' lock may be waiting for another.
    """
    with sync.ledger.session(sync.name, ORDERS, sync.run_id) as orders:
        if Requests(orders.db, sync.name, ORDERS).any_answered():
            with orders.writer_lock():
                apply_cancel_answers(orders)


def apply_cancel_answers(orders: Session) -> None:
    """Settle requested cancellations by their answers, in a session that holds the orders' lock.

    The store may have opened an order again meanwhile. If the OMS has canceled it then, its newest
    version is due, and becomes a rejection; if the OMS has not, it fulfils what the store wants.
    """
    requests = Requests(orders.db, orders.connection, ORDERS)
    if not requests.any_answered():
        return
    with orders.transaction():
        answered = requests.take_answered(CANCEL)
        accepted = [a.source_id for a in answered if a.state == "accepted"]
        rejected = [a.source_id for a in answered if a.state == "rejected"]
        orders.deliveries.answer(accepted, CANCEL, "delivered")
        _put_milestone(orders, accepted, CANCELED)
        refused = orders.deliveries.answer(rejected, CANCEL, "refused")
        _put_milestone(orders, [row.source_id for row in refused], "")
        is_open = newest_open(orders.db, orders.connection, [a.source_id for a in answered])
        for row in refused:
            if row.source_id not in is_open:
                orders.rejections.open(row.source_day, [_refusal(orders, row)], orders.run_id)
        _make_due(orders, {i: is_open[i] for i in accepted if i in is_open})


def _make_due(orders: Session, versions: Mapping[str, tuple[date, UUID]]) -> None:
    """Make the versions due of orders that the store has canceled before, and then opened again."""
    named = [(source_id, capture_id) for source_id, (_, capture_id) in versions.items()]
    for source_id in opened_again(orders.db, orders.connection, named):
        day, capture_id = versions[source_id]
        orders.records.make_due(day, [capture_id])


def _refusal(orders: Session, row: UnsettledDelivery) -> RejectionRow:
    return RejectionRow(
        row.capture_id,
        row.source_id,
        "delivered",
        [CANCEL_REFUSED],
        correlation_id(orders.connection, "order", row.source_id),
    )


def _put_milestone(orders: Session, source_ids: Sequence[str], milestone: str) -> None:
    targets = orders.deliveries.targets(source_ids).values()
    orders.deliveries.put_targets(
        [t._replace(milestone=milestone) for t in targets if t.milestone != milestone]
    )
