"""Anchanto OMS behind the port ``OrderManagementSystem``. Experimental: its API is assumed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from domain.connections import Connection
from domain.errors import PermanentError
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import OmsSources, OmsTargets, OrderManagementSystem, QuotaLedger
from domain.sources import AnySource
from resources.http.client import ApiClient
from resources.oms.anchanto.catalog import CatalogSource
from resources.oms.anchanto.client import KIND, Reader, build_policy
from resources.oms.anchanto.files.adapter import AnchantoFiles
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.login import LoginTokens
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.target import AnchantoOrders
from resources.oms.anchanto.preflight import Preflight
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.shipments.source import ShipmentsSource

# What an account can be the source and the target of, before one is opened.
SOURCES: Mapping[str, type[AnySource]] = {
    "shipments": ShipmentsSource,
    "inventory": InventorySource,
    "catalog": CatalogSource,
}
TARGETS = frozenset({"orders"})


class AnchantoOms:
    """One sales channel of an account, as one connection uses it."""

    kind = KIND
    events = None  # polled: how its webhooks are signed is not known

    def __init__(
        self,
        settings: AnchantoSettings,
        connection: Connection,
        secrets: Callable[[SecretRef], str],
        quota: QuotaLedger,
    ) -> None:
        self.identity, self.needs = settings.identity, settings.products_need
        if settings.password is None:
            raise PermanentError("anchanto: oms.password is missing")
        self._login = LoginTokens(settings, secrets(settings.password))
        self._policy = build_policy(settings, self._login, quota)
        self._client = ApiClient(self._policy)
        reader = Reader(self._client, settings.wire)
        lists, stock = OrderLists(reader, settings), StockList(reader, settings)
        origins = Origins(settings, connection)
        self.sources: OmsSources = {
            "shipments": ShipmentsSource(lists, origins, settings, connection),
            "inventory": InventorySource(stock, settings, connection.inventory),
            "catalog": CatalogSource(stock, settings),
        }
        self.orders = AnchantoOrders(self._policy, settings, lists, origins)
        self.targets: OmsTargets = {"orders": self.orders}
        self._preflight = Preflight(connection.inventory, self._client, lists, stock)

    def preflight(self) -> list[Check]:
        """Check each part with a call that changes nothing."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return the account's current time."""
        return self._policy.clock.now()

    def close(self) -> None:
        """Close all connections."""
        self._client.close()
        self._login.close()


def build(
    settings: AnchantoSettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
) -> OrderManagementSystem:
    """Build the connection's OMS without making a call.

    Raises ``PermanentError`` if a secret is missing.
    """
    if settings.exchange is not None:
        return AnchantoFiles(settings, settings.exchange, connection)
    return AnchantoOms(settings, connection, secrets, quota)
