"""Supply per item and location, what orders hold of it, and what is available (oms.md 1.8).

Open demand lowers the network view only; once allocated, it also lowers its location.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.oms.manhattan.statuses import ALLOCATED, FULFILLED, units_of

Json = dict[str, Any]
Holding = tuple[str, str, str]
"""Item, location (empty = not allocated yet) and quantity as text."""

ZERO = Decimal(0)


def as_number(value: Decimal) -> int | float:
    """Return a quantity as a JSON number."""
    return int(value) if value == value.to_integral_value() else float(value)


def as_decimal(value: Any) -> Decimal:
    """Parse a quantity or an amount, number or string; raises decimal.InvalidOperation."""
    return Decimal(str(value))


@dataclass(slots=True)
class Supply:
    """One item at one location."""

    quantity: Decimal = ZERO
    protection: Decimal = ZERO
    infinite: bool = False
    expected: list[Json] = field(default_factory=list)
    """``{"date": ISO, "quantity": n}`` each."""
    stated: Decimal | None = None


@dataclass(slots=True)
class Location:
    """One node of the network."""

    type_id: str = "DC"
    outage: bool = False


class Stock:
    """All supply of a tenant."""

    def __init__(self) -> None:
        self.locations: dict[str, Location] = {}
        self.supply: dict[str, dict[str, Supply]] = {}
        self.reserved: dict[str, Decimal] = defaultdict(Decimal)
        self.allocated: dict[tuple[str, str], Decimal] = defaultdict(Decimal)

    def set_supply(self, row: Json) -> None:
        """Set or adjust one supply row.

        ``{item, location, quantity, mode: set|adjust, protection, infinite, expected, stated}``. A
        quantity of null ends the item's eligibility at the location; ``stated`` is what the views
        state instead of what is available.
        """
        location = str(row["location"])
        self.locations.setdefault(location, Location())
        supply = self.supply.setdefault(str(row["item"]), {}).setdefault(location, Supply())
        if "quantity" in row and row["quantity"] is None:
            del self.supply[str(row["item"])][location]
            return
        if "quantity" in row:
            quantity = as_decimal(row["quantity"])
            supply.quantity = (
                supply.quantity + quantity if row.get("mode") == "adjust" else quantity
            )
        supply.protection = as_decimal(row.get("protection", supply.protection))
        supply.infinite = bool(row.get("infinite", supply.infinite))
        supply.expected = list(row.get("expected", supply.expected))
        supply.stated = as_decimal(row["stated"]) if row.get("stated") is not None else None

    def hold(self, holdings: tuple[Holding, ...], sign: int) -> None:
        """Add (+1) or release (-1) what an order holds."""
        for item, location, quantity in holdings:
            if location:
                self.allocated[item, location] += sign * Decimal(quantity)
            else:
                self.reserved[item] += sign * Decimal(quantity)

    def consume(self, item: str, location: str, quantity: Decimal) -> None:
        """Take shipped units out of the supply, if the location has a supply row."""
        supply = self.supply.get(item, {}).get(location)
        if supply is not None:
            supply.quantity = max(ZERO, supply.quantity - quantity)

    def free(self, item: str, location: str) -> Decimal:
        """Return what can still be allocated; protection does not apply to sold orders."""
        supply = self.supply.get(item, {}).get(location)
        if supply is None or self.locations[location].outage:
            return ZERO
        if supply.infinite:
            return Decimal("Infinity")
        return max(ZERO, supply.quantity - self.allocated.get((item, location), ZERO))

    def available(self, item: str, location: str) -> Decimal:
        """Return what the location view may promise; never negative unless ``stated`` is."""
        supply = self.supply[item][location]
        if supply.stated is not None:
            return supply.stated
        if self.locations[location].outage:
            return ZERO
        return max(
            ZERO, supply.quantity - self.allocated.get((item, location), ZERO) - supply.protection
        )


def holdings_of(order: Json) -> tuple[Holding, ...]:
    """List what an order's units hold: open demand by item, allocated units also by location."""
    holdings: list[Holding] = []
    for line in order["OrderLine"]:
        for status, unit in units_of(line):
            if status < ALLOCATED:
                holdings.append((line["ItemId"], "", str(unit["Quantity"])))
            elif status < FULFILLED:
                holdings.append((line["ItemId"], unit["ShipFromLocationId"], str(unit["Quantity"])))
    return tuple(holdings)
