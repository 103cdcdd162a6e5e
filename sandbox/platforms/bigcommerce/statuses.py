"""BigCommerce's fifteen order statuses (orders.v2.oas2.yml, /order_statuses)."""

from __future__ import annotations

from typing import Any

INCOMPLETE, PENDING, SHIPPED, PARTIALLY_SHIPPED = 0, 1, 2, 3
REFUNDED, CANCELLED, DECLINED, AWAITING_FULFILLMENT, PARTIALLY_REFUNDED = 4, 5, 6, 11, 14

NAMES = {
    0: "Incomplete",
    1: "Pending",
    2: "Shipped",
    3: "Partially Shipped",
    4: "Refunded",
    5: "Cancelled",
    6: "Declined",
    7: "Awaiting Payment",
    8: "Awaiting Pickup",
    9: "Awaiting Shipment",
    10: "Completed",
    11: "Awaiting Fulfillment",
    12: "Manual Verification Required",
    13: "Disputed",
    14: "Partially Refunded",
}
PLACED = frozenset(NAMES) - {INCOMPLETE, CANCELLED, DECLINED}
"""Statuses of an order that holds stock."""


def describe(status_id: int) -> dict[str, Any]:
    """Build one entry of ``GET /v2/order_statuses``."""
    name = NAMES[status_id]
    return {
        "id": status_id,
        "name": name,
        "system_label": name,
        "custom_label": name,
        "system_description": f"The order is in the state {name}.",
        "order": status_id,
    }


def describe_count(status_id: int, count: int) -> dict[str, Any]:
    """Build one entry of ``GET /v2/orders/count``."""
    entry = describe(status_id)
    entry["sort_order"] = entry.pop("order")
    return entry | {"count": count}
