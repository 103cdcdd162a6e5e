"""What an order's units come to, and what of it a store can show."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment, LineProgress, Units

M = Milestone


def fulfilment(**units: int) -> Fulfilment:
    """Return a fulfilment of one line with units at some milestones."""
    parts = tuple(
        Units(milestone=Milestone(name), quantity=Decimal(number)) for name, number in units.items()
    )
    ordered = Decimal(sum(units.values()))
    line = LineProgress(line_id="1", sku="MUG", ordered=ordered, units=parts)
    return Fulfilment(order_id="1", updated_at=datetime(2026, 3, 4, tzinfo=UTC), lines=(line,))


SHIPPING = {M.RELEASED: "Ready", M.PARTIALLY_SHIPPED: "Partial", M.SHIPPED: "Shipped"}
"""Milestones that a store has statuses for."""


@pytest.mark.parametrize(
    ("units", "milestone", "shown"),
    [
        ({"shipped": 2, "returned": 1}, M.PARTIALLY_RETURNED, M.SHIPPED),
        ({"returned": 2}, M.RETURNED, M.SHIPPED),
        ({"released": 1, "returned": 1}, M.PARTIALLY_RETURNED, M.PARTIALLY_SHIPPED),
        ({"shipped": 1, "delivered": 1}, M.PARTIALLY_DELIVERED, M.SHIPPED),
        ({"delivered": 1, "canceled": 1}, M.DELIVERED, M.SHIPPED),
        ({"released": 2}, M.RELEASED, M.RELEASED),
        ({"created": 2}, M.CREATED, M.CREATED),
        ({"canceled": 2}, M.CANCELED, M.CANCELED),
    ],
)
def test_a_store_shows_that_units_have_left_whatever_became_of_them(
    units: dict[str, int], milestone: Milestone, shown: Milestone
) -> None:
    """It has no status for what is beyond that."""
    found = fulfilment(**units)
    assert found.milestone() is milestone
    assert found.shown_milestone(SHIPPING.get) is shown


def test_a_status_of_its_own_comes_first_and_without_any_the_milestone_stays() -> None:
    """As of a store that shows deliveries, and of one that shows nothing."""
    found = fulfilment(delivered=2)
    assert found.shown_milestone({**SHIPPING, M.DELIVERED: "Delivered"}.get) is M.DELIVERED
    assert found.shown_milestone(lambda _: None) is M.DELIVERED
