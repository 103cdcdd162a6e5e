"""Records that an operator asks for by name: read now, whatever window their change is in.

What is read is captured in the partition of its change, as a rerun of that partition would. Its
validation and delivery are runs of these records only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from assets.chain.stream import Stream
from assets.pipeline.capture import capture_pages
from assets.streams.catalog import store_items as catalog
from assets.streams.inventory.reading import read_rows
from assets.streams.inventory.stream import Inventory
from assets.streams.orders.stream import Orders
from assets.streams.shipments.stream import Shipments
from domain.connections import INVENTORY, ORDERS, SHIPMENTS
from domain.errors import PermanentError
from domain.skus import sku_key
from domain.sources import Page
from domain.values import Partition
from resources.ledger.links import Link
from resources.ledger.session import Session
from resources.sync import Sync


@dataclass
class Requested:
    """What was captured, by stream and partition, and what neither system has."""

    records: list[tuple[str, Partition, list[str]]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def capture_orders(sync: Sync, start: datetime, names: Sequence[str]) -> Requested:
    """Read orders from the store, and their progress from the OMS, by ids or numbers of either.

    An order that the ledger does not know is read by its id in the store, and so is a name that is
    known as an id at the OMS: with a prefix of digits it may be another order's id. Raises
    ``PermanentError`` for one whose last change is before ``start`` or in the future, where there
    are no partitions.
    """
    found = Requested()
    with sync.ledger.session(sync.name, ORDERS) as session:
        links = {name: session.links.find(name)[:1] for name in dict.fromkeys(names)}
    at_store = {
        name: {_named(link[0], name), link[0].store_id} if link else {name}
        for name, link in links.items()
    }
    at_oms = [link[0].oms_id for link in links.values() if link]
    orders = _capture(sync, start, Orders(), sorted(set().union(*at_store.values())), found)
    found.missing += [name for name, ids in at_store.items() if orders.isdisjoint(ids)]
    if at_oms and SHIPMENTS in sync.connection.streams:
        _capture(sync, start, Shipments(), at_oms, found)
    return found


def _named(link: Link, name: str) -> str:
    """Return the id at the store that a name may be, of an order that has a link."""
    return link.store_id if name == link.store_number else name


def capture_stock(sync: Sync, start: datetime, skus: Sequence[str]) -> Requested:
    """Read the stock of SKUs from the OMS, after the store's catalog if that is due."""
    found = Requested()
    with sync.ledger.session(sync.name, INVENTORY) as session:
        catalog.refresh(sync, session)
        pages = read_rows(sync, session, list(dict.fromkeys(skus)), datetime.now(UTC))
        ids = _store(sync, start, Inventory(), session, pages, found)
    returned = {sku_key(source_id.rpartition("@")[0]) for source_id in ids}
    found.missing += [sku for sku in dict.fromkeys(skus) if sku_key(sku) not in returned]
    return found


def _capture(
    sync: Sync, start: datetime, stream: Stream[Any], ids: Sequence[str], found: Requested
) -> set[str]:
    pages = stream.source(sync).read(list(dict.fromkeys(ids)))
    with sync.ledger.session(sync.name, stream.name, sync.run_id) as session:
        return _store(sync, start, stream, session, pages, found)


def _store(
    sync: Sync,
    start: datetime,
    stream: Stream[Any],
    session: Session,
    pages: Iterator[Page],
    found: Requested,
) -> set[str]:
    """Capture pages and add what they have to ``found``; return the ids."""
    began = datetime.now(UTC)
    records = [record for page in pages for record in page.records]
    early = sorted(record.source_id for record in records if record.updated_at < start)
    if early and not stream.is_snapshot:
        raise PermanentError(
            f"{early[0]} was last changed before {start:%Y-%m-%d}, the start_date in "
            "connections.yaml, where partitions start; set an earlier date there."
        )
    end = Partition.of(began, sync.connection.grain).end
    if not stream.is_snapshot and (late := [r for r in records if r.updated_at >= end]):
        raise PermanentError(
            f"{late[0].source_id} was last changed at {late[0].updated_at:%Y-%m-%d %H:%M} by its "
            "system's clock, which is ahead of this machine's: there is no partition for it yet. "
            "It is read automatically then; check both clocks ('lockstep doctor')."
        )
    for partition, ids in capture_pages(sync, stream, session, records, began).items():
        found.records.append((stream.name, partition, ids))
    return {record.source_id for record in records}
