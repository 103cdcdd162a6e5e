"""The order's status at the store: moved forward by fulfilment, and the merchant's own kept.

A status that says something else than fulfilment does (disputed, refunded) stays. The store itself
moves an order that gets a shipment, so such a status is put back after each one.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from assets.delivery.target_state import OrderTargetState
from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import Receipt, StoreOrderState
from domain.milestones import Milestone, may_move
from domain.ports import StoreWriter

STATUS_KEPT = "status_kept"


class StatusRules:
    """What fulfilment may do to a status; ``exported`` are those in which orders go out."""

    def __init__(self, exported: Collection[int | str]) -> None:
        self._exported = frozenset(str(status) for status in exported)

    def keeps(self, now: StoreOrderState, state: OrderTargetState) -> bool:
        """Return whether the merchant's status must stay: neither exported nor set by us."""
        return now.is_reserved and now.status not in self._exported and now.status != state.status

    def moves(
        self,
        now: StoreOrderState,
        before: StoreOrderState | None,
        state: OrderTargetState,
        wanted: Milestone,
    ) -> bool:
        """Return whether the order moves to ``wanted``.

        It does not move back from where it was ``before`` the plan's shipments, unless we had set
        that status.
        """
        if now.is_final or self.keeps(now, state):
            return False
        shown = before or now
        return (
            shown.status == state.status
            or shown.milestone is None
            or may_move(shown.milestone, wanted)
        )


async def put_back(
    writer: StoreWriter, before: StoreOrderState, receipt: Receipt, correlation_id: str
) -> Receipt:
    """Set the merchant's status again after a shipment; the receipt says where that failed."""
    try:
        await writer.put_status(before.order_id, before.status, correlation_id)
    except (TransientError, PermanentError, RecordRejected) as error:
        problem = Problem(
            "status_not_restored",
            "status_id",
            f"The shipment {receipt.target_id} was created, the store moved order "
            f"{before.order_id} from status {before.status}, and it could not be set back: {error}",
            "Set the order's status in the store, then retry the rejection.",
            before.status,
        )
        return replace(receipt, refused=(*receipt.refused, problem))
    return receipt


def status_kept(now: StoreOrderState, status: str) -> Problem:
    """Return the warning that the order keeps the merchant's status."""
    return Problem(
        STATUS_KEPT,
        "status_id",
        f"The store's order {now.order_id} is in status {now.status}, which says something else "
        f"than fulfilment does; it was not set to {status}.",
        "Set the order's status in the store once the matter is settled.",
        now.status,
    )


def compare_units(now: StoreOrderState, at_oms: int, receipt: Receipt) -> Receipt:
    """Compare the store's shipped units with the OMS's after the shipments: none may be lost."""
    if now.shipped_units == at_oms:
        return receipt
    counts = (
        f"The store shows {now.shipped_units} units of order {now.order_id} as shipped, and the OMS"
    )
    if now.shipped_units < at_oms:
        problem = Problem(
            "shipped_units_missing",
            "items_shipped",
            f"{counts} has shipped {at_oms}.",
            "Look whether a shipment was deleted in the store, then reconcile with --repair.",
            str(now.shipped_units),
        )
        return replace(receipt, refused=(*receipt.refused, problem))
    problem = Problem(
        "shipped_units_above",
        "items_shipped",
        f"{counts} has shipped {at_oms}.",
        "Look for shipments that were made by hand: the OMS may ship these units once more.",
        str(now.shipped_units),
    )
    return replace(receipt, warnings=(*receipt.warnings, problem))
