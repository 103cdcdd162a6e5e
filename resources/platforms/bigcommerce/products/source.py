"""The source of the stream ``catalog``: products as they are sold, and what changed of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import msgspec

from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id
from domain.parsing.payload import HIGHEST_ID, Document, Scalar
from domain.parsing.scalars import to_moment
from domain.records.catalog import Product
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import BEFORE_STORES, Window
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.catalog import (
    IDS_A_CALL,
    PRODUCTS_PATH,
    READS_PRODUCTS,
    is_product_id,
    products_by_id,
)
from resources.platforms.bigcommerce.client import page_of
from resources.platforms.bigcommerce.personal import FACTS
from resources.platforms.bigcommerce.products.mapping import to_product
from resources.platforms.bigcommerce.products.names import names_of
from resources.platforms.bigcommerce.products.payload import FIELDS, VOLATILE
from resources.platforms.bigcommerce.settings import (
    BOUND_SLACK_SECONDS,
    BRANDS_PATH,
    CATALOG_PAGE,
    CATEGORIES_PATH,
    PROBE_SIZE,
)
from resources.versions import compared_without, without

SHOWN: Mapping[str, str | int] = {
    "include": "variants,images,custom_fields",
    "include_fields": ",".join(FIELDS),
    "limit": CATALOG_PAGE,
}


class _Header(Document):
    id: Scalar = None
    date_modified: Scalar = None
    brand_id: Scalar = None
    categories: list[Scalar] | None = None


class _Captured(msgspec.Struct):
    """A product with the names of its brand and categories, if it has any."""

    product: msgspec.Raw
    brand_name: str
    category_names: list[str]


_HEADERS = msgspec.json.Decoder(_Header)


class ProductsSource:
    """The products of one store."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(self, http: ApiClient) -> None:
        self._http = http

    def probe(self, since: datetime) -> datetime | None:
        """Return the modification time of the oldest product changed since ``since``; one call.

        ``since`` itself if that is unclear.
        """
        params: dict[str, str | int] = {
            **_bounds(since, None),
            "include_fields": "date_modified",
            "sort": "date_modified",
            "direction": "asc",
            "limit": PROBE_SIZE,
        }
        found = page_of(self._http, PRODUCTS_PATH, params, READS_PRODUCTS)
        moments = [_moment_of(_header_of(raw)) for raw in found]
        new = [moment or since for moment in moments if moment is None or moment >= since]
        if new:
            return min(new)
        return since if len(found) == PROBE_SIZE else None

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every product modified in the window, by ascending id.

        A window that starts before there were stores is of all products.
        """
        del scope
        if not window.is_empty:
            bounds = {} if window.since <= BEFORE_STORES else _bounds(window.since, window.until)
            yield from self._read(bounds, window)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read products by id; one that is deleted is absent."""
        numbers = sorted({int(text) for text in ids if is_product_id(text)})
        for start in range(0, len(numbers), IDS_A_CALL):
            listed = ",".join(map(str, numbers[start : start + IDS_A_CALL]))
            yield from self._read({"id:in": listed}, None)

    def to_canonical(self, payload: bytes) -> Mapped[Product] | Skipped:
        """Map a captured product. Raises ``RecordRejected``."""
        return to_product(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the store keeps its products, and a window can be read again."""

    def _read(self, more: Mapping[str, str | int], window: Window | None) -> Iterator[Page]:
        names: _Names | None = None
        for products in products_by_id(self._http, {**SHOWN, **more}):
            names = names or _Names(self._http)
            records: list[RawRecord] = []
            for raw in products:
                header = _header_of(raw)
                moment = _moment_of(header)
                if (
                    window is None
                    or moment is None
                    or window.since <= BEFORE_STORES
                    or moment in window
                ):
                    records.append(_record(raw, header, moment, names))
            if records:
                yield Page(records)


class _Names:
    """The names of the store's brands and categories, read if there is a product to name."""

    def __init__(self, http: ApiClient) -> None:
        self.brands = names_of(http, BRANDS_PATH)
        self.categories = names_of(http, CATEGORIES_PATH)


def _record(raw: msgspec.Raw, header: _Header, moment: datetime | None, names: _Names) -> RawRecord:
    number = header.id
    brand = names.brands.get(header.brand_id, "") if type(header.brand_id) is int else ""
    categories = [
        names.categories[one]
        for one in header.categories or ()
        if type(one) is int and one in names.categories
    ]
    has_names = bool(brand or categories)
    payload = msgspec.json.encode(_Captured(raw, brand, categories)) if has_names else bytes(raw)
    known = type(number) is int and 0 < number <= HIGHEST_ID
    name = str(number) if known else fallback_id(bytes(raw))
    return compared_without(RawRecord(name, moment or BEFORE_STORES, payload), _strip)


def _strip(captured: dict[str, Any]) -> None:
    """Remove the stock, and the time of the modification."""
    product = captured.get("product", captured)
    without(product, *VOLATILE)
    if isinstance(product, dict):
        without(product.get("variants"), "inventory_level")


def _header_of(raw: msgspec.Raw) -> _Header:
    """Return what is read of a product before it is mapped; nothing if it can't be read."""
    try:
        return _HEADERS.decode(raw)
    except (ValueError, RecursionError):
        return _Header()


def _moment_of(header: _Header) -> datetime | None:
    written = header.date_modified
    return to_moment(written) if isinstance(written, str) else None


def _bounds(since: datetime, until: datetime | None) -> dict[str, str | int]:
    """Return the filter by modification time, wider than asked: the bounds' edges are unclear.

    With the time of day, or the store would add the current one.
    """
    slack = timedelta(seconds=BOUND_SLACK_SECONDS)
    bounds: dict[str, str | int] = {"date_modified:min": _stamp(since - slack)}
    if until is not None:
        bounds["date_modified:max"] = _stamp(until + slack)
    return bounds


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
