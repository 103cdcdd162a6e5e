"""Orders and shipments by the API: create once, read, list, cancel (oms.md 3.3)."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.kit.clock import to_seconds
from sandbox.oms.anchanto.book import CANCELABLE, CANCELED, NEW, Order
from sandbox.oms.anchanto.envelope import NOT_FOUND, Refused, page, plain, written_answer
from sandbox.oms.anchanto.state import State
from sandbox.oms.anchanto.validation import checked
from sandbox.system import Request, Response

Json = dict[str, Any]

DUPLICATE = "Number has already been taken"


def body_of(request: Request) -> Json:
    """Parse the body; raises ``Refused`` for anything that is not an object."""
    try:
        body = orjson.loads(request.body)
    except (orjson.JSONDecodeError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused("The body is not a JSON object", 400)
    return body


def create(state: State, request: Request) -> Response:
    """Answer ``POST /orders``; a number is taken once in its sales channel."""
    order = placed(state, body_of(request).get("order"))
    order.correlate(request.headers.get("x-correlation-id"))
    state.counts["creates"] += 1
    return written_answer(_named(order), "Order created")


def placed(state: State, body: Any) -> Order:
    """Create an order; raises ``Refused`` if it is wrong, or its number is taken."""
    document = checked(body)
    order = Order(dict(document), 0, str(document.get("status") or NEW))
    if (known := state.orders.get(order.key)) is not None:
        known.refused += 1
        state.counts["duplicates"] += 1
        raise Refused(DUPLICATE)
    order.number, order.created = state.next_serial(), state.clock.now()
    state.orders[order.key] = order
    state.touch(order)
    return order


def read(state: State, request: Request, number: str) -> Response:
    """Answer ``GET /orders/{number}``."""
    return plain({"data": _asked(state, request, number).view()})


def cancel(state: State, request: Request, number: str) -> Response:
    """Answer ``POST /orders/{number}/cancel``: only before the order is packed or ready to ship."""
    order = _asked(state, request, number)
    order.correlate(request.headers.get("x-correlation-id"))
    if order.status == CANCELED:
        raise Refused("Order is already cancelled")
    if order.status not in CANCELABLE or order.shipments:
        raise Refused(f"Order can't be cancelled in status {order.status}")
    state.cancel(order)
    return written_answer(_named(order), "Order cancelled")


def list_orders(state: State, request: Request) -> Response:
    """Answer a page of the orders of a sales channel, the oldest change first."""
    wanted, store = request.query.get("filter[status]"), _first(request, "store_code")
    rows = [
        order.view()
        for order in state.updated_since(_since(request))
        if (not wanted or order.status in wanted) and (not store or order.key[0] == store)
    ]
    return _page(state, request, rows)


def list_shipments(state: State, request: Request) -> Response:
    """Answer a page of shipments, all or those of the named orders."""
    since, store = _since(request), _first(request, "store_code")
    numbers = set(request.query.get("filter[order_number][]", ()))
    orders = [order for order in state.orders.values() if not numbers or order.key[1] in numbers]
    rows = [
        row
        for order in orders
        if not store or order.key[0] == store
        for row in order.shipment_rows()
        if to_seconds(row["attributes"]["updated_at"]) >= since
    ]
    rows.sort(key=lambda row: (row["attributes"]["updated_at"], row["id"]))
    return _page(state, request, rows)


def list_stock(state: State, request: Request) -> Response:
    """Answer a page of stock, all or of the named SKUs."""
    since, skus = _since(request), set(request.query.get("filter[sku][]", ()))
    keys = [
        key
        for key in state.stock.places()
        if (not skus or key[0] in skus) and state.stock.changed.get(key, 0) >= since
    ]
    number, size = _counts(state, request)
    shown = [state.stock.row(key) for key in keys[(number - 1) * size : number * size]]
    return page(shown, -(-len(keys) // size))


def _asked(state: State, request: Request, number: str) -> Order:
    store = _first(request, "store_code")
    order = state.orders.get((store, number)) if store else state.find(number)
    if order is None:
        raise Refused("Order not found", NOT_FOUND)
    return order


def _named(order: Order) -> Json:
    return {"id": order.number, "number": order.key[1], "status": order.status}


def _page(state: State, request: Request, rows: list[Json]) -> Response:
    number, size = _counts(state, request)
    return page(rows[(number - 1) * size : number * size], -(-len(rows) // size))


def _first(request: Request, name: str) -> str:
    return request.query.get(name, [""])[0]


def _since(request: Request) -> int:
    value = _first(request, "filter[updated_at_from]")
    try:
        return to_seconds(value) if value else 0
    except (ValueError, OverflowError):
        raise Refused("filter[updated_at_from] is not a date") from None


def _counts(state: State, request: Request) -> tuple[int, int]:
    """Return number and size of the page that is asked for."""
    found = []
    for name, default in (("page[number]", 1), ("page[size]", state.settings.most_rows)):
        value = _first(request, name) or str(default)
        if not value.isascii() or not value.isdigit() or not 0 < int(value[:10]) < 10**9:
            raise Refused(f"{name} must be a number above 0")
        found.append(int(value[:10]))
    return found[0], min(found[1], state.settings.most_rows)
