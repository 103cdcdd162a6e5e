"""SKUs and stock by warehouse, and what orders reserve of it."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

from sandbox.oms.anchanto.clock import written

Json = dict[str, Any]

ZERO = Decimal(0)
MAIN = "MAIN"


def as_number(value: Decimal) -> int | float:
    """Return a quantity as a JSON number."""
    return int(value) if value == value.to_integral_value() else float(value)


class Stock:
    """All SKUs and levels of an account."""

    def __init__(self) -> None:
        self.skus: dict[str, str] = {}
        """SKU -> name."""
        self.warehouses: list[str] = []
        self.on_hand: dict[tuple[str, str], Decimal] = {}
        self.buffers: dict[tuple[str, str], Decimal] = {}
        self.changed: dict[tuple[str, str], int] = {}
        self.held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        """What orders reserve, by SKU and warehouse."""

    def add_warehouse(self, code: str) -> None:
        """Add a warehouse unless it is known."""
        if code not in self.warehouses:
            self.warehouses.append(code)

    def add_sku(self, sku: str, name: str) -> None:
        """Add a SKU; it is listed with stock 0 until some arrives."""
        self.skus[sku] = name

    def set_level(self, row: Json, now: int) -> None:
        """Set or adjust a level: ``{item, location, quantity, mode: set|adjust, buffer}``.

        A quantity of null removes the SKU from the warehouse, and with its last one the SKU.
        """
        sku, code = str(row["item"]), str(row["location"])
        self.add_warehouse(code)
        if row["quantity"] is None:
            self.on_hand.pop((sku, code), None)
            if not any(each == sku for each, _ in self.on_hand):
                self.skus.pop(sku, None)
            return
        quantity = Decimal(str(row["quantity"]))
        if row.get("mode") == "adjust":
            quantity += self.on_hand.get((sku, code), ZERO)
        self.skus.setdefault(sku, sku)
        self.on_hand[sku, code] = quantity
        if row.get("buffer") is not None:
            self.buffers[sku, code] = Decimal(str(row["buffer"]))
        self.changed[sku, code] = now

    def available(self, sku: str, code: str) -> Decimal:
        """Return what can be sold: less what is reserved and kept back."""
        key = (sku, code)
        return self.on_hand.get(key, ZERO) - self.held.get(key, ZERO) - self.buffers.get(key, ZERO)

    def choose(self, units: dict[str, Decimal]) -> str:
        """Return the warehouse that can ship most of an order."""
        if not self.warehouses:
            self.add_warehouse(MAIN)
        return max(
            sorted(self.warehouses),
            key=lambda code: sum(
                min(quantity, max(ZERO, self.available(sku, code)))
                for sku, quantity in units.items()
            ),
        )

    def has(self, units: dict[str, Decimal], code: str) -> bool:
        """Return whether a warehouse has all units of an order."""
        return all(self.available(sku, code) >= quantity for sku, quantity in units.items())

    def hold(self, units: dict[str, Decimal], code: str, sign: int, now: int) -> None:
        """Reserve (+1) or give back (-1) units at a warehouse."""
        for sku, quantity in units.items():
            self.held[sku, code] += sign * quantity
            self.changed[sku, code] = now

    def ship(self, sku: str, code: str, quantity: Decimal, now: int) -> None:
        """Take units that have left out of what is reserved and, where counted, of the stock."""
        self.held[sku, code] -= quantity
        if (sku, code) in self.on_hand:
            self.on_hand[sku, code] -= quantity
            self.changed[sku, code] = now

    def places(self) -> list[tuple[str, str]]:
        """Return SKU and warehouse of all rows; a SKU that lies nowhere has one row."""
        lying = {sku for sku, _ in self.on_hand}
        code = self.warehouses[0] if self.warehouses else MAIN
        return sorted([*self.on_hand, *((sku, code) for sku in self.skus if sku not in lying)])

    def row(self, key: tuple[str, str]) -> Json:
        """Return the row of a SKU at a warehouse, as reads answer it."""
        sku, code = key
        return {
            "id": f"{sku}/{code}",
            "attributes": {
                "sku": sku,
                "warehouse_code": code,
                "available": as_number(self.available(sku, code)),
                "on_hand": as_number(self.on_hand.get(key, ZERO)),
                "reserved": as_number(self.held.get(key, ZERO)),
                "buffer": as_number(self.buffers.get(key, ZERO)),
                "updated_at": written(self.changed.get(key, 0)),
            },
        }
