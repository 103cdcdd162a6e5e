"""Anchanto's statuses: the milestone of each, and what its own connector shows in the store.

Source: the vendor's integration guide for BigCommerce (oms.md, section 3.2). ``Partial`` means that
an order waits for stock, not that a part of it has shipped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.errors import Problem, RecordRejected
from domain.milestones import Milestone


class Status(NamedTuple):
    """A status of an order."""

    name: str
    milestone: Milestone
    """Where units are that are in no shipment."""
    shown: str = ""
    """What Anchanto's own connector shows in the store; empty if it shows nothing."""
    is_cancelable: bool = False


M = Milestone
_ROWS = (
    # status                milestone    shown in the store      cancelable
    Status("Unpaid", M.CREATED, "Awaiting Payment", True),
    Status("Draft", M.CREATED, "Pending", True),
    Status("Requires approval", M.CREATED, "Pending", True),
    Status("New", M.CREATED, "Awaiting Pickup", True),
    Status("Partial", M.CREATED, "Awaiting Pickup", True),
    Status("Ready_for_Fulfilment", M.ALLOCATED, "Awaiting Fulfillment", True),
    Status("Packed", M.PACKED, "Awaiting Shipment"),
    Status("Ready to Ship", M.PACKED, "Awaiting Shipment"),
    Status("In_transit", M.SHIPPED, "Shipped"),
    Status("Delivered", M.DELIVERED),
    Status("Completed", M.DELIVERED, "Completed"),
    Status("Canceled", M.CANCELED, "Cancelled"),
)  # fmt: skip
OTHER_NAMES = {
    "Requiring Approval": "Requires approval",
    "Ready for Fulfillment": "Ready_for_Fulfilment",
    "Shipped": "In_transit",
    "Cancelled": "Canceled",
}
"""Other spellings in the vendor's guides."""
IN_STORE: Mapping[str, tuple[str, ...]] = {
    "Awaiting Payment": ("Unpaid",),
    "Pending": ("Draft", "Requires approval"),
    "Awaiting Pickup": ("New", "Partial"),
    "Awaiting Fulfillment": ("Ready_for_Fulfilment",),
    "Awaiting Shipment": ("Packed", "Ready to Ship"),
    "Shipped": ("In_transit",),
    "Completed": ("Completed",),
    "Cancelled": ("Canceled",),
    "Declined": ("Canceled",),
}
"""The other way: the store's status -> what an order in it is at Anchanto, by the same guide."""
CANCELED = "Canceled"


def folded_status(text: str | None) -> str:
    """Return a status as statuses are compared: letters and digits only, in lower case."""
    return "".join(char for char in (text or "").lower() if char.isalnum())


_BY_NAME = {folded_status(status.name): status for status in _ROWS}
STATUSES: Mapping[str, Status] = _BY_NAME | {
    folded_status(other): _BY_NAME[folded_status(name)] for other, name in OTHER_NAMES.items()
}


class StatusTable:
    """The statuses of one account: the table, with what its connection says otherwise."""

    def __init__(self, changes: Mapping[str, Milestone]) -> None:
        self._statuses = dict(STATUSES)
        for name, milestone in changes.items():
            known = STATUSES.get(folded_status(name), Status(name, milestone))
            self._statuses[folded_status(name)] = known._replace(milestone=milestone)

    def known(self, text: str | None) -> Status | None:
        """Return a status, ``None`` if it is not in the table."""
        return self._statuses.get(folded_status(text))

    def status(self, text: str | None, field: str) -> Status:
        """Return a status; raises ``RecordRejected`` ``status_unknown``, never a guess."""
        known = self.known(text)
        if known is not None:
            return known
        message = "The status is not in the status table."
        advice = "Add it with its milestone to oms.statuses, then replay the order."
        raise RecordRejected(
            Problem("status_unknown", field, message, advice, str(text or "")[:40])
        )
