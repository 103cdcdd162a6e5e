"""The source of orders: a window of changes, single orders, and their mapping."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.reconciliation import StoreSnapshot
from domain.records.orders import Order
from domain.rules.export import Decide, always
from resources.http.client import ApiClient
from resources.platforms.salesforce.fields import ORDER_CHILDREN, order_fields
from resources.platforms.salesforce.orders.delivered import ordered_units, to_store_snapshot
from resources.platforms.salesforce.orders.mapping import OrderMapper
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.reader import ChangesReader, Resource
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.soql import quoted
from resources.store_sources import StoreOrders


class OrdersSource(StoreOrders):
    """The order summaries of one org, or of one store of it.

    A summary is the original order with all of its change orders, so changes, additions and
    reductions are not orders of their own here.
    """

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
        of_org = Resource("OrderSummary", order_fields(settings), ORDER_CHILDREN)
        whole = ChangesReader(http, settings, of_org)
        super().__init__(ChangesReader(http, settings, orders), whole, whole.read_by_id)
        self._mapper = OrderMapper(settings, connection.addresses)
        self._names = settings.names

    def to_canonical(self, payload: bytes, decide: Decide = always) -> Mapped[Order] | Skipped:
        """Map a captured order with the store's own codes."""
        return self._mapper.to_order(payload, decide)

    def ordered_units(self, payload: bytes) -> dict[str, Decimal]:
        """Return the units that a captured order takes from stock."""
        return ordered_units(payload)

    def to_store_snapshot(self, payload: bytes) -> StoreSnapshot:
        """Return the fulfilment that a captured order states."""
        return to_store_snapshot(payload, self._names)


def scope_of(settings: SalesforceSettings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the conditions of a connection's order summaries, and of their children."""
    store = settings.sales_store_id
    if store is None:
        return (), ()
    condition = f"SalesStoreId = {quoted(store)}"
    return (condition,), (f"OrderSummary.{condition}",)
