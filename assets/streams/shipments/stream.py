"""The stream ``shipments``, from the OMS to the store: reading, mapping and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from assets.delivery.request import DeliveryRequest
from assets.streams.actions.answers import apply_answers_after_delivery
from assets.streams.orders.cancel_answers import apply_after_delivery
from assets.streams.shipments.acknowledged import acknowledge_delivered
from assets.streams.shipments.orders import FulfilmentMapper
from assets.streams.shipments.plan import ShipmentsPlanner
from domain.connections import SHIPMENTS
from domain.errors import Problem
from domain.exchange import Mapped, Skipped
from domain.identity import correlation_id
from domain.records.fulfilment import Fulfilment
from domain.schemas.fulfilment import fulfilment_problems
from domain.sources import FulfilmentSource, Page
from domain.values import Window
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import FULFILMENT_EVENT
from resources.sync import Sync


class Shipments:
    """Fulfilment, by the protocol ``assets.chain.stream.Stream``."""

    name = SHIPMENTS
    to_oms = False
    is_snapshot = False
    summary = (
        "Fulfilment at the OMS: each parcel becomes a shipment in the store with its tracking "
        "number, then the order's status is set."
    )

    def source(self, sync: Sync) -> FulfilmentSource:
        """Return the source at the OMS."""
        return sync.shipments

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the OMS for its oldest change since ``since``."""
        return sync.shipments.probe(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the orders that changed at the OMS in the window."""
        del session
        return sync.shipments.fetch(window)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the correlation ids of the store's orders, so that one id follows them both ways.

        An order without a link keeps the one of its own id at the OMS.
        """
        linked = session.links.store_ids(source_ids)
        return {
            source_id: correlation_id(sync.name, "order", linked.get(source_id, source_id))
            for source_id in source_ids
        }

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Fulfilment] | Skipped]:
        """Map each OMS order to the fulfilment of the store's order that it is linked to."""
        return FulfilmentMapper(sync, session, captures)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Fulfilment]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return fulfilment_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Fulfilment]]) -> list[TableRows]:
        """Return one row per fulfilment event."""
        rows = [
            (
                e.event_key,
                c.capture_id,
                e.order_id,
                e.source_id,
                e.line_id,
                e.sku,
                str(e.milestone),
                e.quantity,
                e.parcel_id,
                e.tracking_number,
                e.carrier,
                e.occurred_at,
                c.source_updated_at,
            )
            for c, r in accepted
            for e in r.as_of(c.source_updated_at).events()
        ]
        return [TableRows(FULFILMENT_EVENT, rows)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> ShipmentsPlanner:
        """Create the shipments that the store lacks and move the order's status, in this order."""
        return ShipmentsPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Apply the OMS's answers to cancellations, and report the delivered orders to it."""
        apply_after_delivery(sync)
        apply_answers_after_delivery(sync)
        acknowledge_delivered(sync)
