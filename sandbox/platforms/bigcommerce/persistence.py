"""A store's snapshot: MessagePack, with the dictionary of its compressed documents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from sandbox.platforms.bigcommerce.book import OrderBook, Record
from sandbox.platforms.bigcommerce.settings import configure, settings_of

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.store import BigCommerceStore


def dump_store(store: BigCommerceStore) -> bytes:
    """Serialise a store."""
    state = {
        "dictionary": store.book.dictionary,
        "orders": store.book.state(),
        "stock": store.stock.state(),
        "products": list(store.catalog.products.values()),
        "variants": list(store.catalog.variants.values()),
        "brands": store.catalog.brands,
        "categories": store.catalog.categories,
        "parents": store.catalog.parents,
        "channels": list(store.channels.channels.values()),
        "hooks": list(store.webhooks.hooks.values()),
        "customers": store.customers.state(),
        "prices": store.prices.state(),
        "ids": store.ids.last,
        "requests": dict(store.requests),
        "refused": store.limit.refused,
        "shipments": store.shipment_log,
        "statuses": store.status_log,
        "refunds": store.refund_log,
        "settings": settings_of(store),
    }
    return msgspec.msgpack.encode(state)


def load_store(store: BigCommerceStore, state: bytes) -> None:
    """Restore what ``dump_store`` returned."""
    kept = msgspec.msgpack.decode(state)
    store.catalog.restore(kept["products"], kept["variants"])
    store.catalog.brands = dict(kept.get("brands", {}))
    store.catalog.categories = dict(kept.get("categories", {}))
    store.catalog.parents = dict(kept.get("parents", {}))
    store.build(OrderBook(store.links, kept["dictionary"]))
    store.book.restore(msgspec.convert(kept["orders"], list[Record]))
    store.stock.restore(kept["stock"])
    store.channels.channels = {channel["id"]: channel for channel in kept["channels"]}
    store.webhooks.hooks = {hook["id"]: hook for hook in kept.get("hooks", ())}
    store.customers.restore(kept.get("customers", {}))
    store.prices.restore(kept.get("prices", {}))
    store.ids.last = kept["ids"]
    store.requests = Counter(kept["requests"])
    store.shipment_log, store.status_log = kept["shipments"], kept["statuses"]
    store.refund_log = kept.get("refunds", [])
    configure(store, kept["settings"])
    store.limit.refused = kept["refused"]
