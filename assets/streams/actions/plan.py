"""Planning of agents' actions: each is decided once, and changes its order at the OMS.

An action is carried out as a change of the order, by the operations of the OMS's target of orders
and under the lock of the stream ``orders``, so that both streams write one order one after the
other. Its amendment, which later versions of the order respect, and what the OMS then holds are
stored with the outcome, in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

import orjson

from assets.delivery.plan import Due, Plan, Sent
from assets.delivery.planner import ReadingPlanner
from assets.delivery.request import DeliveryRequest
from assets.streams.actions.answers import apply_answers
from assets.streams.actions.book import OrderPage, read_pages, with_known_order
from assets.streams.actions.decision import TENTATIVE, change_of, decision_on, shows
from assets.streams.actions.outcome import (
    REUSED_ID,
    Work,
    amendment_row,
    came_to_nothing,
    carried_out,
    given_up,
    is_another,
    is_old,
    note_rejected,
    stored_outcome,
)
from assets.streams.orders.cancel_answers import CANCELED
from domain.connections import ACTIONS, ORDERS
from domain.delivery import Held, Intent, OrderCancel, OrderSave, Outcome, Question
from domain.errors import RecordRejected
from domain.identity import delivery_key
from domain.records.actions import FINAL, ActionRequest, Amendment
from domain.records.orders import Order
from domain.records.record import decode_record, encode_record
from domain.rules.permissions import Decision, Refused, Unneeded, Waits, expired
from domain.targets import ChangingOrderTarget
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.records.actions import Actions, StoredOutcome
from resources.ledger.rejections.rejections import OpenRejection, open_rejections
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

LOOKED_UP = "the OMS was asked for what it holds"
SOON = timedelta(0)
LATER = timedelta(minutes=1)
HELD_BY_STORE = "The agent's hold is released; the order's status in the store still holds it."


class ActionsPlanner(ReadingPlanner[ActionRequest]):
    """Plans a chunk of requests, of each order one at a time."""

    to_oms = True
    why = "the request was decided"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.orders = self.target = sync.oms.targets["orders"]
        self._of_orders = Deliveries(session.db, sync.name, ORDERS)
        self._actions = Actions(session.db, sync.name)
        self._pages: dict[str, OrderPage] = {}
        self._decided: dict[str, StoredOutcome] = {}
        self._rejected: Mapping[str, OpenRejection] = {}
        """Open rejections of the requests' orders, which may keep these from going on."""
        self._present: dict[str, bool] = {}
        """Action -> whether a look at the OMS has shown its effect."""
        self._now = datetime.now(UTC)

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[ActionRequest]]:
        """Decode the requests, and read what the ledger knows of them and of their orders."""
        apply_answers(self.session)
        ids = [accepted.source_id for accepted in current]
        requests = [
            with_known_order(self.session, decode_record(ActionRequest, accepted.canonical))
            for accepted in current
        ]
        self._actions.announce(requests, self.session.run_id)
        orders = [request.source_id for request in requests]
        self._pages = dict(read_pages(self.session, orders, self.target.acts_for))
        self._decided = self._actions.outcomes(ids)
        self._rejected = open_rejections(self.session.db, self.sync.name, ORDERS, orders)
        self._now = self.session.now()
        known = self.session.deliveries.targets(ids)
        return [
            Due(accepted, request, accepted.source_id, known.get(accepted.source_id))
            for accepted, request in zip(current, requests, strict=True)
        ]

    def plan(self, due: Due[ActionRequest]) -> Plan:
        """Return what carries a request out; nothing if it is refused, or done already."""
        request = due.record
        page = self._pages[request.source_id]
        plan = Plan(due, context=Work(page))
        before = self._decided.get(request.action_id)
        if before is not None and is_another(request, before):
            raise RecordRejected(REUSED_ID)
        if before is not None and before.outcome.state in FINAL | {"requested"}:
            old = before.outcome
            plan.context = Work(page, None, old.state, old.code, old.reason, is_old=True)
        elif due.known is not None and due.known.milestone != TENTATIVE:
            plan.context.state = "requested" if due.known.milestone else "done"
        elif not due.unsettled and due.known is None and (late := self._expired(request)):
            self._refuse(plan, late)  # none of it was sent, whatever it waits for
        elif (first := page.pending[0] if page.pending else None) and (
            first.action_id != request.action_id
            and (first.requested_at, first.action_id) < (request.requested_at, request.action_id)
        ):
            self._wait(plan, "An earlier request for the order is carried out first.", SOON)
        elif any(
            # A lost attempt of a delivery that was repeated would undo the action if it came late.
            one.is_uncertain or one.state == "in_flight" or one.may_act(self._now)
            for one in page.unsettled
        ):
            self._wait(plan, "Whether an earlier write reached the OMS is not known yet.", LATER)
        else:
            self._decide(plan)
        return plan

    def _expired(self, request: ActionRequest) -> Refused | None:
        return expired(request, self.sync.connection.actions, self._now)

    def _wait(self, plan: Plan, reason: str, pause: timedelta) -> None:
        """Let a request wait, and say if its order is one that only a person can go on with."""
        plan.waits_until = self._now + pause
        if (rejection := self._rejected.get(plan.due.record.source_id)) is not None:
            reason += f" The order's rejection {rejection.rejection_id} ({rejection.code}) is open."
        plan.context.reason = reason

    def _decide(self, plan: Plan) -> None:
        work: Work = plan.context
        decision = self._decision(plan.due)
        if isinstance(decision, Waits):
            self._wait(plan, decision.reason, LATER)
        elif isinstance(decision, Unneeded):
            work.state, work.reason = "done", decision.reason
        elif isinstance(decision, Refused):
            self._refuse(plan, decision)
        elif not work.page.is_at_oms:
            self._wait(plan, "What the OMS holds of the order is not known yet.", LATER)
        elif not decision.canceled and "update" not in self.orders.operations:
            reason = (
                "This OMS does not accept changes of orders; only whole orders can be canceled."
            )
            self._refuse(plan, Refused("action_not_supported", reason))
        else:
            work.amendment = decision
            self._carry_out(plan, decision)

    def _refuse(self, plan: Plan, refused: Refused) -> None:
        work: Work = plan.context
        work.state, work.code, work.reason = "refused", refused.code, refused.reason
        plan.left_alone = (refused.code, plan.due.record.action_id)

    def _carry_out(self, plan: Plan, amendment: Amendment) -> None:
        """Plan the one intent of an amendment; none where the order is as wanted without it."""
        page: OrderPage = plan.context.page
        order, known = cast("Order", page.order), cast("TargetRow", page.known)
        if amendment.canceled:
            reason = self.sync.connection.orders.cancel_reason
            self._add(plan, "cancel", OrderCancel(order.order_id, reason))
            return
        held = orjson.loads(known.content)
        target = cast("ChangingOrderTarget", self.orders)
        if set(amendment.released) & {order.hold}:
            plan.context.reason = HELD_BY_STORE
        if (change := self._change(plan.due)) is None:
            plan.context.state = "done"
            plan.context.reason = (
                plan.context.reason or "Nothing to do: the order is already like that."
            )
            return
        save = OrderSave(change, target.applied(held, change), held)
        self._add(plan, "update", save)

    def _add(self, plan: Plan, operation: str, content: OrderSave | OrderCancel) -> None:
        accepted = plan.accepted
        key = delivery_key(
            self.sync.name, ACTIONS, accepted.source_id, operation, accepted.canonical_digest
        )
        plan.intents.append(Intent(operation, key, accepted.source_id, content))

    def can_ask(self, due: Due[ActionRequest]) -> bool:
        """Return whether the OMS is known to have the order; of a request that waits, it is not."""
        return self._pages[due.record.source_id].is_at_oms

    def question(self, due: Due[ActionRequest]) -> tuple[str, Question]:
        """Ask for the order as it is known, and as the request would have it."""
        page = self._pages[due.record.source_id]
        order, held = cast("Order", page.order), orjson.loads(cast("TargetRow", page.known).content)
        change = self._change(due)
        if change is None:
            return order.order_id, (held,)
        target = cast("ChangingOrderTarget", self.orders)
        return order.order_id, (held, target.applied(held, change))

    def _change(self, due: Due[ActionRequest]) -> Mapping[str, object] | None:
        page = self._pages[due.record.source_id]
        return change_of(due.record.action_id, page, self._decision(due), self.orders)

    def _decision(self, due: Due[ActionRequest]) -> Decision:
        page = self._pages[due.record.source_id]
        return decision_on(due, page, self.sync.connection.actions, self._now)

    def resolve(self, due: Due[ActionRequest], held: Held | None) -> list[SettleRow]:
        """Take what the OMS holds of the order as known; it may show that the request is done."""
        uncertain = [u for u in due.unsettled if u.is_uncertain]
        page, decision = self._pages[due.record.source_id], self._decision(due)
        if held is None or page.known is None or not isinstance(decision, Amendment):
            return [SettleRow(u.delivery_key, "superseded", error=LOOKED_UP) for u in uncertain]
        target = cast("ChangingOrderTarget", self.orders)
        is_done = (
            held.is_canceled
            if decision.canceled
            else shows(held, due.record.action_id, page, decision, target)
        )
        page.known = TargetRow.as_read(
            page.known,
            page.known.target_key,
            held.target_id,
            orjson.dumps(held.content),
            page.known.source_updated_at,
            CANCELED if held.is_canceled else page.known.milestone,
        )
        self._of_orders.put_targets([page.known])
        if not is_done:
            return [SettleRow(u.delivery_key, "superseded", error=LOOKED_UP) for u in uncertain]
        due.known = amendment_row(due, decision)
        return [
            SettleRow(u.delivery_key, "delivered", held.target_id, error=LOOKED_UP)
            for u in uncertain
        ]

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what the action has changed; the order's own row is stored by ``store``."""
        return carried_out(plan, intent, outcome)

    def claimed(self, plans: Sequence[Plan]) -> None:
        """Let the order's later versions respect what is about to be sent."""
        rows = [
            amendment_row(plan.due, plan.context.amendment, TENTATIVE)
            for plan in plans
            if plan.unsent() and plan.context.amendment is not None
        ]
        self.session.deliveries.put_targets(rows)

    def _withdraw(self, plans: Sequence[Plan]) -> None:
        """Let the order's later versions respect nothing of what came to nothing."""
        known = self.session.deliveries.targets([plan.due.delivered_as for plan in plans])
        nothing = encode_record(Amendment())
        self.session.deliveries.put_targets(
            [row.holding(nothing) for row in known.values() if row.content != nothing]
        )

    def store(self, sent: Sequence[tuple[Plan, Sent]]) -> None:
        """Store what the OMS holds of the orders, and the outcome of the actions."""
        done = [plan for plan, one in sent if one.outcome.succeeded]
        undone = [
            amendment_row(plan.due, Amendment(), TENTATIVE)
            for plan, one in sent
            if one.outcome.state in ("refused", "unsent")
        ]
        self.session.deliveries.put_targets(undone)
        rows = [plan.context.order_row for plan in done if plan.context.order_row is not None]
        self._of_orders.put_targets(rows)
        self._actions.put([stored_outcome(plan) for plan in done], self.session.run_id)

    def concluded(self, plans: Sequence[tuple[Plan, str | None]]) -> None:
        """Store the outcome of the others, too: those that are refused, wait, or are done so."""
        rows: list[StoredOutcome] = []
        for plan, outcome in plans:
            if plan.context is None:
                if plan.refusal == (REUSED_ID,):
                    rows += given_up(plan.due, self._decided[plan.due.record.action_id])
                continue
            if outcome == "rejected":
                note_rejected(plan)
            rows.append(stored_outcome(plan))
        self.session.deliveries.put_targets(
            [
                amendment_row(plan.due, plan.context.amendment)
                for plan, outcome in plans
                if outcome == "unchanged" and plan.context and plan.context.amendment is not None
            ]
        )
        self._actions.put(rows, self.session.run_id)
        self._withdraw([plan for plan, outcome in plans if outcome and came_to_nothing(plan)])
        self._actions.show_again([plan.due.record.action_id for plan, _ in plans if is_old(plan)])
