"""The stream ``shipments``: from the OMS to the store, parcels first as shipments, then the order's status."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Course, Desk
from assets.delivery.target_state import OrderAtStore
from assets.streams.orders import CANCELED
from assets.streams.shipment_plan import Planner
from domain.connections import ORDERS, SHIPMENTS
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, RawRecord, Skipped
from domain.identity import content_digest, correlation_id
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from domain.records.record import decode_record
from domain.schemas.fulfilment import fulfilment_problems
from domain.values import Window
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.records.fulfilment_progress import ProgressRow
from resources.ledger.rejections.rejections import Rejections
from resources.ledger.rows import (
    AcceptedRecord,
    RejectionRow,
    StoredCapture,
    TableRows,
    UnsettledDelivery,
)
from resources.ledger.session import Session
from resources.ledger.tables import FULFILMENT_EVENT
from resources.lockstep import Sync

RELEASED = (Milestone.RELEASED, Milestone.PICKED, Milestone.PACKED)
LEFT = (Milestone.SHIPPED, Milestone.DELIVERED, Milestone.RETURNED)


class Shipments:
    """Fulfilment, by the protocol ``assets.chain.stream.Stream``."""

    name = SHIPMENTS
    to_oms = False
    is_snapshot = False
    summary = "Fulfilment at the OMS: each parcel becomes a shipment in the store with its tracking, then the order's status follows."

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the OMS for its oldest change since ``since``."""
        return sync.oms.probe_fulfilments(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders that changed at the OMS in the window."""
        del session
        return sync.oms.fetch_fulfilments(window)

    def correlate(self, sync: Sync, source_id: str) -> str:
        """Return the correlation id of the store's order, so that one id follows it both ways."""
        return correlation_id(
            sync.name, "order", source_id.removeprefix(sync.connection.orders.order_id_prefix)
        )

    def digest(self, record: RawRecord) -> bytes:
        """Digest the whole payload."""
        return content_digest(record.payload)

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Fulfilment] | Skipped]:
        """Map each OMS order to its fulfilment."""
        del session, captures
        return sync.oms.to_fulfilment

    def check(
        self, sync: Sync, session: Session, records: Sequence[Fulfilment]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch."""
        del sync, session
        return fulfilment_problems(records)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Fulfilment]]) -> list[TableRows]:
        """Return one row a fact."""
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
            )
            for c, r in accepted
            for e in r.events()
        ]
        return [TableRows(FULFILMENT_EVENT, rows)]

    def deliver(
        self,
        sync: Sync,
        session: Session,
        request: DeliveryRequest,
        chunk: Sequence[AcceptedRecord],
    ) -> DeliveryCounts:
        """Create the shipments that the store lacks and move the order's status, in this order."""
        return _Delivery(sync, session, request).run(chunk)


class _Delivery:
    """One chunk's delivery to the store."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        current = {a: decode_record(Fulfilment, a.canonical) for a in chunk if not a.superseded}
        if self._request.again:
            self._session.deliveries.revive([f.source_id for f in current.values()])
        self._session.progress.put(
            [_standing(accepted, fulfilment) for accepted, fulfilment in current.items()]
        )
        self._note_cancel_answers(list(current.values()))
        asyncio.run(self._push(chunk, current))
        return self._counts

    async def _push(
        self, chunk: Sequence[AcceptedRecord], current: Mapping[AcceptedRecord, Fulfilment]
    ) -> None:
        session = self._session
        ids = [f.source_id for f in current.values()]
        known = session.deliveries.targets(ids)
        unsettled = session.deliveries.unsettled(ids)
        lines = session.records.line_groups(ids)
        taken = session.deliveries.target_ids([i for i in ids if i in unsettled])
        desk = Desk(session, self._sync.run_id, self._sync.connection.max_attempts)
        async with self._sync.platform.writer(desk.log) as writer:
            planner = Planner(self._sync, self._request, writer, taken)
            courses: list[Course] = []
            replaced = []
            for accepted, fulfilment in current.items():
                begun = unsettled.get(fulfilment.source_id, [])
                at_store = OrderAtStore.of(
                    known.get(fulfilment.source_id), lines.get(fulfilment.source_id), begun
                )
                course = self._plan(planner, accepted, fulfilment, at_store)
                courses.append(course)
                replaced += _replaced(begun, course)
            with (
                session.transaction()
            ):  # as one: what was begun must not be forgotten before its successor is claimed
                session.deliveries.supersede(replaced)
                desk.claim(courses)
            try:
                await desk.send(courses, self._sync.oms.push_concurrency)
            finally:
                desk.record(self._request.day, chunk, self._counts, "the store took it")

    def _plan(
        self,
        planner: Planner,
        accepted: AcceptedRecord,
        fulfilment: Fulfilment,
        at_store: OrderAtStore,
    ) -> Course:
        try:
            return planner.course(accepted, fulfilment, at_store)
        except RecordRejected as refusal:
            return Course(accepted.capture_id, accepted.source_id, refusal=refusal.problems)

    def _note_cancel_answers(self, fulfilments: Sequence[Fulfilment]) -> None:
        """Record what became of cancellations that the OMS had only taken as requests."""
        orders = Deliveries(self._session.db, self._sync.name, ORDERS)
        accepted = [
            f.source_id
            for f in fulfilments
            if f.cancel_answer == "accepted" or f.milestone() is Milestone.CANCELED
        ]
        rejected = [f for f in fulfilments if f.cancel_answer == "rejected"]
        with self._session.transaction():
            _mark(orders, accepted, "delivered", CANCELED)
            refused = _mark(orders, [f.source_id for f in rejected], "refused", "")
            rows = [
                RejectionRow(
                    row.capture_id,
                    row.source_id,
                    "delivered",
                    [_CANCEL_REFUSED],
                    correlation_id(self._sync.name, "order", row.source_id),
                )
                for row in refused
            ]
            for row, rejection in zip(refused, rows, strict=True):
                Rejections(self._session.db, self._sync.name, ORDERS).open(
                    row.source_day, [rejection], self._sync.run_id
                )


def _standing(accepted: AcceptedRecord, fulfilment: Fulfilment) -> ProgressRow:
    units = [part for line in fulfilment.lines for part in line.units]
    awaiting, shipped = (
        sum((u.quantity for u in units if u.milestone in stages), Decimal(0))
        for stages in (RELEASED, LEFT)
    )
    return ProgressRow(
        fulfilment.source_id,
        fulfilment.order_id,
        awaiting,
        shipped,
        accepted.correlation_id,
        fulfilment.updated_at,
    )


_CANCEL_REFUSED = Problem(
    "cancel_refused",
    "status_id",
    "The OMS did not accept the cancellation: the order is already being picked or has left.",
    "Tell the customer, and arrange a return; or stop the parcel with the warehouse.",
)


def _mark(
    orders: Deliveries, source_ids: Sequence[str], state: str, milestone: str
) -> list[UnsettledDelivery]:
    """Settle requested cancellations of these orders, and note in what the OMS holds how it stands; return the settled ones.

    An order that the OMS canceled by itself is noted too: else the store's own cancellation, which follows, would be sent back to it.
    """
    if not source_ids:
        return []
    answered = orders.answer(source_ids, "cancel", state)
    concerned = source_ids if milestone else [row.source_id for row in answered]
    targets = orders.targets(concerned)
    orders.put_targets(
        [t._replace(milestone=milestone) for t in targets.values() if t.milestone != milestone]
    )
    return answered


def _replaced(begun: Sequence[UnsettledDelivery], course: Course) -> list[Any]:
    """Return what was begun or failed for the order and is not in its new course.

    A shipment that was begun is looked up by the course's shipments; a status is replaced by any later one. A record that is refused
    looks nothing up, so what was begun for it stays as it is.
    """
    if course.refusal:
        return []
    keys = {effect.claim.delivery_key for effect in course.effects}
    return [u.delivery_key for u in begun if u.delivery_key not in keys]
