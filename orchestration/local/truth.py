"""What two simulated systems hold, as they say themselves (sandbox/kit/truth.py)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx
import orjson

from domain.errors import TransientError
from resources.http.urls import tls_context

Json = dict[str, Any]
SETTLE_SECONDS = 30
PART = "~"
"""Between a line's id and the address that a part of its units goes to."""


class Systems:
    """The contents of two simulated systems, as they hold them (sandbox/kit/truth.py).

    ``store`` and ``oms`` are the paths of the instances, such as ``{kind}/{instance}``. Orders are
    found by the number that they have at both. ``ships_only``: the OMS has no lines that are
    e-mailed.
    """

    def __init__(self, url: str, store: str, oms: str, *, ships_only: bool = False) -> None:
        self.ships_only = ships_only
        self._store, self._oms = f"{url}/_sandbox/{store}/truth", f"{url}/_sandbox/{oms}/truth"
        self._http = httpx.Client(timeout=120, verify=tls_context())

    def has_no_place_for(self, order: Json) -> bool:
        """Return whether the OMS can't hold an order: it ships to one address."""
        return self.ships_only and order["places"] != 1

    def store_orders(self) -> dict[str, Json]:
        """Return the store's orders by number."""
        return {order["number"]: order for order in self._truth(self._store)["orders"]}

    def oms_orders(self) -> dict[str, Json]:
        """Return the OMS's orders by id."""
        return {order["id"]: order for order in self._truth(self._oms)["orders"]}

    def store_stock(self) -> dict[str, int]:
        """Return the store's stock by SKU, summed over its locations, once all writes show.

        Raises ``TransientError`` if they never do.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while (truth := self._truth(self._store)).get("pending"):
            if time.monotonic() > deadline:
                raise TransientError(
                    f"The store's stock did not settle within {SETTLE_SECONDS} s; try again."
                )
            time.sleep(0.1)
        return _by_sku(truth["levels"])

    def oms_availability(self) -> dict[str, int]:
        """Return the OMS's availability by SKU, wherever the units lie."""
        return _by_sku(self._truth(self._oms)["levels"])

    def store_customers(self) -> dict[str, Json]:
        """Return the store's registered customers by id."""
        return {each["id"]: each for each in self._truth(self._store).get("customers", ())}

    def oms_customers(self) -> dict[str, Json]:
        """Return the OMS's customers by id."""
        return {each["id"]: each for each in self._truth(self._oms).get("customers", ())}

    def confirmed_returns(self) -> Counter[tuple[str, str]]:
        """Return (order's number, line) -> units that the OMS has confirmed as returned."""
        return _returned(self._truth(self._oms)["returns"], "confirmed")

    def store_products(self) -> dict[str, str]:
        """Return the names of what the store sells, by SKU."""
        return {row["sku"]: row["name"] for row in self._truth(self._store)["products"]}

    def store_prices(self) -> dict[str, Decimal]:
        """Return the regular prices of the store's own list, by SKU."""
        return _own_prices(self._truth(self._store))

    def oms_prices(self) -> dict[str, Decimal]:
        """Return the regular prices of the OMS that are in no list, by SKU."""
        return _own_prices(self._truth(self._oms))

    def store_returns(self) -> tuple[Counter[tuple[str, str]], dict[str, Decimal] | None]:
        """Return (order's number, line) -> units that the store shows as returned or refunded.

        With it order's number -> what was refunded, without what has failed; ``None`` of a store
        that gives no money back.
        """
        truth = self._truth(self._store)
        numbers = {order["id"]: order["number"] for order in truth["orders"]}
        rows: list[Json] = truth["returns" if "returns" in truth else "refunds"]
        shown = _returned(rows, "lines", numbers)
        if "refunds" not in truth:
            return shown, None
        money: dict[str, Decimal] = {}
        for refund in truth["refunds"]:
            if refund.get("state") != "Failure":
                number = numbers[refund["order"]]
                money[number] = money.get(number, Decimal(0)) + Decimal(refund["amount"])
        return shown, money

    def _truth(self, url: str) -> Json:
        answer = self._http.get(url).raise_for_status()
        truth: Json = orjson.loads(answer.content)
        return truth

    def close(self) -> None:
        """Close the connection."""
        self._http.close()


def _returned(
    rows: list[Json], name: str, numbers: Mapping[str, str] | None = None
) -> Counter[tuple[str, str]]:
    units: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for line in row[name]:
            order = row["order"] if numbers is None else numbers[row["order"]]
            key = order, line["line"].partition(PART)[0]
            units[key] += int(line["quantity"])
    return units


def _own_prices(truth: Json) -> dict[str, Decimal]:
    return {
        row["sku"]: Decimal(row["regular"])
        for row in truth["prices"]
        if not row["price_list"] and row["currency"] in ("", "USD")
    }


def _by_sku(levels: list[Json]) -> dict[str, int]:
    stock: Counter[str] = Counter()
    for level in levels:
        stock[level["sku"]] += int(level["available"])
    return dict(stock)
