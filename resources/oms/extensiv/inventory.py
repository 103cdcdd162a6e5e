"""Stock: reading its rows, and the stock level of each (oms.md, section 2.6).

There is no filter for what changed, so all of the stock is listed, and the digest of a row's
content shows what is new. Quantities come as numbers in lists and as text alone; the content has
one form.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo

import orjson

from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import fallback_id, is_id
from domain.parsing.vendor_documents import LIMIT, text_of
from domain.policies import InventoryPolicy
from domain.records.inventory import StockLevel
from domain.sources import COMPLETE, EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import (
    Number,
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

NODE = b'{"node":'
ZERO = Decimal(0)
LEAST = Decimal("0.000001")
"""Finer differences of a quantity are none."""
ALL_WAREHOUSES = "AllWarehouses"
"""The node of an account's number over all of its warehouses, where the connection names none."""


def view_of(policy: InventoryPolicy) -> str:
    """Return by which name the number over all warehouses is kept."""
    return policy.view or ALL_WAREHOUSES


class InventorySource:
    """The stock of one account, in all warehouses or by warehouse."""

    shape: ClassVar[Shape] = "snapshot"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, stock: StockList, settings: ExtensivSettings, policy: InventoryPolicy
    ) -> None:
        self._stock, self._policy = stock, policy
        self._mapper = StockMapper(settings, policy)

    @property
    def view(self) -> str:
        """Return the name of an account's number over its warehouses; it has no views to choose."""
        return view_of(self._policy)

    def probe(self, since: datetime) -> datetime | None:
        """Return ``since``: the account has no query for what has changed."""
        return since

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the stock of the SKUs in scope, or all of it; at its end it is complete."""
        del window
        not_before = scope.not_before or datetime.now(UTC)
        rows = (
            self._stock.everything(not_before)
            if scope.ids is None
            else self._stock.rows(scope.ids, not_before)
        )
        yield from self._to_pages(rows)
        yield COMPLETE

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read the stock of SKUs."""
        return self._to_pages(self._stock.rows(ids, datetime.now(UTC)))

    def to_canonical(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Map a captured row."""
        return self._mapper.level(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the account reports its present stock whenever it is asked."""

    def _to_pages(self, batches: Iterator[list[bytes]]) -> Iterator[Page]:
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

    def _record(self, sku: str, node: str, payload: bytes, now: datetime) -> RawRecord:
        source_id = f"{sku}@{node}"
        if not sku or not is_id(source_id):
            source_id = fallback_id(payload)
        return RawRecord(source_id, now, payload, self._mapper.content(payload))


class StockMapper:
    """Maps rows by one connection's settings. Pure."""

    def __init__(self, settings: ExtensivSettings, policy: InventoryPolicy) -> None:
        self._zone, self._view = ZoneInfo(settings.naive_time_zone), view_of(policy)

    def level(self, payload: bytes) -> Mapped[StockLevel] | Skipped:
        """Return a row's stock level; raises ``RecordRejected`` ``oms_payload_unreadable``."""
        sku, node, row, problems = self._opened(payload)
        found = Findings(problems)
        with found.collecting():
            available = _units(row.qty_available, "qty_available", found)
            on_hand = None
            if row.qty_on_hand is not None:
                on_hand = max(_units(row.qty_on_hand, "qty_on_hand", found), ZERO)
            level = StockLevel(
                sku=sku,
                node=node,
                available=max(available, ZERO),
                on_hand=on_hand,
                status=_status(available),
                observed_at=found.moment(row.wms_datetime, "wms_datetime", self._zone),
            )
        return Mapped(level, (_negative(sku, available),) if available < 0 else ())

    def content(self, payload: bytes) -> bytes | None:
        """Return what makes two states of a row differ: its quantities, in one form.

        ``None`` if it can't be read: the mapping reports what is wrong with it.
        """
        try:
            sku, node, row, problems = self._opened(payload)
        except RecordRejected:
            return None
        values = (row.qty_available, row.qty_on_hand)
        if problems or not all(value is None or _is_plausible(value) for value in values):
            return None
        return orjson.dumps([sku, node, *map(_written, values)])

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


def _units(value: Number, field: str, found: Findings) -> Decimal:
    if value is not None and value.is_finite() and value < 0:
        return -found.number(-value, field)
    return found.number(value, field)


def _is_plausible(value: Decimal) -> bool:
    return value.is_finite() and -LIMIT < value < LIMIT


def _written(value: Number) -> str | None:
    return None if value is None else f"{value.quantize(LEAST).normalize():f}"


def _status(available: Decimal) -> Literal["in_stock", "out_of_stock"]:
    return "in_stock" if available > 0 else "out_of_stock"


def _negative(sku: str, available: Decimal) -> Problem:
    text = "The availability is negative, so more was sold than there is; it shows as 0."
    advice = "Look at the product's stock and open orders at the warehouse."
    return Problem("quantity_negative", "qty_available", text, advice, f"{sku}: {available}")
