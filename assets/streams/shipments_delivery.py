"""Delivery of fulfilment to the store: parcels become shipments, then the status follows."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from assets.chain.stream import DeliveryCounts, DeliveryRequest
from assets.delivery.engine import Engine
from assets.delivery.plan import Plan
from assets.delivery.system import store_target, unplanned
from assets.delivery.target_state import OrderTargetState
from assets.streams.orders_resolution import CANCELED
from assets.streams.shipments_plan import Planner
from assets.streams.shipments_requests import Lines, not_shipped
from domain.connections import ORDERS
from domain.errors import Problem, RecordRejected
from domain.identity import correlation_id
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment
from domain.records.record import decode_record
from resources.ledger.deliveries.deliveries import Deliveries
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.records.fulfilment_progress import ProgressRow
from resources.ledger.rejections.rejections import Rejections
from resources.ledger.rows import (
    AcceptedRecord,
    RejectionRow,
    UnsettledDelivery,
    acting_until,
)
from resources.ledger.session import Session
from resources.lockstep import Sync

RELEASED = (Milestone.RELEASED, Milestone.PICKED, Milestone.PACKED)
SHIPPED = (Milestone.SHIPPED, Milestone.DELIVERED, Milestone.RETURNED)
CANCEL_REFUSED = Problem(
    "cancel_refused",
    "status_id",
    "The OMS did not accept the cancellation: the order is already being picked or has left.",
    "Inform the customer and arrange a return, or stop the parcel with the warehouse.",
)


class ShipmentsDelivery:
    """The delivery of one chunk to the store."""

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        self._sync = sync
        self._session = session
        self._request = request
        self._counts = DeliveryCounts()

    def run(self, chunk: Sequence[AcceptedRecord]) -> DeliveryCounts:
        """Deliver the chunk and return its counts."""
        current = {a: decode_record(Fulfilment, a.canonical) for a in chunk if not a.superseded}
        if self._request.again:
            self._session.deliveries.revive([f.source_id for f in current.values()])
        lines = self._session.records.line_groups([f.source_id for f in current.values()])
        self._session.progress.put(
            [
                _progress(accepted, fulfilment, not_shipped(lines.get(fulfilment.source_id)))
                for accepted, fulfilment in current.items()
            ]
        )
        self._record_cancel_answers(list(current.values()))
        asyncio.run(self._send(chunk, current, lines))
        return self._counts

    async def _send(
        self,
        chunk: Sequence[AcceptedRecord],
        current: Mapping[AcceptedRecord, Fulfilment],
        lines: Mapping[str, Lines],
    ) -> None:
        session = self._session
        ids = [f.source_id for f in current.values()]
        known = session.deliveries.targets(ids)
        unsettled = session.deliveries.unsettled(ids, self._sync.platform.acts_for)
        taken = session.deliveries.target_ids(ids)
        now = session.now()
        engine = Engine(
            session,
            self._sync.run_id,
            self._sync.connection.max_attempts,
            store_target(self._sync),
        )
        async with self._sync.platform.writer(engine.log) as writer:
            cautious = is_cautious(session.db, self._sync.name)
            planner = Planner(self._sync, self._request, writer, taken, cautious=cautious)
            plans: list[Plan] = []
            replaced: list[UUID] = []
            for accepted, fulfilment in current.items():
                source_id = fulfilment.source_id
                open_deliveries = unsettled.get(source_id, [])
                state = OrderTargetState.from_ledger(
                    known.get(source_id), lines.get(source_id), open_deliveries, now
                )
                plan = self._plan(planner, accepted, fulfilment, state)
                _wait_for_others(plan, open_deliveries, now)
                plans.append(plan)
                others = _others(open_deliveries, plan)
                plan.resolves = [u.delivery_key for u in others if u.is_uncertain]
                replaced += [u.delivery_key for u in others if not u.is_uncertain]
            # As one transaction: an uncertain delivery must not be dropped before its successor is
            # claimed.
            with session.transaction():
                session.deliveries.supersede(replaced)
                engine.claim(plans)
            try:
                await engine.send(plans, self._sync.platform.push_concurrency)
            finally:
                engine.record(self._request.day, chunk, self._counts, "the store accepted it")

    def _plan(
        self,
        planner: Planner,
        accepted: AcceptedRecord,
        fulfilment: Fulfilment,
        state: OrderTargetState,
    ) -> Plan:
        try:
            return planner.plan(accepted, fulfilment, state)
        except RecordRejected as refusal:
            return Plan(accepted.capture_id, accepted.source_id, refusal=refusal.problems)
        except Exception as error:  # noqa: BLE001 - it costs this order, and no other
            problem = unplanned(self._sync, accepted.correlation_id, error)
            return Plan(accepted.capture_id, accepted.source_id, refusal=(problem,))

    def _record_cancel_answers(self, fulfilments: Sequence[Fulfilment]) -> None:
        """Record the OMS's answers to cancellations that it had only accepted as requests."""
        orders = Deliveries(self._session.db, self._sync.name, ORDERS)
        accepted = [
            f.source_id
            for f in fulfilments
            if f.cancel_answer == "accepted" or f.milestone() is Milestone.CANCELED
        ]
        rejected = [f.source_id for f in fulfilments if f.cancel_answer == "rejected"]
        with self._session.transaction():
            _settle_cancels(orders, accepted, "delivered", CANCELED)
            for row in _settle_cancels(orders, rejected, "refused", ""):
                rejection = RejectionRow(
                    row.capture_id,
                    row.source_id,
                    "delivered",
                    [CANCEL_REFUSED],
                    correlation_id(self._sync.name, "order", row.source_id),
                )
                Rejections(self._session.db, self._sync.name, ORDERS).open(
                    row.source_day, [rejection], self._sync.run_id
                )


def _progress(
    accepted: AcceptedRecord, fulfilment: Fulfilment, unshipped: Collection[str]
) -> ProgressRow:
    units = [
        part for line in fulfilment.lines if line.line_id not in unshipped for part in line.units
    ]
    awaiting, shipped = (
        sum((u.quantity for u in units if u.milestone in stages), Decimal(0))
        for stages in (RELEASED, SHIPPED)
    )
    return ProgressRow(
        fulfilment.source_id,
        fulfilment.order_id,
        awaiting,
        shipped,
        accepted.correlation_id,
        fulfilment.updated_at,
    )


def _settle_cancels(
    orders: Deliveries, source_ids: Sequence[str], state: str, milestone: str
) -> list[UnsettledDelivery]:
    """Settle requested cancellations, and return them; their milestone goes to the target state.

    An order that the OMS canceled by itself is included: otherwise the store's own cancellation,
    which follows, would be sent back to the OMS.
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


def _wait_for_others(
    plan: Plan, open_deliveries: Sequence[UnsettledDelivery], now: datetime
) -> None:
    """Let a plan wait while another status or tracking number than its own may take effect."""
    keys = {intent.claim.delivery_key for intent in plan.intents}
    others = [u for u in open_deliveries if u.action != "shipment" and u.delivery_key not in keys]
    until = acting_until(others, now)
    if plan.intents and until is not None:
        plan.intents.clear()
        plan.waits_until = until


def _others(open_deliveries: Sequence[UnsettledDelivery], plan: Plan) -> list[UnsettledDelivery]:
    """Return the open deliveries of the order that are not part of its new plan.

    An uncertain shipment is looked up by the plan's shipments; a status is replaced by any later
    one. A record that is refused or waits looks nothing up, so its open deliveries stay as they
    are.
    """
    if plan.refusal or plan.waits_until is not None:
        return []
    keys = {intent.claim.delivery_key for intent in plan.intents}
    return [u for u in open_deliveries if u.delivery_key not in keys and u.state != "delivered"]
