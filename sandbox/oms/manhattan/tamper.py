"""What happens to a tenant's orders behind the back of whoever synchronises them: bad imports, hands in the database."""

from __future__ import annotations

from typing import Any

from sandbox.oms.manhattan.merge import merge
from sandbox.oms.manhattan.state import State

Json = dict[str, Any]


def tamper(state: State, order_id: str, body: Json) -> Json:
    """Merge ``{change: {...}, silent: bool}`` into an order, past all rules of the API; ``silent`` leaves its time of change."""
    record = state.book.records[order_id]
    order = record.load()
    merge(order, body["change"])
    if body.get("silent", True):
        state.book.commit(order, record.updated_ms, silent=True)
    else:
        state.commit(order)
    return {"updated": order["UpdatedTimestamp"]}


def remove(state: State, order_id: str, body: Json) -> Json:
    """Delete an order without a trace."""
    del body
    state.book.remove(order_id)
    return {"orders": len(state.book.records)}


def copy(state: State, order_id: str, body: Json) -> Json:
    """Add the same order as ``{order_id, alternate}``: a second import of it, or one that no store has placed."""
    order = state.book.records[order_id].load()
    order["OrderId"] = str(body["order_id"])
    order["AlternateOrderId"] = str(body.get("alternate", order["AlternateOrderId"]))
    if order["OrderId"] in state.book.records:
        raise ValueError(f"order {order['OrderId']!r} exists")
    state.commit(order)
    return {"orders": len(state.book.records)}
