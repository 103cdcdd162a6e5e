"""What the ledger knows of the orders that agents' requests are about, for one chunk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from assets.streams.orders.cancel_answers import CANCEL_REQUESTED, CANCELED
from domain.connections import ACTIONS, ORDERS, SHIPMENTS
from domain.milestones import Milestone
from domain.records.actions import ActionOutcome, ActionRequest, Amendment
from domain.records.orders import Order
from domain.records.record import decode_record, encode_record
from domain.rules.amendments import superseded
from domain.rules.permissions import OrderStanding
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.links import accepted_orders, is_captured
from resources.ledger.records.actions import Actions, Pending, StoredOutcome
from resources.ledger.records.amendments import Amendments
from resources.ledger.records.records import Records
from resources.ledger.rows import TargetRow, UnsettledDelivery
from resources.ledger.session import Session

DONE_LATER = "The OMS did not answer, but the order is now as requested."


@dataclass
class OrderPage:
    """One order."""

    order: Order | None
    known: TargetRow | None
    """What the OMS is known to hold of it: the target state of the stream ``orders``."""
    amendments: Mapping[str, Amendment]
    """Of each action; also of one whose effect is uncertain."""
    milestone: Milestone | None
    unsettled: Sequence[UnsettledDelivery]
    """Deliveries of the order itself whose effect is not certain."""
    pending: Sequence[Pending]
    """Requests for it without an outcome, oldest first."""

    @property
    def is_at_oms(self) -> bool:
        """Return whether the ledger knows what the OMS holds of the order."""
        return self.order is not None and self.known is not None

    def before(self, action_id: str) -> list[Amendment]:
        """Return what the other actions have changed."""
        return [one for name, one in self.amendments.items() if name != action_id]

    def standing(self, action_id: str) -> OrderStanding:
        """Return what the decision about an action needs to know."""
        return OrderStanding(
            self.order,
            self.before(action_id),
            is_at_oms=self.known is not None,
            is_canceled=self.known is not None and self.known.milestone == CANCELED,
            is_asked_to_cancel=self.known is not None and self.known.milestone == CANCEL_REQUESTED,
            milestone=self.milestone,
        )


def store_id(session: Session, named: str) -> str:
    """Return the store's id of the order that a request names; the name if none is known.

    With a prefix of digits, an order's id at the OMS may be another order's in the store, which
    was captured and has no link yet: the store's own id comes first.
    """
    links = session.links.find(named)
    is_oms_id = bool(links) and named not in (links[0].store_id, links[0].store_number)
    if is_oms_id and is_captured(session.db, session.connection, named):
        return named
    if links:
        return links[0].store_id
    known = accepted_orders(session.db, session.connection, store_ids=[named], oms_ids=[named])
    return known[0].store_id if known else named


def with_known_order(session: Session, request: ActionRequest) -> ActionRequest:
    """Return a request with its order's id at the store.

    It may have named an order that was not known when it was read, by its id at the OMS.
    """
    known = store_id(session, request.source_id)
    first = Actions(session.db, session.connection).outcomes([request.action_id])
    noted = first[request.action_id].source_id if first else known
    for name in {request.source_id, noted} - {"", known}:
        if store_id(session, name) == known:
            Actions(session.db, session.connection).rename(request.action_id, name, known)
    return request if known == request.source_id else replace(request, source_id=known)


def note_done(session: Session, order_of: Mapping[str, str]) -> None:
    """Note actions that were given up as done: a later version of their order has shown that."""
    if not order_of:
        return
    deliveries = Deliveries(session.db, session.connection, ACTIONS)
    rows = deliveries.targets(list(order_of)).values()
    deliveries.put_targets([row._replace(milestone="") for row in rows])
    Actions(session.db, session.connection).put(
        [
            StoredOutcome(
                source_id, ActionOutcome(action_id=action_id, state="done", reason=DONE_LATER)
            )
            for action_id, source_id in order_of.items()
        ],
        session.run_id,
    )


def end_superseded(
    session: Session, orders: Sequence[Order], amendments: Mapping[str, Mapping[str, Amendment]]
) -> None:
    """End what delivered versions of orders have superseded; nothing of what is not certain yet."""
    changed = {
        action_id: after
        for order in orders
        for action_id, before in amendments[order.source_id].items()
        if (after := superseded(order, before)) != before
    }
    deliveries = Deliveries(session.db, session.connection, ACTIONS)
    rows = deliveries.targets(list(changed)) if changed else {}
    deliveries.put_targets(
        [
            row.holding(encode_record(changed[name]))
            for name, row in rows.items()
            if not row.milestone
        ]
    )


def read_pages(
    session: Session, source_ids: Sequence[str], acts_for: float
) -> Mapping[str, OrderPage]:
    """Read orders by their ids at the store, in a session that holds the orders' lock, too."""
    db, name = session.db, session.connection
    deliveries, records = Deliveries(db, name, ORDERS), Records(db, name, ORDERS)
    known = deliveries.targets(source_ids)
    shown = Deliveries(db, name, SHIPMENTS).targets(source_ids)
    unsettled = deliveries.unsettled(source_ids, acts_for)
    contents = records.canonicals(records.newest_accepted(source_ids))
    links = session.links.oms_ids(source_ids)
    amendments = Amendments(db, name).of_orders(source_ids)
    pending = Actions(db, name).pending(source_ids)
    pages: dict[str, OrderPage] = {}
    for source_id in dict.fromkeys(source_ids):
        content = contents.get(source_id)
        order = decode_record(Order, content) if content is not None else None
        if order is not None and source_id in links:
            order = replace(order, order_id=links[source_id])
        row = shown.get(source_id)
        pages[source_id] = OrderPage(
            order,
            known.get(source_id),
            amendments.get(source_id, {}),
            Milestone(row.milestone) if row is not None and row.milestone else None,
            unsettled.get(source_id, ()),
            pending.get(source_id, ()),
        )
    return pages
