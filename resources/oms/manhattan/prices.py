"""Prices: reading the rows of the price component, and the price of each (oms.md, section 1.11).

``BasePrice`` is the regular price, ``SellingPrice`` what is asked now. UNVERIFIED: everything but
these two names and the component's path; attributes are settings, so no struct can declare them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import msgspec
import orjson

from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_composed_id
from domain.parsing.vendor_documents import text_of
from domain.records.prices import Price
from domain.sources import EVERYTHING, Page, Scope, Shape, read_named
from domain.values import Window
from resources.http.client import ApiClient
from resources.oms.manhattan.client import any_of, chunks, fetch_answer, rows_of
from resources.oms.manhattan.parsing import Findings, unreadable
from resources.oms.manhattan.personal import FACTS
from resources.oms.manhattan.settings import ManhattanSettings

_ROW = msgspec.json.Decoder(dict[str, object], float_hook=Decimal)


class PricesSource:
    """The prices of one tenant, of the SKUs that are asked for."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS
    skus_a_read: None = None
    """A call is for many SKUs: all are read."""

    def __init__(self, client: ApiClient, settings: ManhattanSettings) -> None:
        self._client, self._path = client, settings.paths.price_search
        self._names, self._zone = settings.names, settings.zone
        self._page_size = settings.price_page_size

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the current prices are read whenever they are asked for."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the prices of the SKUs in scope."""
        del window
        refusal = "manhattan: prices can only be read for named SKUs, and none were named"
        return read_named(self.read, scope, refusal)

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read the prices of SKUs, page by page up to one with no new row: a SKU may have many."""
        for chunk in chunks(list(dict.fromkeys(ids)), self._page_size):
            query, page = any_of(self._names.item_id, chunk), 0
            seen: dict[bytes, None] = {}
            while rows := [row for row in self._rows(query, page) if row not in seen]:
                seen |= dict.fromkeys(rows)
                page += 1
            if seen:
                now = datetime.now(UTC)
                yield Page(_apart([self._record(row, now) for row in seen]))

    def any_price(self) -> str | None:
        """Return the SKU of one price, ``None`` if there is none at all."""
        rows = self._rows(None, 0, 1)
        return text_of((_decoded(rows[0]) or {}).get(self._names.item_id)) if rows else None

    def to_canonical(self, payload: bytes) -> Mapped[Price] | Skipped:
        """Map a captured price. Raises ``RecordRejected`` ``oms_payload_unreadable``."""
        row = _decoded(payload)
        if row is None:
            raise unreadable(self._names.item_id, "The row is not an object.")
        names, problems = self._names, Findings(self._zone)
        with problems.collecting():
            regular = _amount(row, names.base_price, problems)
            has_sale = row.get(names.selling_price) is not None
            sale = _amount(row, names.selling_price, problems) if has_sale else None
            price = Price(
                sku=text_of(row.get(names.item_id)),
                price_list=self._text(row, names.price_list),
                currency=self._text(row, names.price_currency).upper(),
                regular=regular,
                sale=sale,
                valid_from=self._moment(row, names.price_from, problems),
                valid_until=self._moment(row, names.price_until, problems),
            )
        return Mapped(price)

    async def acknowledge(self, done: Collection[str]) -> None:
        """Do nothing: the tenant shows its prices whenever it is asked."""

    def _rows(self, query: str | None, page: int, size: int | None = None) -> list[bytes]:
        body: dict[str, object] = {"Page": page, "Size": size or self._page_size}
        if query:
            body["Query"] = query
        return [bytes(row) for row in rows_of(fetch_answer(self._client, self._path, body))]

    def _record(self, payload: bytes, moment: datetime) -> RawRecord:
        """Return a row; its content leaves out when it was touched, and who touched it."""
        row, names = _decoded(payload), self._names
        if row is None:
            return RawRecord(fallback_id(payload), moment, payload)
        read = (
            *(names.item_id, names.price_list, names.price_currency),
            *(names.base_price, names.selling_price, names.price_from, names.price_until),
        )
        content = orjson.dumps(
            {name: row.get(name) for name in read if name},
            default=str,
            option=orjson.OPT_SORT_KEYS,
        )
        sku = text_of(row.get(names.item_id))
        parts = (names.price_list, names.price_currency, names.price_from)
        source_id = f"{sku}@{'/'.join(self._text(row, name) for name in parts).rstrip('/')}"
        if not sku or not is_composed_id(source_id):
            source_id = fallback_id(content)
        return RawRecord(source_id, moment, payload, content)

    def _text(self, row: Mapping[str, object], name: str | None) -> str:
        value = row.get(name) if name else None
        if isinstance(value, dict):  # ids are wrapped in objects of one key
            value = next(iter(value.values()), None)
        return text_of(value) if isinstance(value, str | int) else ""

    def _moment(
        self, row: Mapping[str, object], name: str | None, problems: Findings
    ) -> datetime | None:
        value = row.get(name) if name else None
        if value is None or isinstance(value, str):
            return problems.moment(value, name or "")
        problems.unreadable(name or "", "The time is not text.")
        return None


def _apart(rows: Sequence[RawRecord]) -> list[RawRecord]:
    """Give rows of one id that differ ids of their content: none replaces the other unseen.

    They have one place in the store, so that none of them is sent until the OMS has one of them.
    """
    contents: dict[str, set[bytes]] = {}
    for row in rows:
        contents.setdefault(row.source_id, set()).add(row.content or row.payload)
    return [
        row
        if len(contents[row.source_id]) == 1
        else msgspec.structs.replace(row, source_id=fallback_id(row.content or row.payload))
        for row in rows
    ]


def _amount(row: Mapping[str, object], name: str, problems: Findings) -> Decimal:
    """Return an amount as it is stated, also one that no price can be: the batch's rules say so.

    A missing or unreadable one is a problem.
    """
    value = row.get(name)
    is_written = isinstance(value, int | Decimal | str) and not isinstance(value, bool)
    try:
        amount = Decimal(str(value)) if is_written else Decimal("NaN")
    except ArithmeticError:
        amount = Decimal("NaN")
    if amount.is_finite():
        return amount
    problems.unreadable(name, "The price is missing or no number.", text_of(value)[:40])
    return Decimal(0)


def _decoded(row: bytes) -> dict[str, object] | None:
    try:
        return _ROW.decode(row)
    except (ValueError, RecursionError, ArithmeticError):
        return None
