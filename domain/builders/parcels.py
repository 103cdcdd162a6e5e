"""Units of an order's lines in parcels that name SKUs and no lines. Pure.

They go to the order's lines of that SKU in their order, which must be the same at every read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, TypeAlias

from domain.milestones import Milestone
from domain.records.fulfilment import ParcelLine
from domain.skus import sku_key

ZERO = Decimal(0)
Content: TypeAlias = Mapping[tuple[str, str], Decimal]
"""A parcel's units by line id and SKU."""


class OrderedLine(NamedTuple):
    """An ordered line with its units."""

    line_id: str
    sku: str
    ordered: Decimal


class LineUnits:
    """The units of an order's lines, as its parcels take them."""

    def __init__(self, lines: Sequence[OrderedLine]) -> None:
        self.taken: dict[str, dict[Milestone, Decimal]] = {line.line_id: {} for line in lines}
        """Line id -> the units in parcels, by the milestone that their parcel has reached."""
        self._lines: dict[str, list[OrderedLine]] = {}
        for line in lines:
            self._lines.setdefault(sku_key(line.sku), []).append(line)

    def take(self, shipped: Iterable[tuple[str, Decimal]], milestone: Milestone) -> Content:
        """Return a parcel's units, given by SKU, by line.

        Units above what was ordered are of the last line of their SKU; a SKU that was not ordered
        is a line of its own, with the SKU as its id.
        """
        units: dict[tuple[str, str], Decimal] = {}
        for sku, quantity in shipped:
            for line, part in self._parts(sku, quantity):
                taken = self.taken.setdefault(line.line_id, {})
                taken[milestone] = taken.get(milestone, ZERO) + part
                place = (line.line_id, line.sku)
                units[place] = units.get(place, ZERO) + part
        return units

    def totals(self) -> Mapping[str, Decimal]:
        """Return line id -> the units in parcels."""
        return {line_id: sum(units.values(), ZERO) for line_id, units in self.taken.items()}

    def _parts(self, sku: str, quantity: Decimal) -> Iterator[tuple[OrderedLine, Decimal]]:
        lines = self._lines.get(sku_key(sku)) or [OrderedLine(sku, sku, ZERO)]
        left = quantity
        for line in lines:
            taken = sum(self.taken.get(line.line_id, {}).values(), ZERO)
            part = left if line is lines[-1] else min(left, max(line.ordered - taken, ZERO))
            if part > 0:
                yield line, part
                left -= part


def parcel_lines(content: Content) -> tuple[ParcelLine, ...]:
    """Return the lines of a parcel."""
    return tuple(
        ParcelLine(line_id=line_id, sku=sku, quantity=quantity)
        for (line_id, sku), quantity in content.items()
    )
