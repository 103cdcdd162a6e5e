"""Extensiv's order statuses, and the milestone that units of an order in each have reached.

Lifecycle: new, at_wms, shipped (the tracking was got from the WMS), confirmed (the tracking was
sent to the cart). An error keeps an order from the WMS until an operator has corrected it. The
vendor knows no allocation, picking, packing, delivery or return.
"""

from __future__ import annotations

from typing import NamedTuple

from domain.errors import Problem, RecordRejected
from domain.milestones import Milestone


class Status(NamedTuple):
    """A status: the vendor's name for it, and where units are that are in no shipment."""

    name: str
    milestone: Milestone
    has_left: bool = False
    """All units should be in shipments."""


NEW, ERROR, CANCELED = "new", "error", "canceled"
AT_WMS, SHIPPED = "at_wms", "shipped"

STATUSES: dict[str, Status] = {
    NEW: Status("New", Milestone.CREATED),
    ERROR: Status("Error", Milestone.CREATED),
    AT_WMS: Status("At WMS", Milestone.RELEASED),
    # UNVERIFIED: only a list has this name, which may not be a status of an order.
    "partial": Status("Partially shipped", Milestone.RELEASED),
    SHIPPED: Status("Shipped", Milestone.RELEASED, has_left=True),
    "confirmed": Status("Confirmed", Milestone.RELEASED, has_left=True),
    CANCELED: Status("Canceled", Milestone.CANCELED),
}


def status_of(text: str | None) -> Status:
    """Return an order's status; raises ``RecordRejected`` ``status_unknown``, never a guess."""
    known = STATUSES.get((text or "").strip().casefold())
    if known is not None:
        return known
    message = "The order's status is not in the status table."
    advice = "Add the status to resources/oms/extensiv/statuses.py, then replay the order."
    raise RecordRejected(
        Problem("status_unknown", "order_status", message, advice, str(text or "")[:40])
    )
