"""The source of fulfilment: the orders that changed, single orders, and their mapping."""

from __future__ import annotations

from typing import ClassVar

from domain.connections import Connection
from resources.oms.fulfilment_source import OrderFulfilment
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.shipments.mapping import FulfilmentMapper


class ShipmentsSource(OrderFulfilment):
    """The orders of one organisation, as far as they concern one connection."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        search: OrderSearch,
        lookup: OrderLookup,
        settings: ManhattanSettings,
        connection: Connection,
    ) -> None:
        mapper = FulfilmentMapper(settings, connection)
        super().__init__(search, lookup.read, lookup.origin, mapper)
