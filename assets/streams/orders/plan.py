"""Planning of orders for the OMS: created once, changed by field, canceled by request."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import orjson
from msgspec.structs import replace

from assets.delivery.adoption import Adoption
from assets.delivery.links import link_of
from assets.delivery.obligation import owed_versions
from assets.delivery.plan import Due, Plan
from assets.delivery.planner import ReadingPlanner
from assets.delivery.request import DeliveryRequest
from assets.streams.actions.book import end_superseded, note_done
from assets.streams.orders.cancel_answers import CANCEL_REQUESTED, CANCELED, apply_cancel_answers
from assets.streams.orders.former import FormerVersions
from assets.streams.orders.kept import KeptOrders
from assets.streams.orders.looked_up import LOOKED_UP, as_read, settlement
from assets.streams.orders.refusals import REOPENED
from domain.connections import ORDERS
from domain.delivery import Held, Intent, OrderCancel, OrderSave, Outcome, Question
from domain.errors import RecordRejected
from domain.identity import delivery_key
from domain.records.actions import Amendment
from domain.records.orders import Order
from domain.records.record import decode_record
from domain.rules.amendments import amended
from resources.ledger.links import Link
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.records.amendments import Amendments
from resources.ledger.records.withdrawals import opened_again
from resources.ledger.rejections.approvals import retried_with
from resources.ledger.rejections.discards import done_by_hand
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.sync import Sync

GONE_AT_OMS = "order_gone_at_oms"
"""The code of an order that the OMS has lost; a retry sends it as a new one."""
FOR_ACTION = timedelta(seconds=30)
"""How long an order waits at least for an agent's action that a run is to look at."""


class OrdersPlanner(ReadingPlanner[Order]):
    """Plans a chunk of orders."""

    to_oms = True
    why = "the target accepted the record"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.orders = self.target = sync.oms.targets["orders"]
        self._cancel_reason = sync.connection.orders.cancel_reason
        self._linked: Mapping[str, str] = {}
        self._gone: Collection[str] = frozenset()
        self._adoption = Adoption(session, code="order_adopted")
        self._is_restored = is_cautious(session.db, sync.name)
        self._kept = KeptOrders(self.orders, FormerVersions(sync, session), self._as_linked)
        self._by_hand: Collection[str] = frozenset()
        self._looked_at: set[str] = set()
        """Orders that are read only because an operator may have changed them by hand."""
        self._actions = Amendments(session.db, sync.name)
        self._amendments: Mapping[str, Mapping[str, Amendment]] = {}
        self._given_up: Mapping[str, Mapping[str, Amendment]] = {}
        self._doubtful: Mapping[str, tuple[bool, datetime | None]] = {}

    def select(self, chunk: Sequence[AcceptedRecord]) -> Sequence[AcceptedRecord]:
        """Mark what newer versions replace, but what is owed although its status has moved on."""
        return owed_versions(self.session, chunk)

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Order]]:
        """Decode the orders, and read what the OMS is known to hold of them."""
        apply_cancel_answers(self.session)
        ids = [a.source_id for a in current]
        known = self.session.deliveries.targets(ids)
        self._linked = self.session.links.oms_ids(ids)
        self._amendments = self._actions.of_orders(ids)
        self._given_up = self._actions.given_up(ids)
        self._doubtful = self._actions.doubtful(ids)
        self._gone = retried_with(self.session.db, self.sync.name, ORDERS, ids, GONE_AT_OMS)
        by_hand = done_by_hand(self.session.db, self.sync.name, ORDERS, ids)
        if "update" in self.orders.operations:
            self._by_hand = by_hand
        else:
            self._kept.prepare(ids, by_hand)
        return [Due(a, self._decode(a), a.source_id, known.get(a.source_id)) for a in current]

    def _decode(self, accepted: AcceptedRecord) -> Order:
        """Return the order with the id that it has at the OMS, though it may now get another one.

        It was sent under that one, and its number at the store may have changed since. What agents
        have changed of it stays changed.
        """
        return self._as_linked(decode_record(Order, accepted.canonical))

    def _as_linked(self, order: Order) -> Order:
        order = self._amended(order)
        order_id = self._linked.get(order.source_id, order.order_id)
        return order if order_id == order.order_id else replace(order, order_id=order_id)

    def plan(self, due: Due[Order]) -> Plan:
        """Return what brings the OMS to this version, if anything differs."""
        self._adoption.check(due, due.record.order_id)
        return self._adoption.note(self._planned(due), due.record.order_id)

    def _planned(self, due: Due[Order]) -> Plan:
        order, known = due.record, due.known
        if (until := self._waits_until(due)) is not None:
            return Plan(due, waits_until=until)
        if known is not None and known.milestone == CANCELED:
            if self._is_opened_again(due):
                raise RecordRejected(REOPENED)
            return Plan(due)  # if the OMS has canceled it by itself, the store follows
        if order.canceled:
            if known is None or known.milestone == CANCEL_REQUESTED:
                return Plan(due)
            reason = order.cancel_reason or self._cancel_reason
            return self._to(due, "cancel", OrderCancel(order.order_id, reason))
        wanted = self.orders.payload(order)
        if known is None:
            return self._to(due, "create", OrderSave(wanted, wanted, None, orjson.dumps(wanted)))
        held = orjson.loads(known.content)
        if "update" not in self.orders.operations:
            return self._kept.plan(due, held, wanted)
        is_doubtful = due.is_read and not (
            self._adoption.has(due) or due.record.source_id in self._looked_at
        )
        whole = is_doubtful or self.request.force
        change = self.orders.change(held, wanted, whole=whole) or (wanted if whole else None)
        if change is None:
            return Plan(due)
        return self._to(due, "update", OrderSave(change, wanted, held))

    def _is_opened_again(self, due: Due[Order]) -> bool:
        """Return whether the order is open in the store, and was canceled there before.

        An agent's action may show it as canceled all the same.
        """
        accepted = due.accepted
        if decode_record(Order, accepted.canonical).canceled:
            return False
        version = (accepted.source_id, accepted.capture_id)
        return bool(opened_again(self.session.db, self.sync.name, [version]))

    def _waits_until(self, due: Due[Order]) -> datetime | None:
        """Return until when the order waits for an agent's action whose effect is uncertain.

        Its own run looks its outcome; if none does, the order is read here, once a lost
        request can't take effect any more.
        """
        is_alive, until = self._doubtful.get(due.record.source_id, (False, None))
        now = datetime.now(UTC)
        if is_alive:
            return max(until or now, now + FOR_ACTION)
        return until if until is not None and until > now else None

    def doubts(self, due: Due[Order]) -> bool:
        """Return whether someone may have changed it unseen: an agent, a program, the OMS itself.

        Or an operator, by hand: where the OMS has refused a change that was then discarded. A
        restored ledger may lack that it was sent at all, also one that is to be canceled now.
        """
        source_id = due.record.source_id
        if self._is_restored and due.known is None:
            return True
        if source_id in {*self._doubtful, *self._gone} or self._may_be_adopted(due):
            return True
        if source_id in self._by_hand:
            self._looked_at.add(source_id)
        return source_id in self._by_hand

    def _may_be_adopted(self, due: Due[Order]) -> bool:
        order = due.record
        is_linked = order.source_id in self._linked
        return self._adoption.is_possible(due, is_linked=is_linked, made_at=order.ordered_at)

    def _to(self, due: Due[Order], operation: str, content: OrderSave | OrderCancel) -> Plan:
        sequence = due.known.sequence if due.known else 0
        key = delivery_key(
            self.sync.name,
            ORDERS,
            due.accepted.source_id,
            f"{operation}:{sequence}",
            due.accepted.canonical_digest,
        )
        return Plan(due, [Intent(operation, key, due.accepted.source_id, content)])

    def link(self, due: Due[Order]) -> Link | None:
        """Return the link of an order without one; its id at the OMS is the one it is sent with."""
        return None if due.record.source_id in self._linked else link_of(due.record)

    def question(self, due: Due[Order]) -> tuple[str, Question]:
        """Ask for the order at the OMS; it may hold what is known, and what was sent since."""
        candidates: list[Mapping[str, object]] = []
        if due.known is not None:
            candidates.append(orjson.loads(due.known.content))
        for delivery in due.unsettled:
            order = self._sent(delivery) if delivery.is_uncertain else None
            if order is not None and not order.canceled:
                candidates.append(self.orders.payload(order))
        return due.record.order_id, tuple(candidates or [self.orders.payload(due.record)])

    def _sent(self, delivery: UnsettledDelivery) -> Order | None:
        sent = {delivery.source_id: delivery.capture_id}
        content = self.session.records.canonicals(sent).get(delivery.source_id)
        if content is None:
            return None
        return self._amended(decode_record(Order, content))

    def _amended(self, order: Order) -> Order:
        return amended(order, list(self._amendments.get(order.source_id, {}).values()))

    def resolve(self, due: Due[Order], held: Held | None) -> list[SettleRow]:
        """Take what the OMS holds as known; it shows whether an order was created or canceled."""
        uncertain = [u for u in due.unsettled if u.is_uncertain]
        is_new = due.known is None
        if held is None:
            if due.record.source_id not in self._looked_at:
                due.known = None
            return [SettleRow(u.delivery_key, "superseded", error=LOOKED_UP) for u in uncertain]
        if self._may_be_adopted(due) and not self._adoption.take(due, held):
            return []
        due.known = as_read(due, held)
        if held.is_canceled and any(one.canceled for one in self._given_up_of(due).values()):
            due.record = replace(due.record, canceled=True)  # an agent's, which has happened
        return [
            settlement(u, held.target_id, is_new=is_new, is_canceled=held.is_canceled)
            for u in uncertain
        ]

    def _given_up_of(self, due: Due[Order]) -> Mapping[str, Amendment]:
        return self._given_up.get(due.record.source_id, {})

    def concluded(self, plans: Sequence[tuple[Plan, str | None]]) -> None:
        """Let agents see as done what was given up and is now as they wanted it.

        What the delivered version has superseded of actions is over.
        """
        end_superseded(
            self.session,
            [
                decode_record(Order, plan.accepted.canonical)
                for plan, outcome in plans
                if outcome in ("delivered", "unchanged")
                and plan.due.record.source_id in self._amendments
            ],
            self._amendments,
        )
        note_done(
            self.session,
            {
                action_id: plan.due.record.source_id
                for plan, outcome in plans
                if outcome in ("delivered", "unchanged")
                and not any(sent.outcome.state == "requested" for sent in plan.sent)
                for action_id, amendment in self._given_up_of(plan.due).items()
                if amendment.canceled == plan.due.record.canceled
            },
        )

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what the OMS holds: what was wanted, or what it took of it."""
        known, moment = plan.due.known, plan.accepted.source_updated_at
        if isinstance(intent.content, OrderCancel):
            if known is None:
                return None
            milestone = CANCEL_REQUESTED if outcome.state == "requested" else CANCELED
            return known._replace(
                milestone=milestone, sequence=known.sequence + 1, source_updated_at=moment
            )
        save: OrderSave = intent.content
        if outcome.held is not None:
            content = orjson.dumps(outcome.held)
        else:
            content = save.encoded or orjson.dumps(save.wanted)
        return TargetRow.following(known, intent.target_key, outcome.target_id, content, moment)
