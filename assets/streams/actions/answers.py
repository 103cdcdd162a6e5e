"""The OMS's late answers to cancellations that agents have asked for.

They come with the fulfilment, like those to cancellations of the store. Both streams' target state
is written under both locks.
"""

from __future__ import annotations

from collections.abc import Sequence

from assets.streams.actions.report import report_outcomes
from assets.streams.orders.cancel_answers import CANCEL, CANCEL_REFUSED, CANCELED
from domain.connections import ACTIONS, ORDERS
from domain.records.actions import ActionOutcome, Amendment
from domain.records.record import encode_record
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.deliveries.drifts import make_due
from resources.ledger.deliveries.requests import Requests, adopt_order_answers
from resources.ledger.records.actions import Actions, StoredOutcome
from resources.ledger.records.records import Records
from resources.ledger.session import Session
from resources.sync import Sync


def apply_answers_after_delivery(sync: Sync) -> None:
    """Apply answers that were recorded, once neither orders nor actions are being delivered."""
    with sync.ledger.session(sync.name, ACTIONS, sync.run_id) as session:
        adopt_order_answers(session.db, sync.name, ACTIONS, CANCEL, ORDERS)
        if not Requests(session.db, sync.name, ACTIONS).any_answered():
            return
        with session.writer_lock(ORDERS), session.writer_lock():
            apply_answers(session)
    report_outcomes(sync)


def apply_answers(session: Session) -> None:
    """Settle requested cancellations by their answers, in a session that holds both locks."""
    db, name = session.db, session.connection
    requests = Requests(db, name, ACTIONS)
    adopt_order_answers(db, name, ACTIONS, CANCEL, ORDERS)
    if not requests.any_answered():
        return
    with session.transaction():
        answered = requests.take_answered(CANCEL)
        accepted = [one.source_id for one in answered if one.state == "accepted"]
        rejected = [one.source_id for one in answered if one.state == "rejected"]
        session.deliveries.answer(accepted, CANCEL, "delivered")
        session.deliveries.answer(rejected, CANCEL, "refused")
        actions = Actions(db, name)
        known = actions.outcomes([*accepted, *rejected])
        orders = {one: known[one].source_id for one in (*accepted, *rejected) if one in known}
        _put(session, accepted, None)
        _put(session, rejected, Amendment())
        _put_milestone(session, [orders[one] for one in accepted if one in orders], CANCELED)
        refused = [orders[one] for one in rejected if one in orders]
        _put_milestone(session, refused, "")
        _make_due(session, refused)
        outcomes = [*map(_accepted, accepted), *map(_rejected, rejected)]
        rows = [StoredOutcome(orders[o.action_id], o) for o in outcomes if o.action_id in orders]
        actions.put(rows, session.run_id)
        actions.answered(list(orders))


def _accepted(action_id: str) -> ActionOutcome:
    return ActionOutcome(action_id=action_id, state="done")


def _rejected(action_id: str) -> ActionOutcome:
    code, reason = CANCEL_REFUSED.code, CANCEL_REFUSED.message
    return ActionOutcome(action_id=action_id, state="refused", code=code, reason=reason)


def _put(session: Session, action_ids: Sequence[str], amendment: Amendment | None) -> None:
    """End the request of actions in the target state, with another amendment if one is given."""
    rows = session.deliveries.targets(action_ids).values()
    ended = [row._replace(milestone="") for row in rows]
    if amendment is not None:
        ended = [row.holding(encode_record(amendment)) for row in ended]
    session.deliveries.put_targets(ended)


def _put_milestone(session: Session, source_ids: Sequence[str], milestone: str) -> None:
    deliveries = Deliveries(session.db, session.connection, ORDERS)
    rows = deliveries.targets(source_ids).values()
    deliveries.put_targets([row._replace(milestone=milestone) for row in rows])


def _make_due(session: Session, source_ids: Sequence[str]) -> None:
    """Make orders due that are not canceled after all: their changes were not sent meanwhile."""
    records = Records(session.db, session.connection, ORDERS)
    due = records.days_of(records.newest_accepted(source_ids))
    make_due(session.db, session.connection, ORDERS, due)
