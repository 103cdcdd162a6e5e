"""Reads the orders of a window by keyset paging on (``lastModifiedAt``, ``id``).

Each page continues behind the last order of the page before, so neither the vendor's offset limit
nor orders of one millisecond matter. The list ends at an empty page. How late a change may become
visible is bounded by the connection's ``overlap``: UNVERIFIED, since the vendor does not document
whether orders are committed in the order of their times.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from domain.scalars import to_moment
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.client import CONTRACT, Params, one_of, query, quoted
from resources.platforms.commercetools.settings import EXPAND, IDS_A_CALL, CommercetoolsSettings

Page = list[RawRecord]
PATH, SCOPE = "/orders", "view_orders"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""In place of a modification time that can't be read."""
MILLISECOND = timedelta(milliseconds=1)
SORT = ["lastModifiedAt asc", "id asc"]
ID_DIGITS = frozenset("0123456789abcdefABCDEF-")


class _Header(msgspec.Struct, rename="camel"):
    id: object = None
    last_modified_at: object = None


_HEADERS = msgspec.json.Decoder(_Header)


class OrdersReader:
    """Reads orders of one connection."""

    def __init__(self, http: ApiClient, settings: CommercetoolsSettings) -> None:
        self._http, self._settings = http, settings
        key = settings.store_key
        self._store = [] if key is None else [f"store(key = {quoted(key)})"]

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest order changed since ``since``; one call.

        Asked by messages it is ``since`` itself: they are dated after the change.
        """
        if self._settings.probe == "messages":
            where = ['resource(typeId = "order")', f"createdAt >= {_stamp(since)}"]
            found = query(self._http, "/messages", {"where": where, "limit": 1}, "view_messages")
            return since if found else None
        where = [*self._store, f"lastModifiedAt >= {_stamp(since)}"]
        params: Params = {"where": where, "sort": SORT, "limit": 1}
        page = query(self._http, PATH, params, SCOPE)
        if not page:
            return None
        _, moment = header_of(page[0])
        return max(moment, since) if moment is not None else since

    def read(self, window: Window) -> Iterator[Page]:
        """Yield the window's orders in pages."""
        if window.is_empty:
            return
        # Whole milliseconds, which the vendor's times have: the exact window is cut here.
        bounds = f"lastModifiedAt < {_stamp(window.until + MILLISECOND)}"
        last: tuple[datetime, str] | None = None
        while True:
            since = window.since if last is None else last[0]
            where = [*self._store, f"lastModifiedAt >= {_stamp(since)}", bounds]
            if last is not None:
                where.append(f"lastModifiedAt > {_stamp(last[0])} or id > {quoted(last[1])}")
            params: Params = {
                "where": where, "sort": SORT, "limit": self._settings.page_size, "expand": EXPAND
            }  # fmt: skip
            page = query(self._http, PATH, params, SCOPE)
            if not page:
                return
            records, following = _records(page, window)
            if records:
                yield records
            if following is None or (last is not None and following <= last):
                raise PermanentError(
                    f"commercetools: GET {PATH} gave {len(page)} orders of which none comes after "
                    f"the page before (no id, no lastModifiedAt, or not sorted): {CONTRACT}"
                )
            last = following

    def read_by_id(self, ids: Collection[str]) -> Iterator[Page]:
        """Yield orders by their ids; unknown ones are absent."""
        wanted = sorted({order_id for order_id in ids if is_id(order_id)})
        for start in range(0, len(wanted), IDS_A_CALL):
            chunk = wanted[start : start + IDS_A_CALL]
            where = [*self._store, one_of("id", chunk)]
            params: Params = {"where": where, "sort": SORT, "limit": IDS_A_CALL, "expand": EXPAND}
            records = [
                RawRecord(order_id, moment or NEVER, bytes(raw))
                for raw in query(self._http, PATH, params, SCOPE)
                for order_id, moment in [header_of(raw)]
                if order_id in chunk
            ]
            if records:
                yield records


def _records(page: list[msgspec.Raw], window: Window) -> tuple[Page, tuple[datetime, str] | None]:
    """Return a page's orders in the window, and the last order that can be continued from."""
    records: Page = []
    last: tuple[datetime, str] | None = None
    for raw in page:
        order_id, moment = header_of(raw)
        if order_id is not None and moment is not None:
            last = moment, order_id
        if moment is None or moment in window:
            name = order_id or fallback_id(bytes(raw))
            records.append(RawRecord(name, moment or window.since, bytes(raw)))
    return records, last


def header_of(raw: msgspec.Raw) -> tuple[str | None, datetime | None]:
    """Return an order's id and modification time, ``None`` for what can't be read."""
    try:
        header = _HEADERS.decode(raw)
    except (ValueError, RecursionError):
        return None, None
    order_id, written = header.id, header.last_modified_at
    return (
        order_id if isinstance(order_id, str) and is_id(order_id) else None,
        to_moment(written) if isinstance(written, str) else None,
    )


def is_id(text: str) -> bool:
    """Return whether a text may be an id of the vendor: a UUID, by its characters."""
    return len(text) == 36 and ID_DIGITS.issuperset(text)


def _stamp(moment: datetime) -> str:
    """Return a time as a predicate's literal, cut to milliseconds."""
    moment = moment.astimezone(UTC)
    return f'"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"'
