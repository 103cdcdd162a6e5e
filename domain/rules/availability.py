"""Availability policy: the quantity that a store's location shows for the OMS's stock. Pure.

The OMS states its own units and the store sells its own (``orders.uom_rules``): availability and
orders under way are converted, and rounded down; the policy's quantities are the store's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from domain.errors import Problem
from domain.exchange import MasterItem, Skipped
from domain.policies import InventoryPolicy, OrdersPolicy, UomRule
from domain.records.inventory import StockLevel, StockTarget
from domain.skus import BySku

SAME_UNIT = UomRule()
LOCATION_UNKNOWN = "location_unknown"
"""The rule of a level that should feed a location which the store does not have."""


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
        return Skipped(LOCATION_UNKNOWN, f"the store has no location with the code {code}")
    return location


def fed_locations(
    policy: InventoryPolicy, locations: Mapping[str, str], gone: Collection[str] = ()
) -> set[str]:
    """Return the ids of the store's locations that show the OMS's stock.

    ``gone`` are nodes, or the view, that the OMS no longer has.
    """
    if policy.mode == "aggregate":
        codes = set() if gone else {policy.store_location}
    else:
        codes = {code for node, code in policy.nodes.items() if node not in gone}
    return {locations[code] for code in codes if code in locations}


class AvailabilityRules:
    """The policy of one connection, with what it says about single SKUs found in any spelling."""

    def __init__(self, policy: InventoryPolicy, uom_rules: Mapping[str, UomRule]) -> None:
        self.policy = policy
        self._units, self._buffers = BySku(uom_rules), BySku(policy.sku_buffers)
        self._backorders = BySku(dict.fromkeys(policy.backorder_skus, True))

    def unit_of(self, sku: str) -> UomRule:
        """Return the conversion between the store's and the OMS's units of a SKU."""
        return self._units.get(sku) or SAME_UNIT

    def sellable(self, levels: Sequence[StockLevel], undelivered: int) -> int:
        """Return the quantity that one location shows for a SKU's levels, never below 0.

        ``levels`` are in the unit of the OMS's stock, ``undelivered`` in that of its orders.
        Fractions are cut, of each node on its own: a case can't be put together from two nodes.
        Supply that is only expected counts for SKUs that may be backordered. Buffers are held back
        once a location.
        """
        sku = levels[0].sku
        rule = self.unit_of(sku)
        buffer = self._buffers.get(sku)
        held_back = self.policy.safety_stock + (
            self.policy.channel_buffer if buffer is None else buffer
        )
        # Orders under way to the OMS belong to no node yet, so they can be taken off only where one
        # location shows all nodes.
        unknown = undelivered if takes_off_undelivered(self.policy) else 0
        if len(levels) == 1:
            # Over one denominator: a quotient that is rounded up could show a unit too many.
            left = self._available(levels[0]) * rule.factor - unknown * rule.of_stock
            return max(int(left // (rule.of_stock * rule.factor)) - held_back, 0)
        units = sum(int(self._available(level) // rule.of_stock) for level in levels)
        ordered = -int(-Decimal(unknown) // rule.factor)
        return max(units - ordered - held_back, 0)

    def _available(self, level: StockLevel) -> Decimal:
        if level.expected is not None and self._backorders.get(level.sku):
            return level.available + level.expected
        return level.available

    def target(
        self, levels: Sequence[StockLevel], location: str, undelivered: int
    ) -> StockTarget | Skipped:
        """Return what a location should show for a SKU's levels, or the rule that shows nothing.

        A SKU that one of the nodes sells without limit is sold without limit.
        """
        sku, policy = levels[0].sku, self.policy
        if not any(level.infinite for level in levels):
            quantity = self.sellable(levels, undelivered)
            return StockTarget(sku=sku, location=location, quantity=quantity)
        if policy.infinite == "skip":
            reason = "the OMS sells this item without limit; inventory.infinite is skip"
            return Skipped("infinite_availability", reason)
        if policy.infinite == "number":
            return StockTarget(sku=sku, location=location, quantity=policy.infinite_quantity)
        return StockTarget(sku=sku, location=location, quantity=0, infinite=True)


def takes_off_undelivered(policy: InventoryPolicy) -> bool:
    """Return whether orders that the OMS does not have yet lower what a location shows."""
    is_one_place = policy.mode == "aggregate" or len(set(policy.nodes.values())) == 1
    return policy.subtract_undelivered and is_one_place


def unit_problem(
    level: StockLevel,
    orders: OrdersPolicy,
    item: MasterItem | None,
    rules: BySku[UomRule] | None = None,
) -> Problem | None:
    """Return why a level can't be converted to units of the store, if it can't.

    Orders go out in one of the item's further units, and stock is stated in its base unit: only a
    setting can say how many of those make a unit of the store. ``rules`` are the policy's own.
    """
    rule = (rules or BySku(orders.uom_rules)).get(level.sku)
    unit = rule.uom if rule is not None else orders.uom
    is_stated = rule is not None and rule.stock_factor is not None
    if item is None or level.infinite or is_stated or unit == item.uom or unit not in item.uoms:
        return None
    return Problem(
        "stock_unit_unknown",
        "available",
        f"the OMS states the stock of {level.sku} in {item.uom}, and orders are sent in {unit}: "
        f"how many {item.uom} make one unit of the store is unknown",
        f"set stock_factor for {level.sku} in orders.uom_rules",
        item.uom,
    )
