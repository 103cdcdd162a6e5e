"""An account that is read by files, behind the port ``OrderManagementSystem``.

The mapping is that of the API. What files can't do is absent.
"""

from __future__ import annotations

from datetime import UTC, datetime

from domain.connections import Connection
from domain.exchange import Check
from domain.ports import OmsSources, OmsTargets
from resources.oms.anchanto.catalog import CatalogSource
from resources.oms.anchanto.client import KIND
from resources.oms.anchanto.files.preflight import FilesPreflight
from resources.oms.anchanto.files.reader import FileReader
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.files.stock import StockFiles
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.settings import AnchantoSettings


class AnchantoFiles:
    """One account's folder, as one connection uses it."""

    kind = KIND
    events = None  # files are looked for

    def __init__(
        self, settings: AnchantoSettings, exchange: AnchantoExchange, connection: Connection
    ) -> None:
        self.identity, self.needs = settings.identity, settings.products_need
        files = StockFiles(exchange, settings.wire.fields)
        stock = StockList(FileReader(files, settings.wire), settings)
        self.sources: OmsSources = {
            "inventory": InventorySource(stock, settings, connection.inventory),
            "catalog": CatalogSource(stock, settings),
        }
        self.targets: OmsTargets = {}
        self._preflight = FilesPreflight(exchange, files.inbox, stock, connection.inventory)

    def preflight(self) -> list[Check]:
        """Check the folder, and that it has stock."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return this machine's time: a folder has no other."""
        return datetime.now(UTC)

    def close(self) -> None:
        """Do nothing: no file stays open."""
