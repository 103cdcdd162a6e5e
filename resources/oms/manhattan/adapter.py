"""Manhattan Active Omni behind the port ``OrderManagementSystem``: clients and mappings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import EventFeed, OmsSources, OmsTargets, OrderManagementSystem, QuotaLedger
from domain.sources import AnySource
from resources.http.oauth import OAuthGrant, OAuthTokens
from resources.http.rate_limit import Limiter
from resources.oms.manhattan.catalog import CatalogSource
from resources.oms.manhattan.client import KIND, build_policy, build_read_client
from resources.oms.manhattan.customers.target import ManhattanCustomers
from resources.oms.manhattan.inventory import Availability, InventorySource
from resources.oms.manhattan.items import ItemsSource
from resources.oms.manhattan.items_target import ManhattanItems
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.orders.target import ManhattanOrders
from resources.oms.manhattan.preflight import Preflight
from resources.oms.manhattan.prices import PricesSource
from resources.oms.manhattan.returns.source import ReturnsSource
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.shipments.source import ShipmentsSource

# What a tenant can be the source and the target of, before one is opened.
SOURCES: Mapping[str, type[AnySource]] = {
    "shipments": ShipmentsSource,
    "inventory": InventorySource,
    "returns": ReturnsSource,
    "prices": PricesSource,
    "catalog": CatalogSource,
    "items": ItemsSource,
}
TARGETS = frozenset({"orders", "customers", "catalog"})


class ManhattanOms:
    """One organisation of a Manhattan tenant, as one connection uses it."""

    kind = KIND
    needs = ()  # an order of a product that it can't take is a rejection of its own
    events: EventFeed | None = None  # a relay of the tenant's own sends them (README.md, "Events")

    def __init__(
        self,
        settings: ManhattanSettings,
        connection: Connection,
        auth: OAuthTokens,
        quota: QuotaLedger,
    ) -> None:
        self._settings, self._connection, self._auth = settings, connection, auth
        self.identity = settings.identity
        limiter = Limiter(
            quota,
            self.identity.bucket,
            quota=settings.requests_per_second,
            window_seconds=1.0,
        )
        self._policy = build_policy(settings, auth, limiter)
        hosts = {settings.base_url, settings.availability_url}
        self._readers = {url: build_read_client(self._policy, url) for url in hosts}
        orders, stock = self._readers[settings.base_url], self._readers[settings.availability_url]
        self._search = OrderSearch(orders, settings)
        self._items = CatalogSource(orders, settings)
        self._prices = PricesSource(orders, settings)
        self._availability = Availability(stock, settings, connection.inventory)
        lookup = OrderLookup(self._search, settings, connection)
        self.sources: OmsSources = {
            "shipments": ShipmentsSource(self._search, lookup, settings, connection),
            "inventory": InventorySource(self._availability, settings, connection.inventory),
            "returns": ReturnsSource(self._search, lookup, settings, connection),
            "prices": self._prices,
            "catalog": self._items,
            "items": ItemsSource(orders, settings),
        }
        self.orders = ManhattanOrders(self._policy, settings, connection, lookup)
        customers = ManhattanCustomers(self._policy, settings, orders)
        self.targets: OmsTargets = {
            "orders": self.orders,
            "customers": customers,
            "catalog": ManhattanItems(self._policy, settings),
        }

    def preflight(self) -> list[Check]:
        """Check each part with a call that changes nothing."""
        return Preflight(
            self._settings,
            self._connection.inventory,
            self._auth,
            self._readers[self._settings.base_url],
            self._search,
            self._items,
            self._availability,
            self._prices,
            self._connection.streams,
        ).run()

    def clock(self) -> datetime:
        """Return the tenant's current time."""
        return self._policy.clock.now()

    def close(self) -> None:
        """Close all connections."""
        for client in self._readers.values():
            client.close()
        self._auth.close()


def build(
    settings: ManhattanSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
) -> OrderManagementSystem:
    """Build the connection's OMS without making a call.

    Raises ``PermanentError`` if a secret is missing.
    """
    form: dict[str, str] = {"grant_type": settings.grant}
    if settings.grant == "password" and settings.password is not None:
        form |= {"username": settings.username, "password": secrets(settings.password)}
    grant = OAuthGrant(
        system=KIND,
        token_url=settings.token_url,
        client_id=settings.client_id,
        client_secret=secrets(settings.client_secret),
        form=form,
        fallback_seconds=settings.token_fallback_seconds,
        timeout=settings.timeout,
    )
    return ManhattanOms(settings, connection, OAuthTokens(grant), quota)
