"""The complete state of one tenant, which the modules of this package read and change."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sandbox.oms.manhattan.auth import Tokens
from sandbox.oms.manhattan.book import OrderBook, OrderRecord
from sandbox.oms.manhattan.clock import Clock
from sandbox.oms.manhattan.events import OrderEvents
from sandbox.oms.manhattan.rate import Rate
from sandbox.oms.manhattan.settings import Settings
from sandbox.oms.manhattan.stock import Stock

Json = dict[str, Any]


class State:
    """The state of one tenant; written only by the server's event loop."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.settings = Settings()
        self.clock = Clock(self.settings)
        self.tokens, self.rate = Tokens(instance), Rate()
        self.items: dict[str, Json] = {}
        self.prices: dict[str, Json] = {}
        """Prices by item, list and currency (prices.py)."""
        self.customers: dict[str, Any] = {}
        """Customers by id (customers.py)."""
        self.stock = Stock()
        self.book = OrderBook(self.stock, self.settings)
        self.events = OrderEvents(self.settings)
        self.counts: Counter[str] = Counter()
        self.last_search: tuple[str, int, list[OrderRecord]] | None = None
        """Query, version of the book and result of the last order search."""
        self.serial = 0
        """Number of the last package; makes tracking numbers unique."""

    def commit(self, order: Json) -> OrderRecord:
        """Store a created or changed order at the tenant's current time."""
        record = self.book.commit(order, self.clock.stamp_ms())
        self.events.publish(record.raw, record.order_id, order["UpdatedTimestamp"])
        return record

    def next_serial(self) -> int:
        """Return the next package's number."""
        self.serial += 1
        return self.serial
