"""Reads customers with all of their addresses (customers.v3.yml), by the vendor's own cursor.

Pages by number would skip customers: one who changes while they are read leaves the window, and all
behind them move up. A customer's list of addresses is cut at ten; for those who have more, all of
them are read apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from domain.errors import PermanentError
from domain.exchange import RawRecord
from domain.identity import fallback_id
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import HIGHEST_ID, Document, Scalar
from domain.parsing.scalars import to_moment
from domain.values import BEFORE_STORES, Window
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.answers_payload import CURSORS
from resources.platforms.bigcommerce.client import (
    NO_CONTENT,
    document_of,
    list_of,
    pages_of,
    scope_check,
)
from resources.platforms.bigcommerce.settings import (
    BOUND_SLACK_SECONDS,
    PROBE_SIZE,
    BigCommerceSettings,
)

PATH, ADDRESSES_PATH = "/v3/customers", "/v3/customers/addresses"
SCOPE = "store_v2_customers_read_only"
IDS_A_CALL = 50
ADDRESS_PAGE = 250
READS = scope_check(SCOPE)
Params = Mapping[str, str | int]


class _Header(Document):
    id: Scalar = None
    date_modified: Scalar = None
    address_count: Scalar = None
    addresses: msgspec.Raw = msgspec.Raw(b"[]")


class _Owned(Document):
    customer_id: Scalar = None


class _Captured(msgspec.Struct):
    """A customer with more addresses than its list has."""

    customer: msgspec.Raw
    addresses: list[msgspec.Raw]


_HEADERS = msgspec.json.Decoder(_Header)
_OWNERS = msgspec.json.Decoder(_Owned)
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])


class CustomersReader:
    """Reads the customers of one store."""

    def __init__(self, http: ApiClient, settings: BigCommerceSettings) -> None:
        self._http, self._settings = http, settings

    def probe(self, since: datetime) -> datetime | None:
        """Return the modification time of the oldest customer changed since ``since``.

        ``since`` itself if that is unclear; one call.
        """
        params = {**_bounds(since, None), "sort": "date_modified:asc", "limit": PROBE_SIZE}
        found, _ = self._page(params)
        moments = [moment for raw in found for _, moment, _ in [header_of(raw)]]
        new = [moment or since for moment in moments if moment is None or moment >= since]
        if new:
            return min(new)
        return since if len(found) == PROBE_SIZE else None

    def read(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the customers modified in the window, page by page."""
        if window.is_empty:
            return
        params = {**_bounds(window.since, window.until), "limit": self._settings.page_size}
        for page in self._pages(params):
            yield self._records(page, window)

    def read_by_id(self, ids: Collection[str]) -> Iterator[list[RawRecord]]:
        """Yield customers by their ids; those that the store does not have are absent."""
        numbers = sorted({int(text) for text in ids if _is_id(text)})
        for start in range(0, len(numbers), IDS_A_CALL):
            wanted = numbers[start : start + IDS_A_CALL]
            listed = ",".join(map(str, wanted))
            missing = set(wanted)
            for page in self._pages({"id:in": listed, "limit": IDS_A_CALL}):
                found = {header_of(raw)[0]: raw for raw in page}
                named = [raw for number, raw in found.items() if number in missing]
                missing -= found.keys()
                if named:
                    yield self._records(named, None)
                if not missing:
                    break

    def _pages(self, params: Params) -> Iterator[list[msgspec.Raw]]:
        """Yield pages, each continued by the cursor of the one before.

        The end is an empty page, or one without a cursor behind others that had one. A store whose
        first page has none knows no cursors: its pages are read by number.
        """
        params = {**params, "include": "addresses"}
        page, cursor = self._page(params)
        seen: set[str] = set()
        number = 1
        while page:
            yield page
            if cursor in seen:
                raise PermanentError(
                    f"BigCommerce: GET {PATH} gave a cursor twice, and would repeat its pages: "
                    f"{CONTRACT}"
                )
            if not cursor and seen:
                return
            if cursor:
                seen.add(cursor)
                page, cursor = self._page({**params, "after": cursor})
                continue
            number, first = number + 1, bytes(page[0])
            page, _ = self._page({**params, "page": number})
            if page and bytes(page[0]) == first:
                raise PermanentError(
                    f"BigCommerce: GET {PATH} gave page {number - 1} twice: {CONTRACT}"
                )

    def _page(self, params: Params) -> tuple[list[msgspec.Raw], str]:
        reply = self._http.request("GET", PATH, params=params)
        if reply.status == NO_CONTENT:
            return [], ""
        READS(reply)
        document = document_of(reply, CURSORS)
        cursors = document.meta.cursor_pagination if document.meta is not None else None
        cursor = cursors.end_cursor if cursors is not None else None
        return list_of(reply.where, document.data), cursor or ""

    def _records(self, page: Sequence[msgspec.Raw], window: Window | None) -> list[RawRecord]:
        """Return the customers of a page that are in the window, with all of their addresses."""
        kept: list[tuple[int | None, datetime, msgspec.Raw]] = []
        long: list[int] = []
        for raw in page:
            number, moment, has_more = header_of(raw)
            if window is not None and moment is not None and moment not in window:
                continue
            kept.append((number, moment or (window.since if window else BEFORE_STORES), raw))
            long += [number] if has_more and number is not None else []
        addresses = self._addresses(long)
        return [
            RawRecord(
                str(number) if number is not None else fallback_id(bytes(raw)),
                moment,
                _with_addresses(raw, addresses[number]) if number in addresses else bytes(raw),
            )
            for number, moment, raw in kept
        ]

    def _addresses(self, numbers: Sequence[int]) -> dict[int, list[msgspec.Raw]]:
        """Return all addresses of these customers, by ascending id of the customer's list."""
        found: dict[int, list[msgspec.Raw]] = {number: [] for number in numbers}
        for start in range(0, len(numbers), IDS_A_CALL):
            listed = ",".join(map(str, numbers[start : start + IDS_A_CALL]))
            params: dict[str, str | int] = {"customer_id:in": listed, "limit": ADDRESS_PAGE}
            for page in pages_of(self._http, ADDRESSES_PATH, params, READS):
                for raw in page:
                    if (owner := _owner_of(raw)) in found:
                        found[owner].append(raw)
        return found


def header_of(raw: msgspec.Raw) -> tuple[int | None, datetime | None, bool]:
    """Return a customer's id, its modification time, and whether it has more addresses than listed.

    What can't be read is ``None``: such a customer is captured, and rejected when it is mapped.
    """
    try:
        header = _HEADERS.decode(raw)
        listed = len(_ENTRIES.decode(header.addresses))
    except (ValueError, RecursionError):
        return _id_of(raw), None, False
    number, written, count = header.id, header.date_modified, header.address_count
    known = number if type(number) is int and 0 < number <= HIGHEST_ID else None
    moment = to_moment(written) if isinstance(written, str) else None
    return known, moment, type(count) is int and count > listed


def _id_of(raw: msgspec.Raw) -> int | None:
    """Return the id of a customer whose other values can't be read."""
    try:
        document = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return None
    number = document.get("id") if isinstance(document, dict) else None
    return number if type(number) is int and 0 < number <= HIGHEST_ID else None


def _owner_of(raw: msgspec.Raw) -> int:
    try:
        number = _OWNERS.decode(raw).customer_id
    except (ValueError, RecursionError):
        return 0
    return number if type(number) is int else 0


def _with_addresses(raw: msgspec.Raw, addresses: list[msgspec.Raw]) -> bytes:
    return msgspec.json.encode(_Captured(raw, addresses))


def _bounds(since: datetime, until: datetime | None) -> dict[str, str | int]:
    """Return the filter by modification time, wider than asked: the bounds' edges are unclear."""
    slack = timedelta(seconds=BOUND_SLACK_SECONDS)
    bounds: dict[str, str | int] = {"date_modified:min": _stamp(since - slack)}
    if until is not None:
        bounds["date_modified:max"] = _stamp(until + slack)
    return bounds


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= HIGHEST_ID


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
