"""Control calls of one order: ship, track, cancel, return and change it, as the OMS's people do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.oms.manhattan.cancels import cancel_answer, cancel_lines, decide_late_cancel
from sandbox.oms.manhattan.effects import effect_of
from sandbox.oms.manhattan.fulfilment import STEPS
from sandbox.oms.manhattan.merge import merge
from sandbox.oms.manhattan.modifications import set_status
from sandbox.oms.manhattan.orders import is_held
from sandbox.oms.manhattan.return_orders import STEPS as RETURN_STEPS
from sandbox.oms.manhattan.return_orders import advance_return, open_return
from sandbox.oms.manhattan.returns import return_lines
from sandbox.oms.manhattan.shipping import Package, Portion, parcels_of, relabel, ship, shippable
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.stock import as_decimal

Json = dict[str, Any]


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


ORDER_CALLS: dict[tuple[str, str], Callable[[State, str, Json], Json]] = {
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
