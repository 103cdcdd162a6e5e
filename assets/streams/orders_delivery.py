"""Delivery of orders to the OMS: created once, changed by field, cancelled by request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Engine
from assets.delivery.obligation import owed_versions
from assets.delivery.plan import Intent, Plan
from assets.delivery.system import oms_target, unplanned
from assets.streams.orders_resolution import (
    CANCEL_REQUESTED,
    CANCELED,
    Uncertain,
    look_up,
)
from domain.connections import ORDERS
from domain.errors import Problem, RecordRejected
from domain.exchange import Receipt
from domain.identity import content_digest, delivery_key
from domain.ports import OmsWriter
from domain.records.orders import Order
from domain.records.record import decode_record
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.rows import (
    AcceptedRecord,
    ClaimRow,
    TargetRow,
    UnsettledDelivery,
    acting_until,
)
from resources.ledger.session import Session
from resources.lockstep import Sync

REOPENED = Problem(
    "reopened_after_cancel",
    "status_id",
    "The OMS has canceled the order, which is final there, and the store has opened it again.",
    "Place it anew in the store, or cancel it there too and refund the customer.",
)


class Change(NamedTuple):
    """What is to be sent for an order, as plain data; ``wanted`` is what the OMS then holds."""

    action: str
    key: UUID
    send: Mapping[str, object]
    wanted: Mapping[str, object]


@dataclass
class _Order:
    """One order of the chunk."""

    accepted: AcceptedRecord
    order: Order
    known: TargetRow | None
    unsettled: Sequence[UnsettledDelivery]
    whole: bool = False
    """It was uncertain what the OMS holds, so that all of the order is sent."""


class OrdersDelivery:
    """The delivery of one chunk to the OMS."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        """Deliver the chunk and return its counts."""
        chunk = owed_versions(self._session, chunk)
        current = [a for a in chunk if not a.superseded]
        ids = [a.source_id for a in current]
        if self._request.again:
            self._session.deliveries.revive(ids)
        known = self._session.deliveries.targets(ids)
        unsettled = self._session.deliveries.unsettled(ids, self._sync.oms.acts_for)
        orders = [
            _Order(
                a,
                decode_record(Order, a.canonical),
                known.get(a.source_id),
                unsettled.get(a.source_id, ()),
            )
            for a in current
        ]
        asyncio.run(self._send(chunk, orders))
        return self._counts

    async def _send(self, chunk: Sequence[AcceptedRecord], orders: Sequence[_Order]) -> None:
        target = oms_target(self._sync)
        engine = Engine(
            self._session, self._sync.run_id, self._sync.connection.max_attempts, target
        )
        planned = self._plan_chunk(orders)
        async with self._sync.oms.writer(engine.log) as writer:
            plans = [self._with_intent(plan, one, change, writer) for plan, one, change in planned]
            replaced = [
                u.delivery_key
                for plan, one, change in planned
                for u in one.unsettled
                if u.state == "failed"
                and not u.is_uncertain
                and plan.waits_until is None
                and (change is None or u.delivery_key != change.key)
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

    def _plan_chunk(self, orders: Sequence[_Order]) -> list[tuple[Plan, _Order, Change | None]]:
        """Plan each order; those whose other deliveries are uncertain after a look at the OMS."""
        planned: dict[str, tuple[Plan, _Order, Change | None]] = {}
        uncertain: list[Uncertain] = []
        now = self._session.now()
        cautious = is_cautious(self._session.db, self._sync.name)
        for one in orders:
            plan, change = self._plan(one)
            planned[one.accepted.source_id] = (plan, one, change)
            others = [
                u
                for u in one.unsettled
                if change is None or u.delivery_key != change.key
                if u.is_uncertain or (change is not None and u.may_act(now))
            ]
            creates = cautious and change is not None and change.action == "create"
            if plan.refusal or not (others or creates):
                continue
            plan.waits_until = acting_until(others, now)
            doubtful = [u for u in others if u.is_uncertain]
            if plan.waits_until is None and (doubtful or creates):
                uncertain.append(Uncertain(one.accepted, one.order, doubtful))
        known = {one.accepted.source_id: one.known for one in orders if one.known is not None}
        held = look_up(self._sync, self._session, uncertain, known)
        for accepted, _, _ in uncertain:
            plan, one, _ = planned[accepted.source_id]
            if accepted.source_id not in held:
                plan.waits_until = now  # it stays uncertain, and due
                continue
            one.known, one.whole = held[accepted.source_id], True
            plan, change = self._plan(one)
            planned[accepted.source_id] = (plan, one, change)
        return list(planned.values())

    def _plan(self, one: _Order) -> tuple[Plan, Change | None]:
        """Return the order's plan, still without its intent, and what is to be sent for it."""
        plan = Plan(one.accepted.capture_id, one.accepted.source_id)
        try:
            return plan, self._change(one)
        except RecordRejected as refusal:
            plan.refusal = refusal.problems
        except Exception as error:  # noqa: BLE001 - it costs this order, and no other
            plan.refusal = (unplanned(self._sync, one.accepted.correlation_id, error),)
        return plan, None

    def _change(self, one: _Order) -> Change | None:
        """Return what brings the OMS from the known state to this version, if anything changes."""
        order, known = one.order, one.known
        if order.cancelled:
            if known is None or known.milestone in (CANCELED, CANCEL_REQUESTED):
                return None
            return Change("cancel", self._key(one, "cancel"), {}, {})
        wanted = self._sync.oms.order_payload(order)
        if known is not None and known.milestone == CANCELED:
            raise RecordRejected(REOPENED)
        if known is None:
            return Change("create", self._key(one, "create"), wanted, wanted)
        held = orjson.loads(known.content)
        if one.whole or self._request.force:
            send = self._sync.oms.order_change(held, wanted, whole=True) or wanted
            return Change("update", self._key(one, "update"), send, wanted)
        change = self._sync.oms.order_change(held, wanted)
        if change is None:
            return None
        return Change("update", self._key(one, "update"), change, wanted)

    def _key(self, one: _Order, action: str) -> UUID:
        sequence = one.known.sequence if one.known else 0
        return delivery_key(
            self._sync.name,
            ORDERS,
            one.accepted.source_id,
            f"{action}:{sequence}",
            one.accepted.canonical_digest,
        )

    def _with_intent(
        self, plan: Plan, one: _Order, change: Change | None, writer: OmsWriter
    ) -> Plan:
        if change is None or plan.waits_until is not None:
            return plan
        accepted = one.accepted
        claim = ClaimRow(
            change.key,
            accepted.source_id,
            change.action,
            accepted.source_id,
            accepted.capture_id,
            self._request.day,
            accepted.correlation_id,
        )
        moment = accepted.source_updated_at
        if change.action == "cancel":
            plan.intents.append(self._cancel(claim, one, writer, moment))
        else:
            plan.intents.append(self._save(claim, change, one, writer, moment))
        return plan

    def _save(
        self, claim: ClaimRow, change: Change, one: _Order, writer: OmsWriter, moment: datetime
    ) -> Intent:
        known, oms = one.known, self._sync.oms
        sequence = (known.sequence if known else 0) + 1

        def after(receipt: Receipt) -> TargetRow:
            holds = change.wanted
            if receipt.refused_lines:
                before = orjson.loads(known.content) if known else {}
                holds = oms.kept_order(before, holds, receipt.refused_lines)
            content = orjson.dumps(holds)
            digest = content_digest(content)
            return TargetRow(
                claim.source_id, receipt.target_id, content, digest, "", sequence, moment
            )

        return Intent(
            claim,
            lambda: writer.save_order(change.send, claim.correlation_id, is_new=known is None),
            after,
        )

    def _cancel(self, claim: ClaimRow, one: _Order, writer: OmsWriter, moment: datetime) -> Intent:
        order, known = one.order, one.known
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
