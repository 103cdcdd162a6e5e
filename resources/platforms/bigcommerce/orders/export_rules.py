"""Which orders go to the OMS: the named rules of one connection. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from domain.connections import OrdersPolicy
from domain.exchange import Skipped
from resources.platforms.bigcommerce.parsing import Findings, number_id, to_moment
from resources.platforms.bigcommerce.statuses import STATUSES


class ExportRules:
    """Decides whether an order goes out, goes out as cancelled, or is skipped by a named rule."""

    def __init__(self, policy: OrdersPolicy, channel_id: int | None) -> None:
        self._channel_id = channel_id
        self._export = policy.outgoing
        self._cancel = {str(status) for status in policy.cancel_statuses}
        self._update = {str(status) for status in policy.update_statuses}
        start = policy.start_date
        self._start = (
            start.replace(tzinfo=UTC) if start is not None and start.tzinfo is None else start
        )

    def decide(
        self,
        order: Mapping[str, Any],
        number: str,
        exported: Callable[[str], bool],
        findings: Findings,
    ) -> Skipped | bool:
        """Return a skip, or whether the order is to be cancelled at the OMS."""
        if (
            self._channel_id is not None
            and (channel := number_id(order, "channel_id", "", findings)) != self._channel_id
        ):
            return Skipped(
                "other_channel",
                f"the order belongs to channel {channel}, and the connection to {self._channel_id}",
            )
        status_id = order.get("status_id")
        if (
            not isinstance(status_id, int)
            or isinstance(status_id, bool)
            or status_id not in STATUSES
        ):
            shown = status_id if isinstance(status_id, int) else "not a number"
            message = "this isn't one of BigCommerce's order statuses"
            findings.reject(
                "status_unknown",
                "status_id",
                message,
                "look at the order's status in the store",
                shown,
            )
            return False
        status, name = str(status_id), STATUSES[status_id].name
        known = exported(number)
        if order.get("is_deleted") is True:
            return (
                True
                if known
                else Skipped(
                    "deleted_in_store", "the order was archived in the store before it went out"
                )
            )
        if status in self._cancel:
            return (
                True
                if known
                else Skipped("cancelled_before_export", f"the order is {name} and never went out")
            )
        if known and (status in self._export or status in self._update):
            return False
        if status not in self._export:
            return Skipped(
                "status_not_exported", f"orders in status {status} ({name}) don't go out"
            )
        if self._start is not None:
            placed = to_moment(str(order.get("date_created") or ""))
            if placed is not None and placed < self._start:
                return Skipped(
                    "before_start_date", f"the order was placed before {self._start.isoformat()}"
                )
        return False
