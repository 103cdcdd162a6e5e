"""The order's status at the store: moved forward by fulfilment, and the merchant's own kept.

A status that says something else than fulfilment does (disputed, refunded) stays. The store itself
moves an order that gets a shipment, so such a status is set again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

from assets.delivery.plan import Plan
from assets.delivery.target_state import OrderTargetState
from assets.streams.shipments.problems import (
    opened_again,
    status_kept,
    units_above,
    units_missing,
)
from domain.delivery import Intent, Outcome, StatusChange
from domain.exchange import ShipmentRequest, StoreOrderState
from domain.milestones import PARTIAL, Milestone, may_move

GONE = (Milestone.SHIPPED, Milestone.DELIVERED)
BY_SHIPMENT = (Milestone.PARTIALLY_SHIPPED, Milestone.SHIPPED)
"""What a store's order shows once it has got a shipment."""


@dataclass
class OrderAtStore:
    """One order of the chunk: what the store is known to hold, and what it was seen to hold."""

    source_id: str
    state: OrderTargetState
    wanted: Milestone
    requests: Mapping[str, ShipmentRequest] = field(default_factory=dict)
    before: StoreOrderState | None = None
    """The store's order before the first shipment of the plan is created."""
    has_foreign: bool = False
    """The store shows units as shipped that no shipment known to us has."""
    is_noted: bool = False
    """``kept_status`` of the state has changed, and the ledger does not know yet."""
    is_partial: bool = False
    """Parcels are kept back, or operators have discarded them: the store may show fewer units."""
    was_canceled: bool = False
    """The store's order was canceled there already: if it is not now, it was opened again."""

    def shipped_at_oms(self) -> int:
        """Return the units of the order's parcels, in the store's units."""
        return sum(line.quantity for request in self.requests.values() for line in request.lines)

    def back_to_kept(self) -> StatusChange | None:
        """Return the change back to the merchant's own status that a shipment has moved."""
        kept = self.state.kept_status
        return StatusChange(self.source_id, kept, is_restored=True) if kept else None


class StatusRules:
    """What fulfilment does to a status; ``exported`` are those in which orders go out.

    ``chosen`` are the milestones whose status the connection states itself: an order that shows one
    of them by the store's usual status moves to that one.
    """

    def __init__(
        self,
        exported: Collection[str],
        chosen: Collection[Milestone],
        status_for: Callable[[Milestone], str | None],
        noted: Mapping[Milestone, str],
        *,
        has_history: bool,
    ) -> None:
        self._exported, self._chosen = exported, frozenset(chosen)
        self._status_for, self._noted = status_for, noted
        self._has_history = has_history

    def change_of(self, order: OrderAtStore, *, is_uncertain: bool) -> StatusChange | None:
        """Return the move to the fulfilment's status, back to the merchant's own, or a note.

        ``is_uncertain``: what the store holds of the status is not certain.
        """
        if (back := order.back_to_kept()) is not None:
            return back
        state = order.state
        status = self._status_for(order.wanted)
        # Back only where the same stage is partial now: a line was added to the order since.
        is_reached = may_move(state.milestone, order.wanted)
        is_partial = state.milestone in GONE and PARTIAL[state.milestone] is order.wanted
        moves = (is_reached or is_partial) and status != state.status
        is_doubtful = is_uncertain and order.wanted is state.milestone
        if status is not None and (moves or is_doubtful):
            return StatusChange(order.source_id, status)
        if status is None and is_reached and (note := self._noted.get(order.wanted)) is not None:
            return StatusChange(order.source_id, note, is_noted=True)
        return None

    def back_of(self, order: OrderAtStore) -> StatusChange | None:
        """Return the status of an order of which parcels are taken back.

        It may be behind the one that the store shows. Where units that wait have no status of their
        own, it is that of units that the warehouse has.
        """
        state = order.state
        if state.kept_status:
            return order.back_to_kept()
        status = self._status_for(order.wanted) or self._status_for(Milestone.RELEASED)
        return StatusChange(order.source_id, status) if status is not None else None

    def keeps(self, now: StoreOrderState, state: OrderTargetState) -> bool:
        """Return whether the merchant's status must stay: neither exported nor set by us."""
        return now.is_reserved and now.status not in self._exported and now.status != state.status

    def moves(
        self,
        now: StoreOrderState,
        before: StoreOrderState | None,
        state: OrderTargetState,
        wanted: Milestone,
    ) -> bool:
        """Return whether the order moves to ``wanted``.

        It does not move back from if it was ``before`` the plan's shipments, unless we had set
        that status.
        """
        if now.is_final or self.keeps(now, state):
            return False
        shown = before or now
        return (
            shown.status == state.status
            or shown.milestone is None
            or may_move(shown.milestone, wanted)
            or (shown.milestone is wanted and wanted in self._chosen)
        )

    def note_kept(self, order: OrderAtStore, now: StoreOrderState) -> None:
        """Note the merchant's own status before the first shipment, which moves it.

        What an earlier run has noted counts where such a shipment has been created since.
        """
        state = order.state
        before = state.kept_status
        if self.keeps(now, state) or self._is_further(now, order):
            state.kept_status = now.status
        elif now.milestone not in BY_SHIPMENT:
            state.kept_status = ""
        order.is_noted = state.kept_status != before

    def _is_further(self, now: StoreOrderState, order: OrderAtStore) -> bool:
        """Return whether the merchant has moved the order further than its shipments will."""
        is_theirs = now.status != order.state.status and now.status not in self._exported
        return (
            is_theirs
            and not now.is_reserved
            and now.milestone is not None
            and now.milestone not in BY_SHIPMENT
            and now.milestone is not order.wanted
            and not may_move(now.milestone, order.wanted)
        )

    def stays_apart(self, order: OrderAtStore, now: StoreOrderState, *, is_shipping: bool) -> bool:
        """Return whether the status can't be decided before the order's shipments are created.

        Where the merchant has done something, what is theirs shows in between.
        """
        if order.state.kept_status or self.keeps(now, order.state):
            return True
        if is_shipping and self._is_further(now, order):
            return True
        return is_shipping and now.shipped_units > order.state.shipped_units()

    def decide(self, plan: Plan, intent: Intent, now: StoreOrderState) -> Intent | Outcome:
        """Return the move of an order's status as it is now, or its outcome if it stays.

        A note says nothing about the status, unless the order is over.
        """
        change: StatusChange = intent.content
        if change.is_noted:
            return Outcome("done", change.order_id) if now.is_final else intent
        return self._decided(plan, intent, now)

    def _decided(self, plan: Plan, intent: Intent, now: StoreOrderState) -> Intent | Outcome:
        order: OrderAtStore = plan.context
        change: StatusChange = intent.content
        wanted = self._status_for(order.wanted)
        if change.is_restored and not order.state.kept_status and wanted is not None:
            change = replace(change, status=wanted, is_restored=False)  # the merchant has moved it
            intent = replace(intent, content=change)
        if not change.is_restored:
            _compare_units(plan, now)
        if kept := order.state.kept_status:
            is_further = order.before is not None and self._is_further(order.before, order)
            if wanted is not None and not is_further:
                plan.notes.append(status_kept(change.order_id, kept, wanted))
            restored = replace(change, status=kept, is_restored=True)
            if now.milestone in BY_SHIPMENT and now.status != kept:
                return replace(intent, content=restored)
            return _without_request(restored)
        if now.status == change.status:
            return intent if self._has_history else Outcome("done", change.order_id)
        if order.wanted is Milestone.CANCELED and order.was_canceled and not now.is_final:
            plan.notes.append(opened_again(change.order_id, now.status))
            return _without_request(change)
        if self.moves(now, order.before, order.state, order.wanted):
            return intent
        is_withdrawn = now.is_final and order.wanted is Milestone.CANCELED
        if self.keeps(now, order.state) and not is_withdrawn:
            plan.notes.append(status_kept(change.order_id, now.status, change.status))
            return _without_request(change)
        return Outcome("done", change.order_id)


def settle(order: OrderAtStore, change: StatusChange, outcome: Outcome) -> None:
    """Note the status that an order has now."""
    if change.is_noted:
        order.state.milestone = order.wanted
        return
    # A status that the merchant set is not ours: a later move must not overwrite it.
    is_kept = bool(order.state.kept_status) or isinstance(outcome.held, StatusChange)
    if not is_kept:
        order.state.status = change.status
    order.state.kept_status = ""
    order.state.milestone = order.wanted


def _compare_units(plan: Plan, now: StoreOrderState) -> None:
    """Compare the store's shipped units with the OMS's after the shipments: none is lost."""
    is_partial = plan.context.is_partial or any(
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


def _without_request(change: StatusChange) -> Outcome:
    """Return the success of a status that stays the merchant's own."""
    return Outcome("done", change.order_id, held=replace(change, is_restored=True))
