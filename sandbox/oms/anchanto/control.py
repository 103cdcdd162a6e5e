"""Control calls of an account, below ``/_sandbox/anchanto/{instance}/``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.kit.control import Controls, common_calls, counts_of, lines
from sandbox.oms.anchanto.book import COMPLETED, DELIVERED, STATUSES, Order
from sandbox.oms.anchanto.envelope import Refused
from sandbox.oms.anchanto.orders import placed
from sandbox.oms.anchanto.state import State
from sandbox.oms.anchanto.truth import true_order, truth_of
from sandbox.oms.anchanto.warehouse import advance, cancel_shipment, deliver, label, manifest, pack

Json = dict[str, Any]


def _place(state: State, body: Any) -> Json:
    """Create orders as API callers do."""
    return {"orders": [placed(state, given).key[1] for given in body]}


def _items(state: State, body: Any) -> Json:
    for row in body:
        sku = str(row.get("sku") or row["ItemId"])
        state.stock.add_sku(sku, str(row.get("name") or row.get("Description") or sku))
    return {"items": len(state.stock.skus)}


def _expire(state: State, body: Any) -> Json:
    """Let all tokens expire."""
    del body
    state.tokens.clear()
    return {"tokens": 0}


def _counts(state: State) -> Json:
    names = ("creates", "duplicates", "cancels", "refused", "unauthorized", "throttled", "crashed")
    return counts_of(state, len(state.orders), names)


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


def _unpack(state: State, order: Order, body: Json) -> None:
    """Cancel a shipment, ``{shipment}``, by default the last one."""
    cancel_shipment(state, order, order.shipments[int(body.get("shipment", -1))])


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
    **common_calls(advance),
    ("POST", "place"): _place,
    ("POST", "items"): _items,
    ("POST", "expire"): _expire,
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
    ("POST", "unpack"): _unpack,
    ("POST", "deliver"): _deliver,
    ("POST", "complete"): _complete,
    ("POST", "status"): _status,
    ("POST", "cancel"): _cancel,
    ("POST", "touch"): _touch,
    ("POST", "tamper"): _tamper,
    ("POST", "remove"): _remove,
}

CONTROLS = Controls[State, Order](_CALLS, _ORDER_CALLS, State.find, _effect, Refused)
