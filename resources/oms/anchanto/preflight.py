"""Checks of a connection before it goes live, each with a call that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from domain.errors import PermanentError
from domain.exchange import Check
from domain.policies import InventoryPolicy
from resources.http.client import ApiClient
from resources.oms.anchanto.inventory import StockList
from resources.oms.anchanto.orders.lists import OrderLists
from resources.preflight import result_of

RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The checks of one connection."""

    policy: InventoryPolicy
    client: ApiClient
    lists: OrderLists
    stock: StockList

    def run(self) -> list[Check]:
        """Run all checks in order."""
        checks: tuple[tuple[str, Callable[[], str], str], ...] = (
            ("orders", self._orders, "Check email, password, store_code, and wire.paths.orders."),
            ("shipments", self._shipments, "Check wire.paths.shipments and wire.params."),
            (
                "stock",
                lambda: stock_of(self.stock),
                "Check wire.paths.stocks, and that SKUs have stock.",
            ),
            (
                "warehouses",
                lambda: warehouses_of(self.stock, self.policy),
                "In inventory.nodes, name Anchanto's warehouses, by their codes.",
            ),
        )
        return [result_of(name, check, advice) for name, check, advice in checks]

    def _orders(self) -> str:
        oldest = self.lists.oldest_since(self.client.policy.clock.now() - RECENT)
        shown = "none has changed in a day" if oldest is None else "some have changed in a day"
        return f"orders can be listed; {shown}"

    def _shipments(self) -> str:
        count = self.lists.count_shipments(self.client.policy.clock.now() - RECENT)
        return f"shipments can be listed; {count or 'none'} on the page of those of a day"


def stock_of(stock: StockList) -> str:
    """Say that stock can be read. Raises ``PermanentError`` if no SKU has any."""
    first = next(stock.everything(), [])
    if not first:
        raise PermanentError("no SKU has stock, so the store would show nothing")
    return f"stock can be read, such as that of {stock.key_of(first[0])[0] or 'a row without SKU'}"


def warehouses_of(stock: StockList, policy: InventoryPolicy) -> str:
    """Say that the connection's warehouses hold stock. Raises ``PermanentError``."""
    if policy.mode == "aggregate":
        return "the stock of all warehouses is added up"
    missing = {node.casefold(): node for node in policy.nodes}
    for rows in stock.everything():
        for row in rows:
            missing.pop(stock.key_of(row)[1].casefold(), None)
        if not missing:
            return f"all {len(policy.nodes)} warehouses hold stock"
    raise PermanentError(f"no SKU has stock at {', '.join(missing.values())}")
