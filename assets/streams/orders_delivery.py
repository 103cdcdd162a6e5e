"""Delivery of orders to the OMS: created once, changed by field, cancelled by request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import orjson

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Engine, Intent, Plan
from assets.delivery.orphans import resolve_orphans
from domain.connections import ORDERS
from domain.errors import RecordRejected
from domain.exchange import Receipt
from domain.identity import content_digest, delivery_key
from domain.ports import OmsWriter
from domain.records.orders import Order
from domain.records.record import decode_record
from resources.ledger.rows import AcceptedRecord, ClaimRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.lockstep import Sync

CANCELED, CANCEL_REQUESTED = "canceled", "cancel_requested"


class OrdersDelivery:
    """The delivery of one chunk to the OMS."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()
        self._to_finish: frozenset[UUID] = frozenset()

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        """Deliver the chunk and return its counts."""
        orphans = resolve_orphans(self._sync, self._session, [a for a in chunk if a.superseded])
        self._to_finish = orphans.to_finish
        chunk = [
            a._replace(superseded=a.superseded and a.capture_id not in orphans.to_finish)
            for a in chunk
            if a.capture_id not in orphans.waiting
        ]
        current = [a for a in chunk if not a.superseded]
        ids = [a.source_id for a in current]
        if self._request.again:
            self._session.deliveries.revive(ids)
        known = self._session.deliveries.targets(ids)
        unsettled = self._session.deliveries.unsettled(ids)
        return asyncio.run(self._send(chunk, current, known, unsettled))

    async def _send(
        self,
        chunk: Sequence[AcceptedRecord],
        current: Sequence[AcceptedRecord],
        known: Mapping[str, TargetRow],
        unsettled: Mapping[str, list[UnsettledDelivery]],
    ) -> DeliveryCounts:
        engine = Engine(self._session, self._sync.run_id, self._sync.connection.max_attempts)
        async with self._sync.oms.writer(engine.log) as writer:
            plans: list[Plan] = []
            replaced: list[UUID] = []
            for accepted in current:
                open_deliveries = unsettled.get(accepted.source_id, [])
                uncertain = [u for u in open_deliveries if u.may_have_been_sent]
                try:
                    plan = self._plan(accepted, known.get(accepted.source_id), uncertain, writer)
                except RecordRejected as refusal:
                    plan = Plan(accepted.capture_id, accepted.source_id, refusal=refusal.problems)
                plans.append(plan)
                keys = {intent.claim.delivery_key for intent in plan.intents}
                replaced += [
                    u.delivery_key
                    for u in open_deliveries
                    if not u.may_have_been_sent and u.delivery_key not in keys
                ]
            with self._session.transaction():
                self._session.deliveries.supersede(replaced)
                engine.claim(plans)
            try:
                await engine.send(plans, self._sync.oms.push_concurrency)
            finally:
                engine.record(
                    self._request.day, chunk, self._counts, "the target accepted the record"
                )
        return self._counts

    def _plan(
        self,
        accepted: AcceptedRecord,
        known: TargetRow | None,
        uncertain: Sequence[UnsettledDelivery],
        writer: OmsWriter,
    ) -> Plan:
        """Plan the order: first what a dead run may have sent, then what this version changes."""
        plan = Plan(accepted.capture_id, accepted.source_id)
        order = decode_record(Order, accepted.canonical)
        intent = (
            None
            if accepted.capture_id in self._to_finish
            else self._intent(accepted, order, known, writer)
        )
        for delivery in uncertain:
            if intent is not None and delivery.delivery_key == intent.claim.delivery_key:
                continue
            repeated = self._repeat(delivery, accepted, known, writer)
            if repeated is None:
                self._session.deliveries.supersede([delivery.delivery_key])
                continue
            plan.intents.append(repeated)
            # The target's state is uncertain until that is done, so this version is planned against
            # it afterwards.
            return plan
        if intent is not None:
            plan.intents.append(intent)
        return plan

    def _repeat(
        self,
        delivery: UnsettledDelivery,
        accepted: AcceptedRecord,
        known: TargetRow | None,
        writer: OmsWriter,
    ) -> Intent | None:
        """Return the intent that sends an uncertain delivery again, an upsert.

        ``None`` where its version is no longer stored.
        """
        content = self._session.records.canonical(delivery.capture_id, delivery.source_id)
        if content is None:
            return None
        order = decode_record(Order, content)
        claim = ClaimRow(
            delivery.delivery_key,
            delivery.source_id,
            delivery.action,
            delivery.source_id,
            delivery.capture_id,
            delivery.source_day,
            accepted.correlation_id,
        )
        moment = accepted.source_updated_at
        if delivery.action == "cancel":
            return self._cancel(claim, order, known, writer, moment)
        payload = self._sync.oms.order_payload(order)
        return self._save(claim, self._whole(payload, known), payload, known, writer, moment)

    def _whole(self, payload: dict[str, object], known: TargetRow | None) -> Mapping[str, object]:
        """Return the whole order, with the removal of what the OMS holds and it no longer has."""
        if known is None:
            return payload
        return (
            self._sync.oms.order_change(orjson.loads(known.content), payload, whole=True) or payload
        )

    def _intent(
        self, accepted: AcceptedRecord, order: Order, known: TargetRow | None, writer: OmsWriter
    ) -> Intent | None:
        """Return what brings the OMS from the known state to this version, if anything changes."""
        sequence = known.sequence if known else 0
        moment = accepted.source_updated_at
        if order.cancelled:
            if known is None or known.milestone in (CANCELED, CANCEL_REQUESTED):
                return None
            claim = self._claim(accepted, "cancel", sequence)
            return self._cancel(claim, order, known, writer, moment)
        wanted = self._sync.oms.order_payload(order)
        if known is None:
            claim = self._claim(accepted, "create", sequence)
            return self._save(claim, wanted, wanted, None, writer, moment)
        change = (
            self._whole(wanted, known)
            if self._request.force
            else self._sync.oms.order_change(orjson.loads(known.content), wanted)
        )
        if change is None:
            return None
        claim = self._claim(accepted, "update", sequence)
        return self._save(claim, change, wanted, known, writer, moment)

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
    ) -> Intent:
        content = orjson.dumps(holds)
        sequence = (known.sequence if known else 0) + 1

        def after(receipt: Receipt) -> TargetRow:
            digest = content_digest(content)
            return TargetRow(
                claim.source_id, receipt.target_id, content, digest, "", sequence, moment
            )

        return Intent(
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
    ) -> Intent:
        reason = order.cancel_reason or self._sync.connection.orders.cancel_reason

        def after(receipt: Receipt) -> TargetRow | None:
            if known is None:
                return None
            milestone = CANCEL_REQUESTED if receipt.state == "requested" else CANCELED
            return known._replace(
                milestone=milestone, sequence=known.sequence + 1, source_updated_at=moment
            )

        return Intent(
            claim, lambda: writer.cancel_order(order.order_id, reason, claim.correlation_id), after
        )
