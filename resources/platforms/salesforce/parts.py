"""What writes of several records are made of: requests of a composite, and rejections. Pure."""

from __future__ import annotations

from typing import Any

from domain.errors import Problem, RecordRejected

Part = dict[str, Any]
"""A request of a composite."""


def rejection_of(
    code: str, field: str, message: str, advice: str, value: str = ""
) -> RecordRejected:
    """Return the rejection of a write."""
    return RecordRejected(Problem(code, field, message, advice, value[:80]))


def missing_order(order_id: str) -> RecordRejected:
    """Return why nothing can be written to an order."""
    advice = "look for the order in the store"
    message = "the store has no such order summary"
    return rejection_of("order_missing_in_store", "order_id", message, advice, order_id)
