"""The price component: the search for the prices of items.

The contract names the component's path and two attributes, ``BasePrice`` and ``SellingPrice``
(oms.md 1.11). The search, its other attributes and that a row is the price that applies now are our
assumption, modelled on the item search.
"""

from __future__ import annotations

from typing import Any

from sandbox.kit.truth import TruePrice
from sandbox.oms.manhattan.bodies import parse_page
from sandbox.oms.manhattan.envelope import paged
from sandbox.oms.manhattan.query import parse_query
from sandbox.oms.manhattan.state import State
from sandbox.system import Request, Response

Json = dict[str, Any]


def load_prices(state: State, rows: list[Json]) -> int:
    """Add or replace prices ``{ItemId, CurrencyCode, BasePrice, SellingPrice, PriceListId?}``.

    A row without ``BasePrice`` removes the price. Return the number of prices.
    """
    for row in rows:
        key = "|".join(str(row.get(n) or "") for n in ("ItemId", "PriceListId", "CurrencyCode"))
        if "BasePrice" not in row:
            state.prices.pop(key, None)
            continue
        state.prices[key] = {**row, "UpdatedTimestamp": state.clock.now()}
    return len(state.prices)


def search_prices(state: State, request: Request) -> Response:
    """Answer the search, sorted by item, list and currency."""
    body, page, size = parse_page(request, state.settings.max_page_size)
    conditions = parse_query(body.get("Query"))
    rows = [state.prices[key] for key in sorted(state.prices)]
    rows = [row for row in rows if all(c.holds(row.get(c.attribute)) for c in conditions)]
    return paged(rows[page * size : (page + 1) * size], len(rows), page, size)


def true_prices(state: State) -> list[TruePrice]:
    """Return all prices neutrally."""
    return [
        {
            "sku": str(row.get("ItemId") or ""),
            "price_list": str(row.get("PriceListId") or ""),
            "currency": str(row.get("CurrencyCode") or ""),
            "regular": str(row["BasePrice"]),
            "sale": str(row.get("SellingPrice") or ""),
        }
        for _, row in sorted(state.prices.items())
    ]
