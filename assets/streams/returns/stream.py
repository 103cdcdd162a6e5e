"""The stream ``returns``, from the OMS to the store: reading, mapping and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import structs

from assets.delivery.links import NOT_LINKED
from assets.delivery.request import DeliveryRequest
from assets.streams.returns.open import look_at_open_refunds
from assets.streams.returns.plan import ReturnsPlanner
from domain.connections import ORDERS, RETURNS, SHIPMENTS
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import correlation_id
from domain.records.record import amend
from domain.records.returns import Return, ReturnStatus
from domain.schemas.returns import return_problems
from domain.sources import Page, ReturnSource
from domain.values import Window
from resources.ledger.privacy.erasure import stripped
from resources.ledger.privacy.forgetting import forgotten_among
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import RETURN_LINE
from resources.sync import Sync


class Returns:
    """Returns and their refunds, by the protocol ``assets.chain.stream.Stream``."""

    name = RETURNS
    to_oms = False
    is_snapshot = False
    summary = (
        "Returns at the OMS: the store shows them where it can, and once the OMS has confirmed "
        "the disposition of units, they are refunded, within the connection's limits."
    )

    def source(self, sync: Sync) -> ReturnSource:
        """Return the source at the OMS."""
        return sync.returns

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the OMS for its oldest change since ``since``."""
        return sync.returns.probe(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the returns that changed at the OMS in the window.

        Those of a forgotten shopper's orders come without the person, also if they are new.
        """
        for page in sync.returns.fetch(window):
            yield structs.replace(page, records=_without_forgotten(sync, session, page.records))

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the correlation ids of returns, each its own: an order may have several."""
        del session
        return {
            source_id: correlation_id(sync.name, "return", source_id) for source_id in source_ids
        }

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Return] | Skipped]:
        """Map each return to the store's order that its order at the OMS is linked to."""
        return ReturnMapper(sync, session, captures)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Return]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return return_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Return]]) -> list[TableRows]:
        """Return one row per line."""
        rows = [
            (
                capture.capture_id,
                record.return_id,
                record.order_id,
                record.source_id,
                line.line_id,
                line.order_line_id,
                line.sku,
                line.quantity,
                *(line.in_status(status) for status in ReturnStatus),
                line.condition_code,
                line.reason_code,
                line.tracking_number,
                record.is_refunded,
                capture.source_updated_at,
            )
            for capture, record in accepted
            for line in record.lines
        ]
        return [TableRows(RETURN_LINE, rows)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> ReturnsPlanner:
        """Refund what the OMS has confirmed and the store has not refunded."""
        return ReturnsPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Check the refunds whose payments are not decided yet."""
        look_at_open_refunds(sync)


def _without_forgotten(
    sync: Sync, session: Session, records: Sequence[RawRecord]
) -> list[RawRecord]:
    """Return returns, those of orders whose shopper was forgotten without personal data."""
    orders = {record.source_id: sync.returns.order_ids(record.payload) for record in records}
    named = {order_id for ids in orders.values() for order_id in ids}
    store_ids = session.links.store_ids(named)
    gone = forgotten_among(session.db, sync.name, SHIPMENTS, sorted(named))
    at_store = forgotten_among(session.db, sync.name, ORDERS, sorted(set(store_ids.values())))
    gone |= {order_id for order_id, store_id in store_ids.items() if store_id in at_store}
    return [
        structs.replace(record, payload=stripped(record.payload))
        if not gone.isdisjoint(orders[record.source_id])
        else record
        for record in records
    ]


class ReturnMapper:
    """Maps a chunk's captures of returns, and gives each the store's id of its order.

    A return of an order without a link is skipped until something is owed for it. Then one that
    may be the connection's own is a rejection, which is tried again once the order has a link.
    """

    def __init__(self, sync: Sync, session: Session, captures: Sequence[StoredCapture]) -> None:
        self._sync = sync
        orders = {
            order_id for capture in captures for order_id in sync.returns.order_ids(capture.payload)
        }
        self._linked = session.links.store_ids(orders)
        self._others = session.links.others(orders - self._linked.keys())

    def __call__(self, payload: bytes) -> Mapped[Return] | Skipped:
        """Map a capture. Raises ``RecordRejected``."""
        mapped = self._sync.returns.to_canonical(payload, orders=self._linked.keys())
        if isinstance(mapped, Skipped):
            return mapped
        record = mapped.record
        store_id = self._linked.get(record.order_id)
        if store_id is not None:
            amend(record, "source_id", store_id)
            return mapped
        if (owner := self._others.get(record.order_id)) is not None:
            reason = f"{record.order_id} is an order of the connection {owner}"
            return Skipped("not_from_this_store", reason)
        if not record.confirmed():
            reason = f"no order of the store is linked to {record.order_id}, and nothing is owed"
            return Skipped(NOT_LINKED, reason)
        raise RecordRejected(_not_linked(record))


def _not_linked(record: Return) -> Problem:
    """Return why a return is kept out: no order of the store is linked to the one that it is of.

    The value is the order's id, by which the rejection is found again.
    """
    return Problem(
        "order_not_linked",
        "order_id",
        f"The OMS has confirmed the return {record.return_id} of its order {record.order_id}, "
        "which looks like one of this store, but no order of the store was sent as it.",
        "If it is the store's, sync it with 'lockstep sync-orders' and its id in the store, or "
        "run 'lockstep reconcile --repair' over the day it changed at the OMS; this record is "
        "then tried again automatically. If it is not, discard the rejection.",
        record.order_id,
    )
