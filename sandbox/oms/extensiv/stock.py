"""Products and stock by warehouse, and what orders at the WMS hold of it (oms.md 2.6)."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from sandbox.oms.extensiv.clock import without_zone

Json = dict[str, Any]

ZERO = Decimal(0)
FIRST_ID = 101


def as_number(value: Decimal) -> int | float:
    """Return a quantity as a JSON number."""
    return int(value) if value == value.to_integral_value() else float(value)


class Stock:
    """All products and stock of an account."""

    def __init__(self) -> None:
        self.products: dict[str, Json] = {}
        self.warehouses: dict[str, str] = {}
        """Name -> numeric id as text."""
        self.on_hand: dict[str, dict[str, Decimal]] = {}
        self.changed: dict[str, int] = {}
        self.held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        """What orders at the WMS hold, by SKU and warehouse."""

    def add_warehouse(self, name: str) -> None:
        """Give a warehouse its id, unless it has one."""
        self.warehouses.setdefault(name, str(FIRST_ID + len(self.warehouses)))

    def set_level(self, row: Json, now: int) -> None:
        """Set or adjust a level: ``{item, location, quantity, mode: set|adjust}``.

        A quantity of null removes the SKU from the warehouse, and with its last one its row.
        """
        sku, name = str(row["item"]), str(row["location"])
        self.add_warehouse(name)
        levels = self.on_hand.setdefault(sku, {})
        if row["quantity"] is None:
            levels.pop(name, None)
            if not levels:
                del self.on_hand[sku]
            return
        quantity = Decimal(str(row["quantity"]))
        levels[name] = (
            levels.get(name, ZERO) + quantity if row.get("mode") == "adjust" else quantity
        )
        self.changed[sku] = now

    def choose(self, units: dict[str, Decimal]) -> str:
        """Return the warehouse that can ship most of an order, by name."""
        if not self.warehouses:
            self.add_warehouse("MAIN")
        return max(
            sorted(self.warehouses),
            key=lambda name: sum(
                min(quantity, max(ZERO, self.available(sku, name)))
                for sku, quantity in units.items()
            ),
        )

    def available(self, sku: str, name: str) -> Decimal:
        """Return what is left to sell at a warehouse; below zero if more was sold."""
        return self.on_hand.get(sku, {}).get(name, ZERO) - self.held.get((sku, name), ZERO)

    def hold(self, units: dict[str, Decimal], name: str, sign: int) -> None:
        """Add (+1) or release (-1) what an order holds at a warehouse."""
        for sku, quantity in units.items():
            self.held[sku, name] += sign * quantity

    def ship(self, sku: str, name: str, quantity: Decimal, now: int) -> None:
        """Take shipped units out of what is held and, if it is counted, out of the stock."""
        self.held[sku, name] -= quantity
        levels = self.on_hand.get(sku, {})
        if name in levels:
            levels[name] -= quantity
            self.changed[sku] = now

    def row(self, sku: str, now: int, *, as_text: bool) -> Json:
        """Return the vendor's row of a SKU; ``as_text`` as the single call answers quantities."""
        stamp = without_zone(self.changed.get(sku, now))
        places = {
            self.warehouses[name]: {
                "warehouse": name,
                "qty_available": self._written(self.available(sku, name), as_text),
                "qty_on_hand": self._written(quantity, as_text),
                "wms_datetime": stamp,
            }
            for name, quantity in sorted(self.on_hand[sku].items())
        }
        names = self.on_hand[sku]
        aliases = self.products.get(sku, {}).get("aliases") or []
        return {
            "sku": sku,
            "qty_available": self._written(
                sum((self.available(sku, n) for n in names), ZERO), as_text
            ),
            "qty_on_hand": self._written(sum(names.values(), ZERO), as_text),
            "wms_datetime": stamp,
            # PHP: an empty object is written as an empty list.
            "aliases": {entry["code_type"]: entry["code"] for entry in aliases} or [],
            "warehouses": places or [],
        }

    def _written(self, quantity: Decimal, as_text: bool) -> Any:
        return str(as_number(quantity)) if as_text else as_number(quantity)
