"""Cancelling orders and lines (oms.md 1.5): at once before release, afterwards only on request.

The bodies are our assumption: ``{CancelReason:{ReasonId}, CancelComments,
OrderLine:[{OrderLineId}]}``, with ``OrderId`` in the forms for many orders.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson

from sandbox.oms.manhattan.bodies import parse_object, parse_rows, rows_in, text_in
from sandbox.oms.manhattan.envelope import Refused, answer, error, message
from sandbox.oms.manhattan.fulfilment import count_released
from sandbox.oms.manhattan.search import find
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import CANCELED, FULFILLED, RELEASED, units_of
from sandbox.oms.manhattan.stock import as_decimal, as_number
from sandbox.oms.manhattan.totals import money_text, order_total, zero_money
from sandbox.system import Request, Response

Json = dict[str, Any]

REQUESTED = "Requested"


def cancel_one(state: State, request: Request, order_id: str, *, lines: bool) -> Response:
    """Answer ``orderId/{id}/cancel`` and ``orderId/{id}/orderLine/cancel``."""
    body = parse_object(request) if request.body.strip() else {}
    return answer(*_cancel(state, {**body, "OrderId": order_id}, request, lines=lines))


def cancel_many(state: State, request: Request, *, lines: bool) -> Response:
    """Answer the two forms for many orders; a failed order is an ERROR inside ``success:true``."""
    data: list[Json] = []
    messages: list[Json] = []
    for row in parse_rows(request):
        try:
            changed, notes = _cancel(state, row, request, lines=lines)
        except Refused as refused:
            messages += refused.messages
            continue
        data.append(changed)
        messages += notes
    return answer(data, messages)


def _cancel(state: State, body: Json, request: Request, *, lines: bool) -> tuple[Json, list[Json]]:
    record = find(state, str(body.get("OrderId")))
    order = record.load()
    line_ids = [text_in(line, "OrderLineId") for line in rows_in(body, "OrderLine")]
    if lines and not line_ids:
        raise Refused(
            error(
                "MISSING_ATTRIBUTE",
                "OrderLine names no line to cancel",
                field="OrderLine",
                keys={"OrderId": record.order_id},
            )
        )
    messages = cancel_lines(
        state, order, line_ids or None, body.get("CancelReason"), body.get("CancelComments")
    )
    record.correlate(request.headers.get("x-correlation-id"))
    if not messages or messages[0]["Code"] != "ALREADY_CANCELED":
        state.counts["cancels"] += 1
        state.commit(order)
    return cancel_answer(order), messages


def cancel_answer(order: Json) -> Json:
    """Reduce an order to what a cancel call answers."""
    names = (
        "OrderId",
        "IsCancelled",
        "MinFulfillmentStatusId",
        "MaxFulfillmentStatusId",
        "UpdatedTimestamp",
        "PostReleaseModificationStatus",
    )
    line_names = (
        "OrderLineId",
        "IsCancelled",
        "Quantity",
        "MaxFulfillmentStatusId",
        "cancellationRequestStatus",
        "OrderLineCancelHistory",
    )
    lines = [
        {name: line[name] for name in line_names if name in line} for line in order["OrderLine"]
    ]
    return {**{name: order[name] for name in names if name in order}, "OrderLine": lines}


def cancel_lines(
    state: State, order: Json, line_ids: list[str] | None, reason: Any, comments: Any
) -> list[Json]:
    """Cancel lines (None = all) of a loaded order, or record the request.

    Raises Refused, with nothing changed, if one of the lines can't be canceled.
    """
    reason_id = _reason_of(state, reason)
    lines = _chosen(order, line_ids)
    live = [line for line in lines if any(status != CANCELED for status, _ in units_of(line))]
    keys = {"OrderId": order["OrderId"]}
    if not live:
        return [
            message(
                "WARNING",
                "ALREADY_CANCELED",
                f"Order {order['OrderId']}: the lines are canceled already",
                keys=keys,
            )
        ]
    late = [line for line in live if _max_status(line) >= RELEASED]
    final = [line for line in late if _max_status(line) >= FULFILLED and not _open_units(line)]
    if refused := final if state.settings.late_cancellation else late:
        raise Refused(*(_not_allowed(line, keys) for line in refused))
    for line in live:
        if line in late:
            line["cancellationRequestStatus"] = REQUESTED
            line["CancelReason"], line["CancelComments"] = {"ReasonId": reason_id}, comments
            order["PostReleaseModificationStatus"] = REQUESTED
        else:
            cancel_units(line, reason_id, comments)
    _settle_totals(order)
    if late:
        text = "The order is released: the cancellation was requested, its outcome follows"
        return [message("INFO", "LATE_CANCEL_REQUESTED", text, keys=keys)]
    return []


def _not_allowed(line: Json, keys: Json) -> Json:
    return error(
        "CANCEL_NOT_ALLOWED",
        f"Line {line['OrderLineId']} is at {line['MaxFulfillmentStatusId']} and can't be canceled",
        keys={**keys, "OrderLineId": line["OrderLineId"]},
    )


def cancel_units(line: Json, reason_id: str | None, comments: Any) -> None:
    """Cancel a line's unfulfilled units: quantity and money become 0, the history keeps them."""
    canceled = Decimal(0)
    kept: list[Json] = []
    for status, unit in units_of(line):
        if status < FULFILLED:
            canceled += as_decimal(unit["Quantity"])
        else:
            kept.append(unit)
    line["QuantityDetail"] = [*kept, {"StatusId": "9000", "Quantity": as_number(canceled)}]
    entry = {
        "CancelQuantity": as_number(canceled),
        "CancelReason": {"ReasonId": reason_id},
        "CancelComments": comments,
    }
    line.setdefault("OrderLineCancelHistory", []).append(entry)
    line["Quantity"] = as_number(as_decimal(line["Quantity"]) - canceled)
    if line["Quantity"] == 0:
        zero_money(line, "OrderLineChargeDetail", "OrderLineTaxDetail")


def decide_late_cancel(order: Json, *, accepted: bool) -> int:
    """Decide an order's requested late cancellations and return how many lines had one."""
    waiting = [
        line for line in order["OrderLine"] if line.get("cancellationRequestStatus") == REQUESTED
    ]
    for line in waiting:
        # A line that was fulfilled while the request was pending has nothing left to cancel.
        granted = accepted and bool(_open_units(line))
        line["cancellationRequestStatus"] = "Accepted" if granted else "Rejected"
        if granted:
            for unit in _open_units(line):
                count_released(order, unit, "CancelledQuantity", as_decimal(unit["Quantity"]))
            cancel_units(
                line, (line.get("CancelReason") or {}).get("ReasonId"), line.get("CancelComments")
            )
    if waiting:
        granted_all = all(line["cancellationRequestStatus"] == "Accepted" for line in waiting)
        order["PostReleaseModificationStatus"] = "Accepted" if granted_all else "Rejected"
        _settle_totals(order)
    return len(waiting)


def _settle_totals(order: Json) -> None:
    if all(line["Quantity"] == 0 for line in order["OrderLine"]):
        zero_money(order, "OrderChargeDetail", "OrderTaxDetail")
    order["OrderTotal"] = orjson.Fragment(money_text(order_total(order)))


def _chosen(order: Json, line_ids: list[str] | None) -> list[Json]:
    lines: list[Json] = order["OrderLine"]
    if line_ids is None:
        return lines
    known = {line["OrderLineId"]: line for line in lines}
    missing = [line_id for line_id in line_ids if line_id not in known]
    if missing:
        keys = {"OrderId": order["OrderId"], "OrderLineId": missing[0]}
        raise Refused(
            error(
                "ORDER_LINE_NOT_FOUND",
                f"Order {order['OrderId']} has no line {', '.join(missing)}",
                keys=keys,
            )
        )
    return [known[line_id] for line_id in dict.fromkeys(line_ids)]


def _reason_of(state: State, reason: Any) -> str | None:
    reason_id = reason.get("ReasonId") if isinstance(reason, dict) else reason
    known = {
        entry["ReasonId"]
        for entry in state.settings.reasons
        if entry.get("ReasonTypeId") == "Cancel"
    }
    if reason_id is not None and (not isinstance(reason_id, str) or reason_id not in known):
        raise Refused(
            error(
                "REASON_NOT_FOUND",
                f"Cancel reason {reason_id!r} is not configured",
                field="CancelReason",
            )
        )
    return reason_id


def _max_status(line: Json) -> float:
    return max(status for status, _ in units_of(line) if status != CANCELED)


def _open_units(line: Json) -> list[Json]:
    return [unit for status, unit in units_of(line) if status < FULFILLED]
