"""Availability policy: the quantity that a store's location shows for the OMS's stock. Pure.

The OMS states its own units and the store sells its own (``orders.uom_rules``): availability and
orders under way are converted, and rounded down; the policy's quantities are the store's.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.connections import InventoryPolicy, OrdersPolicy, UomRule
from domain.errors import Problem
from domain.exchange import MasterItem, Skipped
from domain.records.inventory import StockLevel, StockTarget

SAME_UNIT = UomRule()


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


def sellable(
    level: StockLevel, policy: InventoryPolicy, undelivered: int, rule: UomRule = SAME_UNIT
) -> int:
    """Return the quantity to show in units of the store, never below 0.

    Availability less safety stock, buffers and orders that the OMS does not have yet. The level is
    in the unit of the OMS's stock, ``undelivered`` in that of its orders.

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
    # Over one denominator: a quotient that is rounded up could show a unit too many.
    left = available * rule.factor - unknown * rule.of_stock
    return max(int(left // (rule.of_stock * rule.factor)) - held_back, 0)


def unit_problem(
    level: StockLevel, orders: OrdersPolicy, item: MasterItem | None
) -> Problem | None:
    """Return why a level can't be converted to units of the store, if it can't.

    Orders go out in one of the item's further units, and stock is stated in its base unit: only a
    setting can say how many of those make a unit of the store.
    """
    rule = orders.uom_rules.get(level.sku)
    unit = rule.uom if rule is not None else orders.uom
    is_stated = rule is not None and rule.stock_factor is not None
    if item is None or level.infinite or is_stated or unit == item.uom or unit not in item.uoms:
        return None
    return Problem(
        "stock_unit_unknown",
        "available",
        f"the OMS states the stock of {level.sku} in {item.uom}, and orders go out in {unit}: how "
        f"many {item.uom} make one unit of the store is unknown",
        f"set stock_factor for {level.sku} in orders.uom_rules",
        item.uom,
    )


def target_of(
    level: StockLevel,
    policy: InventoryPolicy,
    locations: Mapping[str, str],
    undelivered: Mapping[str, int],
    uom_rules: Mapping[str, UomRule],
) -> StockTarget | Skipped:
    """Return what the store should show for a level, or the rule that keeps it from the store.

    ``undelivered`` has by SKU the units of orders that the OMS does not have yet, in its units.
    """
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
        quantity=sellable(
            level, policy, undelivered.get(level.sku, 0), uom_rules.get(level.sku, SAME_UNIT)
        ),
    )
