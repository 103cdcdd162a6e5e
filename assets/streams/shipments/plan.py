"""Planning of fulfilment at the store: missing shipments and new tracking, then the status.

A shipment is not idempotent at the store, so one that may have been created is looked for first: by
address, tracking number and units. A parcel that gets its tracking number later changes its
shipment, and creates no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.delivery.target_state import OrderTargetState
from assets.streams.orders.cancel_answers import record_cancel_answers
from assets.streams.shipments.held import hold
from assets.streams.shipments.intents import ShipmentIntents, is_change_discarded
from assets.streams.shipments.problems import canceled_at_oms
from assets.streams.shipments.progress import progress_of
from assets.streams.shipments.requests import Lines, not_shipped, shipment_requests
from assets.streams.shipments.same_sku import as_shipped
from assets.streams.shipments.status import (
    OrderAtStore,
    StatusRules,
)
from assets.streams.shipments.taken_back import left_in_store, why_left, without_parcel
from domain.connections import SHIPMENTS
from domain.delivery import (
    Held,
    Intent,
    NewShipment,
    Outcome,
    ShipmentRemoval,
    StatusChange,
)
from domain.exchange import ShipmentRequest, StoreOrderState
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from domain.records.record import decode_record
from domain.rules.export import DELETED
from domain.skus import BySku
from resources.ledger.records.withdrawals import withdrawn_by_store
from resources.ledger.rejections.discards import NO_PARTS, RULE, DiscardedParts, parts
from resources.ledger.rejections.recovery import retry_ended
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync


class ShipmentsPlanner(Planner[Fulfilment]):
    """Plans a chunk of fulfilments."""

    to_oms = False
    why = "the store accepted it"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.shipments = self.target = sync.platform.targets["shipments"]
        chosen = sync.connection.shipments.milestone_statuses
        self._statuses = StatusRules(
            sync.order_statuses.export,
            chosen,
            self.shipments.status_for,
            self.shipments.noted,
            has_history=self.shipments.has_history,
        )
        self._intents = ShipmentIntents(sync.name)
        self._units = BySku(sync.connection.orders.uom_rules)
        self._lines: Mapping[str, Lines] = {}
        self._withdrawn: Collection[str] = ()
        self._discarded: Mapping[str, DiscardedParts] = {}
        self._ordered: Mapping[str, Mapping[str, Decimal]] = {}
        """Of orders of which the OMS has canceled units: what the store has, by line."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Fulfilment]]:
        """Decode the fulfilments, and read what the store is known to hold of their orders."""
        records = {
            a: decode_record(Fulfilment, a.canonical).as_of(a.source_updated_at) for a in current
        }
        ids = [record.source_id for record in records.values()]
        self._lines = self.session.records.line_groups(ids)
        ended = self.session.progress.put(
            [
                progress_of(a, record, not_shipped(self._lines.get(record.source_id)))
                for a, record in records.items()
            ]
        )
        retry_ended(self.session, ended, DELETED.code)
        record_cancel_answers(self.session, self.sync, list(records.values()))
        known = self.session.deliveries.targets(ids)
        delivered_as = {a.source_id: record.source_id for a, record in records.items()}
        self._discarded = parts(self.session.db, self.sync.name, SHIPMENTS, delivered_as)
        canceled = [
            r.source_id
            for r in records.values()
            if self._shown(r, self._lines.get(r.source_id)) is Milestone.CANCELED
        ]
        self._ordered = self.session.progress.ordered(
            [r.source_id for r in records.values() if _has_canceled(r)]
        )
        self._withdrawn = withdrawn_by_store(self.session.db, self.sync.name, canceled)
        return [
            Due(a, record, record.source_id, known.get(record.source_id))
            for a, record in records.items()
        ]

    def _shown(self, fulfilment: Fulfilment, lines: Lines | None) -> Milestone:
        return fulfilment.shown_milestone(self.shipments.status_for, not_shipped(lines))

    def plan(self, due: Due[Fulfilment]) -> Plan:
        """Return shipments in the parcels' order, then the status. Raises ``RecordRejected``."""
        fulfilment = due.record
        state = OrderTargetState.from_ledger(due.known, self._lines.get(fulfilment.source_id))
        order = OrderAtStore(fulfilment.source_id, state, self._shown(fulfilment, state.lines))
        order.was_canceled = fulfilment.source_id in self._withdrawn or (
            state.milestone is Milestone.CANCELED and not _is_status_uncertain(due)
        )
        plan = Plan(due, context=order)
        if state.applied_at > fulfilment.updated_at.isoformat() and not self.request.force:
            return plan  # late: a newer state of the order has been applied
        if order.wanted is not Milestone.CANCELED:
            plan.notes += canceled_at_oms(fulfilment, self._ordered.get(fulfilment.source_id, {}))
        change = self._statuses.change_of(order, is_uncertain=_is_status_uncertain(due))
        if state.lines is None and change is None and state.holds_all(fulfilment.parcels):
            return plan  # its month is past its retention, and the store has all of it
        requests, kept_back = shipment_requests(fulfilment, state.lines, self._units)
        order.requests = as_shipped(requests, fulfilment, state)
        discarded = self._discarded.get(due.accepted.source_id, NO_PARTS)
        plan.kept_back = discarded.without(kept_back)
        order.is_partial = bool(kept_back)
        self._add_parcels(plan, discarded)
        change = self._take_back(plan, discarded) or change
        if change is not None:
            plan.intents.append(self._intents.set_status(plan, change))
        return plan

    def _take_back(self, plan: Plan, discarded: DiscardedParts) -> StatusChange | None:
        """Take back the shipments whose parcels the OMS has canceled; return the order's status.

        Before new ones are made of their units. Where parcels are kept out of the store, their
        units may be those of any shipment, so that all stay.
        """
        order: OrderAtStore = plan.context
        state = order.state
        if order.is_partial:
            return None
        covers = state.cover(order.requests)
        removals = []
        for name in without_parcel(state, order.requests, covers):
            shipment = state.shipments[name]
            why = why_left(name, shipment, plan.due.record.canceled_parcels)
            if why:
                note = left_in_store(order.source_id, name, shipment.shipment_id, why)
                plan.notes.append(note)
            elif (removal := self._intents.remove(plan, name)).key in discarded.intents:
                plan.left_alone = (RULE, order.source_id)
            else:
                removals.append(removal)
        plan.intents[:0] = removals
        return self._statuses.back_of(order) if removals else None

    def _add_parcels(self, plan: Plan, discarded: DiscardedParts) -> None:
        """Add the shipments that the store lacks, and their tracking.

        One that an operator has discarded stays out until the parcel itself has changed.
        """
        order: OrderAtStore = plan.context
        state, covers = order.state, order.state.cover(order.requests)
        for key, request in order.requests.items():
            if missing := covers[key].missing:
                part = replace(request, lines=missing)
                intent = self._intents.create(plan, part, state.new_name(key))
                if intent.key in discarded.intents:
                    order.is_partial = True
                    plan.left_alone = (RULE, order.source_id)
                    plan.keeps_open |= {intent.key}
                else:
                    plan.intents.append(intent)
            for own in covers[key].names:
                self._update(plan, own, request, discarded)

    def _update(
        self, plan: Plan, name: str, request: ShipmentRequest, discarded: DiscardedParts
    ) -> None:
        """Add the new tracking of a shipment, unless an operator has discarded it."""
        order: OrderAtStore = plan.context
        if not order.state.shipments[name].is_outdated(request):
            return
        if is_change_discarded(self.sync.name, order.state, name, request, discarded):
            plan.left_alone = (RULE, order.source_id)
        else:
            plan.intents.append(self._intents.update(plan, request, name))

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what is done by what the store shows at the moment of sending."""
        now: StoreOrderState = held.content
        if isinstance(intent.content, StatusChange):
            return self._statuses.decide(plan, intent, now)
        order: OrderAtStore = plan.context
        if isinstance(intent.content, ShipmentRemoval):
            return self._removal(plan, intent, now)
        order.before = now
        self._statuses.note_kept(order, now)
        order.has_foreign = now.shipped_units > order.state.shipped_units()
        if not order.has_foreign:
            return intent
        # What the merchant has shipped by hand may be one of these parcels.
        plan.intents = [replace(i, may_exist=i.operation == "shipment") for i in plan.intents]
        return replace(intent, may_exist=True)

    def _removal(self, plan: Plan, intent: Intent, now: StoreOrderState) -> Intent | Outcome:
        """Return the removal, or its outcome where the merchant has decided on the order."""
        removal: ShipmentRemoval = intent.content
        order: OrderAtStore = plan.context
        if now.is_final or self._statuses.keeps(now, order.state):
            why = f"the order is in status {now.status}"
            note = left_in_store(order.source_id, removal.name, removal.shipment_id, why)
            plan.notes.append(note)
            return Outcome("done", removal.shipment_id, is_found=True)
        return intent

    def foreseen(self, plan: Plan) -> TargetRow | None:
        """Return the merchant's own status, which the order's first shipment will move."""
        order: OrderAtStore = plan.context
        is_new, order.is_noted = order.is_noted, False
        if not is_new:
            return None
        return order.state.to_row(plan.due.record.source_id, plan.due.record)

    def decide_jointly(
        self, plan: Plan, intents: Sequence[Intent], held: Held
    ) -> list[Intent | Outcome] | None:
        """Decide on the status as it will be found after the shipments.

        One by one where the merchant has done something: what is theirs shows in between.
        """
        order: OrderAtStore = plan.context
        now: StoreOrderState = held.content
        new = [i.content for i in intents if isinstance(i.content, NewShipment)]
        removed = [i.content.name for i in intents if isinstance(i.content, ShipmentRemoval)]
        if removed and (now.is_final or self._statuses.keeps(now, order.state)):
            return None
        if self._statuses.stays_apart(order, now, is_shipping=bool(new)):
            return None
        if new:
            order.before = now
        units = sum(line.quantity for content in new for line in content.request.lines)
        units -= sum(sum(order.state.shipments[name].units.values()) for name in removed)
        after = replace(now, shipped_units=now.shipped_units + units)
        return [
            self._statuses.decide(plan, intent, after)
            if isinstance(intent.content, StatusChange)
            else intent
            for intent in intents
        ]

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what the store holds of the order after a success."""
        hold(plan, intent, outcome)
        order: OrderAtStore = plan.context
        return order.state.to_row(plan.due.record.source_id, plan.due.record)

    def follow_up(self, plan: Plan) -> list[Intent]:
        """Return new tracking of adopted shipments, and the merchant's status after a shipment."""
        order: OrderAtStore = plan.context
        state = order.state
        more: list[Intent] = []
        for intent, outcome in plan.sent:
            if isinstance(intent.content, NewShipment) and outcome.is_found:
                name, request = intent.content.name, intent.content.request
                if state.shipments[name].is_outdated(request):
                    more.append(self._intents.update(plan, request, name))
        if (back := order.back_to_kept()) is not None:
            more.append(self._intents.set_status(plan, back))
        return more


def _has_canceled(fulfilment: Fulfilment) -> bool:
    return any(line.in_milestone(Milestone.CANCELED) for line in fulfilment.lines)


def _is_status_uncertain(due: Due[Fulfilment]) -> bool:
    return any(u.action == "status" and u.is_uncertain for u in due.unsettled)
