"""Which order of the store an order of the OMS is: by its link, looked up once a chunk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property

from assets.delivery.links import NOT_LINKED, not_linked
from assets.streams.shipments.before_start import SHIPPED_BEFORE, shipped_before_start
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from domain.records.record import amend
from resources.ledger.links import accepted_orders
from resources.ledger.rows import StoredCapture
from resources.ledger.session import Session
from resources.sync import Sync

LEFT = (Milestone.SHIPPED, Milestone.DELIVERED, Milestone.RETURNED)


class FulfilmentMapper:
    """Maps a chunk's captures of OMS orders, and gives each the id of the store's order.

    An order without a link was created by this connection before its ledger was restored, or is
    another source's. The first is recognised by an accepted order that has this id at the OMS, and
    linked. One that the store shows as shipped since before the connection started is skipped. Any
    other that looks like the connection's own is a rejection once units of it have left the
    warehouse, and is tried again once its link is made; so nothing that the store must show is
    lost, and nothing reaches the store on a guess.
    """

    def __init__(self, sync: Sync, session: Session, captures: Sequence[StoredCapture]) -> None:
        self._sync, self._session = sync, session
        self._ids = {capture.payload: capture.source_id for capture in captures}
        self._linked = session.links.store_ids(set(self._ids.values()))
        unlinked = [order_id for order_id in self._ids.values() if order_id not in self._linked]
        self._others = session.links.others(unlinked)
        self._adopt(set(unlinked) - self._others.keys())

    def __call__(self, payload: bytes) -> Mapped[Fulfilment] | Skipped:
        """Map a capture. Raises ``RecordRejected``."""
        is_linked = self._ids[payload] in self._linked
        mapped = self._sync.shipments.to_canonical(payload, is_linked=is_linked)
        if isinstance(mapped, Skipped):
            return mapped
        order_id = mapped.record.order_id
        store_id = self._linked.get(order_id)
        if store_id is None:
            if (owner := self._others.get(order_id)) is not None:
                reason = f"{order_id} is an order of the connection {owner}"
                return Skipped("not_from_this_store", reason)
            if not _has_left(mapped.record):
                reason = (
                    f"no order of the store is linked to {order_id}, and nothing of it has left"
                )
                return Skipped(NOT_LINKED, reason)
            if order_id in self._shipped_before:
                return SHIPPED_BEFORE
            raise RecordRejected(not_linked(order_id))
        amend(mapped.record, "source_id", store_id)
        return mapped

    @cached_property
    def _shipped_before(self) -> set[str]:
        """Of the chunk's orders without a link; looked for only where units of one have left."""
        claimed = {}
        for payload, order_id in self._ids.items():
            if order_id not in self._linked and order_id not in self._others:
                origin = self._sync.shipments.to_origin(payload)
                if origin is not None and origin.is_own_id:
                    claimed[order_id] = origin.source_id
        shipped = shipped_before_start(self._sync, self._session, set(claimed.values()))
        return {order_id for order_id, store_id in claimed.items() if store_id in shipped}

    def _adopt(self, order_ids: Collection[str]) -> None:
        """Link the orders that accepted orders of the store state as theirs."""
        if not order_ids:
            return
        stated = {
            link.oms_id: link
            for link in accepted_orders(self._session.db, self._sync.name, oms_ids=order_ids)
        }
        links = [
            stated[order_id]
            for payload, order_id in self._ids.items()
            if order_id in stated and self._is_own(payload, stated[order_id].store_id)
        ]
        self._session.links.claim(links, self._sync.run_id)
        self._linked |= self._session.links.store_ids([link.oms_id for link in links])

    def _is_own(self, payload: bytes, store_id: str) -> bool:
        origin = self._sync.shipments.to_origin(payload)
        return origin is not None and origin.is_own_id and origin.source_id == store_id


def _has_left(fulfilment: Fulfilment) -> bool:
    """Return whether units of an order have left the warehouse."""
    stages = {part.milestone for line in fulfilment.lines for part in line.units}
    return bool(fulfilment.parcels) or not stages.isdisjoint(LEFT)
