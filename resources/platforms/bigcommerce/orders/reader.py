"""Reads the orders of a window: time slices in parallel, each by ascending id.

By id, an order that changes meanwhile can't make a page skip another.

The whole window is asked for first, and cut into slices only if the page is full. The list ends at
an empty page: a live window costs a call, and one more that finds nothing behind what has changed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime, timedelta

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.orders.enrichment import ExtrasReader, Listed
from resources.platforms.bigcommerce.orders.header import ListedOrder, header_of, slices
from resources.platforms.bigcommerce.settings import (
    BOUND_SLACK_SECONDS,
    ORDER_INCLUDES,
    PROBE_SIZE,
    ROUND_PAGE,
    SORT_BY_MODIFIED,
    BigCommerceSettings,
)

Page = list[RawRecord]


class OrdersReader:
    """Reads orders of one connection."""

    def __init__(
        self, http: ApiClient, settings: BigCommerceSettings, extras: ExtrasReader
    ) -> None:
        self._http, self._settings, self._extras = http, settings, extras
        self._passes: list[dict[str, str | int]] = (
            [{}, {"is_deleted": "true"}] if settings.fetch_archived else [{}]
        )

    def probe(self, since: datetime) -> datetime | None:
        """Return the modification time of the oldest order changed since ``since``.

        ``since`` itself if that is unclear.
        """
        params = self._bounds(since, None) | {"sort": SORT_BY_MODIFIED, "limit": PROBE_SIZE}
        oldest: list[datetime] = []
        for more in self._passes:
            found = self._page(params | more)
            moments = [moment for _, _, moment, _ in found if moment is None or moment >= since]
            if moments:
                oldest.append(min((moment or since) for moment in moments))
            elif len(found) == PROBE_SIZE:
                oldest.append(since)
        return min(oldest, default=None)

    def read(self, window: Window) -> Iterator[Page]:
        """Yield the window's orders in pages, each once."""
        if window.is_empty:
            return
        for more in self._passes:
            reading, last, found = _Reading(self, window, more), 0, 1
            while found:
                records, last, found = reading.page(window, last)
                if self._is_full(found):
                    yield from reading.side_by_side(records, last)
                    break
                if records:
                    yield records

    def _is_full(self, found: int) -> bool:
        """Return whether a page is as long as pages get, so that many more may follow."""
        return found >= self._settings.page_size or (found > 0 and found % ROUND_PAGE == 0)

    def _bounds(self, since: datetime, until: datetime | None) -> dict[str, str | int]:
        bounds: dict[str, str | int] = {
            "min_date_modified": _stamp(since - timedelta(seconds=BOUND_SLACK_SECONDS))
        }
        if until is not None:
            bounds["max_date_modified"] = _stamp(until + timedelta(seconds=BOUND_SLACK_SECONDS))
        if self._settings.channel_id is not None:
            bounds["channel_id"] = self._settings.channel_id
        return bounds

    def _page(
        self, params: dict[str, str | int]
    ) -> list[tuple[msgspec.Raw, int | None, datetime | None, ListedOrder | None]]:
        reply = self._http.request("GET", "/v2/orders", params=params, decode=slices)
        if not reply.ok:
            raise PermanentError(
                f"{reply.error_summary()}; check the token's scope store_v2_orders_read_only"
            )
        return [(raw, *header_of(raw)) for raw in reply.value or ()]


class _Reading:
    """One pass over one window."""

    def __init__(self, reader: OrdersReader, window: Window, more: dict[str, str | int]) -> None:
        self._reader, self._window, self._more = reader, window, more
        self._undated: set[int | str] = set()
        self._lock = threading.Lock()
        self._stop = threading.Event()

    def page(self, window: Window, last: int) -> tuple[Page, int, int]:
        """Return a page's orders after id ``last``, its last id, and how many it held.

        Only a page of none is the end; nothing can be asked for behind an order without an id.
        """
        reader, limit = self._reader, self._reader._settings.page_size
        params = reader._bounds(window.since, window.until) | self._more
        params |= {
            "sort": "id",
            "min_id": last + 1,
            "limit": limit,
            "include": ORDER_INCLUDES,
            "consignment_structure": "object",
        }
        found = reader._page(params)
        kept: list[Listed] = []
        before = last
        for raw, number, moment, head in found:
            if number is not None:
                _check_order(number, last, before)
                last = number
            if moment is None and self._is_new(number or fallback_id(bytes(raw))):
                kept.append((raw, number, self._window.since, head))
            elif moment is not None and moment in window:
                kept.append((raw, number, moment, head))
        if found and last == before and (len(found) > 1 or limit == 1):
            # One order without an id is the order's fault; where all are so, it is the answer's,
            # and no order can be identified.
            raise PermanentError(
                f"BigCommerce: GET /v2/orders gave {len(found)} orders after order {before}, none "
                "of them with an id: that breaks the API's contract; trying again won't help"
            )
        return reader._extras.complete(kept), last, len(found) if last > before else 0

    def side_by_side(self, first: Page, last: int) -> Iterator[Page]:
        """Yield the first page and all after id ``last``; at most two pages a slice are held."""
        parts = self._window.split(self._reader._settings.read_concurrency)
        held: queue.Queue[Page | BaseException | None] = queue.Queue(maxsize=len(parts))
        with ThreadPoolExecutor(len(parts), thread_name_prefix="bigcommerce-orders") as pool:
            for part in parts:
                pool.submit(copy_context().run, self._read_slice, part, last, held)
            try:
                if first:
                    yield first
                running = len(parts)
                while running:
                    page = held.get()
                    if page is None:
                        running -= 1
                    elif isinstance(page, BaseException):
                        raise page
                    else:
                        yield page
            finally:
                self._stop.set()

    def _read_slice(
        self, part: Window, last: int, held: queue.Queue[Page | BaseException | None]
    ) -> None:
        try:
            found = 1
            while found and not self._stop.is_set():
                records, last, found = self.page(part, last)
                if records:
                    self._put(held, records)
            self._put(held, None)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the consumer's thread
            self._put(held, error)

    def _put(
        self, held: queue.Queue[Page | BaseException | None], page: Page | BaseException | None
    ) -> None:
        # A reader without a consumer must end: the pool waits for it.
        while not self._stop.is_set():
            try:
                held.put(page, timeout=0.2)
                return  # noqa: TRY300 - the loop is for the other case
            except queue.Full:
                continue

    def _is_new(self, name: int | str) -> bool:
        """Return whether an order without a readable time, which no slice owns, is new."""
        with self._lock:
            new = name not in self._undated
            self._undated.add(name)
            return new


def _check_order(number: int, last: int, before: int) -> None:
    """Refuse a page that is not in order of ids; an order may be on it in two versions."""
    if number < last or number <= before:
        raise PermanentError(
            f"BigCommerce: GET /v2/orders gave order {number} after order {last}: it ignores "
            "min_id or sort=id, and pages would repeat or skip; trying again won't help"
        )


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
