"""The source of fulfilment: the orders that changed, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Collection
from typing import ClassVar, Protocol

from domain.connections import Connection
from domain.exchange import RawRecord
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.personal import FACTS
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.shipments.mapping import FulfilmentMapper
from resources.oms.fulfilment_source import ChangedOrders, OrderFulfilment


class OrderReads(ChangedOrders, Protocol):
    """How orders are read with their shipments, by the API or by files."""

    def read(self, numbers: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that the account has."""


class ShipmentsSource(OrderFulfilment):
    """The orders of one sales channel, as far as they concern one connection."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        lists: OrderReads,
        origins: Origins,
        settings: AnchantoSettings,
        connection: Connection,
    ) -> None:
        mapper = FulfilmentMapper(settings, connection, origins)
        super().__init__(lists, lists.read, origins.origin, mapper)
