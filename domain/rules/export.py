"""Export rules: which orders the OMS gets, which are cancelled there, which are skipped. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec

from domain.connections import OrdersPolicy
from domain.exchange import Skipped

Decision: TypeAlias = Literal["export", "cancel"]


class OrderHeader(msgspec.Struct, frozen=True):
    """What the rules need of a store's order, before the rest of it is mapped."""

    number: str
    status: str
    """The store's own code."""
    status_name: str
    channel: str
    """The store's own id of the channel, empty where it has none."""
    placed_at: datetime | None
    is_archived: bool


Decide: TypeAlias = Callable[[OrderHeader], Decision | Skipped]


class ExportRules:
    """Decides by one connection's policy."""

    def __init__(self, policy: OrdersPolicy) -> None:
        self._export = policy.outgoing
        self._cancel = {str(status) for status in policy.cancel_statuses}
        self._update = {str(status) for status in policy.update_statuses}
        start = policy.start_date
        naive = start is not None and start.tzinfo is None
        self._start = start.replace(tzinfo=UTC) if start is not None and naive else start

    def decide(self, order: OrderHeader, exported: Callable[[str], bool]) -> Decision | Skipped:
        """Return what to do with an order; ``exported`` says whether the OMS has it."""
        known = exported(order.number)
        status, name = order.status, order.status_name
        if order.is_archived:
            reason = "the order was archived in the store before it went out"
            return "cancel" if known else Skipped("deleted_in_store", reason)
        if status in self._cancel:
            reason = f"the order is {name} and never went out"
            return "cancel" if known else Skipped("cancelled_before_export", reason)
        if known and (status in self._export or status in self._update):
            return "export"
        if status not in self._export:
            reason = f"orders in status {status} ({name}) don't go out"
            return Skipped("status_not_exported", reason)
        if self._start is None or order.placed_at is None or order.placed_at >= self._start:
            return "export"
        reason = f"the order was placed before {self._start.isoformat()}"
        return Skipped("before_start_date", reason)
