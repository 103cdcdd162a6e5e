"""Fulfilment statuses of Manhattan's order component, and the milestone of each.

These are the ids of the *order* component; store fulfilment uses another scale under the same
names. A tenant can rename descriptions, so only ids count. They are decimals ("1000.000" in
configuration, "1000" in payloads), and a tenant may extend them (2000.100).
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from domain.errors import Problem, RecordRejected
from domain.milestones import Milestone
from domain.records.returns import ReturnStatus


class Status(NamedTuple):
    """A status: the vendor's name for it, and the milestone that units in it have reached."""

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
    # The customer still has the goods. That they were delivered is not certain: a return can be
    # opened on 7000 as well.
    Decimal(8000): Status("Pending Return", Milestone.SHIPPED),
    Decimal(8500): Status("Returned", Milestone.RETURNED),
    Decimal(9000): Status("Canceled", Milestone.CANCELED),
}


class ReturnLineStatus(NamedTuple):
    """A status of a return's line: the vendor's name for it, and how far its units are."""

    name: str
    status: ReturnStatus


RETURN_LINE: dict[Decimal, ReturnLineStatus] = {
    Decimal(11000): ReturnLineStatus("Pending Return", ReturnStatus.ANNOUNCED),
    # A receipt that was not expected: the units are there.
    Decimal(13000): ReturnLineStatus("Pending Approval", ReturnStatus.RECEIVED),
    Decimal(14000): ReturnLineStatus("Carrier Scanned", ReturnStatus.ANNOUNCED),
    Decimal(15000): ReturnLineStatus("Received", ReturnStatus.RECEIVED),
    # A refund is due only here, after disposition: a received parcel may still be refused.
    Decimal(18000): ReturnLineStatus("Returned", ReturnStatus.CONFIRMED),
    Decimal(19000): ReturnLineStatus("Canceled", ReturnStatus.CANCELED),
}
"""Lines of a return order.

The sale's own line has 8000 and 8500, so its milestones do not need the return order.
"""

RELEASED = Decimal(3000)
"""From this status on a cancellation can only be requested, if at all."""
SHIPPED = Decimal(7000)
CANCELED = Decimal(9000)
FIRST_RETURN = min(RETURN_LINE)
HOLD_ACTIVE, HOLD_RESOLVED = "1000", "2000"
"""A hold's ``StatusId``; holds are applied and resolved only by saving the order."""
# From here on neighbouring statuses mean opposite things (returned, canceled), so an unknown status
# is not rounded down.
_FIRST_OUTCOME = Decimal(8000)
_STAGES = sorted(status for status in SALE_LINE if status < _FIRST_OUTCOME)
_FIRST_RETURN_OUTCOME = Decimal(18000)
_RETURN_STAGES = sorted(status for status in RETURN_LINE if status < _FIRST_RETURN_OUTCOME)


def is_return_status(status: Decimal) -> bool:
    """Return whether a status belongs to the scale of return lines."""
    return status >= FIRST_RETURN


def sale_milestone(status: Decimal, field: str) -> Milestone:
    """Return the milestone that units in a sale line's status have reached.

    An extended status counts as its base before the dot; below 8000 any other unknown status counts
    as the highest known one below it. Raises ``RecordRejected`` ``status_unknown`` for the rest:
    a status is never guessed.
    """
    known = SALE_LINE.get(status) or SALE_LINE.get(status // 1)
    if known is not None:
        return known.milestone
    if _STAGES[0] <= status < _FIRST_OUTCOME:
        return SALE_LINE[max(stage for stage in _STAGES if stage <= status)].milestone
    text = "The fulfilment status is not in the status table."
    advice = "Add the status to resources/oms/manhattan/statuses.py, then replay the order."
    raise RecordRejected(Problem("status_unknown", field, text, advice, str(status)))


def return_status(status: Decimal, field: str) -> ReturnStatus:
    """Return how far units in a return line's status are, by the rules of ``sale_milestone``.

    Money depends on it, so from 18000 on nothing is rounded down: such a status is not known.
    """
    known = RETURN_LINE.get(status) or RETURN_LINE.get(status // 1)
    if known is not None:
        return known.status
    if _RETURN_STAGES[0] <= status < _FIRST_RETURN_OUTCOME:
        return RETURN_LINE[max(stage for stage in _RETURN_STAGES if stage <= status)].status
    text = "The status of the return's line is not in the status table."
    advice = "Add the status to resources/oms/manhattan/statuses.py, then replay the return."
    raise RecordRejected(Problem("status_unknown", field, text, advice, str(status)))
