"""The complete state of one account, which the modules of this package read and change."""

from __future__ import annotations

import bisect
import time
from collections import Counter
from decimal import Decimal
from hashlib import sha256
from typing import Any

import orjson

from sandbox.kit.clock import Clock
from sandbox.oms.anchanto.book import CANCELED, Order
from sandbox.oms.anchanto.settings import Settings
from sandbox.oms.anchanto.stock import Stock

Json = dict[str, Any]
Key = tuple[str, str]
_FORMAT = 1


class State:
    """The state of one account; written only by the server's event loop."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.settings, self.clock, self.stock = Settings(), Clock(), Stock()
        self.orders: dict[Key, Order] = {}
        self.counts: Counter[str] = Counter()
        self.serial = 0
        """Number of the last order, shipment, manifest or token."""
        self.tokens: dict[str, float] = {}
        """Token -> wall time at which it expires."""
        self._updates: list[tuple[int, Key]] = []
        """(updated, key), sorted; an entry is dead once its order has another time."""
        self._second, self._used = 0, 0

    def next_serial(self) -> int:
        """Return the next number."""
        self.serial += 1
        return self.serial

    def find(self, number: str) -> Order | None:
        """Return the order of a number, of whichever sales channel."""
        return next((order for key, order in self.orders.items() if key[1] == number), None)

    def touch(self, order: Order) -> None:
        """Note that an order has changed now."""
        order.updated = self.clock.now()
        bisect.insort(self._updates, (order.updated, order.key))

    def updated_since(self, since: int) -> list[Order]:
        """Return the orders last changed at or after a time, the oldest change first."""
        found: dict[Key, Order] = {}
        for moment, key in self._updates[bisect.bisect_left(self._updates, (since, ("", ""))) :]:
            order = self.orders.get(key)
            if order is not None and order.updated == moment:
                found[key] = order
        return list(found.values())

    def cancel(self, order: Order) -> None:
        """Cancel an order, and give back what it reserves."""
        if order.warehouse:
            self.stock.hold(order.left(), order.warehouse, -1, self.clock.now())
        order.status = CANCELED
        self.touch(order)
        self.counts["cancels"] += 1

    def login(self) -> str:
        """Return a new token."""
        seed = f"{self.instance}:{self.settings.password}:{self.next_serial()}"
        token = f"eyJhbGciOiJIUzI1NiJ9.{sha256(seed.encode()).hexdigest()}"
        self.tokens[token] = time.time() + self.settings.token_seconds
        return token

    def knows(self, token: str) -> bool:
        """Return whether a token was given out and has not expired."""
        return self.tokens.get(token, 0.0) > time.time()

    def take_permit(self) -> bool:
        """Count a call of this second; return whether it is within the limit."""
        most, now = self.settings.requests_per_second, int(time.monotonic())
        if now != self._second:
            self._second, self._used = now, 0
        self._used += 1
        return not most or self._used <= most

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
                "tokens": self.tokens,
                "skus": stock.skus,
                "warehouses": stock.warehouses,
                "changed": [[*key, moment] for key, moment in stock.changed.items()],
                **{
                    name: [[*key, str(units)] for key, units in levels.items()]
                    for name, levels in (
                        ("on_hand", stock.on_hand),
                        ("buffers", stock.buffers),
                        ("held", stock.held),
                    )
                },
            }
        )

    def load(self, data: bytes) -> None:
        """Restore ``dump``; raises ValueError for another format."""
        kept = orjson.loads(data)
        if kept.get("format") != _FORMAT:
            raise ValueError(f"a snapshot of format {kept.get('format')!r} can't be restored")
        self.settings.update(kept["settings"])
        self.clock.offset, self.clock.frozen = kept["clock"]
        orders = [Order(**row) for row in kept["orders"]]
        self.orders = {order.key: order for order in orders}
        self._updates = sorted((order.updated, order.key) for order in orders)
        self.counts, self.serial = Counter(kept["counts"]), kept["serial"]
        self.tokens = kept["tokens"]
        stock = self.stock
        stock.skus, stock.warehouses = kept["skus"], kept["warehouses"]
        stock.changed = {(sku, code): moment for sku, code, moment in kept["changed"]}
        stock.on_hand.update(_levels(kept["on_hand"]))
        stock.buffers.update(_levels(kept["buffers"]))
        stock.held.update(_levels(kept["held"]))


def _levels(rows: list[list[str]]) -> dict[tuple[str, str], Decimal]:
    return {(sku, code): Decimal(quantity) for sku, code, quantity in rows}
