"""Reading orders by the time of their last change, over a set that moves while it is read.

An order that is touched between two pages moves to the end, and what stood behind it moves forward, past the page's edge. So pages are cut
by the time of the last row read, not by number: the next query begins at that time again, and what it repeats is dropped. Pages by number
serve only among rows of one and the same time, and where the answer is not in order of time (a replica that lags, a sort that is not
understood): no row of a set at rest is missed there either.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from domain.errors import TransientError
from domain.exchange import RawRecord
from domain.identity import fallback_id, is_id
from domain.values import Window, is_of_this_era
from resources.http.client import ApiClient
from resources.oms.manhattan.envelope import Answer, open_envelope, read_answer
from resources.oms.manhattan.payload import Id, text_of, to_moment
from resources.oms.manhattan.settings import ManhattanSettings

MILLISECOND = timedelta(milliseconds=1)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw] | None)


class OrderSearch:
    """The order search of one tenant."""

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._client, self._settings, self._zone = client, settings, settings.zone
        stamp = settings.names.stamp
        self._sort = [{"attribute": stamp, "direction": "asc"}]
        fields: list[Any] = [
            ("order_id", Id, msgspec.field(default=None, name="OrderId")),
            ("stamp", str | None, msgspec.field(default=None, name=stamp)),
        ]
        self._head = msgspec.json.Decoder(msgspec.defstruct("Head", fields))

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``; one row of two attributes."""
        query = f"{self._settings.names.stamp} >= '{self._stamp(since)}'"
        answer = self._ask(query, 0, 1, {"OrderId": None, self._settings.names.stamp: None})
        rows = rows_of(answer)
        if not rows:
            return None
        # A replica that lags finds the new state and shows the old one: that something changed is true all the same.
        return max(since, self._record(rows[0], since).updated_at)

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders whose time of change lies in the window, page by page, each version once."""
        settings, cursor, page = self._settings, window.since, 0
        until = self._stamp(window.until + MILLISECOND - timedelta(microseconds=1))
        seen: set[tuple[str, datetime]] = set()
        while not window.is_empty:
            query = f"{settings.names.stamp} >= '{self._stamp(cursor)}' and {settings.names.stamp} < '{until}'"
            answer = self._ask(query, page, settings.search_page_size, settings.search_template)
            records = [self._record(row, window.since) for row in rows_of(answer)]
            fresh = [
                r
                for r in records
                if r.updated_at in window and (r.source_id, r.updated_at) not in seen
            ]
            if fresh:
                yield fresh
            if self._is_last(answer, page, len(records)):
                return
            seen |= {(record.source_id, record.updated_at) for record in records}
            times = [record.updated_at for record in records]
            if times == sorted(times) and to_millisecond(times[-1]) > cursor:
                cursor, page = to_millisecond(times[-1]), 0
                # Only what the next query repeats has to be remembered, so memory does not grow with the window.
                seen = {known for known in seen if known[1] >= cursor}
            else:
                page += 1

    def matching(self, query: str, size: int) -> list[RawRecord]:
        """Return the orders of a query that can have at most ``size`` of them."""
        found: list[RawRecord] = []
        page = 0
        while True:
            answer = self._ask(query, page, size, self._settings.search_template)
            records = [
                self._record(row, datetime.min.replace(tzinfo=UTC)) for row in rows_of(answer)
            ]
            found += records
            total = answer.page().number("totalCount")
            if not records or len(found) >= (size if total is None else total):
                return found
            page += 1

    def _ask(self, query: str, page: int, size: int, template: dict[str, object] | None) -> Answer:
        body: dict[str, object] = {"Query": query, "Page": page, "Size": size, "Sort": self._sort}
        if template is not None:
            body["Template"] = template
        path = self._settings.paths.order_search
        return read_answer(
            self._client.request("POST", path, json=body, idempotent=True, decode=open_envelope)
        )

    def _is_last(self, answer: Answer, page: int, rows: int) -> bool:
        """Tell whether nothing follows; the tenant may cut pages shorter than asked, so its own count goes first."""
        header = answer.page()
        total, size = (
            header.number("totalCount"),
            header.number("size") or self._settings.search_page_size,
        )
        if total is None:
            return rows < self._settings.search_page_size
        return not rows or page * size + rows >= total

    def _record(self, row: msgspec.Raw, fallback: datetime) -> RawRecord:
        """Return a row's exact bytes; one without id or time is captured all the same, and rejected when it is mapped."""
        payload = bytes(row)
        try:
            head: Any = self._head.decode(payload)
            order_id, stamp = text_of(head.order_id), head.stamp
        except (ValueError, RecursionError):
            order_id, stamp = "", None
        try:
            moment = to_moment(stamp, self._zone) if stamp else fallback
        except ValueError:
            moment = fallback
        if not is_of_this_era(moment):
            moment = fallback  # else the window that found it would drop it, and no other would ever take it
        return RawRecord(order_id if is_id(order_id) else fallback_id(payload), moment, payload)

    def _stamp(self, moment: datetime) -> str:
        """Write a time as bodies do: in the tenant's zone, without naming it, to the millisecond below."""
        return moment.astimezone(self._zone).replace(tzinfo=None).isoformat(timespec="milliseconds")


def rows_of(answer: Answer) -> list[msgspec.Raw]:
    """Return the rows of an answer's data, which may be null; raises ``TransientError`` where it is no list."""
    try:
        return _ROWS.decode(answer.data) or []
    except (ValueError, RecursionError) as error:
        raise TransientError(
            f"manhattan: a search answered data that is no list ({error}); another try may help"
        ) from error


def to_millisecond(moment: datetime) -> datetime:
    """Return the millisecond that a time lies in, which is all that a query can name."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)
