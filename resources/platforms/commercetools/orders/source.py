"""The source of orders: a window of changes, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.reconciliation import StoreSnapshot
from domain.records.orders import Order
from domain.rules.export import Decide, always
from domain.sources import EVERYTHING, Page, Scope, to_pages
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.client import quoted
from resources.platforms.commercetools.deletions import OF_ORDERS, DeletionsReader
from resources.platforms.commercetools.orders.by_payment import PaidOrders
from resources.platforms.commercetools.orders.delivered import to_store_snapshot
from resources.platforms.commercetools.orders.mapping import OrderMapper
from resources.platforms.commercetools.orders.states import StateReader
from resources.platforms.commercetools.orders.units import ordered_units
from resources.platforms.commercetools.personal import FACTS
from resources.platforms.commercetools.reader import ChangesReader, Resource
from resources.platforms.commercetools.settings import EXPAND, CommercetoolsSettings
from resources.platforms.commercetools.statuses import ON_HOLD
from resources.store_sources import StoreOrders


def expanded_of(connection: Connection) -> tuple[str, ...]:
    """Return the references that orders are read with: channels only where their keys count."""
    policy = connection.orders
    expanded: tuple[str, ...] = EXPAND
    if policy.ship_from == "store":
        expanded += ("lineItems[*].supplyChannel",)
    if policy.selling_channels:
        expanded += ("lineItems[*].distributionChannel",)
    return expanded


class OrdersSource(StoreOrders):
    """The orders of one project, or of one store of it."""

    facts: ClassVar[frozenset[str]] = FACTS
    deletion_events: ClassVar[frozenset[str]] = frozenset({OF_ORDERS, "ResourceDeleted"})
    sku_path: ClassVar[str] = "variant.sku"

    def __init__(
        self, http: ApiClient, settings: CommercetoolsSettings, connection: Connection
    ) -> None:
        key = settings.store_key
        where = () if key is None else (f"store(key = {quoted(key)})",)
        orders = Resource("order", "/orders", "view_orders", where, expanded_of(connection))
        of_project = Resource("order", "/orders", "view_orders", (), expanded_of(connection))
        whole = ChangesReader(http, settings, of_project)
        super().__init__(ChangesReader(http, settings, orders), whole, whole.read_by_id)
        self._paid, self._paid_whole = (
            PaidOrders(http, settings, each) if settings.payment_changes else None
            for each in (orders, of_project)
        )
        self._deletions: DeletionsReader | None = None
        if settings.order_deletions:
            self._deletions = DeletionsReader(http, settings, "order", OF_ORDERS)
        self._states = StateReader(settings.workflow_states)
        holds = ON_HOLD in connection.orders.hold_statuses
        self._mapper = OrderMapper(settings, connection.addresses, holds=holds)

    def probe(self, since: datetime, *, other_parts: bool = False) -> datetime | None:
        """Return the modification time of the oldest order changed since; one call.

        One more each where changes of payments and deletions are read, too.
        """
        found = [super().probe(since, other_parts=other_parts)]
        if self._paid is not None:
            found.append(self._paid.probe(since))
        if self._deletions is not None:
            found.append(self._deletions.probe(since))
        return min((moment for moment in found if moment is not None), default=None)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every order modified in the window, in pages; then those of its payments."""
        yield from super().fetch(window, scope)
        paid = self._paid_whole if scope.other_parts else self._paid
        if paid is not None:
            yield from to_pages(paid.read(window))

    def deleted(self, window: Window) -> Iterator[tuple[str, datetime]]:
        """Yield the orders whose deletion the project's messages state, where these are read."""
        if self._deletions is not None:
            for records in self._deletions.read(window):
                yield from ((record.source_id, record.updated_at) for record in records)

    def to_canonical(self, payload: bytes, decide: Decide = always) -> Mapped[Order] | Skipped:
        """Map a captured order with the store's own codes."""
        return self._mapper.to_order(payload, decide)

    def ordered_units(self, payload: bytes) -> dict[str, Decimal]:
        """Return the units that a captured order takes from stock."""
        return ordered_units(payload, self._states)

    def to_store_snapshot(self, payload: bytes) -> StoreSnapshot:
        """Return the fulfilment that a captured order states."""
        return to_store_snapshot(payload)
