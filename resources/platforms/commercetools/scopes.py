"""The scopes that a connection to a project needs, and the calls by which each is tried."""

from __future__ import annotations

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
from resources.platforms.commercetools.prices.reader import PATH as PRICES_PATH
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.preflight import Probe

NOTHING = "00000000-0000-0000-0000-000000000000"
"""The id of no record: with the right, a write to it is refused for another reason."""


def reading(scope: str, path: str) -> Probe:
    """Return the probe of a right to read records: a list of none."""
    return Probe(scope, "read", "GET", f"{path}?limit=0&withTotal=false")


def changing(scope: str, path: str) -> Probe:
    """Return the probe of a right to change records: an update of none, without an action."""
    body = {"version": 1, "actions": []}
    return Probe(scope, "write", "POST", f"{path}/{NOTHING}", body, of_nothing=True)


READ_ORDERS = reading("view_orders", "/orders")
CHANGE_ORDERS = changing("manage_orders", "/orders")
CHANGE_PAYMENTS = changing("manage_payments", "/payments")
READ_MESSAGES = reading("view_messages", "/messages")
READ_CUSTOMERS = reading("view_customers", "/customers")
READ_PRODUCTS = Probe(
    "view_products", "read", "GET", "/product-projections?limit=0&withTotal=false"
)
READ_STOCK = reading("view_products (inventory)", "/inventory")
READ_PRICES = Probe(
    "view_standalone_prices", "read", "GET", f"{PRICES_PATH}?limit=0&withTotal=false"
)
CHANGE_PRICES = changing("manage_standalone_prices", PRICES_PATH)
CHANGE_PRODUCTS = changing("manage_products (products)", "/products")
READ_CARTS = reading("view_orders (carts)", "/carts")
CHANGE_STOCK = changing("manage_products", "/inventory")
READ_STATES = reading("view_states", "/states")


def needed(connection: Connection, settings: CommercetoolsSettings) -> tuple[str, ...]:
    """Return the names of the scopes that the connection's streams need, the least that does."""
    streams = connection.streams
    changes_orders = not {SHIPMENTS, RETURNS}.isdisjoint(streams)
    refunds = RETURNS in streams and connection.returns.refunds == "platform"
    names = ["manage_orders" if changes_orders else "view_orders", "view_payments"]
    if refunds:
        names.append("manage_payments")
    if not {INVENTORY, LISTINGS}.isdisjoint(streams):
        names.append("manage_products")
    elif not {PRICES, CATALOG}.isdisjoint(streams):
        names.append("view_products")
    if PRICES in streams:
        names.append("manage_standalone_prices")
    if CUSTOMERS in streams:
        names.append("view_customers")
    if by_message := reads_messages(connection, settings):
        names.append("view_messages")
    if by_message or LISTINGS in streams:
        names.append("view_project_settings")
    if settings.workflow_states.decides:
        names.append("view_states")
    if settings.store_key is not None:
        names.append("view_stores")
    return tuple(names)


def reads_messages(connection: Connection, settings: CommercetoolsSettings) -> bool:
    """Return whether the connection needs the project's messages."""
    of_customers = CUSTOMERS in connection.streams and settings.customer_deletions
    return of_customers or settings.order_deletions or settings.probe == "messages"


def probes(connection: Connection, settings: CommercetoolsSettings) -> tuple[Probe, ...]:
    """Return the rights to try."""
    streams = connection.streams
    tried = [READ_ORDERS, *([READ_STATES] if settings.workflow_states.decides else [])]
    if not {SHIPMENTS, RETURNS}.isdisjoint(streams):
        tried.append(CHANGE_ORDERS)
    if RETURNS in streams and connection.returns.refunds == "platform":
        tried.append(CHANGE_PAYMENTS)
    if CUSTOMERS in streams:
        tried.append(READ_CUSTOMERS)
    if reads_messages(connection, settings):
        tried.append(READ_MESSAGES)
    if INVENTORY in streams:
        tried += [READ_PRODUCTS, READ_STOCK, CHANGE_STOCK]
        if settings.cart_reservations:
            tried.append(READ_CARTS)
    elif not {PRICES, CATALOG, LISTINGS}.isdisjoint(streams):
        tried.append(READ_PRODUCTS)
    if LISTINGS in streams:
        tried.append(CHANGE_PRODUCTS)
    if PRICES in streams:
        tried += [READ_PRICES, CHANGE_PRICES]
    return tuple(tried)
