"""The source of orders: a window of changes, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from domain.connections import RETURNS, Connection
from domain.exchange import Mapped, Skipped
from domain.reconciliation import StoreSnapshot
from domain.records.orders import Order
from domain.rules.export import Decide, always
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.orders.enrichment import ExtrasReader
from resources.platforms.bigcommerce.orders.lookup import OrderLookup, to_store_snapshot
from resources.platforms.bigcommerce.orders.mapping import OrderMapper
from resources.platforms.bigcommerce.orders.reader import OrdersReader
from resources.platforms.bigcommerce.orders.units import ordered_units
from resources.platforms.bigcommerce.personal import FACTS
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES


class OrdersSource:
    """The orders of one store, or of one channel of it."""

    shape: ClassVar[Shape] = "changes"
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
        self._reader = OrdersReader(http, settings, self._extras)
        whole = settings.model_copy(update={"channel_id": None})
        self._whole = OrdersReader(http, whole, self._extras)
        self._lookup = OrderLookup(http, whole, self._extras)
        self._mapper = OrderMapper(settings, connection.addresses)

    def probe(self, since: datetime, *, other_parts: bool = False) -> datetime | None:
        """Return the modification time of the oldest order changed since; one call."""
        return (self._whole if other_parts else self._reader).probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every order modified in the window, in pages."""
        return to_pages((self._whole if scope.other_parts else self._reader).read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by id, archived ones too."""
        return to_pages(self._lookup.read(ids))

    def deleted(self, window: Window) -> Iterator[tuple[str, datetime]]:
        """Return none: events say so."""
        del window
        yield from ()

    def to_canonical(self, payload: bytes, decide: Decide = always) -> Mapped[Order] | Skipped:
        """Map a captured order with the store's own codes."""
        return self._mapper.to_order(payload, decide)

    def ordered_units(self, payload: bytes) -> dict[str, Decimal]:
        """Return the units that a captured order takes from stock."""
        return ordered_units(payload)

    def to_store_snapshot(self, payload: bytes) -> StoreSnapshot:
        """Return the fulfilment that a captured order states."""
        return to_store_snapshot(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the store keeps its orders, and a window can be read again."""

    def close(self) -> None:
        """End the threads."""
        self._extras.close()
