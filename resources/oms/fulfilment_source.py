"""Fulfilment as a source: the OMS's orders that changed, single orders, and their mapping."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from domain.exchange import Mapped, RawRecord, Skipped
from domain.reconciliation import OrderOrigin
from domain.records.fulfilment import Fulfilment
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window


class ChangedOrders(Protocol):
    """How orders are listed with their shipments."""

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``."""

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the orders that changed in the window."""


class Mapper(Protocol):
    """Maps captured orders."""

    def fulfilment(self, payload: bytes, *, is_linked: bool) -> Mapped[Fulfilment] | Skipped:
        """Map an order; an unmapped status is a rejection too."""


class OrderFulfilment:
    """The OMS's orders, as far as they concern one connection: base of ``ShipmentsSource``.

    Of an OMS that does not ask what the store has.
    """

    shape: ClassVar[Shape] = "changes"
    wants_delivered: bool = False

    def __init__(
        self,
        changed: ChangedOrders,
        read: Callable[[Collection[str]], list[RawRecord]],
        origin: Callable[[bytes], OrderOrigin | None],
        mapper: Mapper,
    ) -> None:
        self._changed, self._read, self._origin, self._mapper = changed, read, origin, mapper

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``."""
        return self._changed.oldest_since(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the orders changed in the window, with their shipments."""
        del scope
        return to_pages(self._changed.changed_in(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by their ids, each once."""
        if records := self._read(ids):
            yield Page(records)

    def to_canonical(
        self, payload: bytes, *, is_linked: bool = False
    ) -> Mapped[Fulfilment] | Skipped:
        """Map a captured order; an unmapped status is a rejection too."""
        return self._mapper.fulfilment(payload, is_linked=is_linked)

    def to_origin(self, payload: bytes) -> OrderOrigin | None:
        """Return the store order that an order of the OMS was created from."""
        return self._origin(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the OMS does not ask what the store has."""
