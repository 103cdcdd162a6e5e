"""Planning of stock levels for the store: those that differ from what it is known to hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from assets.delivery.plan import Due, Plan
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from domain.connections import INVENTORY
from domain.delivery import Intent, LevelChange, Outcome
from domain.exchange import Skipped
from domain.identity import content_digest, delivery_key
from domain.records.inventory import StockLevel, StockTarget, StoreItem
from domain.records.record import decode_record
from domain.rules.availability import target_of
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.lockstep import Sync


@dataclass(frozen=True)
class _Wanted:
    """What the store should show for a level; ``rule`` names why it is left alone."""

    target: StockTarget | None
    item: StoreItem | None
    rule: str = ""
    is_provisional: bool = False
    """It depends on orders under way to the OMS: the same availability will mean another number."""


class InventoryPlanner(Planner[StockLevel]):
    """Plans a chunk of stock levels."""

    to_oms = False
    why = "the store accepted the level"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = sync.platform.targets["inventory"]
        self._wanted: dict[str, _Wanted] = {}

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[StockLevel]]:
        """Decode the levels, apply the policy, and read what the store is known to hold."""
        levels = {a: decode_record(StockLevel, a.canonical) for a in current}
        self._wanted = self._apply_policy(levels)
        known = self._known([w.target for w in self._wanted.values() if w.target is not None])
        dues: list[Due[StockLevel]] = []
        for accepted, level in levels.items():
            target = self._wanted[accepted.source_id].target
            held = known.get(_key(target)) if target is not None else None
            dues.append(Due(accepted, level, accepted.source_id, held))
        return dues

    def _apply_policy(self, levels: dict[AcceptedRecord, StockLevel]) -> dict[str, _Wanted]:
        policy = self.sync.connection.inventory
        uom_rules = self.sync.connection.orders.uom_rules
        items = self.session.catalog.store_items({level.sku for level in levels.values()})
        locations = self.sync.platform.location_ids()
        undelivered = (
            self.session.records.undelivered_units() if policy.subtract_undelivered else {}
        )
        wanted: dict[str, _Wanted] = {}
        for accepted, level in levels.items():
            target = target_of(level, policy, locations, undelivered, uom_rules)
            item = items.get(level.sku)
            if isinstance(target, Skipped):
                wanted[accepted.source_id] = _Wanted(None, item, target.rule)
            elif item is None:
                wanted[accepted.source_id] = _Wanted(None, None, "not_in_store")
            elif item.tracking == "none":
                # The store shows no level of such an item and can't confirm its shipments: an
                # operator should know.
                wanted[accepted.source_id] = _Wanted(None, item, "tracking_off_in_store")
            else:
                is_provisional = bool(undelivered.get(level.sku))
                wanted[accepted.source_id] = _Wanted(target, item, "", is_provisional)
        return wanted

    def _known(self, targets: Sequence[StockTarget]) -> dict[str, TargetRow]:
        """Return what the store is known to hold; levels never written are read from the store."""
        known = self.session.deliveries.targets([_key(t) for t in targets])
        if fresh := {t.sku for t in targets if _key(t) not in known}:
            held = self.sync.platform.read_stock(fresh)
            now = datetime.now(UTC)
            for (sku, location), quantity in held.items():
                content = _content(quantity, infinite=False)
                row = TargetRow(
                    f"{sku}@{location}", location, content, content_digest(content), "", 0, now
                )
                known.setdefault(row.target_key, row)
        return known

    def plan(self, due: Due[StockLevel]) -> Plan:
        """Return the level, if the store is not known to hold it."""
        wanted = self._wanted[due.accepted.source_id]
        if wanted.target is None or wanted.item is None:
            return Plan(due, left_alone=(wanted.rule, due.record.sku))
        plan = Plan(due, is_provisional=wanted.is_provisional)
        content = _content(wanted.target.quantity, infinite=wanted.target.infinite)
        digest = content_digest(content)
        # The store may hold what a dead run has written, instead of what it is known to hold.
        is_uncertain = any(u.is_uncertain for u in due.unsettled)
        is_same = due.known is not None and due.known.digest == digest
        if is_same and not self.request.force and not is_uncertain:
            return plan
        source_id, sequence = due.accepted.source_id, due.known.sequence if due.known else 0
        key = delivery_key(self.sync.name, INVENTORY, source_id, f"stock:{sequence}", digest)
        operation = "untrack" if wanted.target.infinite else "stock"
        change = LevelChange(wanted.target, wanted.item)
        plan.intents.append(
            Intent(operation, key, _key(wanted.target), change, wanted.target.location)
        )
        return plan

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return the level that the store now holds."""
        del outcome
        target: StockTarget = intent.content.target
        content = _content(target.quantity, infinite=target.infinite)
        known = plan.due.known
        return TargetRow(
            intent.target_key,
            target.location,
            content,
            content_digest(content),
            "",
            (known.sequence if known else 0) + 1,
            plan.accepted.source_updated_at,
        )


def _key(target: StockTarget) -> str:
    return f"{target.sku}@{target.location}"


def _content(quantity: int, *, infinite: bool) -> bytes:
    return orjson.dumps({"infinite": True} if infinite else {"quantity": quantity})
