"""Reading orders by the time of their last change, while the orders keep changing.

An order that is changed between two pages moves to the end, and all orders behind its old place
move forward, past the edge of a page cut by number. So pages are cut by the time of the last row
read: the next query starts at that time again, and repeated rows are dropped. Pages by number serve
only among rows of the same time, and where the answer is not sorted by time (a replica that lags, a
sort that the tenant ignores): of orders that do not change, none is missed there either.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias, cast

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id, is_id
from domain.parsing.vendor_documents import text_of
from domain.values import LONG_AGO, Window, is_of_this_era
from resources.http.client import ApiClient
from resources.oms.manhattan.client import KIND, Answer, fetch_answer, quoted, rows_of
from resources.oms.manhattan.local_time import LocalTime
from resources.oms.manhattan.parsing import Id
from resources.oms.manhattan.settings import ManhattanSettings

MILLISECOND = timedelta(milliseconds=1)
Version: TypeAlias = tuple[str, datetime]


class _RowKey(Protocol):
    order_id: Id
    stamp: str | None


class OrderSearch:
    """The order search of one tenant."""

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._client, self._settings = client, settings
        self._local, self._clock = LocalTime(settings.zone), client.policy.clock
        self._stamp_name = settings.names.stamp
        self._sort = [{"attribute": self._stamp_name, "direction": "asc"}]
        fields = [
            ("order_id", Id, msgspec.field(default=None, name="OrderId")),
            ("stamp", str | None, msgspec.field(default=None, name=self._stamp_name)),
        ]
        self._row_key = msgspec.json.Decoder(msgspec.defstruct("RowKey", fields))

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``.

        One call that asks for one row of two attributes.
        """
        present = max(self._clock.now(), since)
        query = f"{self._stamp_name} >= {_literal(self._local.lowest(since, present))}"
        # In an hour that comes again, stamps above the present's are of its first time.
        if self._local.is_repeating(present):
            query += f" and {self._stamp_name} < {_literal(self._local.after(present))}"
        rows = rows_of(self._fetch(query, 0, 1, {"OrderId": None, self._stamp_name: None}))
        if not rows:
            return None
        # A lagging replica finds the new state and returns the old one: there was a change anyway.
        return max(since, self._record(rows[0], since).updated_at)

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders last changed in the window, page by page, each version once.

        The end is an empty page, or one that repeats what is known although more rows would fit.
        """
        size, cursor, page, largest = self._settings.search_page_size, window.since, 0, 0
        since = _literal(self._local.lowest(window.since, window.until))
        end = self._local.highest(window.since, window.until)
        until = _literal(end + MILLISECOND - timedelta(microseconds=1))
        seen: set[Version] = set()
        while not window.is_empty:
            query = f"{self._stamp_name} >= {since} and {self._stamp_name} < {until}"
            answer, records = self._page(query, page, size, window.since)
            versions = {(record.source_id, record.updated_at) for record in records}
            new = versions - seen
            fresh = [
                record
                for record in records
                if record.updated_at in window and (record.source_id, record.updated_at) in new
            ]
            if fresh:
                yield fresh
            if not new:
                if self._is_end(answer, page, records, largest):
                    return
                page += 1
                continue
            largest = max(largest, len(records))
            seen |= versions
            times = [to_millisecond(record.updated_at) for record in records]
            is_sorted = times == sorted(times)
            is_one_time = page == 0 and len(records) < size and times[0] == times[-1]
            if is_one_time and not self._page(query, 1, size, window.since)[1]:
                return  # nearly every live window: one row, and one look behind it
            if is_sorted and times[-1] > cursor:
                cursor, page = times[-1], 0
                since = _literal(self._local.stamp(cursor))
                # Only rows that the next query repeats are remembered: memory stays bounded.
                seen = {known for known in seen if known[1] >= cursor}
            else:
                page += 1

    def matching(self, query: str, size: int) -> list[RawRecord]:
        """Return the orders of a query that can have at most ``size`` of them."""
        found: dict[str, RawRecord] = {}
        page = 0
        while True:
            _, records = self._page(query, page, size, LONG_AGO)
            known = len(found)
            found |= {record.source_id: record for record in records}
            if len(found) == known or len(found) >= size:
                return list(found.values())
            page += 1

    def _page(
        self, query: str, page: int, size: int, fallback: datetime
    ) -> tuple[Answer, list[RawRecord]]:
        answer = self._fetch(query, page, size, self._settings.search_template)
        return answer, [self._record(row, fallback) for row in rows_of(answer)]

    def _fetch(
        self, query: str, page: int, size: int, template: dict[str, object] | None
    ) -> Answer:
        body: dict[str, object] = {"Query": query, "Page": page, "Size": size, "Sort": self._sort}
        if template is not None:
            body["Template"] = template
        return fetch_answer(self._client, self._settings.paths.order_search, body)

    def _is_end(
        self, answer: Answer, page: int, records: Sequence[RawRecord], largest: int
    ) -> bool:
        """Return whether a page with nothing new is the end of the window.

        Rows from the last known time on: if more fit on a page, there are no more. Of a page by
        number, a full one that repeats another shows that the tenant ignores the number.
        """
        if not records:
            return True
        if page == 0:
            return len(records) < largest
        total = answer.page().total()
        if len(records) >= self._settings.search_page_size or (total or 0) > page * largest:
            raise PermanentError(
                f"{KIND}: page {page} of a search repeats the rows of another: the tenant ignores "
                "Page, and rows would be missed; trying again won't help"
            )
        return True

    def _record(self, row: msgspec.Raw, fallback: datetime) -> RawRecord:
        """Return a row's exact bytes; a row without id or time is captured too, and then rejected.

        A time that can't be read or is implausible becomes ``fallback``: otherwise the window that
        found the row would drop it, and no other window would find it.
        """
        payload = bytes(row)
        order_id, moment = "", fallback
        with suppress(ValueError, RecursionError):  # the mapping will reject it
            key = cast("_RowKey", self._row_key.decode(payload))
            order_id = text_of(key.order_id)
            if key.stamp:
                moment = self._local.moment(key.stamp, self._clock.now())
        if not is_of_this_era(moment):
            moment = fallback
        return RawRecord(order_id if is_id(order_id) else fallback_id(payload), moment, payload)


def _literal(stamp: datetime) -> str:
    """Write a time for a query: in the tenant's zone without naming it, milliseconds cut."""
    return quoted(stamp.isoformat(timespec="milliseconds"))


def to_millisecond(moment: datetime) -> datetime:
    """Return the millisecond that a time lies in: queries have no finer unit."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
