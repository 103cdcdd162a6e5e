"""Return orders: documents of their own, whose lines name the order that comes back (oms.md 1.9).

The order's own units move with them: to Pending Return when the return is made, to Returned when
its disposition is confirmed, and back when it is canceled. The names of the attributes for reason
and condition are our assumption.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.oms.manhattan.returns import move_units
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import (
    DELIVERED,
    FULFILLED,
    PENDING_RETURN,
    RETURN_APPROVAL,
    RETURN_CANCELED,
    RETURN_CONFIRMED,
    RETURN_PENDING,
    RETURN_RECEIVED,
    RETURN_SCANNED,
    RETURNED,
    to_text,
    units_of,
)
from sandbox.oms.manhattan.stock import as_decimal, as_number

Json = dict[str, Any]

COPIED = (
    "OrgId", "DocType", "SellingChannel", "CurrencyCode", "CustomerId", "CustomerFirstName",
    "CustomerLastName", "CustomerEmail", "CustomerPhone",
)  # fmt: skip


class Step(NamedTuple):
    """A step of a return: from which statuses units move to which, and where the order's do."""

    sources: tuple[float, ...]
    target: float
    of_order: float | None = None


_OPEN = (RETURN_PENDING, RETURN_SCANNED, RETURN_RECEIVED)
STEPS = {
    "scan": Step((RETURN_PENDING,), RETURN_SCANNED),
    "receive": Step((RETURN_PENDING, RETURN_SCANNED), RETURN_RECEIVED),
    "verify": Step(_OPEN, RETURN_CONFIRMED, RETURNED),
    "approve": Step((RETURN_APPROVAL,), RETURN_CONFIRMED, RETURNED),
    "cancel_return": Step((*_OPEN, RETURN_APPROVAL), RETURN_CANCELED, FULFILLED),
}


def is_return(order: Json) -> bool:
    """Return whether an order is a return, or an exchange with one."""
    return any(line.get("IsReturn") for line in order["OrderLine"])


def open_return(state: State, order: Json, body: Json) -> Json:
    """Make a return of shipped units of an order; both are stored.

    ``{id, lines: [{line, quantity, reason}] | null, tracking, type, unexpected, approved,
    exchange: [{item, quantity}]}``; ``unexpected`` units have arrived without a return: they wait
    for approval, unless returns are approved by themselves (``approved``).
    """
    returns = order.setdefault("RelatedReturnIds", [])
    return_id = body.get("id") or f"{order['OrderId']}-RET{len(returns) + 1}"
    if return_id in state.book.records:
        raise ValueError(f"order {return_id!r} exists")
    start = RETURN_PENDING
    if body.get("unexpected"):
        start = RETURN_CONFIRMED if body.get("approved") else RETURN_APPROVAL
    lines: list[Json] = []
    for line, quantity, wanted in _chosen(order, body.get("lines")):
        target = RETURNED if start == RETURN_CONFIRMED else PENDING_RETURN
        moved = move_units(line, (FULFILLED, DELIVERED), target, quantity)
        if moved:
            lines.append(_line(order, line, len(lines) + 1, moved, start, body | wanted))
    if not lines:
        raise ValueError(f"order {order['OrderId']!r} has no shipped units to return")
    for new in body.get("exchange") or ():
        lines.append(_new_goods(order, len(lines) + 1, new))
    returns.append(return_id)
    made = {name: order[name] for name in COPIED if name in order} | {
        "OrderId": return_id,
        "AlternateOrderId": None,
        "OrderType": {"OrderTypeId": "Return"},
        "CapturedDate": state.clock.now(),
        "IsConfirmed": True,
        "IsOnHold": False,
        "CreatedBy": "returns",
        "RelatedOrderIds": [order["OrderId"]],
        "OrderLine": lines,
    }
    state.commit(made)
    state.commit(order)
    return made


def _chosen(order: Json, wanted: list[Json] | None) -> list[tuple[Json, Decimal | None, Json]]:
    by_id = {line["OrderLineId"]: line for line in order["OrderLine"]}
    if wanted is None:
        return [(line, None, {}) for line in by_id.values()]
    return [
        (by_id[w["line"]], None if w.get("quantity") is None else as_decimal(w["quantity"]), w)
        for w in wanted
    ]


def _line(
    order: Json, line: Json, place: int, quantity: Decimal, status: float, body: Json
) -> Json:
    made: Json = {
        "OrderLineId": str(place),
        "ItemId": line["ItemId"],
        "Quantity": as_number(quantity),
        "UOM": line.get("UOM"),
        "UnitPrice": line.get("UnitPrice"),
        "IsReturn": True,
        "ParentOrderId": order["OrderId"],
        "ParentOrderLineId": line["OrderLineId"],
        "DeliveryMethod": {"DeliveryMethodId": "ShipToReturnCenter"},
        "ReturnType": {"ReturnTypeId": body.get("type", "Refund")},
        "ReturnReason": {"ReasonId": body.get("reason", "Wrong Size")},
        "ReturnTrackingNumber": body.get("tracking"),
        "QuantityDetail": [{"StatusId": to_text(status, decimals=False), "Quantity": None}],
    }
    made["QuantityDetail"][0]["Quantity"] = made["Quantity"]
    return made


def _new_goods(order: Json, place: int, new: Json) -> Json:
    return {
        "OrderLineId": str(place),
        "ItemId": new["item"],
        "Quantity": new["quantity"],
        "UOM": order["OrderLine"][0].get("UOM"),
        "UnitPrice": new.get("price", 0),
        "DeliveryMethod": {"DeliveryMethodId": "ShipToAddress"},
        "QuantityDetail": [{"StatusId": "1000", "Quantity": new["quantity"]}],
    }


def advance_return(state: State, made: Json, name: str, body: Json) -> Json:
    """Take a step with the units of a return (``lines: [{line, quantity}] | null, condition``)."""
    step = STEPS[name]
    if step.target == RETURN_CANCELED and any(
        status == RETURN_CONFIRMED for line in made["OrderLine"] for status, _ in units_of(line)
    ):
        raise ValueError(f"units of {made['OrderId']!r} are returned: it can't be canceled")
    parents: dict[str, Json] = {}
    total = Decimal(0)
    returned = [line for line in made["OrderLine"] if line.get("IsReturn")]
    for line, quantity, wanted in _chosen(made | {"OrderLine": returned}, body.get("lines")):
        moved = move_units(line, step.sources, step.target, quantity)
        if not moved:
            continue
        total += moved
        if condition := wanted.get("condition") or body.get("condition"):
            line["ReceivedItemCondition"] = {"ItemConditionId": condition}
        if step.target == RETURN_CANCELED:
            line["Quantity"] = as_number(as_decimal(line["Quantity"]) - moved)
            canceled = {"CancelQuantity": as_number(moved), "CancelReason": {"ReasonId": "Kept"}}
            line.setdefault("OrderLineCancelHistory", []).append(canceled)
        if step.of_order is not None:
            order_id = line["ParentOrderId"]
            parent = parents.setdefault(order_id, state.book.records[order_id].load())
            [own] = [
                entry
                for entry in parent["OrderLine"]
                if entry["OrderLineId"] == line["ParentOrderLineId"]
            ]
            move_units(own, (PENDING_RETURN,), step.of_order, moved)
    if not total:
        raise ValueError(f"no unit of {made['OrderId']!r} can {name}")
    state.commit(made)
    for parent in parents.values():
        state.commit(parent)
    return {"moved": as_number(total)}
