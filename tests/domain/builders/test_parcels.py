"""Units of parcels that name SKUs, by order line."""

from __future__ import annotations

from decimal import Decimal

from domain.builders.parcels import LineUnits, OrderedLine, parcel_lines
from domain.milestones import Milestone

SHIPPED, PACKED = Milestone.SHIPPED, Milestone.PACKED


def ordered(**units: str) -> LineUnits:
    """Return lines of one SKU, by their ids."""
    return LineUnits([OrderedLine(name, "MUG", Decimal(number)) for name, number in units.items()])


def test_units_go_to_the_lines_of_their_sku_in_their_order() -> None:
    """A line is full before the next one gets units, over all parcels of the order."""
    lines = ordered(a="2", b="3")
    assert lines.take([("mug", Decimal(1))], PACKED) == {("a", "MUG"): Decimal(1)}
    second = lines.take([("MUG", Decimal(3))], SHIPPED)
    assert second == {("a", "MUG"): Decimal(1), ("b", "MUG"): Decimal(2)}
    assert lines.taken == {
        "a": {PACKED: Decimal(1), SHIPPED: Decimal(1)},
        "b": {SHIPPED: Decimal(2)},
    }
    assert lines.totals() == {"a": Decimal(2), "b": Decimal(2)}


def test_units_above_what_was_ordered_are_of_the_last_line() -> None:
    """No unit of a parcel is lost, however few were ordered."""
    content = ordered(a="1", b="1").take([("MUG", Decimal(2)), ("MUG", Decimal(3))], SHIPPED)
    assert content == {("a", "MUG"): Decimal(1), ("b", "MUG"): Decimal(4)}
    assert [line.quantity for line in parcel_lines(content)] == [Decimal(1), Decimal(4)]


def test_a_sku_that_was_not_ordered_is_a_line_of_its_own() -> None:
    """What the OMS has added to a parcel is in it, under its SKU."""
    lines = ordered(a="1")
    assert lines.take([("GIFT", Decimal(1))], SHIPPED) == {("GIFT", "GIFT"): Decimal(1)}
    assert lines.totals() == {"a": Decimal(0), "GIFT": Decimal(1)}
