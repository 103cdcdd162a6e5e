"""The status table, both ways, and what a connection may say otherwise."""

from __future__ import annotations

import pytest

from domain.errors import RecordRejected
from domain.milestones import Milestone
from resources.oms.anchanto.statuses import IN_STORE, STATUSES, StatusTable

SHOWN = {
    "Unpaid": "Awaiting Payment", "Draft": "Pending", "Requiring Approval": "Pending",
    "New": "Awaiting Pickup", "Partial": "Awaiting Pickup",
    "Ready_for_Fulfilment": "Awaiting Fulfillment", "Packed": "Awaiting Shipment",
    "Ready to Ship": "Awaiting Shipment", "In_transit": "Shipped", "Delivered": "",
    "Canceled": "Cancelled", "Completed": "Completed",
}  # fmt: skip


@pytest.mark.parametrize(("name", "shown"), SHOWN.items())
def test_each_status_shows_in_the_store_as_the_vendor_says(name: str, shown: str) -> None:
    """And what the store shows leads back to it."""
    status = StatusTable({}).status(name, "status")
    assert status.shown == shown
    assert not shown or status.name in IN_STORE[shown]


def test_the_two_directions_agree() -> None:
    """No status is in one of them only; a declined order is canceled, too."""
    assert IN_STORE["Declined"] == IN_STORE["Cancelled"] == ("Canceled",)
    back = {(name, shown) for shown, names in IN_STORE.items() for name in names}
    there = {(status.name, status.shown) for status in STATUSES.values() if status.shown}
    assert back - there == {("Canceled", "Declined")}
    assert there <= back


def test_an_order_is_cancelable_until_it_is_packed() -> None:
    """And nothing comes back after it is completed."""
    cancelable = {status.name for status in STATUSES.values() if status.is_cancelable}
    early = {Milestone.CREATED, Milestone.ALLOCATED}
    assert cancelable == {s.name for s in STATUSES.values() if s.milestone in early}


def test_names_are_compared_without_case_and_punctuation() -> None:
    """The guides spell them differently; an unknown one is never a guess."""
    table = StatusTable({})
    for text in ("ready to ship", "READY_TO_SHIP", "Ready-To-Ship"):
        assert table.status(text, "status").name == "Ready to Ship"
    for text in ("", None, "Ready", "shipping"):
        with pytest.raises(RecordRejected) as rejected:
            table.status(text, "status")
        assert [problem.code for problem in rejected.value.problems] == ["status_unknown"]


def test_a_connection_adds_and_changes_statuses() -> None:
    """What it does not name stays as it is."""
    table = StatusTable({"on the way": Milestone.SHIPPED, "delivered": Milestone.SHIPPED})
    assert table.status("On_the_way", "status").milestone is Milestone.SHIPPED
    assert table.status("Delivered", "status").milestone is Milestone.SHIPPED
    assert table.status("Completed", "status").milestone is Milestone.DELIVERED
