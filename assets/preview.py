"""Previews: what a stream would send of sample records, without a change at either system.

Records are read and mapped as in a run, but not stored. The ledger remembers only the items that
were looked up in the OMS's item master.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice

from assets.streams.actions.stream import Actions
from assets.streams.catalog.store_items import entries, master_items
from assets.streams.catalog.stream import Catalog
from assets.streams.customers.stream import Customers, customer_mapper
from assets.streams.inventory.preview import preview_stock
from assets.streams.orders.stream import Orders
from assets.streams.prices.preview import preview_prices
from assets.streams.returns.preview import preview_returns
from assets.streams.sample import Sample, kept_out, masked, skipped_by
from assets.streams.shipments.preview import preview_shipments
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
from domain.errors import RecordRejected
from domain.exchange import RawRecord, Skipped
from domain.records.actions import ActionRequest
from domain.records.inventory import StoreItem
from domain.sources import Page
from domain.values import LONG_AGO, Window
from resources.ledger.session import Session
from resources.sync import Sync

EXAMINED = 200
"""Records of a stream that a preview reads at most."""


def preview(sync: Sync, stream: str, window: Window) -> Iterator[Sample]:
    """Yield what would happen to the first records of the window, or of the current stock."""
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
                yield skipped_by(raw.source_id, mapped)
                continue
            order = mapped.record
            problems = stream.check(sync, session, [order]).get(0, ())
            if problems:
                yield kept_out(raw.source_id, problems)
                continue
            payload = masked(sync.oms.targets["orders"].payload(order))
        except RecordRejected as rejected:
            yield kept_out(raw.source_id, rejected.problems)
        else:
            yield Sample(raw.source_id, "send", f"create order {order.order_id}", payload)


def _customers(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    to_customer, stream = customer_mapper(sync), Customers()
    for raw in _first(sync.customers.fetch(window)):
        try:
            mapped = to_customer(raw.payload)
            if isinstance(mapped, Skipped):
                yield skipped_by(raw.source_id, mapped)
                continue
            if problems := stream.check(sync, session, [mapped.record]).get(0, ()):
                yield kept_out(raw.source_id, problems)
                continue
            payload = masked(sync.customers_target.payload(mapped.record))
        except RecordRejected as rejected:
            yield kept_out(raw.source_id, rejected.problems)
        else:
            text = f"create customer {mapped.record.customer_id}"
            yield Sample(raw.source_id, "send", text, payload)


def _catalog(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    """Yield how products would be aligned, and which of their items would be created."""
    stream = Catalog()
    for raw in _first(sync.products.fetch(Window(LONG_AGO, window.until))):
        try:
            mapped = sync.products.to_canonical(raw.payload)
        except RecordRejected as rejected:
            yield kept_out(raw.source_id, rejected.problems)
            continue
        if isinstance(mapped, Skipped):
            yield skipped_by(raw.source_id, mapped)
        elif problems := stream.check(sync, session, [mapped.record]).get(0, ()):
            yield kept_out(raw.source_id, problems)
        else:
            skus = [variant.sku for variant in mapped.record.variants if variant.sku]
            missing = set(skus) - master_items(sync.item_master, skus).keys()
            text = f"{len(skus)} SKUs, {len(missing)} of them unknown to the OMS"
            creates = bool(missing) and sync.connection.catalog.create_items
            yield Sample(raw.source_id, "send" if creates else "unchanged", text)


def _shipments(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    yield from preview_shipments(sync, session, _first(sync.shipments.fetch(window)))


def _returns(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    yield from preview_returns(sync, session, _first(sync.returns.fetch(window)))


def _inventory(sync: Sync, session: Session, _: Window) -> Iterator[Sample]:
    """Compare the levels of the catalog's first items with what the store shows now."""
    items = {item.sku: item for item in _first_items(sync)}
    yield from preview_stock(sync, session, items)


def _actions(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    """Show what agents have asked for; whether it is carried out depends on the order then."""
    stream = Actions()
    to_request = stream.mapper(sync, session, ())
    for raw in _first(stream.fetch(sync, session, window)):
        try:
            mapped = to_request(raw.payload)
        except RecordRejected as rejected:
            yield kept_out(raw.source_id, rejected.problems)
            continue
        if isinstance(mapped, Skipped):
            yield skipped_by(raw.source_id, mapped)
            continue
        request: ActionRequest = mapped.record
        text = f"{request.permission} of order {request.source_id} by {request.permission_set}"
        yield Sample(raw.source_id, "send", text)


def _prices(sync: Sync, session: Session, _: Window) -> Iterator[Sample]:
    """Compare the prices of the catalog's first items with what the store shows now.

    Where each costs a call, no more of them than a run reads.
    """
    most = sync.prices.skus_a_read
    items = {item.sku: item for item in islice(_first_items(sync), most)}
    yield from preview_prices(sync, session, items)


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
