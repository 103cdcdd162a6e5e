"""An account that exchanges files, behind the port ``OrderManagementSystem``.

The mapping is the API's. Parts that files can't provide are absent.
"""

from __future__ import annotations

from datetime import UTC, datetime

from domain.connections import Connection
from domain.exchange import Check
from domain.ports import OmsSources, OmsTargets
from resources.oms.anchanto.catalog import CatalogSource
from resources.oms.anchanto.client import KIND
from resources.oms.anchanto.files.order_files import OrderFiles
from resources.oms.anchanto.files.order_lists import FileOrders
from resources.oms.anchanto.files.orders import CANCELLATIONS, ORDERS, AnchantoFileOrders
from resources.oms.anchanto.files.outbox import Outbox
from resources.oms.anchanto.files.preflight import FilesPreflight
from resources.oms.anchanto.files.reader import FileReader
from resources.oms.anchanto.files.settings import AnchantoExchange
from resources.oms.anchanto.files.stock import StockFiles
from resources.oms.anchanto.inventory import InventorySource, StockList
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.shipments.source import ShipmentsSource


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
        channel = settings.store_code
        outboxes = [Outbox(exchange, kind, channel) for kind in (ORDERS, CANCELLATIONS)]
        of_orders = OrderFiles(exchange, settings.wire.fields)
        lists = FileOrders(of_orders, outboxes[0], settings)
        origins = Origins(settings, connection)
        self.sources: OmsSources = {
            "shipments": ShipmentsSource(lists, origins, settings, connection),
            "inventory": InventorySource(stock, settings, connection.inventory),
            "catalog": CatalogSource(stock, settings),
        }
        self.orders = AnchantoFileOrders(
            settings, lists, of_orders.state, outboxes[0], outboxes[1], origins
        )
        self.targets: OmsTargets = {"orders": self.orders}
        inboxes = (of_orders.statuses, of_orders.shipments)
        self._preflight = FilesPreflight(
            exchange,
            (files.inbox.folder,),
            [*(box.folder for box in inboxes), *(box.folder for box in outboxes)],
            stock,
            connection,
        )

    def preflight(self) -> list[Check]:
        """Check the folder, and that it has stock."""
        return self._preflight.run()

    def clock(self) -> datetime:
        """Return this machine's time: a folder has no other."""
        return datetime.now(UTC)

    def close(self) -> None:
        """Do nothing: no file stays open."""
