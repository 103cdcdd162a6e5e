"""Planning of stock levels for the store: those that differ from what it is known to hold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.streams.inventory.plan import (
    StockPlan,
    level_content,
    plan_levels,
    target_key,
    tracking_before,
)
from domain.connections import INVENTORY
from domain.delivery import Intent, LevelChange, Outcome
from domain.errors import Problem, RecordRejected
from domain.identity import content_digest, delivery_key
from domain.records.inventory import StockLevel, StockTarget, StoreItem
from domain.records.record import decode_record
from domain.rules.availability import LOCATION_UNKNOWN
from domain.skus import sku_key
from domain.targets import NO_LEVEL
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.records.doubted_levels import UNKNOWN
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync


class InventoryPlanner(Planner[StockLevel]):
    """Plans a chunk of stock levels."""

    to_oms = False
    why = "the store accepted the level"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = sync.platform.targets["inventory"]
        self._plans: dict[str, StockPlan] = {}
        self._carriers: dict[str, str] = {}
        """Target key -> the level that is sent for all levels of the chunk that share it."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[StockLevel]]:
        """Decode the levels, apply the policy, and read what the store is known to hold."""
        levels = {a: decode_record(StockLevel, a.canonical) for a in current}
        self._look_at_moved({sku_key(level.sku) for level in levels.values()})
        plans = plan_levels(self.sync, self.session, self.request.partition.day, levels)
        known = self._known([p.target for p in plans.values() if p.target is not None])
        dues: list[Due[StockLevel]] = []
        for accepted, plan in plans.items():
            self._plans[accepted.source_id] = plan
            held = None
            if plan.target is not None:
                key = target_key(plan.target)
                self._carriers.setdefault(key, accepted.source_id)
                held = known.get(key)
            # Levels that share a location have one history of deliveries.
            dues.append(Due(accepted, levels[accepted], plan.sources[0], held))
        return dues

    def _look_at_moved(self, keys: Collection[str]) -> None:
        """Read what the store holds of SKUs that another of its items has by now.

        Its level is its own, and may even be the one that is wanted. Before the plan is stored:
        if the run ends in between, the next one does this again.
        """
        skus = self.session.levels.moved(keys)
        if not skus:
            return
        stock = self.sync.store_stock
        places = sorted(set(stock.locations().values()))
        known = self.session.deliveries.targets([f"{s}@{place}" for s in skus for place in places])
        if not known:
            return
        held = {f"{sku}@{place}": n for (sku, place), n in stock.levels(skus).items()}
        found = [
            row.holding(level_content(held.get(key, NO_LEVEL), stock.basis))
            for key, row in known.items()
            if tracking_before(row) is None
        ]
        self.session.deliveries.put_targets(found)

    def _known(self, targets: Sequence[StockTarget]) -> dict[str, TargetRow]:
        """Return what the store is known to hold.

        Levels never written, or that are doubted, are read from the store; all are where the ledger
        may lack writes. What was read is recorded, so that a later change by hand is noticed even
        if nothing was due.
        """
        wanted = {target_key(t): t for t in targets}
        known = self.session.deliveries.targets(list(wanted))
        reads_all = is_cautious(self.session.db, self.sync.name)
        doubted = {
            key for key in wanted if key not in known or reads_all or known[key].digest == UNKNOWN
        }
        if asked := {wanted[key].sku for key in doubted}:
            held = self.sync.store_stock.levels(asked)
            now, found = datetime.now(UTC), {}
            for (sku, location), quantity in held.items():
                key, content = (
                    f"{sku}@{location}",
                    level_content(quantity, self.sync.store_stock.basis),
                )
                if key not in wanted:
                    continue
                digest = content_digest(content)
                if (before := known.get(key)) is None:
                    found[key] = TargetRow(key, location, content, digest, "", 0, now)
                elif key in doubted and before.digest != digest and tracking_before(before) is None:
                    found[key] = before.holding(content)
            self.session.deliveries.put_targets(list(found.values()))
            known |= found
        return known

    def plan(self, due: Due[StockLevel]) -> Plan:
        """Return the level, if the store is not known to hold it.

        Raises ``RecordRejected`` where the store lacks its location.
        """
        wanted = self._plans[due.accepted.source_id]
        target, item = wanted.target, wanted.item
        if wanted.rule == LOCATION_UNKNOWN:
            raise RecordRejected(_lost_location(wanted.reason, due.record.node))
        if target is None or item is None:
            return Plan(due, left_alone=(wanted.rule, due.record.sku))
        plan = Plan(due, notes=list(wanted.warnings), context=wanted)
        if self._carriers[target_key(target)] != due.accepted.source_id:
            return plan
        digest = content_digest(wanted.content)
        # The store may hold what a dead run has written, instead of what it is known to hold.
        is_uncertain = any(u.is_uncertain for u in due.unsettled)
        is_held = due.known is not None and due.known.digest == digest
        is_same = is_held and not _must_track(target, item)
        if is_same and not self.request.force and not is_uncertain:
            return plan
        sequence = due.known.sequence if due.known else 0
        key = delivery_key(self.sync.name, INVENTORY, due.delivered_as, f"stock:{sequence}", digest)
        change = LevelChange(target, item)
        plan.intents.append(
            Intent(_operation(target), key, target_key(target), change, target.location)
        )
        return plan

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return the level that the store now holds."""
        del outcome
        return TargetRow.following(
            plan.due.known,
            intent.target_key,
            intent.content.target.location,
            plan.context.content,
            plan.accepted.source_updated_at,
        )

    def follow_up(self, plan: Plan) -> list[Intent]:
        """Note an item's tracking that was changed: the catalog is not read until later."""
        for intent, outcome in plan.sent:
            target: StockTarget = intent.content.target
            if outcome.succeeded and intent.operation != "stock":
                self.session.catalog.set_tracking(intent.content.item, target.track)
        return []


def _lost_location(reason: str, node: str) -> Problem:
    return Problem(
        LOCATION_UNKNOWN,
        "node",
        f"{reason}, where the stock of the OMS's {node} is to be shown",
        "correct inventory.nodes or inventory.store_location, or create the location in the store; "
        "its stock is then written",
        node,
    )


def _operation(target: StockTarget) -> str:
    if target.infinite:
        return "untrack"
    return "stock" if target.track == "none" else "track"


def _must_track(target: StockTarget, item: StoreItem) -> bool:
    """Return whether the item's tracking in the store is not what the target needs."""
    return (item.tracking != "none") if target.infinite else target.track != "none"
