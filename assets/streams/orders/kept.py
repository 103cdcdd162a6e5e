"""Orders at an OMS that takes each only once: what a later version of one means there.

Nothing is sent. What the OMS has is what was sent, unless an operator has discarded a change: that
may have been made there by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from assets.delivery.plan import Due, Plan
from assets.streams.orders.former import FormerVersions
from assets.streams.orders.refusals import (
    Content,
    by_former_rules,
    not_changeable,
    taken_back,
)
from domain.errors import RecordRejected
from domain.records.orders import Order
from domain.targets import OrderTarget


class KeptOrders:
    """The orders of one chunk."""

    def __init__(
        self, orders: OrderTarget, versions: FormerVersions, as_linked: Callable[[Order], Order]
    ) -> None:
        self._orders, self._versions, self._as_linked = orders, versions, as_linked
        self._discarded: Mapping[str, Order | None] = {}
        self._by_hand: Collection[str] = frozenset()

    def prepare(self, source_ids: Sequence[str], by_hand: Collection[str]) -> None:
        """Read which changes of the orders operators have discarded.

        ``by_hand`` are the orders that they may have changed at the OMS since it was asked.
        """
        self._discarded = self._versions.discarded(source_ids)
        self._by_hand = by_hand

    def plan(self, due: Due[Order], held: Content, wanted: Content) -> Plan:
        """Return the plan of a version that can't be sent.

        Raises ``RecordRejected`` if the order was changed in the store, and not by other rules
        alone. A change that was discarded comes back only with another one, also if that takes it
        back: the OMS may have it by then, whatever it was rejected for.
        """
        source_id, change = due.record.source_id, self._orders.change(held, wanted)
        then = self._payload(self._versions.created(source_id)) if change is not None else None
        is_as_sent = change is None or (
            then is not None and self._orders.change(then, wanted) is None
        )
        if source_id in self._discarded:
            seen = self._payload(self._discarded[source_id])
            since = self._orders.change(seen, wanted) if seen is not None else {}
            if since is None:
                return Plan(due)  # an operator has decided on this change
            if is_as_sent and source_id in self._by_hand:
                raise RecordRejected(taken_back(since, seen, wanted, self._orders.units))
        if is_as_sent:
            return Plan(due, notes=[by_former_rules(change, held)] if change is not None else [])
        raise RecordRejected(not_changeable(change or {}, held, wanted, self._orders.units))

    def _payload(self, order: Order | None) -> Content | None:
        return self._orders.payload(self._as_linked(order)) if order is not None else None
