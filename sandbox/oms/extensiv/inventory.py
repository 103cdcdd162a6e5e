"""Stock and products by the API (oms.md 2.3 and 2.6)."""

from __future__ import annotations

from sandbox.oms.extensiv.clock import without_zone
from sandbox.oms.extensiv.envelope import FAILURE, Refused, answer
from sandbox.oms.extensiv.orders import DEFAULT_ROWS, count_of
from sandbox.oms.extensiv.state import State
from sandbox.system import Request, Response


def list_stock(state: State, request: Request) -> Response:
    """Answer a page of all stock, quantities as numbers; there is no filter for what changed."""
    limit, page = count_of(request, "limit", DEFAULT_ROWS), count_of(request, "page", 1)
    limit, now = min(limit, state.settings.most_rows), state.clock.now()
    skus = sorted(state.stock.on_hand)
    rows = [
        state.stock.row(sku, now, as_text=False) for sku in skus[(page - 1) * limit : page * limit]
    ]
    return answer(rows, {"total-records": str(len(skus))})


def one_level(state: State, sku: str) -> Response:
    """Answer the stock of one SKU, quantities as text."""
    if sku not in state.stock.on_hand:
        raise Refused(FAILURE, "Product not found")
    return answer(state.stock.row(sku, state.clock.now(), as_text=True))


def product(state: State, sku: str) -> Response:
    """Answer one product."""
    row = state.stock.products.get(sku)
    if row is None:
        raise Refused(FAILURE, "Product not found")
    stamp = without_zone(state.clock.now())
    return answer({**row, "last_updated_datetime": row.get("last_updated_datetime") or stamp})
