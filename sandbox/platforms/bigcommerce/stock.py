"""The store's stock: quantities and settings by item and location, changed by adjustments.

An item is a product or a variant, depending on its product's ``inventory_tracking``, and must be
addressed as such (inventory.v3.yml, examples of 422). A batch is accepted or refused as a whole.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.platforms.bigcommerce.catalog import Catalog
from sandbox.platforms.bigcommerce.replies import refuse_problem

Json = dict[str, Any]
Key = tuple[int, int]
"""Variant id (the base or first variant if tracking is by product) and location id."""

MAX_ITEMS = 2000
MAX_QUANTITY = 2_147_483_647
SETTINGS = ("safety_stock", "is_in_stock", "warning_level", "bin_picking_number")


@dataclass(slots=True)
class Level:
    """Stock of one item at one location."""

    quantity: int = 0
    safety_stock: int = 0
    is_in_stock: bool = True
    warning_level: int = 0
    bin_picking_number: str = ""
    writes: int = 0
    """Adjustments that arrived through the API."""

    def sellable(self) -> int:
        """Return what can be sold: on hand less safety stock."""
        return self.quantity - self.safety_stock


class Stock:
    """All levels, and accepted adjustments that are not in effect yet."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.levels: dict[Key, Level] = {}
        self.locations: dict[int, Json] = {}
        self.pending: deque[tuple[float, bool, list[tuple[Key, int]]]] = deque()
        self.batches = 0

    def identify(self, item: Json) -> int:
        """Return the variant id that keeps an item's stock; an unusable address is a 422."""
        name = next((name for name in ("sku", "variant_id", "product_id") if name in item), None)
        if name is None:
            raise refuse_problem(
                422,
                "Payload contains invalid fields",
                {"items": "sku, variant_id or product_id is required"},
            )
        fits = isinstance(item[name], str if name == "sku" else int)
        product, variant = self._find(name, item[name]) if fits else (None, None)
        if product is None:
            raise refuse_problem(422, f"Items with identity: [{name} {item[name]}] were not found")
        tracking, own = product["inventory_tracking"], product["variant_ids"]
        if tracking == "none":
            raise refuse_problem(
                422,
                f"[Item with {name} {item[name]} is not tracked, "
                "please turn inventory tracking on]",
            )
        by_product = name == "product_id" or (name == "sku" and item[name] == product["sku"])
        simple = len(own) == 1
        fits = (
            by_product
            if tracking == "product"
            else variant is not None and (name != "product_id" or simple)
        )
        if not fits:
            raise refuse_problem(
                422,
                f"[Item with {name} {item[name]} is tracked by {tracking}, "
                f"please update stock by {tracking} id]",
            )
        return int(own[0] if tracking == "product" or variant is None else variant["id"])

    def _find(self, name: str, value: Any) -> tuple[Json | None, Json | None]:
        catalog = self.catalog
        if name == "product_id":
            product = catalog.products.get(value)
            own = product["variant_ids"] if product else []
            return product, catalog.variants[own[0]] if len(own) == 1 else None
        variant = catalog.variants.get(catalog.by_sku.get(value, 0) if name == "sku" else value)
        if variant is not None:
            return catalog.products[variant["product_id"]], variant
        return catalog.products.get(
            catalog.products_by_sku.get(value, 0) if name == "sku" else 0
        ), None

    def adjust(self, items: Any, relative: bool, due: float, now: float) -> None:
        """Check a whole batch and schedule it for ``due``."""
        if not isinstance(items, list) or not items:
            raise refuse_problem(
                422, "Payload contains invalid fields", {"items": "at least one item is required"}
            )
        if len(items) > MAX_ITEMS:
            raise refuse_problem(
                413,
                f"{len(items)} items are too many, the maximum is {MAX_ITEMS}",
                {"items": "too many"},
            )
        moves = [self._move(index, item, relative) for index, item in enumerate(items)]
        if relative:
            self._check_relative(moves, items)
        self.batches += 1
        self.pending.append((due, relative, moves))
        self.settle(now)

    def _move(self, index: int, item: Any, relative: bool) -> tuple[Key, int]:
        if not isinstance(item, dict):
            raise refuse_problem(
                422, "Payload contains invalid fields", {f"items.{index}": "an object is required"}
            )
        location, quantity = item.get("location_id"), item.get("quantity")
        if not isinstance(location, int) or location not in self.locations:
            raise refuse_problem(
                422,
                f"Location with id {location} was not found",
                {f"items.{index}.location_id": "unknown"},
            )
        if (
            not isinstance(quantity, int)
            or isinstance(quantity, bool)
            or abs(quantity) > MAX_QUANTITY
            or (quantity < 0 and not relative)
        ):
            raise refuse_problem(
                422,
                "Payload contains invalid fields",
                {f"items.{index}.quantity": f"{quantity!r} is not allowed"},
            )
        return (self.identify(item), location), quantity

    def _check_relative(self, moves: list[tuple[Key, int]], items: list[Json]) -> None:
        after: dict[Key, int] = {}
        for (key, quantity), item in zip(moves, items, strict=True):
            name = next(name for name in ("sku", "variant_id", "product_id") if name in item)
            if key not in self.levels:
                raise refuse_problem(
                    422,
                    f"Items with identity: [{name} {item[name]}] "
                    "requires absolute adjustment before relative",
                )
            level = self.levels[key]
            after[key] = after.get(key, level.quantity) + quantity
            if quantity < 0 and after[key] < level.safety_stock:
                raise refuse_problem(
                    422,
                    f"Items with identity: [{name} {item[name]}] would fall below the safety stock",
                )

    def settle(self, now: float) -> None:
        """Apply every accepted adjustment that is due."""
        while self.pending and self.pending[0][0] <= now:
            _, relative, moves = self.pending.popleft()
            for key, quantity in moves:
                level = self.levels.setdefault(key, Level())
                level.quantity = level.quantity + quantity if relative else quantity
                level.writes += 1

    def deduct(self, sku: str, variant_id: int, quantity: int) -> None:
        """Lower the default location's stock for an order line; unknown items are ignored."""
        variant = self.catalog.variants.get(variant_id or self.catalog.by_sku.get(sku, 0))
        if variant is None or not self.locations:
            return
        product = self.catalog.products[variant["product_id"]]
        number = (
            product["variant_ids"][0]
            if product["inventory_tracking"] == "product"
            else variant["id"]
        )
        level = self.levels.get((number, min(self.locations)))
        if level is not None and product["inventory_tracking"] != "none":
            level.quantity = max(0, level.quantity - quantity)

    def put(self, item: Json, location: int, quantity: int) -> None:
        """Set a level at once without counting a write, as a merchant's stock count does."""
        if location not in self.locations:
            raise ValueError(f"no location {location}")
        self.levels.setdefault((self.identify(item), location), Level()).quantity = quantity

    def catalog_level(self, variant_id: int) -> int:
        """Return the catalog's level: sellable at the default location, never negative."""
        level = self.levels.get((variant_id, min(self.locations, default=0)))
        return max(0, level.sellable()) if level else 0

    def state(self) -> Json:
        """Return levels, locations and pending adjustments."""
        levels = [[*key, asdict(level)] for key, level in self.levels.items()]
        pending = [
            [due, relative, [[*key, quantity] for key, quantity in moves]]
            for due, relative, moves in self.pending
        ]
        return {
            "levels": levels,
            "locations": list(self.locations.values()),
            "pending": pending,
            "batches": self.batches,
        }

    def restore(self, state: Json) -> None:
        """Restore what ``state`` returned."""
        self.levels = {
            (variant, location): Level(**level) for variant, location, level in state["levels"]
        }
        self.locations = {location["id"]: location for location in state["locations"]}
        self.pending = deque(
            (due, relative, [((v, where), n) for v, where, n in moves])
            for due, relative, moves in state["pending"]
        )
        self.batches = state["batches"]
