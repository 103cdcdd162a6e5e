"""Milestones of an order at the OMS, their partial forms, and the allowed moves between them.

Moves go forward and may skip stages (events get lost or merged); cancel and return are branches.
A move that the table does not allow is late or out of order: it is recorded and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum


class Milestone(StrEnum):
    """The progress of an order or a part of it."""

    CREATED = "created"
    PARTIALLY_ALLOCATED = "partially_allocated"
    ALLOCATED = "allocated"
    PARTIALLY_RELEASED = "partially_released"
    RELEASED = "released"
    PARTIALLY_PICKED = "partially_picked"
    PICKED = "picked"
    PARTIALLY_PACKED = "partially_packed"
    PACKED = "packed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    PARTIALLY_DELIVERED = "partially_delivered"
    DELIVERED = "delivered"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"
    CANCELED = "canceled"


M = Milestone

STAGES: tuple[Milestone, ...] = (
    M.CREATED,
    M.ALLOCATED,
    M.RELEASED,
    M.PICKED,
    M.PACKED,
    M.SHIPPED,
    M.DELIVERED,
    M.RETURNED,
)
"""The stages that a unit of a line passes through, in order; a canceled unit has left them."""

PARTIAL: dict[Milestone, Milestone] = {
    M.ALLOCATED: M.PARTIALLY_ALLOCATED,
    M.RELEASED: M.PARTIALLY_RELEASED,
    M.PICKED: M.PARTIALLY_PICKED,
    M.PACKED: M.PARTIALLY_PACKED,
    M.SHIPPED: M.PARTIALLY_SHIPPED,
    M.DELIVERED: M.PARTIALLY_DELIVERED,
    M.RETURNED: M.PARTIALLY_RETURNED,
}
"""The partial form of a stage: some of the units that are not canceled have reached it."""

BEYOND_SHIPPED = (M.PARTIALLY_DELIVERED, M.DELIVERED, M.PARTIALLY_RETURNED, M.RETURNED)
"""Milestones of orders of which units have left and gone further."""

ORDER_OF_STAGES: tuple[Milestone, ...] = tuple(m for m in Milestone if m is not M.CANCELED)

MOVES: dict[Milestone, tuple[Milestone, ...]] = {
    # from                  to any of
    M.CREATED: (*ORDER_OF_STAGES[1:], M.CANCELED),
    M.PARTIALLY_ALLOCATED: (*ORDER_OF_STAGES[2:], M.CANCELED),
    M.ALLOCATED: (*ORDER_OF_STAGES[3:], M.CANCELED),
    M.PARTIALLY_RELEASED: (*ORDER_OF_STAGES[4:], M.CANCELED),
    M.RELEASED: (*ORDER_OF_STAGES[5:], M.CANCELED),
    M.PARTIALLY_PICKED: (*ORDER_OF_STAGES[6:], M.CANCELED),
    M.PICKED: (*ORDER_OF_STAGES[7:], M.CANCELED),
    M.PARTIALLY_PACKED: (*ORDER_OF_STAGES[8:], M.CANCELED),
    M.PACKED: (*ORDER_OF_STAGES[9:], M.CANCELED),
    # Goods have left: the rest can still be canceled, but not the whole order.
    M.PARTIALLY_SHIPPED: (
        M.SHIPPED,
        M.PARTIALLY_DELIVERED,
        M.DELIVERED,
        M.PARTIALLY_RETURNED,
        M.RETURNED,
    ),
    M.SHIPPED: (M.PARTIALLY_DELIVERED, M.DELIVERED, M.PARTIALLY_RETURNED, M.RETURNED),
    M.PARTIALLY_DELIVERED: (M.DELIVERED, M.PARTIALLY_RETURNED, M.RETURNED),
    M.DELIVERED: (M.PARTIALLY_RETURNED, M.RETURNED),
    M.PARTIALLY_RETURNED: (M.RETURNED,),
    M.RETURNED: (),
    M.CANCELED: (),
}


def may_move(current: Milestone | None, wanted: Milestone) -> bool:
    """Return whether an order at ``current`` (``None``: unknown) may move to ``wanted``."""
    return current is None or wanted in MOVES[current]


def rollup(units: Mapping[Milestone, Decimal]) -> Milestone:
    """Return the milestone of a whole order from its units at each stage (or canceled).

    It is the furthest stage of any unit that is not canceled, in its partial form while other units
    are behind. If all units are canceled, the order is; without units it is created.
    """
    live = {
        stage: quantity
        for stage, quantity in units.items()
        if quantity > 0 and stage is not M.CANCELED
    }
    if not live:
        return M.CANCELED if units.get(M.CANCELED, Decimal(0)) > 0 else M.CREATED
    furthest = max(live, key=STAGES.index)
    return furthest if len(live) == 1 or furthest is M.CREATED else PARTIAL[furthest]
