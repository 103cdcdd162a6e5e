"""Reading orders with their shipments: those that changed in a window, and single ones.

A list begins at a time of change and is cut into pages by number while orders move to its end,
which moves those behind them forward, past a page's edge. So a list of more than one page is read
forward and back: what moves forward meets the second pass, and nothing is missed. UNVERIFIED: a
shipment's change is one of its order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id, is_id
from domain.parsing.vendor_documents import utc_moment
from domain.values import LONG_AGO, Window, is_of_this_era
from resources.oms.anchanto.client import KIND, Reader, path_of
from resources.oms.anchanto.payload import Documents, join_order
from resources.oms.anchanto.settings import AnchantoSettings

MOST_PAGES = 100_000
ORDERS_A_CALL = 50
"""Order numbers in one query: this many of the usual length stay well below 8 KB."""


class OrderLists:
    """The orders of one sales channel."""

    def __init__(self, reader: Reader, settings: AnchantoSettings) -> None:
        self._reader, self._size = reader, settings.page_size
        self._is_sorted = settings.sorted_lists
        self._paths, self._params = settings.wire.paths, settings.wire.params
        self._store = {self._params.store: settings.store_code} if self._params.store else {}
        self._documents = Documents(settings.wire.fields)

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``, by one call.

        A full page of a list that is not sorted may leave out the oldest: then it is ``since``.
        """
        rows = self._page(self._paths.orders, since, 1)
        moments = [self._record(row, since).updated_at for row in rows]
        if len(rows) >= self._size and not (self._is_sorted and _ascends(moments)):
            return since
        return min((moment for moment in moments if moment >= since), default=None)

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders that changed in the window, page by page, each once.

        An order that was changed again since belongs to a later window.
        """
        if window.is_empty:
            return
        seen: set[str] = set()
        for rows in self._walk(self._paths.orders, window.since, window.until):
            records = [self._record(row, window.since) for row in rows]
            fresh = {
                record.source_id: record
                for record in records
                if window.since <= record.updated_at < window.until and record.source_id not in seen
            }
            seen |= fresh.keys()
            if fresh:
                yield self._joined(list(fresh.values()))

    def read(self, numbers: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that the account has, each once, one call for each."""
        found: list[RawRecord] = []
        for number in dict.fromkeys(numbers):
            if not is_id(number):
                continue
            row = self._reader.one(path_of(self._paths.order, number), self._store)
            if row is None:
                continue
            record = self._record(row, LONG_AGO)
            if record.source_id == number:
                found.append(record)
        return self._joined(found)

    def count_shipments(self, since: datetime) -> int:
        """Return how many shipments the first page of those changed since a time has."""
        return len(self._page(self._paths.shipments, since, 1))

    def _joined(self, records: Sequence[RawRecord]) -> list[RawRecord]:
        """Return orders with their shipments, each row as it came."""
        shipments = self._shipments(records)
        return [
            RawRecord(
                record.source_id,
                record.updated_at,
                join_order(record.payload, shipments.get(record.source_id, ())),
            )
            for record in records
        ]

    def _shipments(self, orders: Sequence[RawRecord]) -> dict[str, list[bytes]]:
        """Return the rows of the orders' shipments by number, each once, in a lasting order."""
        found: dict[str, dict[str, bytes]] = {}
        wanted = {order.source_id for order in orders}
        step = ORDERS_A_CALL if self._params.order_numbers else max(len(orders), 1)
        for start in range(0, len(orders), step):
            for row in self._rows_of(orders[start : start + step]):
                names = self._documents.value(row, "shipment", "order_number", "shipment_number")
                if names[0] in wanted:
                    found.setdefault(names[0], {})[names[1] or fallback_id(row)] = row
        return {
            number: [rows[name] for name in sorted(rows, key=lambda name: (len(name), name))]
            for number, rows in found.items()
        }

    def _rows_of(self, orders: Sequence[RawRecord]) -> Iterator[bytes]:
        """Yield the shipments of orders; without a query for that, all since the oldest of them."""
        if (name := self._params.order_numbers) is not None:
            more: dict[str, object] = {name: [order.source_id for order in orders]}
            pages = self._walk(self._paths.shipments, None, None, more)
        else:
            created = [self._documents.value(o.payload, "order", "created_at")[0] for o in orders]
            pages = self._walk(self._paths.shipments, min(map(_moment, created)), None)
        for rows in pages:
            yield from rows

    def _walk(
        self,
        path: str,
        since: datetime | None,
        until: datetime | None,
        more: Mapping[str, object] | None = None,
    ) -> Iterator[list[bytes]]:
        """Yield the pages of a list forward to the empty one, or past ``until``, and back."""
        number = count = 0
        while True:
            rows = self._page(path, since, number + 1, more)
            if not rows:
                break
            number, count = number + 1, count + len(rows)
            if number > MOST_PAGES:
                raise PermanentError(f"{KIND}: the list {path} has no end; trying again won't help")
            yield rows
            if self._is_sorted and until is not None and self._is_past(rows, until):
                break
        if number > 1 or count >= self._size:
            for place in range(number, 0, -1):
                yield self._page(path, since, place, more)

    def _is_past(self, rows: Sequence[bytes], until: datetime) -> bool:
        """Return whether a sorted list has nothing of the window behind this page."""
        moments = [self._record(row, LONG_AGO).updated_at for row in rows]
        return _ascends(moments) and moments[-1] >= until

    def _page(
        self,
        path: str,
        since: datetime | None,
        number: int,
        more: Mapping[str, object] | None = None,
    ) -> list[bytes]:
        params: dict[str, object] = {
            self._params.page: number,
            self._params.size: self._size,
            **self._store,
            **(more or {}),
        }
        if since is not None:
            params[self._params.since] = written(since)
        return self._reader.page(path, params)

    def _record(self, row: bytes, fallback: datetime) -> RawRecord:
        """Return a row's exact bytes; a row without id or time is captured too, and rejected."""
        number, text = self._documents.value(row, "order", "number", "updated_at")
        moment = _moment(text, fallback)
        return RawRecord(number if is_id(number) else fallback_id(row), moment, row)


def written(moment: datetime) -> str:
    """Write a time for a query: UTC, whole seconds."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment > LONG_AGO else ""


def _moment(text: str, fallback: datetime = LONG_AGO) -> datetime:
    moment = fallback
    with suppress(ValueError):  # the mapping will reject it
        moment = utc_moment(text) if text else fallback
    return moment if is_of_this_era(moment) else fallback


def _ascends(moments: Sequence[datetime]) -> bool:
    return all(one <= other for one, other in pairwise(moments))
