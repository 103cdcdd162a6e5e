"""commercetools' states, the milestones that they mean, and which orders go out.

Source: raml/types/order ``OrderState``, ``ShipmentState``, ``PaymentState``. An order has one of
each. The order state (and the payment state and states of workflows, where the connection names
some) decides whether it goes out; fulfilment sets the shipment state, and the order state if it is
canceled. Note the spelling: an order is ``Cancelled``, a shipment ``Canceled``. UNVERIFIED: no
table of allowed moves is published.
"""

from __future__ import annotations

from dataclasses import dataclass

from domain.milestones import Milestone
from domain.statuses import StoreStatuses

M = Milestone
OPEN, CONFIRMED, COMPLETE, CANCELLED = "Open", "Confirmed", "Complete", "Cancelled"
ORDER_STATES = (OPEN, CONFIRMED, COMPLETE, CANCELLED)
UNPAID = "Unpaid"
"""The status of an open order whose payment state is none of ``platform.payment_states``."""
ON_HOLD = "OnHold"
"""The status of an open order that is in one of ``platform.workflow_states.on_hold``, or has units
in one. ``Unpaid`` comes before it: such an order is not to leave either way."""
PENDING = "Pending"
"""What a missing shipment state means."""


@dataclass(frozen=True, slots=True)
class FulfilmentStatus:
    """What an order shows of its fulfilment."""

    is_final: bool = False
    shows: M | None = None


FULFILMENT: dict[str, FulfilmentStatus] = {
    "Pending": FulfilmentStatus(shows=M.CREATED),
    "Ready": FulfilmentStatus(shows=M.RELEASED),
    "Delayed": FulfilmentStatus(),
    "Backorder": FulfilmentStatus(),
    "Partial": FulfilmentStatus(shows=M.PARTIALLY_SHIPPED),
    "Shipped": FulfilmentStatus(shows=M.SHIPPED),
    "Delivered": FulfilmentStatus(shows=M.DELIVERED),
    "Canceled": FulfilmentStatus(is_final=True, shows=M.CANCELED),
    CANCELLED: FulfilmentStatus(is_final=True, shows=M.CANCELED),
}
"""By shipment state, and ``Cancelled`` for an order in that order state."""
SHIPMENT_STATES = tuple(state for state in FULFILMENT if state != CANCELLED)
SHIPPED_STATES = ("Shipped", "Delivered")

MILESTONE_STATUS: dict[M, str | None] = {
    M.CREATED: None,
    M.PARTIALLY_ALLOCATED: None,
    M.ALLOCATED: None,
    M.PARTIALLY_RELEASED: "Ready",
    M.RELEASED: "Ready",
    M.PARTIALLY_PICKED: "Ready",
    M.PICKED: "Ready",
    M.PARTIALLY_PACKED: "Ready",
    M.PACKED: "Ready",
    M.PARTIALLY_SHIPPED: "Partial",
    M.SHIPPED: "Shipped",
    M.PARTIALLY_DELIVERED: None,
    M.DELIVERED: "Delivered",
    M.PARTIALLY_RETURNED: None,
    M.RETURNED: None,
    M.CANCELED: CANCELLED,
}
"""Milestone at the OMS -> status to set, ``None`` if none is set.
``shipments.milestone_statuses`` overrides it."""

ORDER_STATUSES = StoreStatuses(
    {state: state for state in (*ORDER_STATES, UNPAID, ON_HOLD)},
    export=(OPEN, CONFIRMED),
    update=(COMPLETE, UNPAID, ON_HOLD),
    cancel=(CANCELLED,),
    settable={state: state for state in FULFILMENT},
)
"""What orders do in them, unless ``orders.export_statuses`` and its like say otherwise."""


def shown_status(order_state: str | None, shipment_state: str | None) -> str:
    """Return the status that an order's fulfilment is at."""
    return CANCELLED if order_state == CANCELLED else shipment_state or PENDING
