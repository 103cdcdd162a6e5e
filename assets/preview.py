"""Previews: what a stream would send of sample records, without a change at either system.

Records are read and mapped as in a run, but not stored. The ledger remembers only the items that
were looked up in the OMS's item master.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import islice

from assets.streams.actions.stream import Actions
from assets.streams.catalog.store_items import entries, master_items
from assets.streams.catalog.stream import Catalog
from assets.streams.customers.stream import Customers, customer_mapper
from assets.streams.inventory.preview import preview_stock
from assets.streams.orders.stream import Orders
from assets.streams.prices.preview import preview_prices
from assets.streams.returns.preview import preview_returns
from assets.streams.sample import Sample, check_of, examined, sent
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
from domain.exchange import RawRecord
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
    rules, check = sync.order_rules, check_of(sync, session, Orders())
    to_payload = sync.oms.targets["orders"].payload
    for raw in _first(sync.orders.fetch(window)):
        to_order = partial(rules.to_order, sync.orders.to_canonical, raw.payload, lambda _: False)
        order = examined(raw.source_id, to_order, check)
        if not isinstance(order, Sample):
            text = f"create order {order.order_id}"
            order = sent(raw.source_id, text, partial(to_payload, order))
        yield order


def _customers(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    to_customer, check = customer_mapper(sync), check_of(sync, session, Customers())
    to_payload = sync.customers_target.payload
    for raw in _first(sync.customers.fetch(window)):
        customer = examined(raw.source_id, partial(to_customer, raw.payload), check)
        if not isinstance(customer, Sample):
            text = f"create customer {customer.customer_id}"
            customer = sent(raw.source_id, text, partial(to_payload, customer))
        yield customer


def _catalog(sync: Sync, session: Session, window: Window) -> Iterator[Sample]:
    """Yield how products would be aligned, and which of their items would be created."""
    check = check_of(sync, session, Catalog())
    for raw in _first(sync.products.fetch(Window(LONG_AGO, window.until))):
        to_product = partial(sync.products.to_canonical, raw.payload)
        product = examined(raw.source_id, to_product, check)
        if isinstance(product, Sample):
            yield product
            continue
        skus = [variant.sku for variant in product.variants if variant.sku]
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
        request = examined(raw.source_id, partial(to_request, raw.payload))
        if not isinstance(request, Sample):
            text = f"{request.permission} of order {request.source_id} by {request.permission_set}"
            request = Sample(raw.source_id, "send", text)
        yield request


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
