"""Control calls of a tenant, below ``/_sandbox/manhattan/{instance}/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import orjson

from sandbox.oms.manhattan.control_orders import ORDER_CALLS
from sandbox.oms.manhattan.customers import (
    customers_in,
    edit_customers,
    remove_customers,
)
from sandbox.oms.manhattan.day import Plan, advance
from sandbox.oms.manhattan.effects import counts_of, effect_of, effects_of
from sandbox.oms.manhattan.envelope import Refused, plain
from sandbox.oms.manhattan.inventory import dump_availability
from sandbox.oms.manhattan.items import load_items
from sandbox.oms.manhattan.prices import load_prices
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.stock import Location
from sandbox.oms.manhattan.truth import truth_of
from sandbox.system import Request, Response

Json = dict[str, Any]


def answer_control(state: State, request: Request) -> Response:
    """Answer one control call: 400 names what is wrong with it, 404 what does not exist."""
    parts = request.path.strip("/").split("/")
    try:
        if parts[0] == "orders" and len(parts) > 2:
            # An order id may contain a slash; control can address such an order anyway.
            return _order_call(state, request, "/".join(parts[1:-1]), parts[-1])
        if parts[:2] == ["effects", "order"]:
            return _raw(state, "/".join(parts[2:]))
        call = _CALLS.get((request.method, "/".join(parts)))
        if call is None:
            return plain({"error": f"no control {request.method} {request.path}"}, 404)
        result = call(state, _body(request))
        return result if isinstance(result, Response) else plain(result)
    except Refused as refused:
        return plain({"error": str(refused), "messages": refused.messages}, 400)
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ArithmeticError,
    ) as problem:
        return plain({"error": f"{type(problem).__name__}: {problem}"}, 400)


def _order_call(state: State, request: Request, order_id: str, name: str) -> Response:
    handler = ORDER_CALLS.get((request.method, name))
    if order_id not in state.book.records or handler is None:
        return plain(
            {"error": f"no order {order_id!r} or no control {request.method} {name!r}"}, 404
        )
    return plain(handler(state, order_id, _body(request) or {}))


def _body(request: Request) -> Any:
    return orjson.loads(request.body) if request.body.strip() else None


def _raw(state: State, order_id: str) -> Response:
    record = state.book.records.get(order_id)
    if record is None:
        return plain({"error": f"no order {order_id!r}"}, 404)
    return plain({**effect_of(record), "order": orjson.Fragment(record.raw)})


def _items(state: State, body: Any) -> Json:
    return {"items": load_items(state, body)}


def _remove_items(state: State, body: Any) -> Json:
    for name in body:
        del state.items[name]
    return {"items": len(state.items)}


def _customers(state: State, body: Any) -> Response:
    del body
    lines = b"".join(
        orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in customers_in(state)
    )
    return Response(200, lines, {"Content-Type": "application/x-ndjson"})


def _supply(state: State, body: Any) -> Json:
    for row in body:
        state.stock.set_supply(row)
    return {"rows": len(body)}


def _locations(state: State, body: Any) -> Json:
    for row in body:
        location = state.stock.locations.setdefault(str(row["LocationId"]), Location())
        location.type_id = str(row.get("LocationTypeId", location.type_id))
        location.outage = bool(row.get("outage", location.outage))
    return {"locations": sorted(state.stock.locations)}


def _settings(state: State, body: Any) -> Json:
    state.settings.update(body or {})
    return state.settings.as_dict()


def _clock(state: State, body: Any) -> Json:
    state.clock.move(body.get("now"), freeze=bool(body.get("freeze", False)))
    return {"now": state.clock.now()}


def _advance(state: State, body: Any) -> Json:
    body = dict(body or {})
    order_ids = body.pop("orders", None)
    known = {f.name for f in fields(Plan)}
    unknown = sorted(body.keys() - known)
    if unknown:
        raise ValueError(f"unknown {', '.join(unknown)}; known: orders, {', '.join(sorted(known))}")
    return dict(advance(state, Plan(**body), order_ids))


_CALLS: dict[tuple[str, str], Callable[[State, Any], Any]] = {
    ("POST", "items"): _items,
    ("GET", "items"): lambda state, _: {"items": list(state.items.values())},
    ("POST", "items/remove"): _remove_items,
    ("POST", "prices"): lambda state, body: {"prices": load_prices(state, body)},
    ("POST", "supply"): _supply,
    ("GET", "truth"): lambda state, _: truth_of(state),
    ("POST", "locations"): _locations,
    ("POST", "settings"): _settings,
    ("GET", "settings"): _settings,
    ("POST", "clock"): _clock,
    ("POST", "pushes"): lambda state, body: state.events.courier.control(body or {}),
    ("GET", "pushes/acknowledged"): lambda state, _: list(state.events.courier.acknowledged),
    ("POST", "tokens/expire"): lambda state, _: {"expired": state.tokens.expire_all()},
    ("POST", "advance"): _advance,
    ("GET", "counts"): lambda state, _: counts_of(state),
    ("GET", "effects/orders"): lambda state, _: effects_of(state),
    ("POST", "customers"): edit_customers,
    ("POST", "customers/remove"): remove_customers,
    ("GET", "effects/customers"): _customers,
    ("GET", "dump/availability"): lambda state, _: dump_availability(state),
}
