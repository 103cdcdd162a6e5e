"""The source of orders: a window of changes, single orders, and their mapping."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from domain.connections import RETURNS, Connection
from domain.exchange import Mapped, Skipped
from domain.reconciliation import StoreSnapshot
from domain.records.orders import Order
from domain.rules.export import Decide, always
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.orders.enrichment import ExtrasReader
from resources.platforms.bigcommerce.orders.lookup import OrderLookup, to_store_snapshot
from resources.platforms.bigcommerce.orders.mapping import OrderMapper
from resources.platforms.bigcommerce.orders.reader import OrdersReader
from resources.platforms.bigcommerce.orders.units import ordered_units
from resources.platforms.bigcommerce.personal import FACTS
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES
from resources.store_sources import StoreOrders


class OrdersSource(StoreOrders):
    """The orders of one store, or of one channel of it."""

    facts: ClassVar[frozenset[str]] = FACTS
    deletion_events: ClassVar[frozenset[str]] = frozenset({"store/order/archived"})
    sku_path: ClassVar[str] = "sku"

    def __init__(
        self, http: ApiClient, settings: BigCommerceSettings, connection: Connection
    ) -> None:
        statuses = ORDER_STATUSES.chosen(connection.orders)
        makes_refunds = RETURNS in connection.streams and connection.returns.refunds != "none"
        self._extras = ExtrasReader(
            http, settings, sorted(statuses.outgoing), makes_refunds=makes_refunds
        )
        whole = settings.model_copy(update={"channel_id": None})
        super().__init__(
            OrdersReader(http, settings, self._extras),
            OrdersReader(http, whole, self._extras),
            OrderLookup(http, whole, self._extras).read,
        )
        self._mapper = OrderMapper(settings, connection.addresses)

    def to_canonical(self, payload: bytes, decide: Decide = always) -> Mapped[Order] | Skipped:
        """Map a captured order with the store's own codes."""
        return self._mapper.to_order(payload, decide)

    def ordered_units(self, payload: bytes) -> dict[str, Decimal]:
        """Return the units that a captured order takes from stock."""
        return ordered_units(payload)

    def to_store_snapshot(self, payload: bytes) -> StoreSnapshot:
        """Return the fulfilment that a captured order states."""
        return to_store_snapshot(payload)

    def close(self) -> None:
        """End the threads."""
        self._extras.close()
