"""Captured orders to canonical ones, with the store's own codes. Pure, and the hot path."""

from __future__ import annotations

from domain.addressing.addresses import AddressRules
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.payload import Decoded
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, moment_of
from domain.records.orders import Order
from domain.rules.export import OTHER_PART, Decide, OrderHeader
from resources.platforms.commercetools import payload as documents
from resources.platforms.commercetools.orders.builder import OrderBuilder
from resources.platforms.commercetools.orders.groups import GroupMapper
from resources.platforms.commercetools.orders.lines import channel_of
from resources.platforms.commercetools.orders.states import Standing, StateReader
from resources.platforms.commercetools.orders.units import units_of
from resources.platforms.commercetools.payload import ORDERS
from resources.platforms.commercetools.returns.actions import is_others, return_items
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.statuses import (
    CANCELLED,
    CONFIRMED,
    ON_HOLD,
    OPEN,
    ORDER_STATES,
    UNPAID,
)

DECISIVE = frozenset({"id", "store", "store.key", "orderState", "paymentState"})
"""Fields without which no rule can skip an order."""


class OrderMapper:
    """Maps captured orders of one project or store.

    ``holds``: orders on hold are held at the OMS.
    """

    def __init__(
        self, settings: CommercetoolsSettings, addresses: AddressRules, *, holds: bool = False
    ) -> None:
        self._settings, self._holds = settings, holds
        self._states = StateReader(settings.workflow_states)
        self._groups = GroupMapper(
            addresses, settings.pickup_methods, settings.pickup_location_field
        )

    def to_order(self, payload: bytes, decide: Decide) -> Mapped[Order] | Skipped:
        """Map one capture. Raises ``RecordRejected`` or ``OrderRejected`` with all problems."""
        try:
            return self._map(ORDERS.decode(payload), decide)
        except UnreadableValue:
            return self._map(ORDERS.check(payload), decide)

    def _map(self, decoded: Decoded[documents.Order], decide: Decide) -> Mapped[Order] | Skipped:
        order, problems = decoded.document, DocumentProblems(decoded.problems)
        if not order.id:
            problems.missing("id_missing", "id", "the order has no id")
            raise RecordRejected(*problems.in_order())
        standing = self._states.read(order, problems)
        skipped = self._skipped(order, standing, problems, decide)
        if skipped is not None:
            return skipped
        _warn_of_returns(order, problems)
        return OrderBuilder(self._settings, self._groups, order, standing, problems).to_order()

    def _skipped(
        self,
        order: documents.Order,
        standing: Standing,
        problems: DocumentProblems,
        decide: Decide,
    ) -> Skipped | None:
        ours, store = self._settings.store_key, _store_of(order)
        misfits = problems.problems
        decisive = bool(misfits) and any(problem.field in DECISIVE for problem in misfits)
        other = ""
        if ours is not None and store != ours and not decisive:
            other = f"the order belongs to store {store or 'none'}, and the connection to {ours}"
        if order.order_state not in ORDER_STATES:
            if other:
                return Skipped(OTHER_PART, other)
            message = "this isn't one of commercetools' order states"
            advice = "check the order's state in the store"
            shown = (order.order_state or "")[:40]
            problems.reject("status_unknown", "orderState", message, advice, shown)
            return None
        status, units = self._status(order, standing), units_of(order, standing)
        if status == ON_HOLD and not self._holds:
            _warn_of_hold(problems)
        decision = decide(
            OrderHeader(
                order.id or "",
                status,
                status,
                store or _distribution_of(order),
                moment_of(order.completed_at) or moment_of(order.created_at),
                is_archived=False,
                removed="part" if standing.removed else "",
                units=units.ordered,
                shipped_units=units.shipped,
                shipped_field="shippingInfo.deliveries",
                other_part=other,
            )
        )
        return decision if isinstance(decision, Skipped) and not decisive else None

    def _status(self, order: documents.Order, standing: Standing) -> str:
        """Return the status that decides about the order; its state is known."""
        state, wanted = order.order_state or "", self._settings.payment_states
        if standing.is_canceled:
            return CANCELLED
        if state not in (OPEN, CONFIRMED):
            return state
        if wanted is not None and order.payment_state not in wanted:
            return UNPAID
        return ON_HOLD if standing.is_held else state


def _warn_of_hold(problems: DocumentProblems) -> None:
    """Warn of an order that the OMS has, and does not learn that it is to hold."""
    message = "the order is on hold in the store, and the OMS goes on with it if it has it"
    advice = "name a hold type for OnHold in orders.hold_statuses, or hold the order at the OMS"
    problems.warn("hold_not_sent", "lineItems.state", message, advice)


def _warn_of_returns(order: documents.Order, problems: DocumentProblems) -> None:
    """Warn of returns that were entered in the store, of which the OMS knows nothing."""
    if not order.return_info:
        return
    units = sum(item.quantity or 0 for item in return_items(order) if is_others(item))
    if units > 0:
        message = f"{units} returned units were entered in the store, which the OMS is not sent"
        advice = "make their return at the OMS, unless it has one"
        problems.warn("returned_in_store", "returnInfo", message, advice)


def _distribution_of(order: documents.Order) -> str:
    """Return the distribution channel of all line items, empty if they have several or none."""
    lines = [line for line in order.line_items or () if line is not None]
    if not lines or lines[0].distribution_channel is None:
        return ""
    found = {channel_of(line.distribution_channel) for line in lines}
    return found.pop() if len(found) == 1 else ""


def _store_of(order: documents.Order) -> str:
    return (order.store.key or "") if order.store is not None else ""
