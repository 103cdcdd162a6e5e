"""A simulated warehouse's decisions about orders: repeatable, since they depend on a seed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from random import Random

from sandbox.kit.tracking_numbers import CARRIERS


@dataclass(frozen=True, slots=True)
class Plan:
    """How to advance; the rates are shares of orders."""

    to: str = "day"
    seed: int = 0
    split_rate: float = 0.2
    partial_rate: float = 0.1
    cancel_rate: float = 0.0

    def chance(self, what: str, number: str, shipments: int) -> Random:
        """Return the random generator of one decision about an order with so many shipments."""
        return Random(f"{self.seed}:{what}:{number}:{shipments}")

    def cancels(self, number: str, shipments: int) -> bool:
        """Return whether the order is canceled now."""
        return self.chance("cancel", number, shipments).random() < self.cancel_rate

    def parcels(
        self, left: dict[str, Decimal], number: str, shipments: int, counts: Counter[str]
    ) -> tuple[str, list[dict[str, Decimal]]]:
        """Return the carrier, and the units by SKU of each parcel that ships now; count them."""
        dice = self.chance("ship", number, shipments)
        if len(left) > 1 and dice.random() < self.partial_rate:
            left.pop(max(left))
            counts["partial"] += 1
        contents = [left]
        if len(left) > 1 and dice.random() < self.split_rate:
            first = min(left)
            contents = [{first: left.pop(first)}, left]
            counts["split"] += 1
        counts["packages"] += len(contents)
        return dice.choice(CARRIERS), contents
