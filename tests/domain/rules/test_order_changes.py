"""What of an order a warehouse would have to do otherwise."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from domain.records.orders import Note, Order
from domain.rules.order_changes import physical_changes
from tests.resources.oms.manhattan.samples import ADDRESS, SHIP, line_of, order_of

BEFORE = order_of()


def changed(**changes: Any) -> tuple[str, ...]:
    """Return what is different in an order with changes."""
    after: Order = replace(BEFORE, **changes)
    assert bool(physical_changes(after, BEFORE)) == bool(physical_changes(BEFORE, after))
    return physical_changes(BEFORE, after)


def test_lines_and_where_they_go_count() -> None:
    """By their paths; an address is named for all of its lines once."""
    first, second = BEFORE.lines
    more = replace(first, quantity=first.quantity + 1, sku="OTHER")
    assert changed(lines=(more, second)) == ("lines[1].sku", "lines[1].quantity")
    assert changed(lines=(first,)) == ("lines[2]",)
    assert changed(lines=(first, second, line_of("3"))) == ("lines[3]",)
    elsewhere = replace(SHIP, address=replace(ADDRESS, line_1="2 Mill Lane"))
    assert changed(groups=(elsewhere,)) == ("groups[7].address",)
    assert changed(groups=(replace(SHIP, shipping_method="Air"),)) == ("groups[7].shipping_method",)


@pytest.mark.parametrize(
    "changes",
    [
        {"notes": (Note(kind="staff", text="VIP"),)},
        {"total": Decimal(1)},
        {"payments": ()},
        {"purchase_order": "PO 4711"},
    ],
)
def test_what_changes_nothing_in_a_parcel_does_not(changes: dict[str, Any]) -> None:
    """Money, payments, texts."""
    assert changed(**changes) == ()
