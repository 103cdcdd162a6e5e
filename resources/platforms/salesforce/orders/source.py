"""The source of orders: a window of changes, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.reconciliation import StoreSnapshot
from domain.records.orders import Order
from domain.rules.export import Decide, always
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.salesforce.fields import ORDER_CHILDREN, order_fields
from resources.platforms.salesforce.orders.delivered import ordered_units, to_store_snapshot
from resources.platforms.salesforce.orders.mapping import OrderMapper
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.reader import ChangesReader, Resource
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.soql import quoted


class OrdersSource:
    """The order summaries of one org, or of one store of it.

    A summary is the original order with all of its change orders, so changes, additions and
    reductions are not orders of their own here.
    """

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS
    deletion_events: ClassVar[frozenset[str]] = frozenset({"OrderSummary DELETE"})
    sku_path: ClassVar[str] = "Product2.StockKeepingUnit"

    def __init__(
        self, http: ApiClient, settings: SalesforceSettings, connection: Connection
    ) -> None:
        where, parent_where = scope_of(settings)
        orders = Resource(
            "OrderSummary", order_fields(settings), ORDER_CHILDREN, where, parent_where
        )
        self._reader = ChangesReader(http, settings, orders)
        whole = Resource("OrderSummary", order_fields(settings), ORDER_CHILDREN)
        self._whole = ChangesReader(http, settings, whole)
        self._mapper = OrderMapper(settings, connection.addresses)
        self._names = settings.names

    def probe(self, since: datetime, *, other_parts: bool = False) -> datetime | None:
        """Return the modification time of the oldest order changed since; one call."""
        return (self._whole if other_parts else self._reader).probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every order modified in the window, in pages."""
        return to_pages((self._whole if scope.other_parts else self._reader).read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by id."""
        return to_pages(self._whole.read_by_id(ids))

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
        return to_store_snapshot(payload, self._names)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the org keeps its orders, and a window can be read again."""


def scope_of(settings: SalesforceSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the conditions of a connection's order summaries, and of their children."""
    store = settings.sales_store_id
    if store is None:
        return (), ()
    condition = f"SalesStoreId = {quoted(store)}"
    return (condition,), (f"OrderSummary.{condition}",)
