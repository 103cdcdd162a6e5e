"""The source of returns: those among the orders that changed, single ones, and their mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import ClassVar

from domain.connections import Connection
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.vendor_documents import text_of
from domain.records.returns import Return
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.oms.manhattan.orders.lookup import OrderLookup
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.payload import decode_return
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.returns.mapping import ReturnMapper, is_return, is_return_line
from resources.oms.manhattan.settings import ManhattanSettings


class ReturnsSource:
    """The returns of one organisation, which are orders there, as far as they are a connection's.

    The tenant's query language is not known to select them, so all changed orders are read.
    """

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        search: OrderSearch,
        lookup: OrderLookup,
        settings: ManhattanSettings,
        connection: Connection,
    ) -> None:
        self._search, self._lookup = search, lookup
        self._mapper = ReturnMapper(settings, connection)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change of any order at or after ``since``; one call."""
        return self._search.oldest_since(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the returns changed in the window."""
        del scope
        for records in self._search.changed_in(window):
            if found := [record for record in records if is_return(record.payload)]:
                yield Page(found)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read returns by their ids, each once."""
        if found := [r for r in self._lookup.read(ids) if is_return(r.payload)]:
            yield Page(found)

    def to_canonical(
        self, payload: bytes, *, orders: Collection[str] = ()
    ) -> Mapped[Return] | Skipped:
        """Map a captured return; an unmapped status is a rejection too."""
        return self._mapper.to_return(payload, orders)

    def order_ids(self, payload: bytes) -> tuple[str, ...]:
        """Return the ids of the orders whose units come back."""
        try:
            lines = decode_return(payload).document.order_line or []
        except RecordRejected:
            return ()
        parents = (text_of(line.parent_order_id) for line in lines if is_return_line(line))
        return tuple(dict.fromkeys(filter(None, parents)))

    async def acknowledge(self, done: Collection[str]) -> None:
        """Do nothing: the tenant keeps its orders, and a window can be read again."""
