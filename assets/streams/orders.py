"""The stream ``orders``: from the store to the OMS, created once, changed by what changed, cancelled by request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Course, Desk, Effect
from assets.delivery.recovery import conclude
from domain.connections import ORDERS
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, MasterItem, RawRecord, Receipt, Skipped
from domain.identity import content_digest, correlation_id, delivery_key
from domain.ports import OmsWriter
from domain.records.orders import Order
from domain.records.record import decode_record
from domain.schemas.orders import order_problems
from domain.values import Window
from resources.ledger.rows import (
    AcceptedRecord,
    ClaimRow,
    StoredCapture,
    TableRows,
    TargetRow,
    UnsettledDelivery,
)
from resources.ledger.session import Session
from resources.ledger.tables import ORDER_HEADER, ORDER_LINE
from resources.lockstep import Sync

CANCELED, CANCEL_REQUESTED = "canceled", "cancel_requested"


class Orders:
    """Orders, by the protocol ``assets.chain.stream.Stream``."""

    name = ORDERS
    to_oms = True
    is_snapshot = False
    summary = "Orders of the store, sent to the OMS: created once, later changes as changed fields, cancellations as requests."

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the store for its oldest change since ``since``."""
        return sync.platform.probe_orders(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[list[RawRecord]]:
        """Read the orders that were modified in the window."""
        del session
        return sync.platform.fetch_orders(window)

    def correlate(self, sync: Sync, source_id: str) -> str:
        """Return the order's correlation id, which its shipments share."""
        return correlation_id(sync.name, "order", source_id)

    def digest(self, record: RawRecord) -> bytes:
        """Digest the whole payload."""
        return content_digest(record.payload)

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Order] | Skipped]:
        """Map with the knowledge of which of the chunk's orders the OMS has."""
        exported = session.deliveries.possible_targets([c.source_id for c in captures])
        return lambda payload: sync.platform.to_order(payload, exported.__contains__)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Order]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch, and its SKUs against the OMS's item master: known ones are remembered, unknown ones asked for each time."""
        known: dict[str, MasterItem] | None = None
        if sync.connection.orders.check_items:
            skus = {line.sku for order in records for line in order.lines}
            known = session.catalog.oms_items(skus, sync.connection.orders.item_ttl)
            if missing := skus - known.keys():
                asked = sync.oms.fetch_items(sorted(missing))
                session.catalog.put_oms_items(asked.values())
                known |= asked
        return order_problems(records, known)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Order]]) -> list[TableRows]:
        """Return header and line rows."""
        headers: list[tuple[Any, ...]] = []
        lines: list[tuple[Any, ...]] = []
        for capture, order in accepted:
            country = next(
                (g.address.country for g in order.groups if g.address is not None),
                order.billing.country,
            )
            units = sum(line.quantity for line in order.lines)
            headers.append(
                (
                    capture.capture_id,
                    order.source_id,
                    order.order_id,
                    order.number,
                    order.channel,
                    order.cancelled,
                    order.ordered_at,
                    order.currency,
                    order.tax_included,
                    order.total,
                    order.total_tax,
                    len(order.lines),
                    units,
                    order.customer.customer_id is None,
                    country,
                )
            )
            lines += [
                (
                    capture.capture_id,
                    order.source_id,
                    line.line_id,
                    line.group_id,
                    str(line.kind),
                    line.sku,
                    line.quantity,
                    line.uom,
                    line.unit_price,
                    line.line_total,
                    line.total_discount(),
                    line.total_tax(),
                )
                for line in order.lines
            ]
        return [TableRows(ORDER_HEADER, headers), TableRows(ORDER_LINE, lines)]

    def deliver(
        self,
        sync: Sync,
        session: Session,
        request: DeliveryRequest,
        chunk: Sequence[AcceptedRecord],
    ) -> DeliveryCounts:
        """Send what the OMS does not hold in this form."""
        return _Delivery(sync, session, request).run(chunk)


class _Delivery:
    """One chunk's delivery to the OMS."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()
        self._finishing: frozenset[UUID] = frozenset()

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        overtaken = conclude(self._sync, self._session, [a for a in chunk if a.superseded])
        self._finishing = overtaken.finishing
        chunk = [
            a._replace(superseded=a.superseded and a.capture_id not in overtaken.finishing)
            for a in chunk
            if a.capture_id not in overtaken.waiting
        ]
        current = [a for a in chunk if not a.superseded]
        ids = [a.source_id for a in current]
        if self._request.again:
            self._session.deliveries.revive(ids)
        known = self._session.deliveries.targets(ids)
        unsettled = self._session.deliveries.unsettled(ids)
        return asyncio.run(self._push(chunk, current, known, unsettled))

    async def _push(
        self,
        chunk: Sequence[AcceptedRecord],
        current: Sequence[AcceptedRecord],
        known: Mapping[str, TargetRow],
        unsettled: Mapping[str, list[UnsettledDelivery]],
    ) -> DeliveryCounts:
        desk = Desk(self._session, self._sync.run_id, self._sync.connection.max_attempts)
        async with self._sync.oms.writer(desk.log) as writer:
            courses: list[Course] = []
            replaced = []
            for accepted in current:
                begun = unsettled.get(accepted.source_id, [])
                uncertain = [u for u in begun if u.may_have_been_sent]
                try:
                    course = self._course(
                        accepted, known.get(accepted.source_id), uncertain, writer
                    )
                except RecordRejected as refusal:
                    course = Course(
                        accepted.capture_id, accepted.source_id, refusal=refusal.problems
                    )
                courses.append(course)
                keys = {effect.claim.delivery_key for effect in course.effects}
                replaced += [
                    u.delivery_key
                    for u in begun
                    if not u.may_have_been_sent and u.delivery_key not in keys
                ]
            with self._session.transaction():
                self._session.deliveries.supersede(replaced)
                desk.claim(courses)
            try:
                await desk.send(courses, self._sync.oms.push_concurrency)
            finally:
                desk.record(self._request.day, chunk, self._counts, "the target took the record")
        return self._counts

    def _course(
        self,
        accepted: AcceptedRecord,
        known: TargetRow | None,
        unknown: Sequence[UnsettledDelivery],
        writer: OmsWriter,
    ) -> Course:
        """Plan the order's effects: first finish what a dead run had begun, then send what this version changes."""
        course = Course(accepted.capture_id, accepted.source_id)
        order = decode_record(Order, accepted.canonical)
        planned = (
            None
            if accepted.capture_id in self._finishing
            else self._plan(accepted, order, known, writer)
        )
        for begun in unknown:
            if planned is not None and begun.delivery_key == planned.claim.delivery_key:
                continue
            effect = self._finish(begun, accepted, known, writer)
            if effect is None:
                self._session.deliveries.supersede([begun.delivery_key])
                continue
            course.effects.append(effect)
            # The target's state is uncertain until that is done, so this version is planned against it afterwards.
            return course
        if planned is not None:
            course.effects.append(planned)
        return course

    def _finish(
        self,
        begun: UnsettledDelivery,
        accepted: AcceptedRecord,
        known: TargetRow | None,
        writer: OmsWriter,
    ) -> Effect | None:
        """Return the effect that repeats what was begun (an upsert), or ``None`` where its version is no longer kept."""
        content = self._session.records.canonical(begun.capture_id, begun.source_id)
        if content is None:
            return None
        order = decode_record(Order, content)
        claim = ClaimRow(
            begun.delivery_key,
            begun.source_id,
            begun.action,
            begun.source_id,
            begun.capture_id,
            begun.source_day,
            accepted.correlation_id,
        )
        if begun.action == "cancel":
            return self._cancel(claim, order, known, writer, accepted.source_updated_at)
        payload = self._sync.oms.order_payload(order)
        return self._save(
            claim, self._whole(payload, known), payload, known, writer, accepted.source_updated_at
        )

    def _whole(self, payload: dict[str, object], known: TargetRow | None) -> Mapping[str, object]:
        """Return all of an order, with what it has lost since the OMS was known to hold it: a hold, a line, a charge."""
        if known is None:
            return payload
        return (
            self._sync.oms.order_change(orjson.loads(known.content), payload, whole=True) or payload
        )

    def _plan(
        self, accepted: AcceptedRecord, order: Order, known: TargetRow | None, writer: OmsWriter
    ) -> Effect | None:
        sequence = known.sequence if known else 0
        if order.cancelled:
            if known is None or known.milestone in (CANCELED, CANCEL_REQUESTED):
                return None
            return self._cancel(
                self._claim(accepted, "cancel", sequence),
                order,
                known,
                writer,
                accepted.source_updated_at,
            )
        wanted = self._sync.oms.order_payload(order)
        if known is None:
            return self._save(
                self._claim(accepted, "create", sequence),
                wanted,
                wanted,
                None,
                writer,
                accepted.source_updated_at,
            )
        change = (
            self._whole(wanted, known)
            if self._request.force
            else self._sync.oms.order_change(orjson.loads(known.content), wanted)
        )
        if change is None:
            return None
        return self._save(
            self._claim(accepted, "update", sequence),
            change,
            wanted,
            known,
            writer,
            accepted.source_updated_at,
        )

    def _claim(self, accepted: AcceptedRecord, action: str, sequence: int) -> ClaimRow:
        key = delivery_key(
            self._sync.name,
            ORDERS,
            accepted.source_id,
            f"{action}:{sequence}",
            accepted.canonical_digest,
        )
        return ClaimRow(
            key,
            accepted.source_id,
            action,
            accepted.source_id,
            accepted.capture_id,
            self._request.day,
            accepted.correlation_id,
        )

    def _save(
        self,
        claim: ClaimRow,
        send: Mapping[str, object],
        holds: Mapping[str, object],
        known: TargetRow | None,
        writer: OmsWriter,
        moment: datetime,
    ) -> Effect:
        content = orjson.dumps(holds)
        sequence = (known.sequence if known else 0) + 1

        def after(receipt: Receipt) -> TargetRow:
            return TargetRow(
                claim.source_id,
                receipt.target_id,
                content,
                content_digest(content),
                "",
                sequence,
                moment,
            )

        return Effect(
            claim,
            lambda: writer.save_order(send, claim.correlation_id, is_new=known is None),
            after,
        )

    def _cancel(
        self,
        claim: ClaimRow,
        order: Order,
        known: TargetRow | None,
        writer: OmsWriter,
        moment: datetime,
    ) -> Effect:
        reason = order.cancel_reason or self._sync.connection.orders.cancel_reason

        def after(receipt: Receipt) -> TargetRow | None:
            if known is None:
                return None
            milestone = CANCEL_REQUESTED if receipt.state == "requested" else CANCELED
            return known._replace(
                milestone=milestone, sequence=known.sequence + 1, source_updated_at=moment
            )

        return Effect(
            claim, lambda: writer.cancel_order(order.order_id, reason, claim.correlation_id), after
        )
