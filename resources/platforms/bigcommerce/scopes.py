"""The scopes that a connection needs of its store's token, and how each is told from outside.

BigCommerce lets nobody see a token's scopes, so each is tried by a call that changes nothing: a read of one row, a write to what does not
exist. UNVERIFIED: that a write is refused for want of its scope before its target is looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from domain.connections import INVENTORY, SHIPMENTS, Connection
from resources.http import ApiClient, Reply

_DENIED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Probe:
    """One right, and the harmless call by which it is tried."""

    scope: str
    right: str
    """``read`` or ``write``."""
    method: str
    path: str
    body: Any = None

    def granted(self, http: ApiClient) -> tuple[bool, Reply]:
        """Tell whether the right is granted; a write to nothing is refused for that, not for want of the right."""
        reply = http.request(self.method, self.path, json=self.body, idempotent=True)
        return (reply.ok if self.right == "read" else reply.status not in _DENIED), reply


ORDERS = Probe("store_v2_orders", "read", "GET", "/v2/orders?limit=1")
PRODUCTS = Probe("store_v2_products", "read", "GET", "/v3/catalog/products?limit=1")
STOCK = Probe("store_inventory", "read", "GET", "/v3/inventory/items?limit=1")
CHANGE_ORDERS = Probe("store_v2_orders", "write", "PUT", "/v2/orders/0", {})
CHANGE_STOCK = Probe("store_inventory", "write", "PUT", "/v3/inventory/adjustments/absolute", {"reason": "Lockstep preflight", "items": []})
SENSITIVE = (
    Probe("store_v2_customers", "read", "GET", "/v3/customers?limit=1&id:in=0"),
    Probe("store_v2_marketing", "read", "GET", "/v2/coupons?limit=1"),
    Probe("store_v2_content", "read", "GET", "/v3/content/pages?limit=1"),
)
"""Rights that no stream needs; the call for customers asks for none, so that nobody's data is read."""


def needed(connection: Connection) -> tuple[str, ...]:
    """Return the names of the scopes that the connection's streams need, the least that does."""
    streams = connection.streams
    names = ["store_v2_orders" if SHIPMENTS in streams else "store_v2_orders_read_only", "store_v2_transactions_read_only",
             "store_v2_information_read_only"]  # fmt: skip
    if INVENTORY in streams:
        # Writing to the catalog is only for an item that the OMS calls infinite: its tracking is stopped.
        catalog = "store_v2_products" if connection.inventory.infinite == "stop_tracking" else "store_v2_products_read_only"
        names += ["store_inventory", catalog, "store_locations_read_only"]
    return tuple(names)


def probes(connection: Connection) -> tuple[Probe, ...]:
    """Return the rights to try for the connection's streams."""
    streams = connection.streams
    tried = [ORDERS, *([CHANGE_ORDERS] if SHIPMENTS in streams else [])]
    return tuple(tried + ([PRODUCTS, STOCK, CHANGE_STOCK] if INVENTORY in streams else []))


def beyond_need(http: ApiClient) -> list[str]:
    """Return the sensitive scopes that the token has although nothing needs them."""
    return [probe.scope for probe in SENSITIVE if probe.granted(http)[0]]
