"""Saving orders: the all-or-nothing upsert, and the create-only bulk import (oms.md 1.3 to 1.5)."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from sandbox.oms.manhattan.bodies import parse_object, parse_rows
from sandbox.oms.manhattan.book import OrderRecord
from sandbox.oms.manhattan.cancels import cancel_lines
from sandbox.oms.manhattan.envelope import Refused, answer, error
from sandbox.oms.manhattan.merge import LINE_OWNED, merge, would_change
from sandbox.oms.manhattan.shapes import check_shapes
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import RELEASED, units_of
from sandbox.oms.manhattan.totals import money_text, order_total
from sandbox.oms.manhattan.validation import check_order, payment_problems
from sandbox.system import Request, Response

Json = dict[str, Any]

_OWNED = (
    *(
        "UpdatedTimestamp",
        "CreatedTimestamp",
        "CreatedBy",
        "MinFulfillmentStatusId",
        "MaxFulfillmentStatusId",
        "FulfillmentStatus",
        "OrderTotal",
    ),
    *(
        "Release",
        "OrderTrackingInfo",
        "OrderMilestone",
        "PostReleaseModificationStatus",
        "IsCancelled",
        "MessageHeader",
    ),
)
"""Attributes that only the OMS writes: a caller's values for them are dropped."""
API_USER = "integration"
"""``CreatedBy`` of what comes by the API; each entity has the attribute."""
_URL_SPECIAL = frozenset("#+?/&%")


def save_order(state: State, request: Request) -> Response:
    """Answer ``POST /order/api/order/order/save``."""
    body = parse_object(request)
    record, order, messages = _upsert(state, body, request.headers.get("x-correlation-id"))
    data = orjson.Fragment(record.raw) if state.settings.save_answer == "full" else compact(order)
    return answer(data, messages)


def bulk_import(state: State, request: Request) -> Response:
    """Answer ``bulkImport``: each row, such as an existing order, fails inside ``success:true``.

    Body and answer are our assumption: a list (or ``Data``) of orders; ``SuccessCount``,
    ``FailedCount`` and the failures as messages.
    """
    saved: list[Json] = []
    failures: list[Json] = []
    rows = parse_rows(request)
    for row in rows:
        try:
            order_id = _order_id(row)
            if order_id in state.book.records:
                raise Refused(
                    error(
                        "ORDER_EXISTS",
                        f"Order {order_id} exists already",
                        field="OrderId",
                        keys={"OrderId": order_id},
                    )
                )
            _, order, messages = _upsert(state, row, request.headers.get("x-correlation-id"))
        except Refused as refused:
            failures += refused.messages
            continue
        saved.append(compact(order))
        failures += messages
    return answer(
        {"SuccessCount": len(saved), "FailedCount": len(rows) - len(saved), "Orders": saved},
        failures,
    )


def compact(order: Json) -> Json:
    """Reduce a saved order to ids, statuses and times."""
    names = (
        "OrderId",
        "AlternateOrderId",
        "OrgId",
        "CreatedTimestamp",
        "UpdatedTimestamp",
        "IsCancelled",
        "IsOnHold",
        "OrderTotal",
    )
    statuses = (
        "MinFulfillmentStatusId",
        "MaxFulfillmentStatusId",
        "FulfillmentStatus",
        "IsCancelled",
        "cancellationRequestStatus",
    )
    result = {
        name: order[name]
        for name in (*names, *statuses[:3], "PostReleaseModificationStatus")
        if name in order
    }
    result["OrderLine"] = [
        {
            name: line[name]
            for name in ("OrderLineId", "ItemId", "Quantity", *statuses)
            if name in line
        }
        for line in order["OrderLine"]
    ]
    return result


def _order_id(body: Json) -> str:
    order_id = body.get("OrderId")
    if not isinstance(order_id, str) or not order_id:
        raise Refused(error("MISSING_ATTRIBUTE", "OrderId is missing or not text", field="OrderId"))
    return order_id


def _upsert(
    state: State, body: Json, correlation_id: str | None
) -> tuple[OrderRecord, Json, list[Json]]:
    order_id = _order_id(body)
    check_shapes(body)
    record = state.book.records.get(order_id)
    stored = record.load() if record else None
    messages = check_order(state, body, stored)
    failed = [entry for entry in messages if entry["Type"] == "ERROR"]
    if failed:
        # All or nothing: one line that can't change blocks every other change of the request.
        raise Refused(*messages)
    wants_cancel = body.get("IsCancelled") is True
    canceled_lines = [
        line["OrderLineId"]
        for line in body.get("OrderLine") or ()
        if line.get("IsCancelled") is True
    ]
    _drop_owned(body)
    order = _create(state, body) if stored is None else _update(stored, body)
    order["IsOnHold"] = is_held(order)
    messages += payment_problems(state.settings, body)
    total = _total_of(order)
    order["OrderTotal"] = orjson.Fragment(money_text(total))
    if wants_cancel or canceled_lines:
        messages += cancel_lines(
            state,
            order,
            None if wants_cancel else canceled_lines,
            body.get("CancelReason"),
            body.get("CancelComments"),
        )
    record = state.commit(order)
    record.saved_total = money_text(total)
    record.correlate(correlation_id)
    _count(state, record, created=stored is None)
    return record, order, messages


def _total_of(order: Json) -> Decimal:
    keys = {"OrderId": order["OrderId"]}
    try:
        total = order_total(order)
    except InvalidOperation as problem:
        raise Refused(
            error("INVALID_ATTRIBUTE", "A charge or tax of the order is not a number", keys=keys)
        ) from problem
    if not total.is_finite():
        raise Refused(
            error("INVALID_ATTRIBUTE", "A charge or tax of the order is not finite", keys=keys)
        )
    return total


def _count(state: State, record: OrderRecord, *, created: bool) -> None:
    record.saves += 1
    state.counts["saves"] += 1
    if created:
        record.creates += 1
        state.counts["creates"] += 1
        if not _URL_SPECIAL.isdisjoint(record.order_id):
            # Accepted, as the vendor does: such an order imports and breaks later screens
            # (oms.md 1.4).
            state.counts["url_special_order_ids"] += 1


def _drop_owned(body: Json) -> None:
    for name in _OWNED:
        body.pop(name, None)
    if body.get("OrderLine") is None:
        # A null list means "lines not sent"; merged in, it would remove all of them.
        body.pop("OrderLine", None)
    for line in body.get("OrderLine") or ():
        for name in LINE_OWNED:
            line.pop(name, None)


def _create(state: State, order: Json) -> Json:
    order.setdefault("OrgId", state.settings.org_id)
    order["CreatedBy"] = API_USER
    order["OrderMilestone"] = [
        {"MilestoneDefinitionId": "Created", "ActualTime": state.clock.now()}
    ]
    for line in order["OrderLine"]:
        line["CreatedBy"] = API_USER
        _open(line)
    _open_holds(order)
    return order


def _open(line: Json) -> None:
    line["QuantityDetail"] = [{"StatusId": "1000", "Quantity": line["Quantity"]}]


def _update(stored: Json, body: Json) -> Json:
    known = {line["OrderLineId"]: line for line in stored["OrderLine"]}
    for line in body.get("OrderLine") or ():
        current = known.get(line["OrderLineId"])
        if current is None:
            line["CreatedBy"] = API_USER
            _open(line)
        elif _replans(current, line):
            current["Quantity"] = line.get("Quantity", current["Quantity"])
            _open(current)
    merge(stored, body)
    _open_holds(stored)
    return stored


def _replans(current: Json, line: Json) -> bool:
    """Return whether an unreleased line goes back to Open because item or quantity changed."""
    if max(status for status, _ in units_of(current)) >= RELEASED:
        return False
    return any(
        name in line and would_change(current[name], line[name]) for name in ("Quantity", "ItemId")
    )


def _open_holds(order: Json) -> None:
    for entity, name in [
        (order, "OrderHold"),
        *((line, "OrderLineHold") for line in order["OrderLine"]),
    ]:
        for hold in entity.get(name) or ():
            hold["StatusId"] = hold.get("StatusId") or "1000"


def is_held(order: Json) -> bool:
    """Return whether a hold of the order or of one of its lines is active (StatusId 1000)."""
    holds = list(order.get("OrderHold") or ())
    for line in order["OrderLine"]:
        holds += line.get("OrderLineHold") or ()
    return any(float(hold["StatusId"]) == 1000 for hold in holds)
