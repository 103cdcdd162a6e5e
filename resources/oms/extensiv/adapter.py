"""The Extensiv Integration Manager behind the port ``OrderManagementSystem``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import OmsSources, OmsTargets, OrderManagementSystem, QuotaLedger
from domain.sources import AnySource
from resources.http.client import ApiClient
from resources.oms.extensiv.catalog import CatalogSource
from resources.oms.extensiv.client import KIND, build_policies
from resources.oms.extensiv.inventory import InventorySource
from resources.oms.extensiv.items import ItemsSource
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.orders.target import ExtensivOrders
from resources.oms.extensiv.preflight import Preflight
from resources.oms.extensiv.prices import PricesSource
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.shipments.source import ShipmentsSource
from resources.oms.extensiv.stock_list import StockList

# What an account can be the source and the target of, before one is opened.
SOURCES: Mapping[str, type[AnySource]] = {
    "shipments": ShipmentsSource,
    "inventory": InventorySource,
    "catalog": CatalogSource,
    "prices": PricesSource,
    "items": ItemsSource,
}
TARGETS = frozenset({"orders"})


class ExtensivOms:
    """One merchant's account, as one connection uses it."""

    kind = KIND
    events = None  # the Integration Manager is polled: it sends no events

    def __init__(
        self,
        settings: ExtensivSettings,
        connection: Connection,
        secrets: Callable[[SecretRef], str],
        quota: QuotaLedger,
    ) -> None:
        self.identity, self.needs = settings.identity, settings.products_need
        policies = build_policies(settings, secrets, quota)
        self._policy = policies.merchant
        self._merchant, self._cart = ApiClient(policies.merchant), ApiClient(policies.cart)
        lists, stock = OrderLists(self._merchant, settings), StockList(self._merchant, settings)
        origins = Origins(settings, connection)
        self.sources: OmsSources = {
            "shipments": ShipmentsSource(lists, origins, policies.cart, settings, connection),
            "inventory": InventorySource(stock, settings, connection.inventory),
            "catalog": CatalogSource(self._merchant, stock, settings),
            "prices": PricesSource(self._merchant, settings),
            "items": ItemsSource(self._merchant, stock, settings),
        }
        self.orders = ExtensivOrders(policies, settings, lists, origins)
        self.targets: OmsTargets = {"orders": self.orders}
        self._preflight = Preflight(settings, connection, self._cart, self._merchant, lists, stock)

    def preflight(self) -> list[Check]:
        """Check each part with a call that changes nothing."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return the account's current time."""
        return self._policy.clock.now()

    def close(self) -> None:
        """Close all connections."""
        self._merchant.close()
        self._cart.close()


def build(
    settings: ExtensivSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
) -> OrderManagementSystem:
    """Build the connection's OMS without making a call.

    Raises ``PermanentError`` if a secret is missing.
    """
    return ExtensivOms(settings, connection, secrets, quota)
