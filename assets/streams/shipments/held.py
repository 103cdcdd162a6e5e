"""What the store holds of an order after each success: its shipments, tracking and status."""

from __future__ import annotations

from dataclasses import replace

from assets.delivery.plan import Plan
from assets.delivery.target_state import KnownShipment
from assets.streams.shipments.problems import made_by_hand
from assets.streams.shipments.status import OrderAtStore, settle
from assets.streams.shipments.taken_back import taken_back
from domain.delivery import Intent, NewShipment, Outcome, ShipmentChange, ShipmentRemoval
from domain.exchange import StoreShipment


def hold(plan: Plan, intent: Intent, outcome: Outcome) -> None:
    """Note in the order's state what the store holds after a success."""
    order: OrderAtStore = plan.context
    state, content = order.state, intent.content
    applied_at = plan.due.record.updated_at.isoformat()
    if isinstance(content, NewShipment):
        state.shipments[content.name] = _created(plan, content, outcome)
    elif isinstance(content, ShipmentChange):
        known = state.shipments[content.name]
        # Its own units: a parcel may have become several shipments before it had a number.
        state.shipments[content.name] = replace(
            KnownShipment.from_request(content.shipment_id, content.request, is_own=known.is_own),
            group_id=known.group_id,
            units=known.units,
        )
        # An older state of the order that is applied late must not bring the old number back.
        state.applied_at = max(state.applied_at, applied_at)
    elif isinstance(content, ShipmentRemoval):
        del state.shipments[content.name]
        if not outcome.is_found:
            plan.notes.append(taken_back(order.source_id, content.name, content.shipment_id))
        # Nor may it bring the parcel back.
        state.applied_at = max(state.applied_at, applied_at)
    else:
        settle(order, content, outcome)
        state.applied_at = applied_at
    state.sequence += 1


def _created(plan: Plan, content: NewShipment, outcome: Outcome) -> KnownShipment:
    """Return a shipment that was created, or that was found: then it may be the merchant's."""
    found = outcome.held
    if not isinstance(found, StoreShipment):
        return KnownShipment.from_request(outcome.target_id, content.request, is_own=True)
    is_adopted = plan.context.has_foreign
    if is_adopted:
        plan.notes.append(made_by_hand(found, content.request))
    shipment = KnownShipment.from_request(outcome.target_id, content.request, is_own=not is_adopted)
    return replace(shipment, tracking=found.tracking_number)
