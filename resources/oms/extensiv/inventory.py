"""Stock: reading its rows, and the stock level of each (oms.md, section 2.6).

There is no filter for what changed, so all of the stock is listed, and the digest of a row's
content shows what is new. Quantities come as numbers in lists and as text alone; the content has
one form.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar
from zoneinfo import ZoneInfo

import orjson

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.parsing.vendor_documents import text_of
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.sources import Page
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import (
    WarehouseLevel,
    decode_level,
    decode_node,
    decode_stock,
    unreadable,
)
from resources.oms.extensiv.personal import FACTS
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import StockList, sku_of
from resources.oms.extensiv.warehouses import place_in
from resources.oms.listed_stock import ListedStock, in_one_form, level_of, view_of

NODE = b'{"node":'


class InventorySource(ListedStock):
    """The stock of one account, in all warehouses or by warehouse."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, stock: StockList, settings: ExtensivSettings, policy: InventoryPolicy
    ) -> None:
        super().__init__(stock, StockMapper(settings, policy), policy)

    def _to_pages(self, batches: Iterator[list[bytes]], *, is_whole: bool) -> Iterator[Page]:
        del is_whole
        now = datetime.now(UTC)
        for rows in batches:
            yield Page([record for row in rows for record in self._records(row, now)])

    def _records(self, row: bytes, now: datetime) -> Iterator[RawRecord]:
        """Yield the record of a row, or of each of the connection's warehouses in it."""
        sku = sku_of(row)
        if self._policy.mode == "aggregate" or not sku:
            yield self._record(sku, self.view, row, now)
            return
        for node in self._policy.nodes:
            if _may_hold(row, node):
                # The row as it came, and which of its warehouses this record is about.
                payload = orjson.dumps({"node": node, "row": orjson.Fragment(row)})
                yield self._record(sku, node, payload, now)


class StockMapper:
    """Maps rows by one connection's settings. Pure."""

    def __init__(self, settings: ExtensivSettings, policy: InventoryPolicy) -> None:
        self._zone, self._view = ZoneInfo(settings.naive_time_zone), view_of(policy)

    def level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Return a row's stock level; raises ``RecordRejected`` ``oms_payload_unreadable``."""
        sku, node, row, problems = self._opened(payload)
        found = Findings(problems)
        with found.collecting():
            available, on_hand = found.signed_number(row.qty_available, "qty_available"), None
            if row.qty_on_hand is not None:
                on_hand = found.signed_number(row.qty_on_hand, "qty_on_hand")
            observed_at = found.moment(row.wms_datetime, "wms_datetime", self._zone)
            level = level_of(sku, node, available, on_hand, observed_at)
        return Mapped(level, (_negative(sku, available),) if available < 0 else ())

    def content(self, payload: bytes) -> bytes | None:
        """Return what makes two states of a row differ: its quantities, in one form.

        ``None`` if it can't be read: the mapping reports what is wrong with it.
        """
        try:
            sku, node, row, problems = self._opened(payload)
        except RecordRejected:
            return None
        if problems or (texts := in_one_form((row.qty_available, row.qty_on_hand))) is None:
            return None
        return orjson.dumps([sku, node, *texts])

    def _opened(self, payload: bytes) -> tuple[str, str, WarehouseLevel, tuple[Problem, ...]]:
        """Return SKU, node, the quantities there, and what is wrong with the row."""
        if not payload.startswith(NODE):
            decoded = decode_stock(payload)
            row = decoded.document
            whole = WarehouseLevel(None, row.qty_available, row.qty_on_hand, row.wms_datetime)
            return text_of(row.sku), self._view, whole, decoded.problems
        wrapped = decode_node(payload)
        node, inner = text_of(wrapped.document.node), bytes(wrapped.document.row)
        place = place_in(inner, node)
        if place is None:
            raise unreadable("warehouses", "The row has no such warehouse.", node)
        level = decode_level(place)
        return sku_of(inner), node, level.document, (*wrapped.problems, *level.problems)


def _may_hold(row: bytes, node: str) -> bool:
    """Return whether a row is about a warehouse; one that can't be read is, and is rejected."""
    try:
        return place_in(row, node) is not None
    except RecordRejected:
        return True


def _negative(sku: str, available: Decimal) -> Problem:
    text = "The availability is negative, so more was sold than there is; it shows as 0."
    advice = "Check the product's stock and open orders at the warehouse."
    return Problem("quantity_negative", "qty_available", text, advice, f"{sku}: {available}")
