"""Control calls of an account, below ``/_sandbox/anchanto/{instance}/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

import orjson

from sandbox.kit.warehouse import Plan
from sandbox.oms.anchanto.book import COMPLETED, DELIVERED, STATUSES, Order
from sandbox.oms.anchanto.envelope import Refused, lines, plain
from sandbox.oms.anchanto.orders import placed
from sandbox.oms.anchanto.state import State
from sandbox.oms.anchanto.truth import true_order, truth_of
from sandbox.oms.anchanto.warehouse import advance, deliver, label, manifest, pack
from sandbox.system import Request, Response

Json = dict[str, Any]


def answer_control(state: State, request: Request) -> Response:
    """Answer one control call: 400 names what is wrong with it, 404 what does not exist."""
    parts = request.path.strip("/").split("/")
    try:
        body = orjson.loads(request.body) if request.body.strip() else None
        if parts[0] == "orders" and len(parts) > 2:
            return _order_call(state, request.method, "/".join(parts[1:-1]), parts[-1], body or {})
        if parts[:2] == ["effects", "order"]:
            return _order_call(state, request.method, "/".join(parts[2:]), "effect", {})
        call = _CALLS.get((request.method, "/".join(parts)))
        if call is None:
            return plain({"error": f"no control {request.method} {request.path}"}, 404)
        result = call(state, body)
        return result if isinstance(result, Response) else plain(result)
    except Refused as refused:
        return plain({"error": refused.message}, 400)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        return plain({"error": f"{type(error).__name__}: {error}"}, 400)


def _order_call(state: State, method: str, number: str, name: str, body: Json) -> Response:
    order, call = state.find(number), _ORDER_CALLS.get((method, name))
    if order is None or call is None:
        return plain({"error": f"no order {number!r} or no control {method} {name!r}"}, 404)
    return plain(call(state, order, body) or _effect(order))


def _place(state: State, body: Any) -> Json:
    """Create orders as API callers do."""
    return {"orders": [placed(state, given).key[1] for given in body]}


def _items(state: State, body: Any) -> Json:
    for row in body:
        sku = str(row.get("sku") or row["ItemId"])
        state.stock.add_sku(sku, str(row.get("name") or row.get("Description") or sku))
    return {"items": len(state.stock.skus)}


def _supply(state: State, body: Any) -> Json:
    for row in body:
        state.stock.set_level(row, state.clock.now())
    return {"rows": len(body)}


def _locations(state: State, body: Any) -> Json:
    for row in body:
        state.stock.add_warehouse(str(row.get("name") or row["LocationId"]))
    return {"locations": state.stock.warehouses}


def _settings(state: State, body: Any) -> Json:
    state.settings.update(body or {})
    return state.settings.as_dict()


def _clock(state: State, body: Any) -> Json:
    state.clock.move(body.get("now"), freeze=bool(body.get("freeze", False)))
    return {"now": state.clock.now()}


def _expire(state: State, body: Any) -> Json:
    """Let all tokens expire."""
    del body
    state.tokens.clear()
    return {"tokens": 0}


def _advance(state: State, body: Any) -> Json:
    body = dict(body or {})
    chosen = body.pop("orders", None)
    known = {f.name for f in fields(Plan)}
    if unknown := sorted(body.keys() - known):
        raise ValueError(f"unknown {', '.join(unknown)}; known: orders, {', '.join(sorted(known))}")
    return dict(advance(state, Plan(**body), chosen))


def _counts(state: State) -> Json:
    names = ("creates", "duplicates", "cancels", "refused", "unauthorized", "throttled", "crashed")
    return {
        "requests": {
            name.removeprefix("request."): n
            for name, n in sorted(state.counts.items())
            if name.startswith("request.")
        },
        "orders": len(state.orders),
        **{name: state.counts[name] for name in names},
    }


def _effect(order: Order) -> Json:
    return {**true_order(order), "document": order.view()["attributes"]}


def _content(order: Order, body: Json) -> dict[str, Decimal]:
    if body.get("lines") is None:
        return order.left()
    return {str(row["sku"]): Decimal(str(row["quantity"])) for row in body["lines"]}


def _ready(state: State, order: Order, body: Json) -> None:
    """Pack ``{lines: [{sku, quantity}] | null, tracking, carrier, labelled}`` in one shipment."""
    pack(
        state,
        order,
        _content(order, body),
        carrier=body.get("carrier"),
        tracking=body.get("tracking"),
        labelled=bool(body.get("labelled", True)),
    )


def _ship(state: State, order: Order, body: Json) -> None:
    """Pack units as ``ready`` does, and hand them to the carrier."""
    _ready(state, order, body)
    manifest(state, order)


def _track(state: State, order: Order, body: Json) -> None:
    """Give a shipment a number: ``{shipment, tracking, carrier}``, by default the last one."""
    shipment = order.shipments[int(body.get("shipment", -1))]
    label(state, order, shipment, tracking=body.get("tracking"), carrier=body.get("carrier"))


def _manifest(state: State, order: Order, body: Json) -> None:
    del body
    manifest(state, order)


def _deliver(state: State, order: Order, body: Json) -> None:
    del body
    deliver(state, order)


def _complete(state: State, order: Order, body: Json) -> None:
    """Complete a delivered order, after which nothing of it changes."""
    del body
    if order.status != DELIVERED:
        raise ValueError(f"order {order.key[1]!r} is {order.status}, and can't be completed")
    order.status = COMPLETED
    state.touch(order)


def _status(state: State, order: Order, body: Json) -> None:
    """Show a status, ``{status}``, whatever the shipments are; any text with ``any: true``."""
    if body["status"] not in STATUSES and not body.get("any"):
        raise ValueError(f"unknown status {body['status']!r}; known: {', '.join(STATUSES)}")
    order.status = str(body["status"])
    state.touch(order)


def _cancel(state: State, order: Order, body: Json) -> None:
    """Cancel an order of which nothing is packed, as an operator does."""
    del body
    if order.shipments:
        raise ValueError(f"order {order.key[1]!r} is {order.status}")
    state.cancel(order)


def _touch(state: State, order: Order, body: Json) -> None:
    del body
    state.touch(order)


def _tamper(state: State, order: Order, body: Json) -> None:
    """Edit the document, ``{change, items: {line_id: change}}``, as an operator does."""
    order.document.update(body.get("change") or {})
    for item in order.items:
        item.update((body.get("items") or {}).get(str(item.get("line_id")), {}))
    state.touch(order)


def _remove(state: State, order: Order, body: Json) -> Json:
    del body
    del state.orders[order.key]
    return {"orders": len(state.orders)}


_CALLS: dict[tuple[str, str], Callable[[State, Any], Any]] = {
    ("POST", "place"): _place,
    ("POST", "items"): _items,
    ("POST", "supply"): _supply,
    ("POST", "stock"): _supply,
    ("POST", "locations"): _locations,
    ("POST", "settings"): _settings,
    ("GET", "settings"): _settings,
    ("POST", "clock"): _clock,
    ("POST", "expire"): _expire,
    ("POST", "advance"): _advance,
    ("GET", "counts"): lambda state, _: _counts(state),
    ("GET", "truth"): lambda state, _: truth_of(state),
    ("GET", "effects/orders"): lambda state, _: lines([*map(true_order, state.orders.values())]),
}

_ORDER_CALLS: dict[tuple[str, str], Callable[[State, Order, Json], Json | None]] = {
    ("GET", "effect"): lambda _, order, __: _effect(order),
    ("POST", "ready"): _ready,
    ("POST", "ship"): _ship,
    ("POST", "track"): _track,
    ("POST", "manifest"): _manifest,
    ("POST", "deliver"): _deliver,
    ("POST", "complete"): _complete,
    ("POST", "status"): _status,
    ("POST", "cancel"): _cancel,
    ("POST", "touch"): _touch,
    ("POST", "tamper"): _tamper,
    ("POST", "remove"): _remove,
}
