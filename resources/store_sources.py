"""Records of a store as sources, by the time of their changes: what connectors of stores share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar, Protocol

from domain.exchange import RawRecord
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import BEFORE_STORES, Window


class ChangedRecords(Protocol):
    """How a store lists the records of one kind by the time of their changes."""

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``; one call."""

    def read(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the records that changed in the window."""


ReadById = Callable[[Collection[str]], Iterator[list[RawRecord]]]
"""Reads records by their ids; those that the store lacks are absent."""


class StoreRecords:
    """The records of one kind: base of a store's ``CustomersSource``."""

    shape: ClassVar[Shape] = "changes"

    def __init__(self, changed: ChangedRecords, read_by_id: ReadById) -> None:
        self._changed, self._read_by_id = changed, read_by_id

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``; one call."""
        return self._changed.probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every record that changed in the window, in pages."""
        del scope
        return to_pages(self._changed.read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read records by their ids; those that the store lacks are absent."""
        return to_pages(self._read_by_id(ids))

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the store keeps its records, and a window can be read again."""


class StoreOrders:
    """The orders of a store, or of a part of it: base of ``OrdersSource``.

    Of a store that says by events only which orders were deleted.
    """

    shape: ClassVar[Shape] = "changes"

    def __init__(
        self, changed: ChangedRecords, everywhere: ChangedRecords, read_by_id: ReadById
    ) -> None:
        """``changed`` lists the orders of the served part, ``everywhere`` those of the store."""
        self._changed, self._everywhere, self._read_by_id = changed, everywhere, read_by_id

    def probe(self, since: datetime, *, other_parts: bool = False) -> datetime | None:
        """Return the time of the oldest change at or after ``since``; one call."""
        return (self._everywhere if other_parts else self._changed).probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every order that changed in the window, in pages."""
        return to_pages((self._everywhere if scope.other_parts else self._changed).read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read orders by their ids, of whatever part of the store."""
        return to_pages(self._read_by_id(ids))

    def deleted(self, window: Window) -> Iterator[tuple[str, datetime]]:
        """Return none: events say so."""
        del window
        yield from ()

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the store keeps its orders, and a window can be read again."""


class StoreProducts(StoreRecords):
    """The products of a store: base of ``ProductsSource``."""

    def __init__(
        self,
        changed: ChangedRecords,
        read_by_id: ReadById,
        compared: Callable[[RawRecord], RawRecord],
    ) -> None:
        """``compared`` gives a record the content by which its versions differ."""
        super().__init__(changed, read_by_id)
        self._compared = compared

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every product that changed in the window; one from before there were stores: all."""
        del scope
        since = max(window.since, BEFORE_STORES)
        return self._to_pages(self._changed.read(Window(since, window.until)))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by their ids; those that the store does not sell are absent."""
        return self._to_pages(self._read_by_id(ids))

    def _to_pages(self, batches: Iterator[list[RawRecord]]) -> Iterator[Page]:
        for records in batches:
            yield Page([self._compared(record) for record in records])
