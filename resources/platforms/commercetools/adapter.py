"""commercetools as ``domain.ports.CommercePlatform``, put together from the connector's parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

import httpx

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import CommercePlatform, QuotaLedger, StoreSources, StoreTargets
from domain.sources import AnySource
from resources.http.client import ApiClient
from resources.http.sqs import SqsQueue
from resources.platforms.commercetools.actions.source import ActionsSource
from resources.platforms.commercetools.catalog import CatalogSource
from resources.platforms.commercetools.client import build_policy, build_tokens
from resources.platforms.commercetools.customers.source import CustomersSource
from resources.platforms.commercetools.events import SubscriptionQueue
from resources.platforms.commercetools.inventory import CommercetoolsStock
from resources.platforms.commercetools.levels import LevelReader
from resources.platforms.commercetools.listings.target import CommercetoolsListings
from resources.platforms.commercetools.orders.source import OrdersSource
from resources.platforms.commercetools.preflight import Preflight
from resources.platforms.commercetools.prices.reader import PriceReader
from resources.platforms.commercetools.prices.target import CommercetoolsPrices
from resources.platforms.commercetools.products.source import ProductsSource
from resources.platforms.commercetools.returns.target import CommercetoolsReturns
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.shipments.target import CommercetoolsShipments


def build(
    settings: CommercetoolsSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
    transport: httpx.BaseTransport | None = None,
) -> CommercePlatform:
    """Build the connector without a call; ``secrets`` resolves references, ``quota`` is shared."""
    return Commercetools(settings, connection, secrets, quota, transport)


# What a project can be the source and the target of, before one is opened.
SOURCES: Mapping[str, type[AnySource]] = {
    "orders": OrdersSource,
    "catalog": CatalogSource,
    "customers": CustomersSource,
    "products": ProductsSource,
    "actions": ActionsSource,
}
TARGETS = frozenset(
    {"shipments", "inventory", "returns", "refunds", "prices", "listings", "products"}
)


class Commercetools:
    """One project, or one store of it."""

    kind: str = "commercetools"

    def __init__(
        self,
        settings: CommercetoolsSettings,
        connection: Connection,
        secrets: Callable[[SecretRef], str],
        quota: QuotaLedger,
        transport: httpx.BaseTransport | None,
    ) -> None:
        self.identity = settings.identity
        self._tokens = build_tokens(settings, secrets(settings.client_secret), transport)
        self._policy = build_policy(settings, self._tokens, quota)
        self._http = ApiClient(self._policy, transport=transport)
        self.sources: StoreSources = {
            "orders": OrdersSource(self._http, settings, connection),
            "catalog": CatalogSource(self._http),
            "customers": CustomersSource(self._http, settings, connection),
            "products": ProductsSource(self._http, settings),
            "actions": ActionsSource(self._http, self._policy, settings, connection),
        }
        levels, prices = LevelReader(self._http, settings), PriceReader(self._http, settings)
        self.events = _queue_of(settings, connection, secrets, transport)
        self._preflight = Preflight(
            self._http, settings, connection, levels, self._tokens, self.events, prices
        )
        returns = CommercetoolsReturns(self._policy, settings)
        listings = CommercetoolsListings(self._policy, settings, self._http)
        self.targets: StoreTargets = {
            "shipments": CommercetoolsShipments(self._policy, settings, connection),
            "inventory": CommercetoolsStock(self._policy, settings, levels),
            "returns": returns,
            "refunds": returns,
            "prices": CommercetoolsPrices(self._policy, settings, prices),
            "listings": listings,
            "products": listings,
        }

    def preflight(self) -> list[Check]:
        """Check credentials, clock, scopes, messages, locations and store."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return the project's time."""
        return self._policy.clock.now()

    def close(self) -> None:
        """Close connections."""
        self._tokens.close()
        self._http.close()
        if self.events is not None:
            self.events.close()


def _queue_of(
    settings: CommercetoolsSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    transport: httpx.BaseTransport | None,
) -> SubscriptionQueue | None:
    """Open the queue of the project's subscription, if one is configured, without a call."""
    found = settings.queue
    if found is None:
        return None
    token = secrets(found.session_token) if found.session_token is not None else None
    keys = secrets(found.access_key), secrets(found.secret_key)
    queue = SqsQueue(found, *keys, token, transport)
    return SubscriptionQueue(queue, settings.project_key, connection.streams)
