"""BigCommerce as ``domain.ports.CommercePlatform``, put together from the connector's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import CommercePlatform, EventFeed, QuotaLedger, StoreSources, StoreTargets
from domain.sources import AnySource
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.catalog import CatalogSource
from resources.platforms.bigcommerce.client import build_policy
from resources.platforms.bigcommerce.customers.source import CustomersSource
from resources.platforms.bigcommerce.hooks import Hooks
from resources.platforms.bigcommerce.inventory.levels import LevelReader
from resources.platforms.bigcommerce.inventory.target import BigCommerceStock
from resources.platforms.bigcommerce.listings.target import BigCommerceListings
from resources.platforms.bigcommerce.orders.source import OrdersSource
from resources.platforms.bigcommerce.preflight import Preflight
from resources.platforms.bigcommerce.prices.reader import PriceReader
from resources.platforms.bigcommerce.prices.target import BigCommercePrices
from resources.platforms.bigcommerce.products.source import ProductsSource
from resources.platforms.bigcommerce.returns.target import BigCommerceRefunds
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.shipments.target import BigCommerceShipments


def build(
    settings: BigCommerceSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
    transport: httpx.BaseTransport | None = None,
) -> CommercePlatform:
    """Build the connector without a call; ``secrets`` resolves references, ``quota`` is shared."""
    return BigCommerce(settings, connection, secrets, quota, transport)


# What a store can be the source and the target of, before one is opened.
SOURCES: Mapping[str, type[AnySource]] = {
    "orders": OrdersSource,
    "catalog": CatalogSource,
    "customers": CustomersSource,
    "products": ProductsSource,
}
TARGETS = frozenset(
    {"shipments", "inventory", "returns", "refunds", "prices", "listings", "products"}
)


class BigCommerce:
    """One store, or one channel of it."""

    kind: str = "bigcommerce"
    events: EventFeed | None

    def __init__(
        self,
        settings: BigCommerceSettings,
        connection: Connection,
        secrets: Callable[[SecretRef], str],
        quota: QuotaLedger,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.identity = settings.identity
        self._policy = build_policy(settings, secrets(settings.token), quota)
        self._http = ApiClient(
            self._policy, connections=2 * settings.read_concurrency, transport=transport
        )
        self._orders = OrdersSource(self._http, settings, connection)
        self.sources: StoreSources = {
            "orders": self._orders,
            "catalog": CatalogSource(self._http),
            "customers": CustomersSource(self._http, settings, connection),
            "products": ProductsSource(self._http),
        }
        levels, prices = LevelReader(self._http), PriceReader(self._http)
        self.events = Hooks(self._http, settings, secrets, connection.streams)
        self._preflight = Preflight(self._http, settings, connection, levels, prices)
        self.shipments = BigCommerceShipments(self._policy, settings, connection)
        stock = BigCommerceStock(self._policy, settings, levels)
        creates_brands = connection.catalog.create_brands
        listings = BigCommerceListings(
            self._policy, settings, self._http, creates_brands=creates_brands
        )
        returns = BigCommerceRefunds(self._policy, settings)
        self.targets: StoreTargets = {
            "shipments": self.shipments,
            "inventory": stock,
            "returns": returns,
            "refunds": returns,
            "listings": listings,
            "products": listings,
            "prices": BigCommercePrices(self._policy, settings, prices),
        }

    def preflight(self) -> list[Check]:
        """Check credentials, clock, permissions, locations and channel."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return the store's time."""
        return self._policy.clock.now()

    def close(self) -> None:
        """Close connections and threads."""
        self._orders.close()
        self._http.close()
