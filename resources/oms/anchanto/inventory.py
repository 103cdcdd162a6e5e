"""Stock: reading its rows, and the stock level of each SKU, in all warehouses or by warehouse.

A row is of one SKU at one warehouse. What can be sold everywhere is the sum of a SKU's rows, so
they are one record then.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar

import orjson

from domain.errors import PermanentError, Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id
from domain.parsing.vendor_documents import text_of
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.skus import sku_key
from domain.sources import Page
from domain.values import LONG_AGO
from resources.oms.anchanto.client import KIND, Reads
from resources.oms.anchanto.parsing import Findings
from resources.oms.anchanto.payload import Documents, StockRow, join_rows, unreadable
from resources.oms.anchanto.personal import FACTS
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.listed_stock import ListedStock, in_one_form, level_of, view_of

MOST_PAGES = 1_000_000
SKUS_A_CALL = 50
"""SKUs in one query: this many of the usual length stay well below 8 KB."""
ZERO = Decimal(0)


class StockList:
    """Reads the stock of an account: of named SKUs, or all of it."""

    def __init__(self, reader: Reads, settings: AnchantoSettings) -> None:
        self._reader, self._settings = reader, settings
        self._params, self._path = settings.wire.params, settings.wire.paths.stocks
        self._documents = Documents(settings.wire.fields)
        self._kept: list[bytes] | None = None
        self._kept_until = 0.0
        self._kept_from = LONG_AGO

    def rows(
        self, skus: Collection[str], not_before: datetime | None = None
    ) -> Iterator[list[bytes]]:
        """Read the rows of SKUs, all of one SKU together; those without stock are absent.

        A row without a readable SKU is among them: it may be one that was asked for. Without a
        query by SKU all stock is listed, as ``everything`` does.
        """
        asked = list(dict.fromkeys(skus))
        if (name := self._params.skus) is None:
            yield self._chosen(asked, self.everything(not_before))
            return
        for start in range(0, len(asked), SKUS_A_CALL):
            some = asked[start : start + SKUS_A_CALL]
            yield self._chosen(some, self._pages({name: some}))

    def everything(self, not_before: datetime | None = None) -> Iterator[list[bytes]]:
        """Read all rows, each SKU and warehouse once; a list that was just read serves again.

        With ``not_before`` it serves only if it was read then or later.
        """
        is_kept = self._kept is not None and time.monotonic() < self._kept_until
        if is_kept and (not_before is None or self._kept_from >= not_before):
            yield self._kept or []
            return
        started = datetime.now(UTC)
        kept: list[bytes] | None = []
        seen: set[tuple[str, ...]] = set()
        for rows in self._pages({}):
            fresh = []
            for row in rows:
                key = self.key_of(row)
                key = key if key[0] else (fallback_id(row),)
                if key not in seen:
                    seen.add(key)
                    fresh.append(row)
            if kept is not None:
                kept += fresh
                kept = kept if len(kept) <= self._settings.most_kept else None
            if fresh:
                yield fresh
        self._kept, self._kept_from = kept, started
        self._kept_until = time.monotonic() + self._settings.snapshot_ttl.total_seconds()

    def key_of(self, row: bytes) -> tuple[str, ...]:
        """Return SKU and warehouse of a row, empty if they can't be read."""
        return self._documents.value(row, "stock", "sku", "warehouse_code")

    def _chosen(self, skus: Sequence[str], pages: Iterable[Sequence[bytes]]) -> list[bytes]:
        wanted = {"", *(sku_key(sku) for sku in skus)}
        rows = {
            self.key_of(row): row
            for page in pages
            for row in page
            if sku_key(self.key_of(row)[0]) in wanted
        }
        return list(rows.values())

    def _pages(self, more: Mapping[str, object]) -> Iterator[list[bytes]]:
        """Yield the pages of the list up to the empty one."""
        for number in range(1, MOST_PAGES):
            size = self._settings.page_size
            params = {self._params.page: number, self._params.size: size, **more}
            rows = self._reader.page(self._path, params)
            if not rows:
                return
            yield rows
        raise PermanentError(f"{KIND}: the list of stock has no end; trying again won't help")


class InventorySource(ListedStock):
    """The stock of one account, in all warehouses or by warehouse."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, stock: StockList, settings: AnchantoSettings, policy: InventoryPolicy
    ) -> None:
        super().__init__(stock, StockMapper(settings, policy), policy)
        self._stock = stock

    def _to_pages(self, batches: Iterator[list[bytes]], *, is_whole: bool) -> Iterator[Page]:
        """Yield records; ``is_whole``: a batch has all rows of its SKUs."""
        now = datetime.now(UTC)
        if self._policy.mode == "aggregate" and not is_whole:
            batches = iter([[row for rows in batches for row in rows]])
        for rows in batches:
            if self._policy.mode == "aggregate":
                yield Page(self._sums(rows, now))
            else:
                yield Page([record for row in rows for record in self._node(row, now)])

    def _sums(self, rows: Sequence[bytes], now: datetime) -> list[RawRecord]:
        """Return a record for each SKU, with its rows in the order of their warehouses."""
        places: dict[str, list[tuple[str, bytes]]] = {}
        for row in rows:
            sku, warehouse = self._stock.key_of(row)
            places.setdefault(sku or fallback_id(row), []).append((warehouse, row))
        return [
            self._record(sku, self.view, join_rows([row for _, row in sorted(found)]), now)
            for sku, found in places.items()
        ]

    def _node(self, row: bytes, now: datetime) -> Iterator[RawRecord]:
        """Yield the record of a row at one of the connection's warehouses."""
        sku, warehouse = self._stock.key_of(row)
        names = {node.casefold(): node for node in self._policy.nodes}
        if not sku or not warehouse:  # it may be one of them: the mapping says what is wrong
            yield self._record("", "", row, now)
        elif (node := names.get(warehouse.casefold())) is not None:
            yield self._record(sku, node, row, now)


class StockMapper:
    """Maps rows by one connection's settings. Pure."""

    def __init__(self, settings: AnchantoSettings, policy: InventoryPolicy) -> None:
        self._documents = Documents(settings.wire.fields)
        self._policy, self._view = policy, view_of(policy)
        self._nodes = {node.casefold(): node for node in policy.nodes}

    def level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Return a SKU's stock level; raises ``RecordRejected`` ``oms_payload_unreadable``."""
        decoded = self._documents.stock(payload)
        rows = [each.document for each in decoded]
        found = Findings(tuple(problem for each in decoded for problem in each.problems))
        with found.collecting():
            sku, node = self._names(rows, found)
            units = [found.signed_number(row.available, "available") for row in rows]
            available, on_hand = sum(units, ZERO), None
            if any(row.on_hand is not None for row in rows):
                held = [found.signed_number(row.on_hand, "on_hand") for row in rows if row.on_hand]
                on_hand = sum(held, ZERO)
            moments = [found.moment(row.updated_at, "updated_at") for row in rows]
            observed_at = max((moment for moment in moments if moment), default=None)
            level = level_of(sku, node, available, on_hand, observed_at)
        return Mapped(level, (_negative(sku, available),) if available < 0 else ())

    def content(self, payload: bytes) -> bytes | None:
        """Return what makes two states of a SKU differ: its quantities, in one form.

        ``None`` if it can't be read: the mapping reports what is wrong with it.
        """
        try:
            decoded = self._documents.stock(payload)
        except RecordRejected:
            return None
        rows = [each.document for each in decoded]
        values = [value for row in rows for value in (row.available, row.on_hand)]
        if any(each.problems for each in decoded) or (texts := in_one_form(values)) is None:
            return None
        names = [[text_of(row.sku), text_of(row.warehouse_code)] for row in rows]
        return orjson.dumps([names, texts])

    def _names(self, rows: Sequence[StockRow], found: Findings) -> tuple[str, str]:
        """Return SKU and node of the rows, which are all of one SKU."""
        skus = {text_of(row.sku) for row in rows}
        sku = text_of(rows[0].sku)
        if not sku or len({sku_key(each) for each in skus}) > 1:
            found.unreadable("sku", "The row has no SKU, or the rows have several.")
        if self._policy.mode == "aggregate":
            return sku, self._view
        warehouse = text_of(rows[0].warehouse_code)
        node = self._nodes.get(warehouse.casefold())
        if node is None:
            raise unreadable("warehouse_code", "The row has no warehouse of ours.", warehouse)
        return sku, node


def _negative(sku: str, available: Decimal) -> Problem:
    text = "The availability is negative, so more was sold than there is; it shows as 0."
    advice = "Check the SKU's stock and open orders at Anchanto."
    return Problem("quantity_negative", "available", text, advice, f"{sku}: {available}")
