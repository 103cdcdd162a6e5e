"""The folder behind the port ``OrderManagementSystem``, and its entry for the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from domain.connections import Connection
from domain.exchange import Check
from domain.policies import SecretRef
from domain.ports import OmsSources, OmsTargets, OrderManagementSystem, QuotaLedger
from domain.records.catalog import ProductNeed
from domain.sources import AnySource
from resources.connector import Connector
from tests.connectors.toy.client import Files
from tests.connectors.toy.inventory import InventorySource
from tests.connectors.toy.orders import ToyOrders
from tests.connectors.toy.settings import KIND, ToySettings
from tests.connectors.toy.shipments import ShipmentsSource

SOURCES: Mapping[str, type[AnySource]] = {
    "shipments": ShipmentsSource,
    "inventory": InventorySource,
}
TARGETS = frozenset({"orders"})


class ToyOms:
    """One folder, as one connection uses it."""

    kind = KIND
    events = None
    needs: tuple[ProductNeed, ...] = ("sku",)

    def __init__(self, settings: ToySettings, connection: Connection) -> None:
        self.identity, self._files = settings.identity, Files(settings.folder)
        self.sources: OmsSources = {
            "shipments": ShipmentsSource(self._files, connection.orders.order_id_prefix),
            "inventory": InventorySource(self._files, connection.inventory),
        }
        self.targets: OmsTargets = {"orders": ToyOrders(self._files)}

    def preflight(self) -> list[Check]:
        """Check that the folder is there."""
        is_there = self._files.orders.is_dir()
        return [Check("folder", is_there, str(self._files.orders), "Create the folder.")]

    def clock(self) -> datetime:
        """Return this machine's time: the folder has no other."""
        return datetime.now(UTC)

    def close(self) -> None:
        """Do nothing: no file stays open."""


def build(
    settings: ToySettings,
    connection: Connection,
    secrets: Callable[[SecretRef], str],
    quota: QuotaLedger,
) -> OrderManagementSystem:
    """Build the connection's OMS without touching its folder."""
    del secrets, quota
    return ToyOms(settings, connection)


CONNECTOR: Connector[OrderManagementSystem] = Connector(ToySettings, build, None, SOURCES, TARGETS)
