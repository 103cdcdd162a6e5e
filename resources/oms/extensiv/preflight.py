"""Checks of a connection before it goes live, each with a call that changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from domain.connections import PRICES, Connection
from domain.errors import PermanentError, RecordRejected
from domain.exchange import Check, Skipped
from resources.http.client import ApiClient
from resources.oms.extensiv.client import fetch, path_of
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.prices import PricesSource
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.stock_list import StockList, sku_of
from resources.oms.extensiv.warehouses import place_in
from resources.preflight import result_of

NO_ORDER = "lockstep-preflight"
"""The id of an order that does not exist: looking at it shows whether the key is accepted."""
NO_STOCK = "no SKU has stock yet"
"""What the checks of a new account see."""
RECENT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Preflight:
    """The checks of one connection."""

    settings: ExtensivSettings
    connection: Connection
    cart: ApiClient
    merchant: ApiClient
    lists: OrderLists
    stock: StockList

    def run(self) -> list[Check]:
        """Run all checks in order."""
        checks: tuple[tuple[str, Callable[[], str], str], ...] = (
            ("cart key", self._cart_key, "Check cart_user and cart_key: a key of the level Cart."),
            (
                "orders",
                self._orders,
                "Check merchant_user and merchant_key (a key of the level Merchant), and lists.",
            ),
            ("stock", self._stock, "Check merchant_key and paths.stock."),
            (
                "products",
                self._products,
                "Check paths.product and codes.not_found.",
            ),
            (
                "warehouses",
                self._warehouses,
                "In inventory.nodes, name Extensiv's warehouses, by id or name.",
            ),
        )
        if PRICES in self.connection.streams:
            advice = "Give products a price at Extensiv, or correct price_field."
            checks = (*checks, ("prices", self._prices, advice))
        return [result_of(name, check, advice) for name, check, advice in checks]

    def _cart_key(self) -> str:
        """Read an order that does not exist with the cart's key, whose refusal is the answer."""
        path = path_of(self.settings.paths.read.replace("/merchant/", "/cart/"), cust_ref=NO_ORDER)
        answer, _ = fetch(self.cart, self.settings.codes, path)
        if answer.is_refused and not answer.says(self.settings.codes.not_found):
            raise PermanentError(f"an unknown order was answered by: {answer.text}")
        return "the key was accepted"

    def _orders(self) -> str:
        oldest = self.lists.oldest_since(self.merchant.policy.clock.now() - RECENT)
        shown = "none has changed in a day" if oldest is None else "some have changed in a day"
        return f"orders can be listed; {shown}"

    def _stock(self) -> str:
        first = next(self.stock.everything(), [])
        if not first:
            return f"WARNING: {NO_STOCK}, so the store would show nothing"
        return f"stock can be read, such as that of {sku_of(first[0])}"

    def _products(self) -> str:
        path = path_of(self.settings.paths.product, sku=NO_ORDER)
        answer, _ = fetch(self.merchant, self.settings.codes, path)
        if answer.is_refused and not answer.says(self.settings.codes.not_found):
            raise PermanentError(f"an unknown product was answered by: {answer.text}")
        return "products can be looked up"

    def _prices(self) -> str:
        """Check the price of the first SKU that has stock: it may be one without a price."""
        source = PricesSource(self.merchant, self.settings)
        first = next(self.stock.everything(), [])
        if not first:
            return f"WARNING: {NO_STOCK}, so there is no price to check"
        rows = source.read([sku_of(first[0])])
        mapped = [source.to_canonical(row.payload) for page in rows for row in page.records]
        if not mapped:
            raise PermanentError("no product could be read whose price could be looked at")
        name = self.settings.price_field
        if isinstance(mapped[0], Skipped):
            return f"WARNING: {mapped[0].reason} at {sku_of(first[0])}"
        return f"{name} is the price, such as {mapped[0].record.regular} of {sku_of(first[0])}"

    def _warehouses(self) -> str:
        policy = self.connection.inventory
        if policy.mode == "aggregate":
            return "the stock of all warehouses is added up by Extensiv"
        missing, any_stock = dict.fromkeys(policy.nodes), False
        for rows in self.stock.everything():
            any_stock = any_stock or bool(rows)
            for row in rows:
                for node in [node for node in missing if _holds(row, node)]:
                    del missing[node]
            if not missing:
                return f"all {len(policy.nodes)} warehouses hold stock"
        if not any_stock:
            return f"WARNING: {NO_STOCK}, so the warehouses' names can't be checked"
        raise PermanentError(f"no SKU has stock at {', '.join(missing)}")


def _holds(row: bytes, node: str) -> bool:
    """Return whether a row has stock at a warehouse; one that can't be read shows none."""
    try:
        return place_in(row, node) is not None
    except RecordRejected:
        return False
