"""Statuses of the order component."""

from __future__ import annotations

from decimal import Decimal

import pytest

from domain.errors import RecordRejected
from domain.milestones import Milestone
from domain.records.returns import ReturnStatus
from resources.oms.manhattan.statuses import (
    RETURN_LINE,
    SALE_LINE,
    is_return_status,
    return_status,
    sale_milestone,
)

M = Milestone


@pytest.mark.parametrize(
    ("status", "milestone"),
    [
        ("1000", M.CREATED),
        ("1500.000", M.CREATED),
        ("2000", M.ALLOCATED),
        ("3000", M.RELEASED),
        ("3500.000", M.RELEASED),
        ("3600", M.PICKED),
        ("3700", M.PACKED),
        ("7000", M.SHIPPED),
        ("7500", M.DELIVERED),
        ("8000", M.SHIPPED),
        ("8500", M.RETURNED),
        ("9000.000", M.CANCELED),
    ],
)
def test_the_standard_statuses_have_their_milestones(status: str, milestone: Milestone) -> None:
    """3000 is Released and 3500 In Process; other components use other numbers."""
    assert sale_milestone(Decimal(status), "StatusId") is milestone


@pytest.mark.parametrize(
    ("status", "milestone"),
    [("2000.100", M.ALLOCATED), ("9000.5", M.CANCELED), ("3650", M.PICKED), ("6999.9", M.PACKED)],
)
def test_an_extended_status_counts_as_what_it_extends(status: str, milestone: Milestone) -> None:
    """Its base before the dot, else the highest known stage below it."""
    assert sale_milestone(Decimal(status), "StatusId") is milestone


@pytest.mark.parametrize(
    "status", ["0", "999.9", "8100", "8600", "9500", "10000", "11000", "20000"]
)
def test_an_unknown_status_is_never_guessed(status: str) -> None:
    """Between returned and canceled there is no nearest stage."""
    with pytest.raises(RecordRejected) as caught:
        sale_milestone(Decimal(status), "StatusId")
    assert caught.value.problems[0].code == "status_unknown"


def test_sale_and_return_statuses_do_not_overlap() -> None:
    """A status alone shows which scale it is on."""
    assert all(is_return_status(status) for status in RETURN_LINE)
    assert not any(is_return_status(status) for status in SALE_LINE)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("11000", ReturnStatus.ANNOUNCED),
        ("13000", ReturnStatus.RECEIVED),
        ("14000", ReturnStatus.ANNOUNCED),
        ("14000.100", ReturnStatus.ANNOUNCED),
        ("15000", ReturnStatus.RECEIVED),
        ("16500", ReturnStatus.RECEIVED),
        ("18000", ReturnStatus.CONFIRMED),
        ("18000.5", ReturnStatus.CONFIRMED),
        ("19000", ReturnStatus.CANCELED),
    ],
)
def test_a_return_is_as_far_as_its_status_says(status: str, expected: ReturnStatus) -> None:
    """An extended status counts as what it extends, an unknown one below 18000 as less."""
    assert return_status(Decimal(status), "OrderLine[1]") is expected


@pytest.mark.parametrize("status", ["0", "10999", "18001", "18500", "19001", "20000", "-11000"])
def test_no_unknown_status_is_taken_for_confirmed(status: str) -> None:
    """Money depends on it."""
    with pytest.raises(RecordRejected) as raised:
        return_status(Decimal(status), "OrderLine[1]")
    [problem] = raised.value.problems
    assert (problem.code, problem.field, problem.value) == (
        "status_unknown",
        "OrderLine[1]",
        status,
    )
