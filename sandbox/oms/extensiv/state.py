"""The complete state of one account, which the modules of this package read and change."""

from __future__ import annotations

import bisect
import time
from collections import Counter
from decimal import Decimal
from typing import Any

import orjson

from sandbox.kit.clock import Clock
from sandbox.oms.extensiv.book import AT_WMS, CANCELED, PARTIAL, Order
from sandbox.oms.extensiv.settings import Settings
from sandbox.oms.extensiv.stock import Stock

Json = dict[str, Any]
_FORMAT = 1


class State:
    """The state of one account; written only by the server's event loop."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.settings, self.clock, self.stock = Settings(), Clock(), Stock()
        self.orders: dict[str, Order] = {}
        self.counts: Counter[str] = Counter()
        self.serial = 0
        """Number of the last order or shipment."""
        self._updates: list[tuple[int, str]] = []
        """(updated, cust_ref), sorted; an entry is dead once its order has another time."""
        self._left, self._asked_at = 0.0, 0.0

    def next_serial(self) -> int:
        """Return the next number."""
        self.serial += 1
        return self.serial

    def touch(self, order: Order, *events: str) -> None:
        """Note that an order has changed now, by these events."""
        now = self.clock.now()
        order.updated = now
        for event in events:
            order.dates[event] = now
        bisect.insort(self._updates, (now, order.cust_ref))

    def updated_between(self, since: int, until: int) -> list[Order]:
        """Return the orders last changed in a span of time, both ends included."""
        start = bisect.bisect_left(self._updates, (since, ""))
        found: dict[str, Order] = {}
        for moment, cust_ref in self._updates[start:]:
            if moment > until:
                break
            order = self.orders.get(cust_ref)
            if order is not None and order.updated == moment:
                found[cust_ref] = order
        return list(found.values())

    def release(self, order: Order) -> None:
        """Give back what an order holds of the stock."""
        if order.status in (AT_WMS, PARTIAL):
            self.stock.hold(order.left(), order.warehouse, -1)

    def cancel(self, order: Order) -> None:
        """Cancel an order, and give back what it holds."""
        self.release(order)
        order.status, order.cancel_requested = CANCELED, False
        self.touch(order, CANCELED)
        self.counts["cancels"] += 1

    def take_permit(self) -> bool:
        """Take a call out of the leaky bucket; return whether one was left."""
        most = self.settings.bucket
        if not most:
            return True
        now = time.monotonic()
        if not self._asked_at:
            self._left = float(most)
        self._left = min(most, self._left + (now - self._asked_at) / self.settings.refill_seconds)
        self._asked_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def permits(self) -> int:
        """Return how many calls are left, as the answers' header states."""
        return int(self._left) if self._asked_at else self.settings.bucket

    def dump(self) -> bytes:
        """Serialise everything."""
        stock = self.stock
        return orjson.dumps(
            {
                "format": _FORMAT,
                "settings": self.settings.as_dict(),
                "clock": [self.clock.offset, self.clock.frozen],
                "orders": [order.as_dict() for order in self.orders.values()],
                "counts": dict(self.counts),
                "serial": self.serial,
                "products": stock.products,
                "warehouses": stock.warehouses,
                "changed": stock.changed,
                "on_hand": [
                    [sku, name, str(quantity)]
                    for sku, levels in stock.on_hand.items()
                    for name, quantity in levels.items()
                ],
                "held": [
                    [sku, name, str(quantity)] for (sku, name), quantity in stock.held.items()
                ],
            }
        )

    def load(self, data: bytes) -> None:
        """Restore ``dump``; raises ValueError for another format."""
        kept = orjson.loads(data)
        if kept.get("format") != _FORMAT:
            raise ValueError(f"a snapshot of format {kept.get('format')!r} can't be restored")
        self.settings.update(kept["settings"])
        self.clock.offset, self.clock.frozen = kept["clock"]
        self.orders = {row["document"]["cust_ref"]: Order(**row) for row in kept["orders"]}
        self._updates = sorted((order.updated, ref) for ref, order in self.orders.items())
        self.counts, self.serial = Counter(kept["counts"]), kept["serial"]
        stock = self.stock
        stock.products, stock.warehouses = kept["products"], kept["warehouses"]
        stock.changed = kept["changed"]
        for sku, name, quantity in kept["on_hand"]:
            stock.on_hand.setdefault(sku, {})[name] = Decimal(quantity)
        stock.held.update({(sku, name): Decimal(quantity) for sku, name, quantity in kept["held"]})
