"""What the store should show: the policy x the newest levels x the catalog x the target state.

One plan for delivery, reconciliation and preview. A plan is plain data; nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

import orjson
from msgspec.structs import replace

from assets.streams.inventory.undelivered import orders_under_way, rules_of
from domain.connections import INVENTORY, Connection
from domain.errors import Problem
from domain.exchange import Skipped
from domain.identity import content_digest
from domain.records.inventory import StockLevel, StockTarget, StoreItem, Tracking
from domain.rules.availability import AvailabilityRules, fed_locations, location_of
from domain.skus import sku_key
from resources.ledger.records.doubted_levels import doubt_elsewhere
from resources.ledger.records.levels import TakenUp
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

MISSING = "item_missing_at_oms"
"""The rule for an item or a row that the OMS does not have."""
TRACKED: Tracking = "product"
"""The tracking of a product that was switched off before its kind was recorded."""


@dataclass(frozen=True, slots=True)
class StockPlan:
    """What one location should show for one SKU; without a target, the rule that shows nothing."""

    sku: str
    sources: tuple[str, ...]
    """The levels that feed the location, by their ids at the OMS."""
    item: StoreItem | None = None
    target: StockTarget | None = None
    rule: str = ""
    reason: str = ""
    warnings: tuple[Problem, ...] = ()
    basis: str = ""
    """What the store counts the level by (``LevelTarget.basis``)."""

    @property
    def content(self) -> bytes:
        """Return what the store holds once the target is written, as target state."""
        if self.target is None or self.item is None:
            raise ValueError(f"the plan for {self.sku} has no target: {self.rule}")
        if not self.target.infinite:
            return level_content(self.target.quantity, self.basis)
        # What was switched off is switched on again when the SKU has a number again.
        tracking = self.target.track if self.item.tracking == "none" else self.item.tracking
        return orjson.dumps({"infinite": True, "tracking": tracking})


@dataclass(frozen=True)
class StockPlanner:
    """Plans levels of one connection by what was read for them. Pure."""

    rules: AvailabilityRules
    locations: Mapping[str, str]
    items: Mapping[str, StoreItem]
    """The store's items by the SKUs of the levels."""
    undelivered: Mapping[str, int] = field(default_factory=dict)
    """Units of orders that the OMS's stock does not contain yet, by SKU key, in its units."""
    untracked: Mapping[str, Tracking] = field(default_factory=dict)
    """Tracking that Lockstep has switched off, by the store's SKU."""
    view: str = ""
    """The node of numbers that are about many nodes."""
    basis: str = ""

    def plan(self, levels: Mapping[str, StockLevel]) -> list[StockPlan]:
        """Return a plan for each location that shows a SKU, and for each level that feeds none.

        ``levels`` are all present levels of one SKU, by their ids at the OMS.
        """
        plans: list[StockPlan] = []
        places: dict[str, dict[str, StockLevel]] = {}
        for source_id, level in self._in_view(levels).items():
            location = location_of(level, self.rules.policy, self.locations)
            if isinstance(location, Skipped):
                plans.append(_kept(level.sku, [source_id], location))
            else:
                places.setdefault(location, {})[source_id] = level
        # The store tracks a SKU in all locations or in none.
        is_infinite = self.rules.policy.infinite == "stop_tracking" and any(
            level.infinite for placed in places.values() for level in placed.values()
        )
        for location, placed in places.items():
            plans.append(self._at(location, placed, is_infinite=is_infinite))
        return plans

    def _in_view(self, levels: Mapping[str, StockLevel]) -> Mapping[str, StockLevel]:
        """Leave out what was read by another mode, where the current mode has read too."""
        if self.rules.policy.mode == "aggregate" and len(levels) > 1:
            of_view = {key: level for key, level in levels.items() if level.node == self.view}
            return of_view or levels
        return levels

    def _at(
        self, location: str, placed: Mapping[str, StockLevel], *, is_infinite: bool
    ) -> StockPlan:
        sources, levels = tuple(placed), list(placed.values())
        sku = levels[0].sku
        item = self.items.get(sku)
        if item is None:
            return StockPlan(sku, sources, rule="not_in_store", reason="the store has no such SKU")
        levels = [
            level if level.sku == item.sku else replace(level, sku=item.sku) for level in levels
        ]
        if is_infinite and not levels[0].infinite:
            levels[0] = replace(levels[0], infinite=True)
        undelivered = self.undelivered.get(sku_key(sku), 0)
        target = self.rules.target(levels, location, undelivered)
        if isinstance(target, Skipped):
            return _kept(sku, sources, target)
        return self._tracked(StockPlan(sku, sources, item, target, basis=self.basis), item, target)

    def _tracked(self, plan: StockPlan, item: StoreItem, target: StockTarget) -> StockPlan:
        """Complete a plan by how the store tracks the item."""
        if target.infinite and item.is_shared and item.tracking != "none":
            return self._as_number(plan, item, target)
        if item.tracking != "none":
            return plan
        before = self.untracked.get(item.sku)
        if before is None:
            # The store shows no level of such an item and can't confirm its shipments: an operator
            # should know.
            reason = "the store does not track the stock of the product"
            return StockPlan(plan.sku, plan.sources, rule="tracking_off_in_store", reason=reason)
        tracked = replace(target, track=before)
        return StockPlan(plan.sku, plan.sources, item, tracked, basis=self.basis)

    def _as_number(self, plan: StockPlan, item: StoreItem, target: StockTarget) -> StockPlan:
        quantity = self.rules.policy.infinite_quantity
        message = (
            f"the OMS sells {item.sku} without limit; the store tracks a product with all "
            f"variants or not at all, so {quantity} are shown"
        )
        advice = "set inventory.infinite_quantity high enough that it never sells out"
        warning = Problem("infinite_as_number", "infinite", message, advice, item.sku)
        shown = replace(target, infinite=False, quantity=quantity)
        return StockPlan(plan.sku, plan.sources, item, shown, warnings=(warning,), basis=self.basis)


def _kept(sku: str, sources: Sequence[str], skipped: Skipped) -> StockPlan:
    return StockPlan(sku, tuple(sources), rule=skipped.rule, reason=skipped.reason)


def plan_levels(
    sync: Sync, session: Session, day: date, levels: Mapping[AcceptedRecord, StockLevel]
) -> dict[AcceptedRecord, StockPlan]:
    """Return the plan of each level of a partition that is due, with what it was based on stored.

    The other levels of its SKU are planned with it: they may feed the same location.
    """
    undelivered = orders_under_way(sync, session)
    keys = {accepted: sku_key(level.sku) for accepted, level in levels.items()}
    rows = [
        TakenUp(a.source_id, key, a.capture_id, a.canonical, undelivered.get(key, 0))
        for a, key in keys.items()
    ]
    session.levels.take_up(day, rows)
    session.catalog.forget_levels(set(keys.values()))
    present = session.levels.present(set(keys.values()))
    skus = {level.sku for placed in present.values() for level in placed.values()}
    planner = read_planner(sync, session, skus, undelivered)
    plans = {
        source_id: plan
        for placed in present.values()
        for plan in planner.plan(placed)
        for source_id in plan.sources
    }
    gone = Skipped(MISSING, "the OMS no longer states this level")
    return {
        accepted: plans.get(accepted.source_id) or _kept(level.sku, [accepted.source_id], gone)
        for accepted, level in levels.items()
    }


def read_planner(
    sync: Sync, session: Session, skus: Collection[str], undelivered: Mapping[str, int]
) -> StockPlanner:
    """Return the planner for some SKUs, with what ledger and store have for them."""
    items = session.catalog.store_items(skus)
    locations = sync.store_stock.locations()
    untracked = {item.sku for item in items.values() if item.tracking == "none"}
    keys = {f"{sku}@{location}": sku for sku in untracked for location in set(locations.values())}
    held = session.deliveries.targets(list(keys)) if keys else {}
    switched_off: dict[str, Tracking] = {}
    for key, row in held.items():
        if (tracking := tracking_before(row)) is not None:
            switched_off[keys[key]] = tracking
    rules, basis = rules_of(sync.connection), sync.store_stock.basis
    return StockPlanner(rules, locations, items, undelivered, switched_off, sync.stock.view, basis)


def policy_digest(connection: Connection, view: str, basis: str = "") -> str:
    """Return a digest of the settings that decide what the store shows.

    ``view`` is the one that is read, by the connection's choice or the OMS's own; ``basis`` is what
    the store counts levels by.
    """
    policy = connection.inventory.model_dump(mode="json", exclude={"interval", "catalog_ttl"})
    policy["view"] = view
    orders = connection.orders
    units = {sku: rule.model_dump(mode="json") for sku, rule in orders.uom_rules.items()}
    content = {INVENTORY: policy, "uom": orders.uom, "uom_rules": units}
    content |= {"basis": basis} if basis else {}
    return content_digest(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hex()


def locations_digest(locations: Mapping[str, str]) -> str:
    """Return a digest of the store's locations."""
    return content_digest(orjson.dumps(dict(locations), option=orjson.OPT_SORT_KEYS)).hex()


def make_changed_due(
    sync: Sync,
    session: Session,
    locations: Mapping[str, str] | None = None,
    read_at: datetime | None = None,
) -> int:
    """Make the levels due whose policy, item or orders under way have changed since their plan."""
    digest = "" if locations is None else locations_digest(locations)
    if locations is not None:
        fed = fed_locations(sync.connection.inventory, locations)
        doubt_elsewhere(session.db, sync.name, fed)
    undelivered = orders_under_way(sync, session, read_at)
    policy = policy_digest(sync.connection, sync.stock.view, sync.store_stock.basis)
    return session.levels.make_due(policy, digest, undelivered)


def target_key(target: StockTarget) -> str:
    """Return the key of a target's state."""
    return f"{target.sku}@{target.location}"


def level_content(quantity: int, basis: str = "") -> bytes:
    """Return the target state of a tracked item.

    A level of another basis is another content, so that it is written again.
    """
    return orjson.dumps({"quantity": quantity} | ({"basis": basis} if basis else {}))


def tracking_before(held: TargetRow) -> Tracking | None:
    """Return the tracking that was switched off, ``None`` if the target holds a number."""
    content = orjson.loads(held.content)
    if not content.get("infinite"):
        return None
    tracking: Tracking = content.get("tracking", TRACKED)
    return tracking
