"""Control calls of a tenant, below ``/_sandbox/manhattan/{instance}/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from random import Random
from typing import Any

import orjson

from sandbox.oms.manhattan.cancels import cancel_answer, cancel_lines, decide_late_cancel
from sandbox.oms.manhattan.customers import (
    customers_in,
    edit_customers,
    remove_customers,
)
from sandbox.oms.manhattan.day import Plan, advance
from sandbox.oms.manhattan.effects import counts_of, effect_of, effects_of
from sandbox.oms.manhattan.envelope import Refused, plain
from sandbox.oms.manhattan.fulfilment import STEPS
from sandbox.oms.manhattan.inventory import dump_availability
from sandbox.oms.manhattan.items import load_items
from sandbox.oms.manhattan.merge import merge
from sandbox.oms.manhattan.modifications import set_status
from sandbox.oms.manhattan.orders import is_held
from sandbox.oms.manhattan.prices import load_prices
from sandbox.oms.manhattan.return_orders import STEPS as RETURN_STEPS
from sandbox.oms.manhattan.return_orders import advance_return, open_return
from sandbox.oms.manhattan.returns import return_lines
from sandbox.oms.manhattan.shipping import Package, Portion, parcels_of, relabel, ship, shippable
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.stock import Location, as_decimal
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
    handler = _ORDER_CALLS.get((request.method, name))
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


def _ship(state: State, order_id: str, body: Json) -> Json:
    """Ship lines as one package, through all earlier steps.

    ``{lines: [{line, quantity}] | null, tracking, carrier, labelled}``; ``labelled: false`` ships
    it without a tracking number.
    """
    order = state.book.records[order_id].load()
    if is_held(order):
        raise ValueError(f"order {order_id!r} is on hold")
    now = state.clock.now()
    for name, step in STEPS.items():
        if name != "process":
            step(state, order, now)
    portions = shippable(order)
    if body.get("lines") is not None:
        portions = [portion for wanted in body["lines"] for portion in _portions(portions, wanted)]
    if not portions:
        raise ValueError(f"order {order_id!r} has nothing to ship")
    package = parcels_of(portions, Random(f"{order_id}:{state.serial}"), 0.0)
    if "carrier" in body:
        package = Package(portions, body["carrier"], body.get("tracking"))
    package.tracking = body.get("tracking")
    package.is_labelled = bool(body.get("labelled", True))
    ship(state, order, [package], now)
    state.commit(order)
    return {"packages": effect_of(state.book.records[order_id])["packages"]}


def _track(state: State, order_id: str, body: Json) -> Json:
    """Give a shipped package a tracking number; by default the order's last package.

    ``{package, tracking, carrier}``.
    """
    order = state.book.records[order_id].load()
    package_id = body.get("package") or order["OrderTrackingInfo"][-1]["PackageId"]
    if not relabel(order, package_id, body.get("tracking"), body.get("carrier")):
        raise ValueError(f"order {order_id!r} has no package {package_id!r}")
    state.commit(order)
    return {"packages": effect_of(state.book.records[order_id])["packages"]}


def _portions(portions: list[Portion], wanted: Json) -> list[Portion]:
    mine = [portion for portion in portions if portion.line["OrderLineId"] == wanted["line"]]
    rest = (
        as_decimal(wanted["quantity"])
        if "quantity" in wanted
        else sum((p.quantity for p in mine), Decimal(0))
    )
    chosen = []
    for portion in mine:
        share = min(rest, portion.quantity)
        if share > 0:
            chosen.append(Portion(portion.line, portion.unit, share))
            rest -= share
    if rest > 0 or not chosen:
        raise ValueError(f"line {wanted['line']!r}: {rest} too many to ship")
    return chosen


def _cancel(state: State, order_id: str, body: Json) -> Json:
    """Cancel at the OMS, by the API's rules: ``{lines: [ids] | null, reason, comments}``."""
    order = state.book.records[order_id].load()
    messages = cancel_lines(
        state, order, body.get("lines"), body.get("reason"), body.get("comments")
    )
    state.commit(order)
    return {**cancel_answer(order), "messages": messages}


def _cancel_outcome(state: State, order_id: str, body: Json) -> Json:
    order = state.book.records[order_id].load()
    lines = decide_late_cancel(order, accepted=bool(body["accepted"]))
    if lines:
        state.commit(order)
    return {"lines": lines, **cancel_answer(order)}


def _return(state: State, order_id: str, body: Json) -> Json:
    order = state.book.records[order_id].load()
    returned = return_lines(
        order, body.get("lines"), received=body.get("stage", "returned") == "returned"
    )
    state.commit(order)
    return {"returned": returned, **cancel_answer(order)}


def _open_return(state: State, order_id: str, body: Json) -> Json:
    made = open_return(state, state.book.records[order_id].load(), body)
    return {"return": made["OrderId"]}


def _advance_return(name: str) -> Callable[[State, str, Json], Json]:
    def advance_one(state: State, return_id: str, body: Json) -> Json:
        return advance_return(state, state.book.records[return_id].load(), name, body)

    return advance_one


def _status(state: State, order_id: str, body: Json) -> Json:
    order = state.book.records[order_id].load()
    set_status(order, body.get("line"), body["status"])
    state.commit(order)
    return cancel_answer(order)


def _touch(state: State, order_id: str, body: Json) -> Json:
    """Bump the time of change only, or serve the previous version for ``{"stale": n}`` reads."""
    record = state.book.records[order_id]
    if "stale" in body:
        record.stale_left = int(body["stale"])
    else:
        state.commit(record.load())
    return {
        "OrderId": order_id,
        "updated": record.load()["UpdatedTimestamp"],
        "stale": record.stale_left,
    }


def _tamper(state: State, order_id: str, body: Json) -> Json:
    """Edit an order as in the database, ``{change, silent}``; ``silent`` keeps its timestamp."""
    record = state.book.records[order_id]
    order = record.load()
    merge(order, body["change"])
    if body.get("silent", True):
        state.book.commit(order, record.updated_ms, silent=True)
    else:
        state.commit(order)
    return {"updated": order["UpdatedTimestamp"]}


def _remove(state: State, order_id: str, body: Json) -> Json:
    """Delete an order without a trace."""
    del body
    state.book.remove(order_id)
    return {"orders": len(state.book.records)}


def _copy(state: State, order_id: str, body: Json) -> Json:
    """Import an order again as ``{order_id, alternate}``: a duplicate, or unknown to the store."""
    order = state.book.records[order_id].load()
    order["OrderId"] = str(body["order_id"])
    order["AlternateOrderId"] = str(body.get("alternate", order["AlternateOrderId"]))
    if order["OrderId"] in state.book.records:
        raise ValueError(f"order {order['OrderId']!r} exists")
    state.commit(order)
    return {"orders": len(state.book.records)}


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

_ORDER_CALLS: dict[tuple[str, str], Callable[[State, str, Json], Json]] = {
    ("POST", "ship"): _ship,
    ("POST", "track"): _track,
    ("POST", "cancel"): _cancel,
    ("POST", "cancel_outcome"): _cancel_outcome,
    ("POST", "return"): _return,
    ("POST", "returns"): _open_return,
    **{("POST", name): _advance_return(name) for name in RETURN_STEPS},
    ("POST", "status"): _status,
    ("POST", "touch"): _touch,
    ("POST", "tamper"): _tamper,
    ("POST", "remove"): _remove,
    ("POST", "copy"): _copy,
}
