"""Salesforce as ``domain.ports.CommercePlatform``, put together from the connector's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import CommercePlatform, QuotaLedger, StoreSources, StoreTargets
from domain.sources import AnySource
from domain.targets import LevelTarget
from resources.http.client import ApiClient
from resources.platforms.salesforce.actions.source import ActionsSource
from resources.platforms.salesforce.auth import build_tokens
from resources.platforms.salesforce.catalog import CatalogSource
from resources.platforms.salesforce.client import build_policy
from resources.platforms.salesforce.customers.source import CustomersSource
from resources.platforms.salesforce.events.queue import ChangeEvents
from resources.platforms.salesforce.inventory import SalesforceStock
from resources.platforms.salesforce.levels import LevelReader
from resources.platforms.salesforce.listings.target import SalesforceListings
from resources.platforms.salesforce.orders.source import OrdersSource
from resources.platforms.salesforce.preflight import Preflight
from resources.platforms.salesforce.prices.reader import PriceReader
from resources.platforms.salesforce.prices.target import SalesforcePrices
from resources.platforms.salesforce.products.source import ProductsSource
from resources.platforms.salesforce.returns.target import SalesforceReturns
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.shipments.target import SalesforceShipments
from resources.platforms.salesforce.stock_object import ObjectReader, ObjectStock


def build(
    settings: SalesforceSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
    transport: httpx.BaseTransport | None = None,
) -> CommercePlatform:
    """Build the connector without a call; ``secrets`` resolves references, ``quota`` is shared."""
    return Salesforce(settings, connection, secrets, quota, transport)


# What an org can be the source and the target of, before one is opened.
SOURCES: Mapping[str, type[AnySource]] = {
    "orders": OrdersSource,
    "catalog": CatalogSource,
    "customers": CustomersSource,
    "actions": ActionsSource,
    "products": ProductsSource,
}
TARGETS = frozenset({"shipments", "inventory", "returns", "prices", "listings", "products"})


class Salesforce:
    """One org, or one store of it."""

    kind: str = "salesforce"

    def __init__(
        self,
        settings: SalesforceSettings,
        connection: Connection,
        secrets: Callable[[SecretRef], str],
        quota: QuotaLedger,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.identity = settings.identity
        self._tokens = build_tokens(settings, secrets(settings.secret), transport)
        self._policy = build_policy(settings, self._tokens, quota)
        self._http = ApiClient(self._policy, transport=transport)
        self.events = (
            ChangeEvents(settings.events, self._tokens, connection.streams)
            if settings.events is not None
            else None
        )
        levels, stock = self._stock(settings, connection)
        currency = connection.prices.currency
        self.sources: StoreSources = {
            "orders": OrdersSource(self._http, settings, connection),
            "catalog": CatalogSource(self._http, settings),
            "customers": CustomersSource(self._http, settings, connection),
            "actions": ActionsSource(self._http, self._policy, settings, connection),
            "products": ProductsSource(self._http, settings, currency, levels),
        }
        prices = PriceReader(self._http, settings)
        self._preflight = Preflight(
            self._http, self._tokens, settings, connection, levels, prices, self.events
        )
        creates = connection.catalog.create_products != "never"
        listings = SalesforceListings(self._policy, settings, self._http, prices, creates=creates)
        self.targets: StoreTargets = {
            "shipments": SalesforceShipments(self._policy, settings, connection),
            "inventory": stock,
            "returns": SalesforceReturns(self._policy, settings),
            "prices": SalesforcePrices(self._policy, settings, prices),
            "listings": listings,
            "products": listings,
        }

    def _stock(
        self, settings: SalesforceSettings, connection: Connection
    ) -> tuple[LevelReader | ObjectReader, LevelTarget]:
        """Return where the org's stock is: in Omnichannel Inventory, or in an object of its own."""
        if (stock := settings.inventory) is not None:
            levels = ObjectReader(self._http, settings, stock, connection)
            return levels, ObjectStock(self._policy, settings, stock, levels)
        reader = LevelReader(self._http, settings)
        return reader, SalesforceStock(self._policy, settings, reader)

    def preflight(self) -> list[Check]:
        """Check credentials, clock, the day's calls, fields, permissions and locations."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return the org's time."""
        return self._policy.clock.now()

    def close(self) -> None:
        """Close connections."""
        self._tokens.close()
        self._http.close()
        if self.events is not None:
            self.events.close()
