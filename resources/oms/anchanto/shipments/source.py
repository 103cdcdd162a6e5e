"""The source of fulfilment: the orders that changed, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from domain.connections import Connection
from domain.exchange import Mapped, RawRecord, Skipped
from domain.reconciliation import OrderOrigin
from domain.records.fulfilment import Fulfilment
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.personal import FACTS
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.shipments.mapping import FulfilmentMapper


class OrderReads(Protocol):
    """How orders are read with their shipments, by the API or by files."""

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``."""

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the orders that changed in the window."""

    def read(self, numbers: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that the account has."""


class ShipmentsSource:
    """The orders of one sales channel, as far as they concern one connection."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS
    wants_delivered = False

    def __init__(
        self,
        lists: OrderReads,
        origins: Origins,
        settings: AnchantoSettings,
        connection: Connection,
    ) -> None:
        self._lists, self._origins = lists, origins
        self._mapper = FulfilmentMapper(settings, connection, origins)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``."""
        return self._lists.oldest_since(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the orders changed in the window, with their shipments."""
        del scope
        return to_pages(self._lists.changed_in(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by their numbers, each once."""
        if records := self._lists.read(ids):
            yield Page(records)

    def to_canonical(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Map a captured order; an unmapped status is a rejection too."""
        return self._mapper.fulfilment(payload, is_linked=is_linked)

    def to_origin(self, payload: bytes) -> OrderOrigin | None:
        """Return the store order that an order of the account was created from."""
        return self._origins.origin(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account does not ask what the store has."""
