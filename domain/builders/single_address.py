"""Orders for an OMS whose orders ship to one address each, and which can't hold them. Pure."""

from __future__ import annotations

from domain.errors import Problem, RecordRejected
from domain.records.orders import DeliveryMethod, FulfilmentGroup, Order


def single_group(order: Order, system: str) -> FulfilmentGroup:
    """Return the one group that ships; ``system`` is the OMS's name in messages.

    Raises ``RecordRejected`` if an order is picked up, ships nothing, or to several addresses.
    """
    shipped = [g for g in order.groups if g.method is DeliveryMethod.SHIP]
    if any(group.method is DeliveryMethod.PICKUP for group in order.groups):
        text = f"The order is picked up, but {system}'s warehouses only ship."
        advice = "Hand the order out through the store, then discard the rejection."
        raise RecordRejected(Problem("pickup_not_supported", "groups.method", text, advice))
    if not shipped:
        text = "The order has nothing to ship, so a warehouse has nothing to do."
        advice = "Discard the rejection; the store sends downloads and certificates itself."
        raise RecordRejected(Problem("nothing_to_ship", "groups", text, advice))
    if len(shipped) > 1:
        text = f"The order goes to {len(shipped)} addresses, but {system} accepts one per order."
        advice = "Split the order in the store, one order per address, then discard the rejection."
        raise RecordRejected(Problem("several_addresses", "groups", text, advice))
    return shipped[0]


def refuse_hold(hold: str | None, reason: str) -> None:
    """Raise ``RecordRejected`` for an order with a hold; ``reason`` is why the OMS takes none."""
    if hold is None:
        return
    raise RecordRejected(
        Problem(
            "hold_not_supported",
            "hold",
            f"The order should wait on hold at the OMS, but {reason}.",
            "Remove the status from orders.hold_statuses: the order then waits in the store until "
            "its status is exported.",
            hold,
        )
    )
