"""A store's settings, which control calls change, and what it counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sandbox.platforms.bigcommerce.store import BigCommerceStore

Json = dict[str, Any]


def configure(store: BigCommerceStore, given: Json) -> None:
    """Change the given ``settings``; unknown names are refused."""
    if unknown := set(given) - set(settings_of(store)):
        raise ValueError(f"unknown settings: {', '.join(sorted(unknown))}")
    store.token = given.get("token", store.token)
    store.scopes = frozenset(given.get("scopes", store.scopes))
    store.deduct_stock_on_order = bool(
        given.get("deduct_stock_on_order", store.deduct_stock_on_order)
    )
    store.refunds_declined = bool(given.get("refunds_declined", store.refunds_declined))
    store.refunds_online = bool(given.get("refunds_online", store.refunds_online))
    store.clock_offset_s = float(given.get("clock_offset_s", store.clock_offset_s))
    store.inventory.delay_ms = int(given.get("inventory_delay_ms", store.inventory.delay_ms))
    if {"quota", "window_ms"} & set(given):
        store.limit.configure(
            int(given.get("quota", store.limit.quota)),
            int(given.get("window_ms", store.limit.window_ms)),
        )


def settings_of(store: BigCommerceStore) -> Json:
    """Return the current settings."""
    return {
        "token": store.token,
        "scopes": sorted(store.scopes),
        "quota": store.limit.quota,
        "window_ms": store.limit.window_ms,
        "deduct_stock_on_order": store.deduct_stock_on_order,
        "refunds_declined": store.refunds_declined,
        "refunds_online": store.refunds_online,
        "inventory_delay_ms": store.inventory.delay_ms,
        "clock_offset_s": store.clock_offset_s,
    }


def counts_of(store: BigCommerceStore) -> Json:
    """Count calls by endpoint family, and their effects."""
    return {
        "requests": dict(store.requests),
        "rate_limited": store.limit.refused,
        "orders": len(store.book.records),
        "shipments": len(store.shipment_log),
        "status_changes": len(store.status_log),
        "refunds": len(store.refund_log),
        "inventory_batches": store.stock.batches,
        "inventory_pending": len(store.stock.pending),
        "inventory_writes": sum(level.writes for level in store.stock.levels.values()),
        "products": len(store.catalog.products),
        "price_writes": store.prices.writes,
        "customers": len(store.customers.customers),
    }
