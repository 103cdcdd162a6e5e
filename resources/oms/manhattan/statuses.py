"""Fulfilment statuses of Manhattan's order component, as data: what each means in our milestones.

The numbers are those of the *order* component; the store fulfilment component has another scale under the same names. Descriptions can
be renamed per tenant, so only ids count. Ids are decimals ("1000.000" in configuration, "1000" in payloads), and a tenant may extend
them (2000.100).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from domain.errors import Problem, RecordRejected
from domain.milestones import Milestone


class Status(NamedTuple):
    """One status: the vendor's name for it, for people, and the milestone that units in it have reached."""

    name: str
    milestone: Milestone


SALE_LINE: dict[Decimal, Status] = {
    Decimal(1000): Status("Open", Milestone.CREATED),
    Decimal(1500): Status("Back Ordered", Milestone.CREATED),
    Decimal(1600): Status("Awaiting Procurement", Milestone.CREATED),
    Decimal(2000): Status("Allocated", Milestone.ALLOCATED),
    Decimal(3000): Status("Released", Milestone.RELEASED),
    Decimal(3500): Status("In Process", Milestone.RELEASED),
    Decimal(3600): Status("Picked", Milestone.PICKED),
    Decimal(3700): Status("Packed", Milestone.PACKED),
    Decimal(7000): Status("Fulfilled", Milestone.SHIPPED),
    Decimal(7500): Status("Delivered", Milestone.DELIVERED),
    # The goods are still with the customer, who may or may not have had them delivered: a return can be opened on 7000 as well.
    Decimal(8000): Status("Pending Return", Milestone.SHIPPED),
    Decimal(8500): Status("Returned", Milestone.RETURNED),
    Decimal(9000): Status("Canceled", Milestone.CANCELED),
}

RETURN_LINE: dict[Decimal, Status] = {
    Decimal(11000): Status("Pending Return", Milestone.CREATED),
    Decimal(13000): Status("Pending Approval", Milestone.CREATED),
    Decimal(14000): Status("Carrier Scanned", Milestone.CREATED),
    Decimal(15000): Status("Received", Milestone.CREATED),
    # A refund is due only here, after disposition: a received parcel may still be turned down.
    Decimal(18000): Status("Returned", Milestone.RETURNED),
    Decimal(19000): Status("Canceled", Milestone.CANCELED),
}
"""Lines of a return order. The sale's own line carries 8000 and 8500, so its milestones need no return order."""

RELEASED = Decimal(3000)
"""From here on an order is cancelled by request only, if at all."""
SHIPPED = Decimal(7000)
HOLD_ACTIVE, HOLD_RESOLVED = "1000", "2000"
"""A hold's ``StatusId``; holds are applied and resolved by saving the order only."""
RETURNS_BEGIN = min(RETURN_LINE)
# From here on neighbouring statuses mean opposite things (returned, canceled), so an unknown one is not rounded down to one of them.
_BRANCHES_BEGIN = Decimal(8000)
_STAGES = sorted(status for status in SALE_LINE if status < _BRANCHES_BEGIN)


def is_return_status(status: Decimal) -> bool:
    """Tell whether a status belongs to the scale of return lines."""
    return status >= RETURNS_BEGIN


def sale_milestone(status: Decimal, field: str) -> Milestone:
    """Return the milestone that units in a sale line's status have reached.

    An extended status counts as its base before the dot, else (among the stages before returns and cancellation) as the highest
    known status below it. Raises ``RecordRejected`` ``status_unknown`` for any other: it is never guessed.
    """
    known = SALE_LINE.get(status) or SALE_LINE.get(status // 1)
    if known is not None:
        return known.milestone
    if _STAGES[0] <= status < _BRANCHES_BEGIN:
        return SALE_LINE[max(stage for stage in _STAGES if stage <= status)].milestone
    advice = "Add the status to resources/oms/manhattan/statuses.py, then replay the order."
    raise RecordRejected(
        Problem(
            "status_unknown",
            field,
            "The fulfilment status is not in the status table.",
            advice,
            str(status),
        )
    )
