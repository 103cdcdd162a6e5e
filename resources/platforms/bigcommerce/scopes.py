"""The scopes that a connection to a store needs, and the calls by which each is tried."""

from __future__ import annotations

from collections.abc import Collection

from domain.connections import (
    CATALOG,
    CUSTOMERS,
    INVENTORY,
    LISTINGS,
    PRICES,
    RETURNS,
    SHIPMENTS,
    Connection,
)
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.preflight import Probe

CHANNEL_SCOPE = "store_channel_listings_read_only"
ORDERS = Probe("store_v2_orders", "read", "GET", "/v2/orders?limit=1")
TRANSACTIONS = Probe(
    "store_v2_transactions_read_only", "read", "GET", "/v3/orders/0/transactions", of_nothing=True
)
PRODUCTS = Probe("store_v2_products", "read", "GET", "/v3/catalog/products?limit=1")
STOCK = Probe("store_inventory", "read", "GET", "/v3/inventory/items?limit=1")
CHANGE_ORDERS = Probe("store_v2_orders", "write", "PUT", "/v2/orders/0", {}, of_nothing=True)
CHANGE_PRODUCTS = Probe(
    "store_v2_products", "write", "PUT", "/v3/catalog/products/0", {}, of_nothing=True
)
CHANGE_STOCK = Probe(
    "store_inventory",
    "write",
    "PUT",
    "/v3/inventory/adjustments/absolute",
    {"reason": "Lockstep preflight", "items": []},
    of_nothing=True,
)
CUSTOMER_SCOPE = "store_v2_customers_read_only"
READ_CUSTOMERS = Probe("store_v2_customers", "read", "GET", "/v3/customers?limit=1&id:in=0")
"""It asks for no customer, so that no customer's data is read."""
SENSITIVE = (
    Probe("store_v2_marketing", "read", "GET", "/v2/coupons?limit=1"),
    Probe("store_v2_content", "read", "GET", "/v3/content/pages?limit=1"),
)
"""Rights that no stream needs."""


def needed(connection: Connection, settings: BigCommerceSettings | None = None) -> tuple[str, ...]:
    """Return the names of the scopes that the connection's streams need, the least that does."""
    streams = connection.streams
    writes_orders = not {SHIPMENTS, RETURNS}.isdisjoint(streams)
    names = ["store_v2_orders" if writes_orders else "store_v2_orders_read_only"]
    if settings is None or settings.fetch_transactions != "never":
        names.append("store_v2_transactions_read_only")
    names.append("store_v2_information_read_only")
    if INVENTORY in streams:
        names += ["store_inventory", "store_locations_read_only"]
    if not {INVENTORY, PRICES, CATALOG, LISTINGS}.isdisjoint(streams):
        writes = _writes_products(connection)
        names.append("store_v2_products" if writes else "store_v2_products_read_only")
    if CUSTOMERS in streams:
        names.append(CUSTOMER_SCOPE)
    if settings is not None and settings.channel_id is not None:
        names.append(CHANNEL_SCOPE)
    return tuple(names)


def probes(connection: Connection, settings: BigCommerceSettings) -> tuple[Probe, ...]:
    """Return the rights to try; those to locations, channel and webhooks have their own checks."""
    streams = connection.streams
    tried = [ORDERS]
    if not {SHIPMENTS, RETURNS}.isdisjoint(streams):
        tried.append(CHANGE_ORDERS)
    if settings.fetch_transactions != "never":
        tried.append(TRANSACTIONS)
    if not {INVENTORY, PRICES, CATALOG, LISTINGS}.isdisjoint(streams):
        tried.append(PRODUCTS)
    if INVENTORY in streams:
        tried += [STOCK, CHANGE_STOCK]
    if _writes_products(connection):
        tried.append(CHANGE_PRODUCTS)
    if CUSTOMERS in streams:
        tried.append(READ_CUSTOMERS)
    return tuple(tried)


def _writes_products(connection: Connection) -> bool:
    """Return whether products are written: prices, listings, or an infinite item's tracking."""
    stops_tracking = connection.inventory.infinite == "stop_tracking"
    writes = not {PRICES, LISTINGS}.isdisjoint(connection.streams)
    return writes or (INVENTORY in connection.streams and stops_tracking)


def beyond_need(http: ApiClient, streams: Collection[str]) -> list[str]:
    """Return the sensitive scopes that the token has although nothing needs them."""
    unneeded = SENSITIVE if CUSTOMERS in streams else (READ_CUSTOMERS, *SENSITIVE)
    return [probe.scope for probe in unneeded if probe.granted(http)[0]]
