"""Availability policy: the quantity that a store's location shows for the OMS's stock. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from domain.connections import InventoryPolicy
from domain.exchange import Skipped
from domain.records.inventory import StockLevel, StockTarget


def location_of(
    level: StockLevel, policy: InventoryPolicy, locations: Mapping[str, str]
) -> str | Skipped:
    """Return the store location id that a level feeds, or why it feeds none.

    ``locations`` maps the store's location codes to ids; the code ``default`` is the default
    location.
    """
    code = policy.store_location if policy.mode == "aggregate" else policy.nodes.get(level.node)
    if code is None:
        return Skipped(
            "node_not_mapped",
            f"inventory.nodes names no store location for the OMS node {level.node}",
        )
    location = locations.get(code)
    if location is None:
        return Skipped("location_unknown", f"the store has no location with the code {code}")
    return location


def sellable(level: StockLevel, policy: InventoryPolicy, undelivered: int) -> int:
    """Return the quantity to show, never below 0.

    Availability less safety stock, buffers and orders that the OMS does not have yet.

    Fractions are cut: half a unit can't be sold. Supply that is only expected counts for SKUs that
    may be backordered.
    """
    available = level.available
    if level.sku in policy.backorder_skus and level.expected is not None:
        available += level.expected
    held_back = policy.safety_stock + policy.sku_buffers.get(level.sku, policy.channel_buffer)
    # Orders under way to the OMS belong to no node yet, so only the aggregate can be lowered by
    # them.
    unknown = undelivered if policy.subtract_undelivered and policy.mode == "aggregate" else 0
    quantity = (available - Decimal(held_back) - Decimal(unknown)).to_integral_value(ROUND_FLOOR)
    return max(int(quantity), 0)


def target_of(
    level: StockLevel,
    policy: InventoryPolicy,
    locations: Mapping[str, str],
    undelivered: Mapping[str, int],
) -> StockTarget | Skipped:
    """Return what the store should show for a level, or the rule that keeps it from the store."""
    location = location_of(level, policy, locations)
    if isinstance(location, Skipped):
        return location
    if level.infinite:
        if policy.infinite == "skip":
            return Skipped(
                "infinite_availability",
                "the OMS sells this item without limit; inventory.infinite is skip",
            )
        if policy.infinite == "number":
            return StockTarget(sku=level.sku, location=location, quantity=policy.infinite_quantity)
        return StockTarget(sku=level.sku, location=location, quantity=0, infinite=True)
    return StockTarget(
        sku=level.sku,
        location=location,
        quantity=sellable(level, policy, undelivered.get(level.sku, 0)),
    )
