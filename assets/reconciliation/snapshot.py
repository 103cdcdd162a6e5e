"""Snapshots of a day's orders, in chunks: each order as both systems and the ledger hold it.

A day's orders are those that the store changed on it, those that the OMS changed on it, those whose
record in the ledger belongs to it, and those with open drifts. Each chunk reads the ledger before
and after the systems: an order that changed in between is not compared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from assets.reconciliation.ids import OrderIds
from assets.reconciliation.result import OrderSnapshot
from domain.connections import ORDERS, SHIPMENTS
from domain.errors import RecordRejected
from domain.exchange import RawRecord, StoreShipment
from domain.identity import correlation_id
from domain.reconciliation import OrderOrigin
from domain.sources import Page
from domain.values import Window
from resources.ledger.captures import edits
from resources.ledger.captures.edits import Change
from resources.ledger.deliveries.drifts import Drifts
from resources.ledger.privacy.forgetting import forgotten_among
from resources.ledger.records.amendments import Amendments
from resources.ledger.records.record_state import (
    UNKNOWN,
    RecordState,
    record_states,
    records_of_day,
)
from resources.ledger.records.withdrawals import withdrawn_by_store
from resources.ledger.rejections.discards import NO_PARTS, parts
from resources.ledger.session import Session
from resources.ledger.store_links import sent_elsewhere
from resources.sync import Sync

CHUNK = 500


class _Systems(NamedTuple):
    """What both systems have of a chunk of orders, by the store's ids."""

    store: Mapping[str, RawRecord]
    oms: Mapping[str, RawRecord]
    origins: Mapping[str, tuple[OrderOrigin, ...]]
    """Other orders of the OMS that refer to them."""
    linked: Mapping[str, str]
    """The ids at the OMS by their links."""
    order_ids: Mapping[str, str]
    """These, and those that are known without a link."""
    before: Mapping[str, tuple[RecordState, RecordState]]
    """What the ledger had of order and fulfilment before the systems were read."""
    shipped: Sequence[str]
    """Those that may have shipments at the store."""
    shipments: Mapping[str, Mapping[str, StoreShipment]]


class SnapshotReader:
    """Reads the current state of one connection's orders."""

    def __init__(self, sync: Sync, session: Session, day: date, window: Window) -> None:
        self._sync, self._session, self._day, self._window = sync, session, day, window
        self._ids = OrderIds(sync, session)
        self._drifts = Drifts(session.db, sync.name, sync.run_id)
        self._seen: set[str] = set()

    def of_day(self) -> Iterator[list[OrderSnapshot]]:
        """Yield the day's orders, each at least once; only the ids of earlier chunks are kept."""
        for page in _chunks(self._sync.orders.fetch(self._window)):
            store = {record.source_id: record for record in page}
            self._seen |= store.keys()
            yield self._snapshots(list(store), store=store)
        for page in _chunks(self._sync.shipments.fetch(self._window)):
            found, origins = self._ids.of_records(page)
            own = {i: record for i, record in found.items() if i not in self._seen}
            others = _by_source(origins)
            if ids := [*own, *(source_id for source_id in others if source_id not in own)]:
                self._seen |= set(ids)
                yield self._snapshots(ids, oms=own, others=others)
        for ids in self._fresh(self._of_ledger()):
            yield self._snapshots(ids)
        for ids in self._fresh(self._with_drifts()):
            yield self._snapshots(ids)

    def again(self, suspects: Mapping[str, Collection[str]]) -> Iterator[list[OrderSnapshot]]:
        """Yield orders again; ``suspects`` maps their ids to the OMS orders found for them."""
        waiting = iter(sorted(suspects))
        while ids := list(islice(waiting, CHUNK)):
            named = [order_id for source_id in ids for order_id in suspects[source_id]]
            own, origins = self._found(named)
            yield self._snapshots(ids, oms=own, others=_by_source(origins))

    def _fresh(self, ids: Iterator[str]) -> Iterator[list[str]]:
        while True:
            chunk = list(
                islice((source_id for source_id in ids if source_id not in self._seen), CHUNK)
            )
            if not chunk:
                return
            fresh = list(dict.fromkeys(chunk))
            self._seen |= set(fresh)
            yield fresh

    def _of_ledger(self) -> Iterator[str]:
        for stream in (ORDERS, SHIPMENTS):
            after = ""
            while rows := records_of_day(
                self._session.db, self._sync.name, stream, self._day, after, CHUNK
            ):
                after = rows[-1]
                yield from self._ids.of_stream(stream, rows)

    def _with_drifts(self) -> Iterator[str]:
        for stream in (ORDERS, SHIPMENTS):
            after = ""
            while ids := self._drifts.open_sources(stream, after, CHUNK):
                after = ids[-1]
                yield from self._ids.of_stream(stream, ids)

    def _snapshots(
        self,
        ids: Sequence[str],
        *,
        store: Mapping[str, RawRecord] | None = None,
        oms: Mapping[str, RawRecord] | None = None,
        others: Mapping[str, tuple[OrderOrigin, ...]] | None = None,
    ) -> list[OrderSnapshot]:
        read = self._read_systems(ids, store or {}, oms or {}, others or {})
        linked, order_ids, before = read.linked, read.order_ids, read.before
        lines = self._session.records.line_groups(read.shipped)
        amendments = Amendments(self._session.db, self._sync.name).of_orders(ids)
        withdrawn = withdrawn_by_store(self._session.db, self._sync.name, ids)
        left_out = self._left_out(ids, linked)
        delivered_as = {order_ids[i]: i for i in ids if i in order_ids}
        discarded = parts(self._session.db, self._sync.name, SHIPMENTS, delivered_as)
        after = self._record_states(ids, order_ids)
        changes = edits.of_records(self._session.db, self._sync.name, ORDERS, ids)
        return [
            OrderSnapshot(
                source_id,
                order_ids.get(source_id, ""),
                correlation_id(self._sync.name, "order", source_id),
                read.store.get(source_id),
                read.oms.get(source_id),
                read.origins.get(source_id, ()),
                *after[source_id],
                read.shipments.get(source_id, {}),
                lines.get(source_id),
                _edits_of(after[source_id][0], changes),
                tuple(amendments.get(source_id, {}).values()),
                is_linked=source_id in linked,
                is_withdrawn=source_id in withdrawn,
                is_left_out=source_id in left_out,
                discarded=discarded.get(order_ids.get(source_id, ""), NO_PARTS),
                has_moved=before[source_id] != after[source_id],
            )
            for source_id in ids
        ]

    def _read_systems(
        self,
        ids: Sequence[str],
        store: Mapping[str, RawRecord],
        oms: Mapping[str, RawRecord],
        others: Mapping[str, tuple[OrderOrigin, ...]],
    ) -> _Systems:
        """Read what was not read yet of orders, after the ledger's states of them."""
        unread = self._sync.orders.read([i for i in ids if i not in store])
        at_store = {**store, **{record.source_id: record for record in _records(unread)}}
        own, origins = self._recorded(ids, others)
        at_oms = {**own, **oms}
        linked = self._session.links.oms_ids(ids)
        order_ids = linked | self._ids.of_unlinked(
            [i for i in ids if i not in linked], at_store, at_oms
        )
        before = self._record_states(ids, order_ids)
        at_oms |= self._read({order_ids[i]: i for i in ids if i not in at_oms and i in order_ids})
        shipped = [i for i in ids if self._may_have_shipments(i, at_store, at_oms, before)]
        shipments = self._shipments(shipped) if shipped else {}
        return _Systems(at_store, at_oms, origins, linked, order_ids, before, shipped, shipments)

    def _left_out(self, ids: Collection[str], linked: Collection[str]) -> set[str]:
        db, name = self._session.db, self._sync.name
        elsewhere = sent_elsewhere(db, name, [i for i in ids if i not in linked])
        return elsewhere.keys() | forgotten_among(db, name, ORDERS, list(ids))

    def _read(self, missing: Mapping[str, str]) -> dict[str, RawRecord]:
        """Read orders of the OMS by their ids; return those found, by the store's ids."""
        if not missing:
            return {}
        found = _records(self._sync.shipments.read(missing))
        return {missing[one.source_id]: one for one in found if one.source_id in missing}

    def _recorded(
        self, ids: Sequence[str], origins: Mapping[str, tuple[OrderOrigin, ...]]
    ) -> tuple[dict[str, RawRecord], dict[str, tuple[OrderOrigin, ...]]]:
        """Add the orders that an earlier reconciliation found; it may not be read again."""
        read = {origin.order_id for of_one in origins.values() for origin in of_one}
        recorded = [record for record in self._drifts.open_orders(ids) if record not in read]
        own, others = self._found(recorded)
        found = _by_source(others)
        return own, {
            source_id: (*origins.get(source_id, ()), *found.get(source_id, ()))
            for source_id in {*origins, *found}
        }

    def _found(self, order_ids: Collection[str]) -> tuple[dict[str, RawRecord], list[OrderOrigin]]:
        read = self._sync.shipments.read(order_ids) if order_ids else ()
        return self._ids.of_records(list(_records(read)))

    def _record_states(
        self, ids: Sequence[str], order_ids: Mapping[str, str]
    ) -> dict[str, tuple[RecordState, RecordState]]:
        orders = record_states(self._session.db, self._sync.name, ORDERS, ids)
        targets = {order_ids[source_id]: source_id for source_id in ids if source_id in order_ids}
        shipments = record_states(
            self._session.db, self._sync.name, SHIPMENTS, list(targets), targets
        )
        return {
            source_id: (orders[source_id], shipments.get(order_ids.get(source_id, ""), UNKNOWN))
            for source_id in ids
        }

    def _shipments(self, ids: Sequence[str]) -> dict[str, dict[str, StoreShipment]]:
        return asyncio.run(self._sync.platform.targets["shipments"].list_shipments(ids))

    def _may_have_shipments(
        self,
        source_id: str,
        store: Mapping[str, RawRecord],
        oms: Mapping[str, RawRecord],
        known: Mapping[str, tuple[RecordState, RecordState]],
    ) -> bool:
        """Return whether to read the order's shipments, one call per order.

        That is where units are, or were, shipped at either end.
        """
        if source_id not in store or source_id not in oms:
            return False
        if self._sync.orders.to_store_snapshot(store[source_id].payload).shipped_units:
            return True
        state = known[source_id][1].target
        if state is not None and b'"shipments":{}' not in state.content:
            return True
        try:
            fulfilment = self._sync.shipments.to_canonical(oms[source_id].payload, is_linked=True)
        except RecordRejected:
            return False
        return bool(getattr(getattr(fulfilment, "record", None), "parcels", ()))


def _edits_of(known: RecordState, changes: Mapping[UUID, Sequence[Change]]) -> Sequence[Change]:
    """Return the edits of a record's newest version: a newer one is as the store sent it."""
    return changes.get(known.newest.capture_id, ()) if known.newest is not None else ()


def _records(pages: Iterable[Page]) -> Iterator[RawRecord]:
    return (record for page in pages for record in page.records)


def _chunks(pages: Iterator[Page]) -> Iterator[list[RawRecord]]:
    """Combine pages to chunks, to save look-ups."""
    waiting: list[RawRecord] = []
    for page in pages:
        waiting += page.records
        while len(waiting) >= CHUNK:
            yield waiting[:CHUNK]
            waiting = waiting[CHUNK:]
    if waiting:
        yield waiting


def _by_source(
    origins: Iterator[OrderOrigin] | Collection[OrderOrigin],
) -> dict[str, tuple[OrderOrigin, ...]]:
    found: dict[str, dict[str, OrderOrigin]] = {}
    for origin in origins:
        found.setdefault(origin.source_id, {})[origin.order_id] = origin
    return {source_id: tuple(of_one.values()) for source_id, of_one in found.items()}
