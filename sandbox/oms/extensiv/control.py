"""Control calls of an account, below ``/_sandbox/extensiv/{instance}/``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from decimal import Decimal
from typing import Any

import orjson

from sandbox.kit.warehouse import Plan
from sandbox.oms.extensiv.book import CANCELED, Order
from sandbox.oms.extensiv.envelope import Refused, lines, plain
from sandbox.oms.extensiv.orders import SOURCE
from sandbox.oms.extensiv.state import State
from sandbox.oms.extensiv.stock import as_number
from sandbox.oms.extensiv.truth import true_order, truth_of
from sandbox.oms.extensiv.validation import checked
from sandbox.oms.extensiv.warehouse import advance, fail, relabel, ship
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


def _order_call(state: State, method: str, cust_ref: str, name: str, body: Json) -> Response:
    order, call = state.orders.get(cust_ref), _ORDER_CALLS.get((method, name))
    if order is None or call is None:
        return plain({"error": f"no order {cust_ref!r} or no control {method} {name!r}"}, 404)
    return plain(call(state, order, body) or _effect(order))


def _place(state: State, body: Any) -> Json:
    """Create orders as API callers do, each in the vendor's form."""
    placed = []
    for given in body:
        document = checked(given, check_money=state.settings.check_money)
        if document["cust_ref"] in state.orders:
            raise ValueError(f"order {document['cust_ref']!r} exists")
        order = Order(document, state.next_serial(), created=state.clock.now())
        state.orders[order.cust_ref] = order
        state.touch(order)
        placed.append(order.cust_ref)
    return {"orders": placed}


def _products(state: State, body: Any) -> Json:
    for row in body:
        sku = str(row.get("sku") or row["ItemId"])
        state.stock.products[sku] = {
            "sku": sku,
            "name": str(row.get("name") or row.get("Description") or sku),
            "description": str(row.get("description") or ""),
            "retail_price": str(row.get("retail_price") or "0.00"),
            "wholesale_price": "0.00",
            "weight_lbs": "1.00",
            "aliases": list(row.get("aliases") or ()),
        }
    return {"items": len(state.stock.products)}


def _prices(state: State, body: Any) -> Json:
    """Set products' retail prices: ``{ItemId, BasePrice}``; a product has no other one.

    The account answers a whole number as one, ``10``, and any other value as text, ``"10.00"``.
    """
    for row in body:
        product = state.stock.products.get(str(row["ItemId"]))
        if product is None:
            raise ValueError(f"no product {row['ItemId']!r}")
        amount = row.get("BasePrice") or 0
        is_whole = isinstance(amount, int)
        product["retail_price"] = amount if is_whole else f"{Decimal(str(amount)):.2f}"
    return {"prices": len(body)}


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


def _advance(state: State, body: Any) -> Json:
    body = dict(body or {})
    chosen = body.pop("orders", None)
    known = {f.name for f in fields(Plan)}
    if unknown := sorted(body.keys() - known):
        raise ValueError(f"unknown {', '.join(unknown)}; known: orders, {', '.join(sorted(known))}")
    return dict(advance(state, Plan(**body), chosen))


def _counts(state: State) -> Json:
    return {
        "requests": {
            name.removeprefix("request."): n
            for name, n in sorted(state.counts.items())
            if name.startswith("request.")
        },
        "orders": len(state.orders),
        **{
            name: state.counts[name]
            for name in (
                *("creates", "duplicates", "cancels", "confirmed", "refused", "unauthorized"),
                *("throttled", "crashed"),
            )
        },
    }


def _effect(order: Order) -> Json:
    return {**true_order(order), "document": order.view(SOURCE)}


def _ship(state: State, order: Order, body: Json) -> None:
    """Ship ``{lines: [{sku, quantity}] | null, tracking, carrier, labelled}`` in one carton."""
    content = order.left()
    if body.get("lines") is not None:
        content = {str(row["sku"]): Decimal(str(row["quantity"])) for row in body["lines"]}
    ship(
        state,
        order,
        content,
        carrier=body.get("carrier"),
        tracking=body.get("tracking"),
        labelled=bool(body.get("labelled", True)),
    )


def _track(state: State, order: Order, body: Json) -> None:
    """Give a shipment a number: ``{shipment, tracking, carrier}``, by default the last one."""
    relabel(state, order, int(body.get("shipment", -1)), body.get("tracking"), body.get("carrier"))


def _grow(state: State, order: Order, body: Json) -> None:
    """Load a shipment again with more units, ``{shipment, sku, quantity}``."""
    shipment, sku = order.shipments[int(body.get("shipment", -1))], str(body["sku"])
    quantity = Decimal(str(body["quantity"]))
    if quantity > order.left().get(sku, Decimal(0)):
        raise ValueError(f"order {order.cust_ref!r} has no {quantity} of {sku} left to ship")
    known = next((item for item in shipment["items"] if item["item"] == sku), None)
    if known is None:
        known = {**shipment["items"][0], "item": sku, "quantity": "0"}
        shipment["items"].append(known)
    known["quantity"] = str(as_number(Decimal(known["quantity"]) + quantity))
    state.stock.ship(sku, order.warehouse, quantity, state.clock.now())
    order.status = order.status if order.left() else "shipped"
    state.touch(order, "loaded")


def _error(state: State, order: Order, body: Json) -> None:
    fail(state, order, str(body["reason"]))


def _hold(state: State, order: Order, body: Json) -> None:
    """Set or release a hold, ``{on_hold, reason, sending_canceled}``."""
    order.on_hold = bool(body.get("on_hold", order.on_hold))
    order.sending_canceled = bool(body.get("sending_canceled", order.sending_canceled))
    order.error_reason = str(body.get("reason", order.error_reason))
    state.touch(order)


def _cancel(state: State, order: Order, body: Json) -> None:
    """Cancel an order of which nothing has shipped, as an operator does."""
    del body
    if order.shipments or order.status == CANCELED:
        raise ValueError(f"order {order.cust_ref!r} is {order.status}")
    state.cancel(order)


def _cancel_outcome(state: State, order: Order, body: Json) -> None:
    """Decide a request that the WMS has taken: ``{accepted}``."""
    if not order.cancel_requested:
        raise ValueError(f"no cancellation of {order.cust_ref!r} was requested")
    order.cancel_requested = False
    if body["accepted"]:
        state.cancel(order)
    else:
        state.touch(order)


def _touch(state: State, order: Order, body: Json) -> None:
    del body
    state.touch(order)


def _tamper(state: State, order: Order, body: Json) -> None:
    """Edit the document, ``{change, items: {line_item_id: change}}``, as an operator does."""
    order.document.update(body.get("change") or {})
    for item in order.items:
        item.update((body.get("items") or {}).get(str(item.get("line_item_id")), {}))
    state.touch(order)


def _remove(state: State, order: Order, body: Json) -> Json:
    del body
    del state.orders[order.cust_ref]
    return {"orders": len(state.orders)}


_CALLS: dict[tuple[str, str], Callable[[State, Any], Any]] = {
    ("POST", "place"): _place,
    ("POST", "items"): _products,
    ("POST", "prices"): _prices,
    ("POST", "supply"): _supply,
    ("POST", "stock"): _supply,
    ("POST", "locations"): _locations,
    ("POST", "settings"): _settings,
    ("GET", "settings"): _settings,
    ("POST", "clock"): _clock,
    ("POST", "advance"): _advance,
    ("GET", "counts"): lambda state, _: _counts(state),
    ("GET", "truth"): lambda state, _: truth_of(state),
    ("GET", "effects/orders"): lambda state, _: lines([*map(true_order, state.orders.values())]),
}

_ORDER_CALLS: dict[tuple[str, str], Callable[[State, Order, Json], Json | None]] = {
    ("GET", "effect"): lambda _, order, __: _effect(order),
    ("POST", "ship"): _ship,
    ("POST", "track"): _track,
    ("POST", "grow"): _grow,
    ("POST", "error"): _error,
    ("POST", "hold"): _hold,
    ("POST", "cancel"): _cancel,
    ("POST", "cancel_outcome"): _cancel_outcome,
    ("POST", "touch"): _touch,
    ("POST", "tamper"): _tamper,
    ("POST", "remove"): _remove,
}
