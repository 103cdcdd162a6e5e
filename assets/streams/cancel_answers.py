"""The OMS's late answers to cancellations that it had only accepted as requests."""

from __future__ import annotations

from collections.abc import Sequence

from assets.streams.orders_plan import CANCELED
from domain.connections import ORDERS
from domain.errors import Problem
from domain.identity import correlation_id
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.rejections.rejections import Rejections
from resources.ledger.rows import RejectionRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.lockstep import Sync

CANCEL_REFUSED = Problem(
    "cancel_refused",
    "status_id",
    "The OMS did not accept the cancellation: the order is already being picked or has left.",
    "Inform the customer and arrange a return, or stop the parcel with the warehouse.",
)


def record_cancel_answers(session: Session, sync: Sync, fulfilments: Sequence[Fulfilment]) -> None:
    """Settle requested cancellations by what the OMS's orders show."""
    orders = Deliveries(session.db, sync.name, ORDERS)
    accepted = [
        f.source_id
        for f in fulfilments
        if f.cancel_answer == "accepted" or f.milestone() is Milestone.CANCELED
    ]
    rejected = [f.source_id for f in fulfilments if f.cancel_answer == "rejected"]
    with session.transaction():
        _settle(orders, accepted, "delivered", CANCELED)
        for row in _settle(orders, rejected, "refused", ""):
            rejection = RejectionRow(
                row.capture_id,
                row.source_id,
                "delivered",
                [CANCEL_REFUSED],
                correlation_id(sync.name, "order", row.source_id),
            )
            Rejections(session.db, sync.name, ORDERS).open(row.source_day, [rejection], sync.run_id)


def _settle(
    orders: Deliveries, source_ids: Sequence[str], state: str, milestone: str
) -> list[UnsettledDelivery]:
    """Settle requested cancellations, and return them; their milestone goes to the target state.

    An order that the OMS canceled by itself is included: otherwise the store's own cancellation,
    which follows, would be sent back to the OMS.
    """
    if not source_ids:
        return []
    answered = orders.answer(source_ids, "cancel", state)
    concerned = source_ids if milestone else [row.source_id for row in answered]
    targets = orders.targets(concerned)
    orders.put_targets(
        [t._replace(milestone=milestone) for t in targets.values() if t.milestone != milestone]
    )
    return answered
