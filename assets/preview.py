"""Previews: what a stream would send of sample records, without a change at either system.

Records are read and mapped as in a run, but not stored. The ledger remembers only the items that
were looked up in the OMS's item master.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson

from assets.delivery.links import not_linked
from assets.streams.actions.stream import Actions
from assets.streams.catalog.store_items import entries, master_items
from assets.streams.catalog.stream import BEGINNING, Catalog
from assets.streams.customers.stream import Customers, customer_mapper
from assets.streams.inventory.plan import StockPlan, read_planner
from assets.streams.inventory.reading import LevelMapper, read_rows
from assets.streams.inventory.stream import Inventory
from assets.streams.inventory.undelivered import orders_under_way
from assets.streams.orders.stream import Orders
from assets.streams.prices.preview import preview_prices
from assets.streams.returns.preview import preview_returns
from assets.streams.shipments.requests import not_shipped, shipment_requests
from domain.connections import (
    ACTIONS,
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    ORDERS,
    PRICES,
    RETURNS,
    SHIPMENTS,
)
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.personal import FORGOTTEN, without_personal_data
from domain.records.actions import ActionRequest
from domain.records.fulfilment import Fulfilment
from domain.records.inventory import StockLevel, StoreItem
from domain.records.record import amend
from domain.skus import BySku, sku_key
from domain.sources import Page
from domain.values import Window
from resources.facts import fact_fields
from resources.ledger.rows import KnownLine
from resources.ledger.session import Session
from resources.sync import Sync

EXAMINED = 200
"""Records of a stream that a preview reads at most."""
MASKED = "[masked]"


@dataclass(frozen=True)
class Sample:
    """What would happen to one record."""

    record: str
    outcome: str
    """``send``, ``unchanged``, ``skipped`` or ``rejected``."""
    text: str
    """The rule and its reason, or the problems; for ``send`` what would be done."""
    payload: Any = None
    """What would be sent, with personal data masked."""


def preview(sync: Sync, stream: str, window: Window) -> Iterator[Sample]:
    """Yield what would happen to the first records of the window, or of the present stock."""
    kinds: dict[str, Callable[[Sync, Session, Window], Iterator[Sample]]] = {
        ORDERS: _orders,
        SHIPMENTS: _shipments,
        RETURNS: _returns,
        INVENTORY: _inventory,
        CUSTOMERS: _customers,
        CATALOG: _catalog,
        LISTINGS: lambda *_: iter(()),  # requests are made by operators, and none is there yet
        PRICES: _prices,
        ACTIONS: _actions,
    }
    with sync.ledger.session(sync.name, stream) as session:
        yield from kinds[stream](sync, session, window)


def _orders(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    rules, stream = sync.order_rules, Orders()
    for raw in _first(sync.orders.fetch(window)):
        try:
            mapped = rules.to_order(sync.orders.to_canonical, raw.payload, lambda _: False)
            if isinstance(mapped, Skipped):
                yield _skipped(raw.source_id, mapped)
                continue
            order = mapped.record
            problems = stream.check(sync, session, [order]).get(0, ())
            if problems:
                yield _kept_out(raw.source_id, problems)
                continue
            payload = _masked(sync.oms.targets["orders"].payload(order))
        except RecordRejected as rejected:
            yield _kept_out(raw.source_id, rejected.problems)
        else:
            yield Sample(raw.source_id, "send", f"create order {order.order_id}", payload)


def _customers(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    to_customer, stream = customer_mapper(sync), Customers()
    for raw in _first(sync.customers.fetch(window)):
        try:
            mapped = to_customer(raw.payload)
            if isinstance(mapped, Skipped):
                yield _skipped(raw.source_id, mapped)
                continue
            if problems := stream.check(sync, session, [mapped.record]).get(0, ()):
                yield _kept_out(raw.source_id, problems)
                continue
            payload = _masked(sync.customers_target.payload(mapped.record))
        except RecordRejected as rejected:
            yield _kept_out(raw.source_id, rejected.problems)
        else:
            text = f"create customer {mapped.record.customer_id}"
            yield Sample(raw.source_id, "send", text, payload)


def _catalog(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    """Yield how products would be aligned, and which of their items would be created."""
    stream = Catalog()
    for raw in _first(sync.products.fetch(Window(BEGINNING, window.until))):
        try:
            mapped = sync.products.to_canonical(raw.payload)
        except RecordRejected as rejected:
            yield _kept_out(raw.source_id, rejected.problems)
            continue
        if isinstance(mapped, Skipped):
            yield _skipped(raw.source_id, mapped)
        elif problems := stream.check(sync, session, [mapped.record]).get(0, ()):
            yield _kept_out(raw.source_id, problems)
        else:
            skus = [variant.sku for variant in mapped.record.variants if variant.sku]
            missing = set(skus) - master_items(sync.item_master, skus).keys()
            text = f"{len(skus)} SKUs, {len(missing)} of them unknown to the OMS"
            creates = bool(missing) and sync.connection.catalog.create_items
            yield Sample(raw.source_id, "send" if creates else "unchanged", text)


def _shipments(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    rows = list(_first(sync.shipments.fetch(window)))
    linked = session.links.store_ids([raw.source_id for raw in rows])
    for raw in rows:
        try:
            mapped = sync.shipments.to_canonical(raw.payload, is_linked=raw.source_id in linked)
            if isinstance(mapped, Skipped):
                yield _skipped(raw.source_id, mapped)
                continue
            # A new connection has no links yet: its own orders are those that name the store's.
            origin = sync.shipments.to_origin(raw.payload)
            claimed = origin.source_id if origin is not None and origin.is_own_id else ""
            if store_id := linked.get(raw.source_id, claimed):
                amend(mapped.record, "source_id", store_id)
                yield _shipment(sync, raw.source_id, mapped.record)
            else:
                yield _kept_out(raw.source_id, [not_linked(raw.source_id)])
        except RecordRejected as rejected:
            yield _kept_out(raw.source_id, rejected.problems)


def _returns(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    for found in preview_returns(sync, session, _first(sync.returns.fetch(window))):
        yield Sample(*found)


def _actions(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    """Show what agents have asked for; whether it is carried out depends on the order then."""
    stream = Actions()
    to_request = stream.mapper(sync, session, ())
    for raw in _first(stream.fetch(sync, session, window)):
        try:
            mapped = to_request(raw.payload)
        except RecordRejected as rejected:
            yield _kept_out(raw.source_id, rejected.problems)
            continue
        if isinstance(mapped, Skipped):
            yield _skipped(raw.source_id, mapped)
            continue
        request: ActionRequest = mapped.record
        text = f"{request.permission} of order {request.source_id} by {request.permission_set}"
        yield Sample(raw.source_id, "send", text)


def _shipment(sync: Sync, record: str, fulfilment: Fulfilment) -> Sample:
    """Return the shipments and the status of an order that is at the store."""
    lines = _lines(sync, fulfilment.source_id)
    requests, kept_back = shipment_requests(fulfilment, lines, sync.connection.orders.uom_rules)
    status_for = sync.platform.targets["shipments"].status_for
    milestone = fulfilment.shown_milestone(status_for, not_shipped(lines))
    status = status_for(milestone)
    if not requests and kept_back:
        return _kept_out(record, kept_back)
    if not requests and status is None:
        return Sample(record, "unchanged", f"the milestone {milestone} sends nothing")
    payload = {
        "shipments": [asdict(request) for request in requests.values()],
        "status": status,
    }
    text = f"order {fulfilment.source_id}: {len(requests)} shipments, status {status} ({milestone})"
    if kept_back:
        text += f"; kept back: {_kept_out(record, kept_back).text}"
    return Sample(record, "send", text, _masked(payload))


def _lines(sync: Sync, source_id: str) -> dict[str, KnownLine] | None:
    """Return the lines of an order as the store has it now; ``None`` if it has no such order."""
    rules = sync.order_rules
    for page in sync.orders.read([source_id]):
        for raw in page.records:
            mapped = rules.to_order(sync.orders.to_canonical, raw.payload, lambda _: True)
            if isinstance(mapped, Mapped):
                return {
                    line.line_id: KnownLine(line.group_id, str(line.kind), line.factor)
                    for line in mapped.record.lines
                }
    return None


def _inventory(sync: Sync, session: Session, _: Window) -> Iterator[Sample]:
    """Compare the levels of the catalog's first items with what the store shows now."""
    items = {item.sku: item for item in _first_items(sync)}
    known, now = BySku(items), datetime.now(UTC)
    rows = [row for page in read_rows(sync, session, sorted(items), now) for row in page.records]
    held = sync.store_stock.levels(items)
    mapper = LevelMapper(sync, session, [(row.source_id, row.payload) for row in rows])
    stream = Inventory()
    levels: dict[str, dict[str, StockLevel]] = {}
    for row in rows:
        try:
            mapped = mapper.to_level(row.payload)
        except RecordRejected as rejected:
            yield _kept_out(row.source_id, rejected.problems)
            continue
        if isinstance(mapped, Skipped):
            yield _skipped(row.source_id, mapped)
            continue
        level: StockLevel = mapped.record
        if problems := stream.check(sync, session, [level]).get(0, ()):
            yield _kept_out(row.source_id, problems)
        else:
            levels.setdefault(sku_key(level.sku), {})[row.source_id] = level
    skus = {level.sku for placed in levels.values() for level in placed.values()}
    planner = read_planner(sync, session, skus, orders_under_way(sync, session))
    planner = replace(planner, items={sku: item for sku in skus if (item := known.get(sku))})
    for placed in levels.values():
        for plan in planner.plan(placed):
            yield _level(plan, held)


def _prices(sync: Sync, session: Session, _: Window) -> Iterator[Sample]:
    """Compare the prices of the catalog's first items with what the store shows now.

    Where each costs a call, no more of them than a run reads.
    """
    most = sync.prices.skus_a_read
    items = {item.sku: item for item in islice(_first_items(sync), most)}
    for found in preview_prices(sync, session, items):
        yield Sample(*found)


def _level(plan: StockPlan, held: Mapping[tuple[str, str], int]) -> Sample:
    record, target = "+".join(plan.sources), plan.target
    if target is None:
        return Sample(record, "skipped", f"{plan.rule}: {plan.reason}")
    shown = held.get((target.sku, target.location))
    outcome = "unchanged" if shown == target.quantity and not target.infinite else "send"
    wanted = "no tracking" if target.infinite else str(target.quantity)
    return Sample(record, outcome, f"the store shows {shown}; it would show {wanted}")


def _first_items(sync: Sync) -> Iterator[StoreItem]:
    now = datetime.now(UTC)
    items = (
        item
        for page in sync.catalog.fetch(Window(now, now))
        for item in entries(page, sync.catalog)
        if isinstance(item, StoreItem)
    )
    return islice(items, EXAMINED)


def _first(pages: Iterator[Page]) -> Iterator[RawRecord]:
    return islice((record for page in pages for record in page.records), EXAMINED)


def _skipped(record: str, skipped: Skipped) -> Sample:
    return Sample(record, "skipped", f"{skipped.rule}: {skipped.reason}")


def _kept_out(record: str, problems: Sequence[Problem]) -> Sample:
    """Return the problems without their values, which may be personal."""
    text = "; ".join(f"{p.code} ({p.field}): {p.message}" for p in problems)
    return Sample(record, "rejected", text)


def _masked(payload: Any) -> Any:
    cleaned = without_personal_data(orjson.loads(orjson.dumps(payload)), fact_fields())
    return orjson.loads(orjson.dumps(cleaned).replace(FORGOTTEN.encode(), MASKED.encode()))
