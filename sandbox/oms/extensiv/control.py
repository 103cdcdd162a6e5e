"""Control calls of an account, below ``/_sandbox/extensiv/{instance}/``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.kit.control import Controls, common_calls, counts_of, lines
from sandbox.oms.extensiv.book import CANCELED, Order
from sandbox.oms.extensiv.envelope import Refused
from sandbox.oms.extensiv.orders import SOURCE
from sandbox.oms.extensiv.state import State
from sandbox.oms.extensiv.stock import as_number
from sandbox.oms.extensiv.truth import true_order, truth_of
from sandbox.oms.extensiv.validation import checked
from sandbox.oms.extensiv.warehouse import advance, fail, relabel, ship

Json = dict[str, Any]


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
            "weight_lbs": row.get("weight_lbs") or "1.00",
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


def _counts(state: State) -> Json:
    names = ("creates", "duplicates", "cancels", "confirmed", "refused", "unauthorized")
    return counts_of(state, len(state.orders), (*names, "throttled", "crashed"))


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
    **common_calls(advance),
    ("POST", "place"): _place,
    ("POST", "items"): _products,
    ("POST", "prices"): _prices,
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

CONTROLS = Controls[State, Order](
    _CALLS, _ORDER_CALLS, lambda state, cust_ref: state.orders.get(cust_ref), _effect, Refused
)
