"""Reading orders: by the lists of each status, whose dates mean different things, and by id.

A list is cut into pages by number while orders leave it, which moves those behind them one place
forward, past a page's edge. So a list of more than one page is read forward to its end and back:
what moves forward meets the second pass, and nothing is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id, is_id
from domain.parsing.scalars import to_whole
from domain.parsing.vendor_documents import text_of, utc_moment
from domain.values import LONG_AGO, Window, is_of_this_era
from resources.http.client import ApiClient
from resources.oms.extensiv.client import KIND, fetch, fetch_one, path_of, refused_read, rows_of
from resources.oms.extensiv.payload import Id
from resources.oms.extensiv.settings import ExtensivSettings

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
TOTAL_HEADER = "total-records"
MOST_PAGES = 100_000


class _RowKey(msgspec.Struct):
    cust_ref: Id = None
    updated_date_time: str | None = None


_ROW_KEY = msgspec.json.Decoder(_RowKey)


class OrderLists:
    """The orders of one account."""

    def __init__(self, client: ApiClient, settings: ExtensivSettings) -> None:
        self._client, self._settings = client, settings
        self._paths, self._lists, self._codes = settings.paths, settings.lists, settings.codes

    def oldest_since(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change at or after ``since``, or ``None``.

        One call for each list of ``lists.probe``. A full page may leave out the oldest, so that
        then ``since`` itself is returned.
        """
        until = max(self._client.policy.clock.now(), since) + DAY
        found: list[datetime] = []
        for name in self._lists.probe:
            rows, _ = self._page(name, since, until, 1)
            if len(rows) >= self._lists.page_size:
                return since
            found += [r.updated_at for r in self._in_window(rows, Window(since, until))]
        return min(found, default=None)

    def changed_in(self, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders that changed in the window by any list, page by page, each once.

        An order that was changed again since is returned as it is now.
        """
        seen: set[str] = set()
        # Both bounds are inclusive, and times have whole seconds.
        until = window.until - SECOND if window.until.microsecond == 0 else window.until
        if window.is_empty or until < window.since.replace(microsecond=0):
            return
        for name in self._lists.window:
            for rows in self._walk(name, window.since, until):
                fresh = {
                    record.source_id: record
                    for record in self._in_window(rows, window)
                    if record.source_id not in seen
                }
                seen |= fresh.keys()
                if fresh and self._lists.read_each:
                    yield self.read(list(fresh))
                elif fresh:
                    yield list(fresh.values())

    def read(self, cust_refs: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that the account has, each once, one call for each."""
        found: list[RawRecord] = []
        for cust_ref in dict.fromkeys(cust_refs):
            path = path_of(self._paths.read, cust_ref=cust_ref)
            options = dict.fromkeys(("include_order_extras", "include_line_extras"), "Y")
            order = fetch_one(self._client, self._codes, path, **options)
            if order is None:
                continue
            record = self._record(order, LONG_AGO)
            if record.source_id == cust_ref:
                found.append(record)
        return found

    def _walk(self, name: str, since: datetime, until: datetime) -> Iterator[list[bytes]]:
        """Yield the pages of a list forward to the empty one, and back if one may be short."""
        count = number = 0
        total = 0
        while number < MOST_PAGES:
            rows, stated = self._page(name, since, until, number + 1)
            if not rows:
                break
            number, count, total = number + 1, count + len(rows), max(total, stated)
            yield rows
        else:
            raise PermanentError(f"{KIND}: the list {name} has no end; trying again won't help")
        if number > 1 or count >= self._lists.page_size or total > count:
            for place in range(number, 0, -1):
                rows, _ = self._page(name, since, until, place)
                yield rows

    def _page(
        self, name: str, since: datetime, until: datetime, number: int
    ) -> tuple[list[bytes], int]:
        """Return a page's rows, and how many the list has by the vendor's own count."""
        params: dict[str, str | int] = {
            "from_date": _written(since),
            "to_date": _written(until),
            "limit": self._lists.page_size,
            "page": number,
        }
        if self._lists.source:
            params["order_source"] = self._lists.source
        path = path_of(self._paths.list, status=name)
        answer, reply = fetch(self._client, self._codes, path, **params)
        if answer.is_refused:
            raise refused_read(reply, answer)
        stated = reply.headers.get(TOTAL_HEADER, "")
        return rows_of(answer, reply.where), to_whole(stated) or 0

    def _in_window(self, rows: Sequence[bytes], window: Window) -> Iterator[RawRecord]:
        """Yield the records of rows that a list's own date has found in the window.

        One whose last update is before the window is dated at its start: its status changed in it.
        """
        start = window.since.replace(microsecond=0)
        for row in rows:
            record = self._record(row, window.since)
            if start <= record.updated_at < window.since:
                continue
            if record.updated_at < start:
                record = RawRecord(record.source_id, window.since, row)
            yield record

    def _record(self, payload: bytes, fallback: datetime) -> RawRecord:
        """Return a row's exact bytes; a row without id or time is captured too, and rejected."""
        cust_ref, moment = "", fallback
        with suppress(ValueError, RecursionError):  # the mapping will reject it
            key = _ROW_KEY.decode(payload)
            cust_ref = text_of(key.cust_ref)
            if key.updated_date_time:
                moment = utc_moment(key.updated_date_time)
        if not is_of_this_era(moment):
            moment = fallback
        return RawRecord(cust_ref if is_id(cust_ref) else fallback_id(payload), moment, payload)


def _written(moment: datetime) -> str:
    """Write a time for a query: UTC with its offset, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0).isoformat()
