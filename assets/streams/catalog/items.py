"""Planning of items for the OMS: what the store sells and the OMS lacks is created there.

Items that the OMS has without us are its own, and are never changed. One that we have created gets
the store's later changes, and is created again where the OMS has lost it. An item that only differs
in case or spaces is not missing: it is a finding of the alignment, and no second item is created.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from assets.delivery.plan import Due, Plan, Sent
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.streams.catalog.store_items import all_items, master_items
from domain.connections import CATALOG, Connection
from domain.delivery import Intent, ItemSave, Outcome
from domain.exchange import MasterItem
from domain.identity import content_digest, delivery_key
from domain.records.catalog import Product, Variant
from domain.records.record import decode_record
from domain.rules.alignment import attribute_values
from domain.skus import BySku, sku_key
from resources.ledger.records.products import ProductVersion
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.sync import Sync

SKUS_AT_ONCE = 500


@dataclass
class _Items:
    """What was saved of one product's items so far."""

    row: TargetRow | None
    saved: dict[str, list[Any]]
    """SKU -> digest of its content, and how often it was saved."""

    def digest(self, sku: str) -> str:
        """Return what an item holds; empty if it is none of ours."""
        return str(self.saved.get(sku, ("", 0))[0])

    def count(self, sku: str) -> int:
        """Return how often an item was saved."""
        return int(self.saved.get(sku, ("", 0))[1])


class ItemsPlanner(Planner[Product]):
    """Plans a chunk of products as items of the OMS."""

    to_oms = True
    why = "the OMS accepted the items"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = sync.items_target
        self._at_oms: set[str] = set()
        self._spellings: dict[str, dict[str, str]] = {}
        """Key -> the SKUs with it that the OMS has, or that this planner creates."""
        self._is_listed = False
        self._savers: dict[str, str] = {}
        """SKU -> the product whose item the OMS holds, of those of ours."""
        self._former: dict[str, _Items] = {}
        """Product -> what is known of its items."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Product]]:
        """Store the newest versions, and look up which of their SKUs the OMS has now.

        Those that it lacks may be there in another spelling, which a look-up does not find.
        """
        ids = [accepted.source_id for accepted in current]
        known = self.session.deliveries.targets(ids)
        dues = [
            Due(a, decode_record(Product, a.canonical), a.source_id, known.get(a.source_id))
            for a in current
        ]
        take_note(self.session, dues)
        skus = sorted({v.sku for due in dues for v in due.record.variants if v.sku})
        self._look_up(skus)
        self._savers = self.session.products.saved_last(skus)
        rows = self.session.deliveries.targets(sorted(set(self._savers.values())))
        self._former = {name: _Items(row, orjson.loads(row.content)) for name, row in rows.items()}
        missing = set(skus) - self._at_oms
        if missing:
            self._list_once()
            self._look_up(sorted(self.session.catalog.oms_spellings(missing) - missing))
        for sku in self._at_oms:
            self._spelled_alike(sku)[sku] = sku
        return dues

    def _look_up(self, skus: Sequence[str]) -> None:
        """Take note of which of the SKUs the OMS has now."""
        for start in range(0, len(skus), SKUS_AT_ONCE):
            found = master_items(self.sync.item_master, skus[start : start + SKUS_AT_ONCE])
            self.session.catalog.put_oms_items(found.values())
            self._at_oms |= found.keys()

    def _list_once(self) -> None:
        """Read the whole item master, unless the alignment did so lately or it can't be listed."""
        if self._is_listed or not self.sync.item_master.lists_all:
            return
        last = self.session.alignments.last()
        longest = self.sync.connection.catalog.align_interval
        if (
            not last.is_listed
            or last.aligned_at is None
            or (self.session.now() - last.aligned_at > longest)
        ):
            all_items(self.sync, self.session)
        self._is_listed = True

    def plan(self, due: Due[Product]) -> Plan:
        """Return the items to create, and those of ours that differ."""
        row = due.known
        items = _Items(row, orjson.loads(row.content) if row is not None else {})
        plan = Plan(due, context=items)
        started = {unsettled.delivery_key for unsettled in due.unsettled}
        for variant in due.record.variants:
            if not variant.sku:
                continue
            save = item_of(due.record, variant, self.sync.connection)
            saver = self._savers.get(save.sku, due.accepted.source_id)
            held = items if saver == due.accepted.source_id else self._former.get(saver, items)
            before, is_there = held.digest(save.sku), save.sku in self._at_oms
            if is_there and before == _digest(save) and not self.request.force:
                continue
            intent = self._intent(due, save, items.count(save.sku))
            is_wanted = bool(before) if is_there else self._is_missing(save.sku)
            if is_wanted or intent.key in started:
                plan.intents.append(intent)
                self._spelled_alike(save.sku)[save.sku] = save.sku
        return plan

    def _is_missing(self, sku: str) -> bool:
        """Return whether the OMS lacks an item, by the alignment's rule for spellings."""
        known = self._spelled_alike(sku)
        return sku in known or BySku(known).get(sku) is None

    def _spelled_alike(self, sku: str) -> dict[str, str]:
        return self._spellings.setdefault(sku_key(sku), {})

    def _intent(self, due: Due[Product], save: ItemSave, count: int) -> Intent:
        key = delivery_key(
            self.sync.name,
            CATALOG,
            due.accepted.source_id,
            f"save:{save.sku}:{count}",
            bytes.fromhex(_digest(save)),
        )
        return Intent("save", key, due.accepted.source_id, save, is_independent=True)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return which items of the product we have saved, with what they hold."""
        items: _Items = plan.context
        save: ItemSave = intent.content
        items.saved[save.sku] = [_digest(save), items.count(save.sku) + 1]
        content = orjson.dumps(items.saved, option=orjson.OPT_SORT_KEYS)
        moment = plan.accepted.source_updated_at
        items.row = TargetRow.following(
            items.row, intent.target_key, outcome.target_id, content, moment
        )
        return items.row

    def store(self, sent: Sequence[tuple[Plan, Sent]]) -> None:
        """Record that the OMS has the items: another product may spell one of them differently."""
        saves: list[ItemSave] = [one.intent.content for _, one in sent if one.outcome.succeeded]
        self.session.catalog.put_oms_items([MasterItem(save.sku, save.uom) for save in saves])


def item_of(product: Product, variant: Variant, connection: Connection) -> ItemSave:
    """Return the item for a variant, in the unit in which its orders go out. Pure."""
    rule = BySku(connection.orders.uom_rules).get(variant.sku)
    values = attribute_values(product, variant)
    options = ", ".join(option.value for option in variant.options if option.value)
    image = variant.image or (product.images[0] if product.images else "")
    mapped: Mapping[str, str] = {
        theirs: value
        for ours, theirs in connection.catalog.attributes.items()
        if (value := values.get(ours.casefold()))
    }
    name = f"{product.name} {options}".strip() or variant.sku
    uom = connection.orders.uom if rule is None else rule.uom
    return ItemSave(variant.sku, uom, name, product.brand, image, mapped)


def _digest(save: ItemSave) -> str:
    return content_digest(orjson.dumps(asdict(save), option=orjson.OPT_SORT_KEYS)).hex()


def take_note(session: Session, dues: Sequence[Due[Product]]) -> None:
    """Store the products' newest versions, which is safe to repeat."""
    session.products.put(
        [
            ProductVersion(due.record, due.accepted.source_updated_at, due.accepted.capture_id)
            for due in dues
        ]
    )
