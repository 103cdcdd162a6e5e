"""Planning of fulfilment at the store: missing shipments and new tracking, then the status.

A shipment is not idempotent at the store, so one that may have been created is looked for first: by
address, tracking number and units. A parcel that gets its tracking number later changes its
shipment, and creates no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal

import orjson

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.delivery.target_state import KnownShipment, OrderTargetState
from assets.streams.orders.cancel_answers import record_cancel_answers
from assets.streams.shipments.requests import Lines, not_shipped, shipment_requests
from assets.streams.shipments.status import (
    StatusRules,
    made_by_hand,
    opened_again,
    status_kept,
    units_above,
    units_missing,
)
from domain.connections import SHIPMENTS
from domain.delivery import Held, Intent, NewShipment, Outcome, ShipmentChange, StatusChange
from domain.exchange import ShipmentRequest, StoreOrderState, StoreShipment
from domain.identity import content_digest, delivery_key
from domain.milestones import PARTIAL, Milestone, may_move
from domain.records.fulfilment import Fulfilment
from domain.records.record import decode_record
from resources.ledger.records.fulfilment_progress import ProgressRow
from resources.ledger.records.withdrawals import withdrawn_by_store
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

RELEASED = (Milestone.RELEASED, Milestone.PICKED, Milestone.PACKED)
SHIPPED = (Milestone.SHIPPED, Milestone.DELIVERED, Milestone.RETURNED)
GONE = (Milestone.SHIPPED, Milestone.DELIVERED)
BY_SHIPMENT = (Milestone.PARTIALLY_SHIPPED, Milestone.SHIPPED)
"""What a store's order shows once it has got a shipment."""


@dataclass
class _Order:
    """One order of the chunk: what the store is known to hold, and what it was seen to hold."""

    state: OrderTargetState
    wanted: Milestone
    requests: Mapping[str, ShipmentRequest] = field(default_factory=dict)
    before: StoreOrderState | None = None
    """The store's order before the first shipment of the plan is created."""
    has_foreign: bool = False
    """The store shows units as shipped that no shipment known to us has."""
    is_noted: bool = False
    """``kept_status`` of the state has changed, and the ledger does not know yet."""
    was_canceled: bool = False
    """The store's order was canceled there already: if it is not now, it was opened again."""

    def shipped_at_oms(self) -> int:
        """Return the units of the order's parcels, in the store's units."""
        return sum(line.quantity for request in self.requests.values() for line in request.lines)


class ShipmentsPlanner(Planner[Fulfilment]):
    """Plans a chunk of fulfilments."""

    to_oms = False
    why = "the store accepted it"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.shipments = self.target = sync.platform.targets["shipments"]
        chosen = sync.connection.shipments.milestone_statuses
        self._statuses = StatusRules(sync.order_statuses.export, chosen)
        self._lines: Mapping[str, Lines] = {}
        self._withdrawn: Collection[str] = ()

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Fulfilment]]:
        """Decode the fulfilments, and read what the store is known to hold of their orders."""
        records = {
            a: decode_record(Fulfilment, a.canonical).as_of(a.source_updated_at) for a in current
        }
        ids = [record.source_id for record in records.values()]
        self._lines = self.session.records.line_groups(ids)
        self.session.progress.put(
            [
                _progress(a, record, not_shipped(self._lines.get(record.source_id)))
                for a, record in records.items()
            ]
        )
        record_cancel_answers(self.session, self.sync, list(records.values()))
        known = self.session.deliveries.targets(ids)
        canceled = [
            r.source_id
            for r in records.values()
            if self._shown(r, self._lines.get(r.source_id)) is Milestone.CANCELED
        ]
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
        order = _Order(state, self._shown(fulfilment, state.lines))
        order.was_canceled = fulfilment.source_id in self._withdrawn or (
            state.milestone is Milestone.CANCELED and not _is_status_uncertain(due)
        )
        plan = Plan(due, context=order)
        if state.applied_at > fulfilment.updated_at.isoformat() and not self.request.force:
            return plan  # late: a newer state of the order has been applied
        order.requests, plan.kept_back = shipment_requests(
            fulfilment, state.lines, self.sync.connection.orders.uom_rules
        )
        covers = state.cover(order.requests)
        for key, request in order.requests.items():
            if missing := covers[key].missing:
                part = replace(request, lines=missing)
                plan.intents.append(self._create(plan, part, state.new_name(key)))
            for own in covers[key].names:
                if state.shipments[own].is_outdated(request):
                    plan.intents.append(self._update(plan, request, own))
        if (status := self._status(due, order)) is not None:
            plan.intents.append(status)
        return plan

    def _create(self, plan: Plan, request: ShipmentRequest, name: str) -> Intent:
        units = [(line.line_id, line.quantity) for line in request.lines]
        identity = orjson.dumps([name, request.tracking_number, units])
        numbers = frozenset(r.tracking_number for r in plan.context.requests.values())
        is_first = not any(intent.operation == "shipment" for intent in plan.intents)
        new = NewShipment(name, request, numbers)
        intent = self._intent(plan.due, "shipment", new, identity, reads=is_first)
        return replace(intent, is_independent=True)

    def _update(self, plan: Plan, request: ShipmentRequest, name: str) -> Intent:
        state: OrderTargetState = plan.context.state
        change = ShipmentChange(name, state.shipments[name].shipment_id, request)
        identity = [change.shipment_id, state.sequence, request.tracking_number, request.carrier]
        return self._intent(plan.due, "shipment_update", change, orjson.dumps(identity))

    def _status(self, due: Due[Fulfilment], order: _Order) -> Intent | None:
        """Return the move to the fulfilment's status, or back to the merchant's own."""
        state = order.state
        if state.kept_status:
            return self._set(due, state, state.kept_status, is_restored=True)
        status = self.shipments.status_for(order.wanted)
        # Back only where the same stage is partial now: a line was added to the order since.
        is_reached = may_move(state.milestone, order.wanted)
        is_partial = state.milestone in GONE and PARTIAL[state.milestone] is order.wanted
        moves = (is_reached or is_partial) and status != state.status
        is_doubtful = _is_status_uncertain(due) and order.wanted is state.milestone
        if status is not None and (moves or is_doubtful):
            return self._set(due, state, status)
        return None

    def _set(
        self,
        due: Due[Fulfilment],
        state: OrderTargetState,
        status: str,
        *,
        is_restored: bool = False,
    ) -> Intent:
        change = StatusChange(due.record.source_id, status, is_restored)
        identity = f"{state.sequence}:{status}".encode()
        return self._intent(due, "status", change, identity, reads=True)

    def _intent(
        self,
        due: Due[Fulfilment],
        operation: str,
        content: NewShipment | ShipmentChange | StatusChange,
        identity: bytes,
        *,
        reads: bool = False,
    ) -> Intent:
        source_id = due.record.source_id
        key = delivery_key(
            self.sync.name, SHIPMENTS, source_id, operation, content_digest(identity)
        )
        return Intent(operation, key, source_id, content, reads=reads)

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what is done by what the store shows at the moment of sending."""
        now: StoreOrderState = held.content
        if isinstance(intent.content, StatusChange):
            return self._decide_status(plan, intent, now)
        order: _Order = plan.context
        order.before = now
        self._keep_status(order, now)
        order.has_foreign = now.shipped_units > order.state.shipped_units()
        if not order.has_foreign:
            return intent
        # What the merchant has shipped by hand may be one of these parcels.
        plan.intents = [replace(i, may_exist=i.operation == "shipment") for i in plan.intents]
        return replace(intent, may_exist=True)

    def _keep_status(self, order: _Order, now: StoreOrderState) -> None:
        """Note the merchant's own status before the first shipment, which moves it.

        What an earlier run has noted counts where such a shipment has been created since.
        """
        state = order.state
        before = state.kept_status
        if self._statuses.keeps(now, state):
            state.kept_status = now.status
        elif now.milestone not in BY_SHIPMENT:
            state.kept_status = ""
        order.is_noted = state.kept_status != before

    def foreseen(self, plan: Plan) -> TargetRow | None:
        """Return the merchant's own status, which the order's first shipment will move."""
        order: _Order = plan.context
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
        order: _Order = plan.context
        now: StoreOrderState = held.content
        new = [i.content for i in intents if isinstance(i.content, NewShipment)]
        if (
            order.state.kept_status
            or self._statuses.keeps(now, order.state)
            or (new and now.shipped_units > order.state.shipped_units())
        ):
            return None
        if new:
            order.before = now
        units = sum(line.quantity for content in new for line in content.request.lines)
        after = replace(now, shipped_units=now.shipped_units + units)
        return [
            self._decide_status(plan, intent, after)
            if isinstance(intent.content, StatusChange)
            else intent
            for intent in intents
        ]

    def _decide_status(self, plan: Plan, intent: Intent, now: StoreOrderState) -> Intent | Outcome:
        order: _Order = plan.context
        change: StatusChange = intent.content
        wanted = self.shipments.status_for(order.wanted)
        if change.is_restored and not order.state.kept_status and wanted is not None:
            change = replace(change, status=wanted, is_restored=False)  # the merchant has moved it
            intent = replace(intent, content=change)
        if not change.is_restored:
            self._compare_units(plan, now)
        if kept := order.state.kept_status:
            if wanted is not None:
                plan.notes.append(status_kept(change.order_id, kept, wanted))
            restored = replace(change, status=kept, is_restored=True)
            if now.milestone in BY_SHIPMENT and now.status != kept:
                return replace(intent, content=restored)
            return _without_request(restored)
        if now.status == change.status:
            return Outcome("done", change.order_id)
        if order.wanted is Milestone.CANCELED and order.was_canceled and not now.is_final:
            plan.notes.append(opened_again(change.order_id, now.status))
            return _without_request(change)
        if self._statuses.moves(now, order.before, order.state, order.wanted):
            return intent
        is_withdrawn = now.is_final and order.wanted is Milestone.CANCELED
        if self._statuses.keeps(now, order.state) and not is_withdrawn:
            plan.notes.append(status_kept(change.order_id, now.status, change.status))
            return _without_request(change)
        return Outcome("done", change.order_id)

    def _compare_units(self, plan: Plan, now: StoreOrderState) -> None:
        """Compare the store's shipped units with the OMS's after the shipments: none is lost."""
        is_partial = bool(plan.kept_back) or any(
            sent.intent.operation == "shipment" and sent.outcome.state == "refused"
            for sent in plan.sent
        )
        at_oms = plan.context.shipped_at_oms()
        if is_partial or now.shipped_units == at_oms:
            return
        if now.shipped_units < at_oms:
            plan.found.append(units_missing(now, at_oms))
        else:
            plan.notes.append(units_above(now, at_oms))

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what the store holds of the order after a success."""
        order: _Order = plan.context
        state, content = order.state, intent.content
        applied_at = plan.due.record.updated_at.isoformat()
        if isinstance(content, NewShipment):
            shipment = KnownShipment.from_request(outcome.target_id, content.request)
            if isinstance(outcome.held, StoreShipment):
                shipment = replace(shipment, tracking=outcome.held.tracking_number)
                if order.has_foreign:
                    plan.notes.append(made_by_hand(outcome.held, content.request))
            state.shipments[content.name] = shipment
        elif isinstance(content, ShipmentChange):
            known = state.shipments[content.name]
            # Its own units: a parcel may have become several shipments before it had a number.
            state.shipments[content.name] = replace(
                KnownShipment.from_request(content.shipment_id, content.request),
                group_id=known.group_id,
                units=known.units,
            )
            # An older state of the order that is applied late must not bring the old number back.
            state.applied_at = max(state.applied_at, applied_at)
        else:
            self._settle_status(order, content, outcome)
            state.applied_at = applied_at
        state.sequence += 1
        return state.to_row(plan.due.record.source_id, plan.due.record)

    def _settle_status(self, order: _Order, change: StatusChange, outcome: Outcome) -> None:
        # A status that the merchant set is not ours: a later move must not overwrite it.
        is_kept = bool(order.state.kept_status) or isinstance(outcome.held, StatusChange)
        if not is_kept:
            order.state.status = change.status
        order.state.kept_status = ""
        order.state.milestone = order.wanted

    def follow_up(self, plan: Plan) -> list[Intent]:
        """Return new tracking of adopted shipments, and the merchant's status after a shipment."""
        order: _Order = plan.context
        state = order.state
        more: list[Intent] = []
        for intent, outcome in plan.sent:
            if isinstance(intent.content, NewShipment) and outcome.is_found:
                name, request = intent.content.name, intent.content.request
                if state.shipments[name].is_outdated(request):
                    more.append(self._update(plan, request, name))
        if state.kept_status:
            more.append(self._set(plan.due, state, state.kept_status, is_restored=True))
        return more


def _is_status_uncertain(due: Due[Fulfilment]) -> bool:
    return any(u.action == "status" and u.is_uncertain for u in due.unsettled)


def _without_request(change: StatusChange) -> Outcome:
    """Return the success of a status that stays the merchant's own."""
    return Outcome("done", change.order_id, held=replace(change, is_restored=True))


def _progress(
    accepted: AcceptedRecord, fulfilment: Fulfilment, unshipped: Collection[str]
) -> ProgressRow:
    units = [
        part for line in fulfilment.lines if line.line_id not in unshipped for part in line.units
    ]
    awaiting, shipped = (
        sum((u.quantity for u in units if u.milestone in stages), Decimal(0))
        for stages in (RELEASED, SHIPPED)
    )
    return ProgressRow(
        fulfilment.source_id,
        fulfilment.order_id,
        awaiting,
        shipped,
        accepted.correlation_id,
        fulfilment.updated_at,
    )
