"""The ids of a day's orders in both systems: by their links, and of those that have none.

An order without a link is recognised by what its accepted version states, by what it would be
created as, and at the OMS by the store's order that it claims to be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assets.delivery.links import make_links
from assets.reconciliation.result import OrderSnapshot
from domain.connections import ORDERS
from domain.exchange import RawRecord
from domain.reconciliation import OrderOrigin
from domain.rules.translation import id_at_oms
from resources.ledger.links import Link, accepted_orders
from resources.ledger.session import Session
from resources.sync import Sync


class OrderIds:
    """Ids of one connection's orders. Each method makes its look-ups once a chunk."""

    def __init__(self, sync: Sync, session: Session) -> None:
        self._sync, self._session = sync, session

    def of_stream(self, stream: str, source_ids: Sequence[str]) -> list[str]:
        """Return the store's ids of a stream's records; one that no order is known for is left out.

        A record of the OMS that no order is known for has a rejection, or is another source's.
        """
        if stream == ORDERS:
            return list(source_ids)
        known = self._session.links.store_ids(source_ids)
        if unlinked := [source_id for source_id in source_ids if source_id not in known]:
            stated = accepted_orders(self._session.db, self._sync.name, oms_ids=unlinked)
            known |= {link.oms_id: link.store_id for link in stated}
        return [known[source_id] for source_id in source_ids if source_id in known]

    def of_unlinked(
        self,
        source_ids: Sequence[str],
        store: Mapping[str, RawRecord],
        oms: Mapping[str, RawRecord],
    ) -> dict[str, str]:
        """Return the ids at the OMS that orders without a link have, or would be created with.

        ``oms`` are those that were found there, by the store's id.
        """
        if not source_ids:
            return {}
        stated = accepted_orders(self._session.db, self._sync.name, store_ids=source_ids)
        known = {link.store_id: link.oms_id for link in stated}
        for source_id in source_ids:
            if source_id in oms:
                known[source_id] = oms[source_id].source_id
            elif (
                source_id not in known
                and source_id in store
                and (number := self._number(store[source_id]))
            ):
                known[source_id] = id_at_oms(self._sync.connection.orders, number)
        return known

    def of_records(
        self, page: Sequence[RawRecord]
    ) -> tuple[dict[str, RawRecord], list[OrderOrigin]]:
        """Return orders of the OMS by the store's id, and those that only refer to a store's order.

        An order of another connection is neither.
        """
        linked = self._session.links.store_ids([record.source_id for record in page])
        unlinked = [record.source_id for record in page if record.source_id not in linked]
        foreign = self._session.links.others(unlinked)
        own: dict[str, RawRecord] = {}
        others: list[OrderOrigin] = []
        for record in page:
            if record.source_id in linked:
                own[linked[record.source_id]] = record
                continue
            origin = self._sync.shipments.to_origin(record.payload)
            if origin is None or record.source_id in foreign:
                continue
            if origin.is_own_id:
                own[origin.source_id] = record
            else:
                others.append(origin)
        return own, others

    def adopt(self, snapshots: Sequence[OrderSnapshot], *, all_found: bool) -> None:
        """Link orders that the OMS has and that have no link, as after a restore.

        Those whose accepted version was given this id; ``all_found``, which an operator chooses:
        every one of the store's whose own id the OMS's order has.
        """
        links = [
            Link(
                one.source_id, self._number(one.store) or one.source_id, one.order_id, one.order_id
            )
            for one in snapshots
            if one.store is not None and one.oms is not None and not one.has_moved
            if not one.is_linked and (all_found or one.orders.accepted is not None)
            if self._is_own(one, one.oms)
        ]
        make_links(self._session, links)

    def _is_own(self, snapshot: OrderSnapshot, oms: RawRecord) -> bool:
        origin = self._sync.shipments.to_origin(oms.payload)
        return origin is not None and origin.is_own_id and origin.source_id == snapshot.source_id

    def _number(self, store: RawRecord) -> str:
        return self._sync.orders.to_store_snapshot(store.payload).number
