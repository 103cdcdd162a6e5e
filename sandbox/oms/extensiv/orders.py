"""Orders by the API: create once, view, list, cancel, confirm (oms.md 2.3)."""

from __future__ import annotations

from typing import Any

import orjson

from sandbox.kit.clock import to_seconds
from sandbox.oms.extensiv.book import (
    AT_WMS,
    CANCELED,
    CONFIRMED,
    ERROR,
    LISTS,
    NEW,
    PARTIAL,
    SHIPPED,
    Order,
)
from sandbox.oms.extensiv.envelope import FAILURE, INVALID, Refused, answer, flat
from sandbox.oms.extensiv.state import State
from sandbox.oms.extensiv.validation import checked, text
from sandbox.system import Request, Response

Json = dict[str, Any]

SOURCE = "Lockstep"
DUPLICATE = "OrderDuplicate"
DEFAULT_ROWS = 20


def body_of(request: Request) -> Any:
    """Parse the body; raises ``Refused`` for anything that is not JSON."""
    try:
        return orjson.loads(request.body)
    except (orjson.JSONDecodeError, RecursionError):
        raise Refused(INVALID, "The body is not JSON") from None


def create(state: State, request: Request) -> Response:
    """Answer ``POST /v1/cart/orders/cartrover``: one order, or an array of one."""
    body = body_of(request)
    if isinstance(body, list) and len(body) == 1:
        body = body[0]
    order = _created(state, body, request)
    return flat({"cust_ref": order.cust_ref, "order_number": str(order.number)})


def create_batch(state: State, request: Request) -> Response:
    """Answer ``POST /v1/cart/orders/batch``: each row succeeds or fails on its own."""
    rows = body_of(request)
    if not isinstance(rows, list):
        raise Refused(INVALID, "The body is not an array of orders")
    done: list[str] = []
    failed: list[Json] = []
    for place, row in enumerate(rows):
        try:
            done.append(_created(state, row, request).cust_ref)
        except Refused as refused:
            cust_ref = row.get("cust_ref") if isinstance(row, dict) else None
            failed.append({"cust_ref": cust_ref, "message": refused.message, "index_pos": place})
    return answer({"success": done, "failed": failed})


def _created(state: State, body: Any, request: Request) -> Order:
    document = checked(body, check_money=state.settings.check_money)
    cust_ref = str(document["cust_ref"]).strip()
    known = state.orders.get(cust_ref)
    if known is not None:
        known.refused += 1
        state.counts["duplicates"] += 1
        raise Refused(FAILURE, DUPLICATE)
    order = Order({**document, "cust_ref": cust_ref}, state.next_serial())
    order.created = state.clock.now()
    order.correlate(request.headers.get("x-correlation-id"))
    state.orders[cust_ref] = order
    state.touch(order)
    state.counts["creates"] += 1
    return order


def need(state: State, cust_ref: str) -> Order:
    """Return an order; raises ``Refused`` if there is none."""
    order = state.orders.get(cust_ref)
    if order is None:
        raise Refused(FAILURE, "Order not found")
    return order


def view(state: State, cust_ref: str) -> Response:
    """Answer the view of one order."""
    return answer(need(state, cust_ref).view(SOURCE))


def status_view(state: State, cust_ref: str) -> Response:
    """Answer the status and the tracking of one order."""
    whole = need(state, cust_ref).view(SOURCE)
    names = ("cust_ref", "order_status", "updated_date_time", "ship_country", "shipments")
    return answer({name: whole.get(name) for name in names})


def list_orders(state: State, request: Request, listed: str) -> Response:
    """Answer a list by status; what its dates mean depends on the status."""
    if listed not in LISTS:
        raise Refused(INVALID, f"Unknown order status {listed!r}")
    since, until = _date(request, "from_date", 0), _date(request, "to_date", 2**40)
    limit, page = count_of(request, "limit", DEFAULT_ROWS), count_of(request, "page", 1)
    limit = min(limit, state.settings.most_rows)
    wanted = request.query.get("order_source", [SOURCE])[0]
    candidates = (
        state.updated_between(since, until) if listed == "any" else list(state.orders.values())
    )
    dated = [(order.date_for(listed), order) for order in candidates]
    rows = sorted(
        (
            (date, order.cust_ref)
            for date, order in dated
            if date is not None and since <= date <= until
        )
    )
    rows = rows if wanted == SOURCE else []
    shown = [state.orders[ref].view(SOURCE) for _, ref in rows[(page - 1) * limit : page * limit]]
    return answer(shown, {"total-records": str(len(rows))})


def cancel(state: State, request: Request) -> Response:
    """Answer ``POST .../orders/cancel/cartrover``: only before the WMS has the order."""
    body = body_of(request)
    if not isinstance(body, dict):
        raise Refused(INVALID, "The body is not an object")
    order = need(state, text(body, "cust_ref", needed=True))
    order.correlate(request.headers.get("x-correlation-id"))
    if order.status == CANCELED:
        raise Refused(FAILURE, "Order is already canceled")
    if order.status not in (NEW, ERROR):
        raise Refused(FAILURE, "Order was already sent to the WMS")
    state.cancel(order)
    return answer({"cust_ref": order.cust_ref, "order_status": order.status})


def cancel_at_wms(state: State, request: Request, cust_ref: str) -> Response:
    """Answer ``GET .../orders/wms_cancel/{cust_ref}``: the WMS takes it, or it does not."""
    order = need(state, cust_ref)
    order.correlate(request.headers.get("x-correlation-id"))
    if order.status != AT_WMS or order.shipments or not state.settings.wms_cancels:
        reason = "The WMS can no longer cancel the order"
        return answer({"success": False, "message": reason})
    if state.settings.wms_cancel_is_late:
        order.cancel_requested = True
        state.touch(order)
        return answer({"success": True, "message": "The request was sent to the WMS"})
    state.cancel(order)
    return answer({"success": True, "message": "Canceled"})


def confirm(state: State, request: Request, cust_ref: str) -> Response:
    """Answer ``POST .../orders/update/{cust_ref}``: mark a shipped order as confirmed."""
    body = body_of(request)
    order = need(state, cust_ref)
    if not isinstance(body, dict) or body.get("order_status") != CONFIRMED:
        raise Refused(INVALID, "order_status must be confirmed")
    if order.status not in (SHIPPED, PARTIAL, CONFIRMED):
        raise Refused(FAILURE, "Order is not shipped")
    if order.status == SHIPPED:
        order.status = CONFIRMED
        state.touch(order, CONFIRMED)
        state.counts["confirmed"] += 1
    return answer({"cust_ref": cust_ref, "order_status": order.status})


def _date(request: Request, name: str, default: int) -> int:
    value = request.query.get(name, [""])[0]
    if not value:
        return default
    try:
        # A plus that was not encoded arrives as a space, which is not an offset.
        if " " in value:
            raise ValueError("the offset's + must be sent as %2B")
        return to_seconds(value)
    except (ValueError, OverflowError) as problem:
        raise Refused(INVALID, f"{name} is not an ISO 8601 date: {problem}") from None


def count_of(request: Request, name: str, default: int) -> int:
    """Return a count of the query; raises ``Refused`` if it is none."""
    value = request.query.get(name, [str(default)])[0]
    if not value.isascii() or not value.isdigit() or not 0 < int(value[:10]) < 10**9:
        raise Refused(INVALID, f"{name} must be a number above 0")
    return int(value[:10])
