"""The smaller order calls: permitted changes, unhold, reasons and custom statuses (oms.md 1.3).

The paths are the contract's; the bodies and answers are our assumption.
"""

from __future__ import annotations

from typing import Any

from sandbox.oms.manhattan.bodies import parse_object, parse_page, rows_in, text_in
from sandbox.oms.manhattan.envelope import Refused, answer, error, paged
from sandbox.oms.manhattan.orders import compact, is_held
from sandbox.oms.manhattan.query import parse_query
from sandbox.oms.manhattan.search import find
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import (
    CANCELED,
    FULFILLED,
    NAMES,
    RELEASED,
    base_status,
    units_of,
)
from sandbox.system import Request, Response

Json = dict[str, Any]


def permitted_mod_types(state: State, order_id: str) -> Response:
    """Answer which changes the order and each of its lines still take."""
    record = find(state, order_id)
    order = record.load()
    lines = [
        {"OrderLineId": line["OrderLineId"], "PermittedModTypes": _line_types(state, line)}
        for line in order["OrderLine"]
    ]
    header = ["Order::UpdateNotes", "Order::UpdatePayment", "Order::ApplyHold"]
    if (
        any("OrderLine::Cancel" in line["PermittedModTypes"] for line in lines)
        and record.max_status < FULFILLED
    ):
        header.append("Order::Cancel")
    return answer({"OrderId": order_id, "PermittedModTypes": header, "OrderLine": lines})


def _line_types(state: State, line: Json) -> list[str]:
    highest = max(status for status, _ in units_of(line))
    if highest < RELEASED:
        return [
            "OrderLine::Cancel",
            "OrderLine::UpdateQuantity",
            "OrderLine::UpdatePrice",
            "OrderLine::UpdateShipToAddress",
        ]
    if highest < FULFILLED and state.settings.late_cancellation:
        return ["OrderLine::Cancel"]
    return []


def unhold(state: State, request: Request) -> Response:
    """Resolve line holds (none named = all).

    ``{OrderId, OrderLine: [{OrderLineId, OrderLineHold: [{HoldTypeId, ResolveReasonId}]}]}``.
    """
    body = parse_object(request)
    record = find(state, str(body.get("OrderId")))
    order = record.load()
    known = {line["OrderLineId"]: line for line in order["OrderLine"]}
    resolved = 0
    for wanted in rows_in(body, "OrderLine"):
        line = known.get(text_in(wanted, "OrderLineId"))
        if line is None:
            raise Refused(
                error(
                    "ORDER_LINE_NOT_FOUND",
                    f"Order {record.order_id} has no line {wanted.get('OrderLineId')!r}",
                )
            )
        named = {text_in(hold, "HoldTypeId"): hold for hold in rows_in(wanted, "OrderLineHold")}
        for hold in line.get("OrderLineHold") or ():
            if float(hold["StatusId"]) == 1000 and (not named or hold.get("HoldTypeId") in named):
                hold.update({**named.get(hold.get("HoldTypeId"), {}), "StatusId": "2000"})
                resolved += 1
    if not resolved:
        raise Refused(
            error(
                "HOLD_NOT_FOUND",
                f"Order {record.order_id} has no such active line hold",
                keys={"OrderId": record.order_id},
            )
        )
    order["IsOnHold"] = is_held(order)
    state.commit(order)
    return answer(compact(order))


def search_reasons(state: State, request: Request) -> Response:
    """Answer the configured reason codes: ``Query: ReasonTypeId = 'Cancel'``."""
    body, page, size = parse_page(request, state.settings.max_page_size)
    conditions = parse_query(body.get("Query"))
    rows = [
        row
        for row in state.settings.reasons
        if all(c.holds(row.get(c.attribute)) for c in conditions)
    ]
    return paged(rows[page * size : (page + 1) * size], len(rows), page, size)


def change_status(state: State, request: Request) -> Response:
    """Answer ``changeStatus``: move units to a custom status of their step.

    ``{OrderId, OrderLine: [{OrderLineId, StatusId}]}``.
    """
    body = parse_object(request)
    order = find(state, str(body.get("OrderId"))).load()
    for wanted in rows_in(body, "OrderLine"):
        set_status(order, wanted.get("OrderLineId"), wanted.get("StatusId"))
    state.commit(order)
    return answer(compact(order))


def set_status(order: Json, line_id: Any, status_id: Any) -> None:
    """Move the units of a line (None = of all lines) to an extended status of their current step.

    Example: 2000.100.
    """
    try:
        status = float(status_id)
    except (TypeError, ValueError) as problem:
        raise Refused(
            error("INVALID_STATUS", f"{status_id!r} is not a status", field="StatusId")
        ) from problem
    lines = [
        line for line in order["OrderLine"] if line_id is None or line["OrderLineId"] == line_id
    ]
    if not lines:
        raise Refused(
            error("ORDER_LINE_NOT_FOUND", f"Order {order['OrderId']} has no line {line_id!r}")
        )
    for line in lines:
        for current, unit in units_of(line):
            if current == CANCELED:
                continue
            if base_status(current) != base_status(status):
                # Moving to another step needs what that step does (a location, a release, a
                # package), which is the fulfilment modules' job.
                text = (
                    f"Line {line['OrderLineId']} is at {NAMES[base_status(current)]}: "
                    f"{status_id} belongs to another step"
                )
                raise Refused(error("INVALID_STATUS", text, field="StatusId"))
            unit["StatusId"] = str(status)
