"""Orders that both systems had shipped when the connection started: nothing of them is to be shown.

The program that the connection replaces has sent them, so they have no link, and the store's
versions of them are skipped. By what the store shows, not by a guess: one of which the store does
not show all units as shipped is left to an operator.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress

from assets.streams.orders.header import header_of
from domain.connections import ORDERS
from domain.errors import RecordRejected
from domain.exchange import Skipped
from resources.ledger.captures.former import newest_captures, payloads_of
from resources.ledger.monitoring.activation import predecessor_until
from resources.ledger.session import Session
from resources.sync import Sync

SHIPPED_BEFORE = Skipped(
    "shipped_before_start",
    "the order was placed before this connection started, and the store shows all of it as shipped",
)


def shipped_before_start(sync: Sync, session: Session, store_ids: Collection[str]) -> set[str]:
    """Return which of the store's orders another program has sent, and the store shows as shipped.

    ``store_ids`` are those that orders of the OMS without a link claim to be. An order that the
    ledger has no version of is read from the store: its day may be captured later.
    """
    until = predecessor_until(session.db, sync.name, ORDERS)
    if until is None or not store_ids or ORDERS not in sync.connection.streams:
        return set()
    newest = newest_captures(session.db, sync.name, ORDERS, store_ids)
    found = payloads_of(session.db, sync.name, ORDERS, newest)
    if unknown := set(store_ids) - newest.keys():
        for page in sync.orders.read(unknown):
            found |= {record.source_id: record.payload for record in page.records}
    shipped: set[str] = set()
    for source_id, payload in found.items():
        with suppress(RecordRejected):  # a rejection of its own names what is wrong
            header = header_of(sync.orders, payload)
            if header is None or header.placed_at is None or header.placed_at >= until:
                continue
            if 0 < header.units <= header.shipped_units:
                shipped.add(source_id)
    return shipped
