"""The source of fulfilment: the orders that changed, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.reconciliation import OrderOrigin
from domain.records.fulfilment import Fulfilment
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.shipments.mapping import FulfilmentMapper


class ShipmentsSource:
    """The orders of one organisation, as far as they concern one connection."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS
    wants_delivered = False

    def __init__(
        self,
        search: OrderSearch,
        lookup: OrderLookup,
        settings: ManhattanSettings,
        connection: Connection,
    ) -> None:
        self._search, self._lookup = search, lookup
        self._mapper = FulfilmentMapper(settings, connection)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``; one call."""
        return self._search.oldest_since(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the orders changed in the window."""
        del scope
        return to_pages(self._search.changed_in(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by their ids, each once."""
        if records := self._lookup.read(ids):
            yield Page(records)

    def to_canonical(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Map a captured order; an unmapped status is a rejection too."""
        return self._mapper.fulfilment(payload, is_linked=is_linked)

    def to_origin(self, payload: bytes) -> OrderOrigin | None:
        """Return the store order that an order of the OMS was created from."""
        return self._lookup.origin(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the tenant keeps its orders, and a window can be read again."""
