"""The tenant's orders: bodies as bytes, and the few columns that searches and counts need.

Bodies are kept serialised: tens of thousands of parsed orders would cost gigabytes of memory and
slow down every garbage collection.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from sandbox.oms.manhattan.clock import to_iso
from sandbox.oms.manhattan.settings import Settings
from sandbox.oms.manhattan.statuses import roll_up
from sandbox.oms.manhattan.stock import Holding, Stock, holdings_of

Json = dict[str, Any]

_SAME_MOMENT_MS = 1000
_MOST_CORRELATIONS = 50


@dataclass(slots=True)
class OrderRecord:
    """One order with its bookkeeping columns."""

    order_id: str
    raw: bytes
    updated_ms: int
    created_ms: int
    alternate_id: str
    org_id: str
    min_status: float
    max_status: float
    creates: int = 0
    saves: int = 0
    saved_total: str = "0"
    """Total as of the last save through the API, before anything was canceled."""
    holdings: tuple[Holding, ...] = ()
    previous: bytes | None = None
    stale_left: int = 0
    correlations: list[str] = field(default_factory=list)

    def load(self) -> Json:
        """Parse the body, to change it."""
        order: Json = orjson.loads(self.raw)
        return order

    def read(self) -> bytes:
        """Return the body as a reader sees it: the previous version while stale reads remain."""
        if self.stale_left > 0 and self.previous is not None:
            self.stale_left -= 1
            return self.previous
        return self.raw

    def correlate(self, correlation_id: str | None) -> None:
        """Record a caller's correlation id."""
        if (
            correlation_id
            and correlation_id not in self.correlations
            and len(self.correlations) < _MOST_CORRELATIONS
        ):
            self.correlations.append(correlation_id)


class OrderBook:
    """All orders by id and by time of change."""

    def __init__(self, stock: Stock, settings: Settings) -> None:
        self.stock = stock
        self.settings = settings
        self.records: dict[str, OrderRecord] = {}
        self.version = 0
        """Counts the changes, so that a cached search result can be recognised as stale."""
        self._timeline: list[tuple[int, str]] = []
        """(updated, id), sorted; an entry is dead once its record has another time."""

    def commit(self, order: Json, now_ms: int, *, silent: bool = False) -> OrderRecord:
        """Store a created or changed order with its rolled-up statuses and its stock holdings.

        The order's time of change is another one than before, and later unless the clock went back;
        ``silent`` keeps it as it was, as a direct edit in the database does.
        """
        self.version += 1
        order_id = order["OrderId"]
        record = self.records.get(order_id)
        low, high = roll_up(order, self.settings.status_style, self.settings.status_names)
        stamp = (
            now_ms
            if record is None
            else record.updated_ms
            if silent
            else record.updated_ms + 1
            if now_ms <= record.updated_ms < now_ms + _SAME_MOMENT_MS
            else now_ms
        )
        order["UpdatedTimestamp"] = to_iso(stamp)
        order.setdefault("CreatedTimestamp", order["UpdatedTimestamp"])
        raw = orjson.dumps(order)
        if record is None:
            record = OrderRecord(order_id, raw, stamp, stamp, "", "", low, high)
            self.records[order_id] = record
        else:
            record.previous, record.raw = record.raw, raw
            record.stale_left = self.settings.stale_reads
        record.updated_ms, record.min_status, record.max_status = stamp, low, high
        record.alternate_id = str(order.get("AlternateOrderId") or "")
        record.org_id = str(order.get("OrgId") or "")
        self._hold(record, holdings_of(order))
        if not silent:
            self._enter(stamp, order_id)
        return record

    def remove(self, order_id: str) -> None:
        """Remove an order and release its stock holdings."""
        self.version += 1
        self._hold(self.records[order_id], ())
        del self.records[order_id]

    def since(self, from_ms: int | None) -> Iterator[OrderRecord]:
        """Yield the orders changed at or after a moment, by (UpdatedTimestamp, OrderId)."""
        start = 0 if from_ms is None else bisect.bisect_left(self._timeline, (from_ms, ""))
        for index in range(start, len(self._timeline)):
            stamp, order_id = self._timeline[index]
            record = self.records.get(order_id)
            if record is not None and record.updated_ms == stamp:
                yield record

    def adopt(self, record: OrderRecord) -> None:
        """Restore a record from a snapshot; the snapshot of the stock has its holdings."""
        self.records[record.order_id] = record
        self._enter(record.updated_ms, record.order_id)

    def _hold(self, record: OrderRecord, holdings: tuple[Holding, ...]) -> None:
        if holdings != record.holdings:
            self.stock.hold(record.holdings, -1)
            self.stock.hold(holdings, 1)
            record.holdings = holdings

    def _enter(self, stamp: int, order_id: str) -> None:
        bisect.insort(self._timeline, (stamp, order_id))
        if len(self._timeline) > 4 * len(self.records) + 1000:
            self._timeline = sorted((r.updated_ms, r.order_id) for r in self.records.values())
