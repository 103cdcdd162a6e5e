"""Export rules: which orders the OMS gets, which are canceled there, which are skipped. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Literal, TypeAlias

import msgspec

from domain.errors import Problem, RecordRejected
from domain.exchange import Skipped
from domain.milestones import BEYOND_SHIPPED, Milestone
from domain.policies import OrdersPolicy
from domain.statuses import OrderStatuses

Decision: TypeAlias = Literal["export", "cancel"]
Ended: TypeAlias = Literal["", "fulfilled", "canceled"]
"""Whether the OMS is done with an order: all of it has left, or it is canceled."""
NOT_SENT_RULE = "status_not_exported"
OTHER_PART = "other_channel"
"""The rule that skips an order of a channel or store that the connection does not serve."""
AFTER_END = "deleted_after_end"
"""The rule that skips an order which the store deletes once the OMS is done with it."""
CHANGE_NOT_SENT = "change_not_sent"
"""The code of an order whose content has changed in a status in which changes are not sent."""
DELETED = Problem(
    "order_deleted_in_store",
    "id",
    "The store has deleted or archived the order before it was shown that all of it had left.",
    "If the OMS still has it to fulfil, cancel it there ('lockstep action cancel') or let it be "
    "fulfilled; then discard the rejection. With orders.deleted: cancel such orders are canceled "
    "automatically.",
)


class OrderHeader(msgspec.Struct, frozen=True):
    """What the rules need of a store's order, before the rest of it is mapped."""

    source_id: str
    """The store's own id of the order, which need not be the number that shoppers see."""
    status: str
    """The store's own code."""
    status_name: str
    channel: str
    """The store's own id of the channel, empty if it has none."""
    placed_at: datetime | None
    is_archived: bool
    removed: Literal["", "part", "whole"] = ""
    """What was refunded, or canceled unit by unit, before it shipped: the OMS must not ship what it
    still holds of it."""
    units: int = 0
    shipped_units: int = 0
    """Of ``units``, those that the store shows as shipped."""
    shipped_field: str = "shipped_units"
    """Where the store's document states ``shipped_units``."""
    other_part: str = ""
    """Why the order is not of the channel or store that the connection serves; empty if it is."""


Asked: TypeAlias = Callable[[str], bool]
"""Answers a question about an order by its id at the store."""
Decide: TypeAlias = Callable[[OrderHeader], Decision | Skipped]


def never(source_id: str) -> bool:
    """Answer a question about any order with no."""
    del source_id
    return False


_FULFILLED = frozenset(map(str, (Milestone.SHIPPED, *BEYOND_SHIPPED)))


def ended_by(milestones: Collection[str]) -> Ended:
    """Return whether the OMS is done with an order of which these milestones are known."""
    if str(Milestone.CANCELED) in milestones:
        return "canceled"
    return "" if _FULFILLED.isdisjoint(milestones) else "fulfilled"


def open_yet(source_id: str) -> Ended:
    """Answer that the OMS is not done with an order."""
    del source_id
    return ""


def always(order: OrderHeader) -> Decision | Skipped:
    """Export any order of the connection."""
    return _of_other_part(order) or "export"


def _of_other_part(order: OrderHeader) -> Skipped | None:
    return Skipped(OTHER_PART, order.other_part) if order.other_part else None


class ExportRules:
    """Decides by one connection's policy."""

    def __init__(self, policy: OrdersPolicy, statuses: OrderStatuses) -> None:
        self._export = statuses.outgoing
        self._cancel, self._update = statuses.cancel, statuses.update
        self._cancels_deleted = statuses.cancels_deleted
        start = policy.start_date
        naive = start is not None and start.tzinfo is None
        self._start = start.replace(tzinfo=UTC) if start is not None and naive else start

    def decide(
        self,
        order: OrderHeader,
        exported: Asked,
        owed: Asked = never,
        ended: Callable[[str], Ended] = open_yet,
    ) -> Decision | Skipped:
        """Return what to do with an order; ``exported`` says whether the OMS has it.

        ``ended`` says whether it is done with it. ``owed`` says whether an earlier version is to be
        sent although the status has moved on. If units of it were refunded or shipped since, it
        must not go out in that version's form. Raises ``RecordRejected`` for an order of which a
        part was shipped without the OMS, and as ``deleted`` does.
        """
        known = exported(order.source_id)
        # What the connection has sent before it was narrowed to a channel stays its own.
        if not known and (other := _of_other_part(order)) is not None:
            return other
        status, name = order.status, order.status_name
        if order.is_archived:
            return self.deleted(order.source_id, exported, ended)
        if status in self._cancel:
            reason = f"the order is {name} and was never sent"
            return "cancel" if known else Skipped("cancelled_before_export", reason)
        if known and (status in self._export or status in self._update or order.removed):
            return "export"
        if order.removed == "whole":
            return Skipped("refunded_before_export", f"the order is {name} and was never sent")
        # Of an order that the OMS has, units are shipped by it.
        has_changed = not known and (order.removed or order.shipped_units)
        if status not in self._export and not (has_changed and owed(order.source_id)):
            reason = f"orders in status {status} ({name}) are not exported"
            return Skipped(NOT_SENT_RULE, reason)
        if (before := self._before_start(order)) is not None:
            return before
        return _shipped_before(order) if order.shipped_units else "export"

    def _before_start(self, order: OrderHeader) -> Skipped | None:
        start = self._start
        if start is None or order.placed_at is None or order.placed_at >= start:
            return None
        return Skipped("before_start_date", f"the order was placed before {start.isoformat()}")

    def left_over(self, order: OrderHeader, ended: Callable[[], Ended]) -> Skipped | None:
        """Return why an order that a former connection has sent needs no one any more, if so.

        ``ended`` says whether the OMS was done with it, as far as that connection knew.
        """
        if (other := _of_other_part(order)) is not None:
            return other
        if order.is_archived or order.status in self._cancel:
            end = ended()
            return Skipped("sent_elsewhere", f"the OMS had it {end} before") if end else None
        decision = self.decide(order, lambda _: True)
        return decision if isinstance(decision, Skipped) else self._before_start(order)

    def depends_on_oms(self, order: OrderHeader, owed: Asked) -> bool:
        """Return whether it decides anything about an order if the OMS has it.

        Also true of one that is owed and has moved on: its content is compared with what was sent.
        And of one with removed units: only its content shows whether any are left.
        """
        if order.removed:
            return True

        def decision(*, is_known: bool) -> object:
            try:
                return self.decide(order, lambda _: is_known, owed)
            except RecordRejected as rejected:
                return rejected.problems

        known = decision(is_known=True)
        if isinstance(known, Skipped) and known.rule == NOT_SENT_RULE and owed(order.source_id):
            return True
        return known != decision(is_known=False)

    def deleted(
        self, source_id: str, exported: Asked, ended: Callable[[str], Ended]
    ) -> Literal["cancel"] | Skipped:
        """Return what to do with an order that the store has deleted or archived.

        What the OMS is done with is history: stores are tidied up. Raises ``RecordRejected`` for
        one that it still has, unless such orders are canceled.
        """
        if not exported(source_id):
            reason = "the order was deleted or archived in the store before it was sent"
            return Skipped("deleted_in_store", reason)
        end = ended(source_id)
        if end == "fulfilled" or (end == "canceled" and not self._cancels_deleted):
            return Skipped(AFTER_END, f"the order was {end} before the store deleted it")
        if self._cancels_deleted:
            return "cancel"
        raise RecordRejected(DELETED)


def _shipped_before(order: OrderHeader) -> Skipped:
    """Return the rule that skips an order which was shipped without the OMS."""
    shipped, units = order.shipped_units, order.units
    if shipped >= units:
        return Skipped(
            "shipped_before_export", "the store had shipped the order before it was sent"
        )
    message = f"{shipped} of {units} units were shipped in the store before the order was sent"
    advice = (
        f"ship the rest in the store, too; or correct {order.shipped_field} and the lines' "
        "quantities of the payload to what the OMS should ship"
    )
    raise RecordRejected(
        Problem("partly_shipped_in_store", order.shipped_field, message, advice, str(shipped))
    )
