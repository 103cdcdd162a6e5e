"""Planning of returns: what the store should show of one, and what is to be given back for it.

Money moves once in effect. A refund is claimed before it is asked for; the refunds that the payment
service itself has are read before each, and those that name the return count, whether the ledger
knows them or not. What the merchant has refunded by hand, or is worth more than the connection's
limit, is held back until an operator decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import orjson

from assets.delivery.plan import Due, Plan, Sent
from assets.delivery.planner import ReadingPlanner
from assets.delivery.request import DeliveryRequest
from assets.streams.returns.hold import (
    DISCARDED,
    NOT_OF_REFUNDS,
    SHOWN_IN_STORE,
    Approvals,
    OrderReturns,
    above_returns,
    discarded,
    order_returns,
    really_unshipped,
)
from assets.streams.returns.refund import (
    HELD,
    above_return,
    ceiling_of,
    lines_of,
    named,
    not_captured,
    not_looked_up,
    part_of_another,
    priced,
    waiting,
    without_parts,
)
from assets.streams.returns.state import (
    ARRIVED,
    EXPECTED,
    Counted,
    Lines,
    ReturnState,
    digest_of,
    shown_of,
    store_units,
)
from assets.streams.returns.target import returns_target
from domain.connections import RETURNS
from domain.delivery import Held, Intent, Outcome, Question
from domain.errors import RecordRejected
from domain.identity import content_digest, delivery_key
from domain.records.record import decode_record
from domain.records.returns import Return
from domain.refunds import (
    PARTS,
    OrderRefunds,
    RefundRequest,
    StoreRefund,
)
from domain.rules.refund_amounts import PricedOrder
from resources.ledger.records.refunds import KnownRefund, RefundRow, ReturnedLine
from resources.ledger.rejections.approvals import approvals
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.sync import Sync

REFUND, SHOW = "refund", "return"
NOT_REFUNDED = "return_not_refunded"
"""The rule that moves no money for an exchange: its new order settles it."""
NOT_SHOWN = (
    "The store does not show these units of the return. They become a rejection if they are "
    "confirmed so; if no return of the SKU can be shown, correct its rule in orders.uom_rules."
)
LOOKED_UP = "the payment service does not have it"


@dataclass
class _Return:
    """One return of the chunk: what arrived, what is owed, and what was given back."""

    state: ReturnState
    arrived: Mapping[str, int] = field(default_factory=dict)
    confirmed: Mapping[str, int] = field(default_factory=dict)
    expected: Mapping[str, int] = field(default_factory=dict)
    """With those that are announced; empty if the store shows none of them."""
    found: list[StoreRefund] = field(default_factory=list)
    """Refunds that the service has and the ledger did not know."""


class ReturnsPlanner(ReadingPlanner[Return]):
    """Plans a chunk of returns."""

    to_oms = False
    why = "it was refunded and is shown in the store, or nothing is owed"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = self._target = returns_target(sync)
        self._policy = sync.connection.returns
        self._shows = SHOW in self._target.operations
        self._in_store = EXPECTED if self._target.shows_announced else ARRIVED
        """How far units are that the store shows."""
        self._lines: Mapping[str, Lines] = {}
        self._prices: Mapping[str, PricedOrder] = {}
        self._currencies: Mapping[str, str] = {}
        self._approved: Mapping[str, Approvals] = {}
        self._discarded: Collection[str] = ()
        self._returned: Mapping[str, Sequence[ReturnedLine]] = {}
        self._known: dict[str, dict[str, KnownRefund]] = {}
        """Order -> refund's id -> what the ledger has of it."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Return]]:
        """Decode the returns, and read what is known of their orders, refunds and approvals."""
        records = {
            a: decode_record(Return, a.canonical).as_of(a.source_updated_at) for a in current
        }
        orders = sorted({record.source_id for record in records.values()})
        ids = [record.return_id for record in records.values()]
        self._lines = self.session.records.line_groups(orders)
        self._prices = self.session.refunds.prices(orders)
        self._currencies = self.session.refunds.currencies(orders)
        self._approved = approvals(self.session.db, self.sync.name, RETURNS, ids, HELD)
        self._discarded = self.session.refunds.discarded(RETURNS, ids, NOT_OF_REFUNDS, DISCARDED)
        self._known = self._target.by_id(self.session.refunds.known(orders))
        self._returned = self.session.refunds.returned(orders)
        known = self.session.deliveries.targets(ids)
        return [
            Due(a, record, record.return_id, known.get(record.return_id))
            for a, record in records.items()
        ]

    def plan(self, due: Due[Return]) -> Plan:
        """Return what the store should show, and the refund of what is owed.

        Raises ``RecordRejected``.
        """
        record, state = due.record, ReturnState.from_ledger(due.known)
        context = _Return(state)
        plan = Plan(due, context=context)
        lost = [u for u in due.unsettled if self._is_elsewhere(state, u)]
        plan.keeps_open = frozenset(u.delivery_key for u in lost)
        if state.applied_at > record.updated_at.isoformat() and not self.request.force:
            return plan  # late: a newer state of the return has been applied
        declined = [r.declined_of(record.source_id) for r in state.refunds.values() if r.declined]
        unseen = [not_looked_up(record, state.asked.get(u.delivery_key.hex)) for u in lost]
        plan.kept_back = before = (*declined, *unseen)
        counted = record.in_status(*self._in_store) if self._shows else record.confirmed()
        if not (counted or state.refunds or state.shown):
            return plan
        self._count(plan)
        left = state.left_of(context.confirmed)
        if any(units < 0 for units in left.values()) and not plan.kept_back[len(before) :]:
            plan.notes.append(above_return(record, left))
        owed = {line_id: units for line_id, units in left.items() if units > 0}
        plan.intents += self._shown(plan)
        if context.confirmed and not record.is_refunded:
            plan.left_alone = (NOT_REFUNDED, record.return_id)
        elif owed and not lost and self._policy.refunds != "none":
            plan.intents.append(self._refund(due, state, owed))
        return plan

    def _is_elsewhere(self, state: ReturnState, delivery: UnsettledDelivery) -> bool:
        """Return whether a service that is no longer asked may have made a refund."""
        asked = state.asked.get(delivery.delivery_key.hex, self._target.service)
        is_lost = delivery.is_uncertain and delivery.action == REFUND
        return is_lost and asked not in self._target.services

    def _count(self, plan: Plan) -> None:
        """Count the units that arrived and that are confirmed, in the store's units."""
        record, context = plan.due.record, plan.context
        lines = self._lines.get(record.source_id)
        if lines is None:
            raise RecordRejected(not_captured(record))
        rules = self.sync.connection.orders.uom_rules
        confirmed = store_units(record, record.confirmed(), lines, rules)
        context.confirmed, plan.kept_back = (
            confirmed.units,
            plan.kept_back + confirmed.problems,
        )
        if not self._shows:
            return
        arrived = store_units(record, record.in_status(*ARRIVED), lines, rules)
        context.arrived, problems = arrived.units, arrived.problems
        if self._target.shows_announced:
            expected = store_units(record, record.in_status(*EXPECTED), lines, rules)
            context.expected, problems = expected.units, expected.problems
        rejected = {problem.field for problem in confirmed.problems}
        plan.notes += [replace(p, advice=NOT_SHOWN) for p in problems if p.field not in rejected]

    def _shown(self, plan: Plan) -> list[Intent]:
        """Return the change of what the store shows of the return, if there is one."""
        context: _Return = plan.context
        if not self._shows or not (context.arrived or context.expected or context.state.shown):
            return []
        record: Return = plan.due.record
        wanted = shown_of(
            record,
            Counted(
                context.arrived, context.confirmed, context.state.paid_units(), context.expected
            ),
            self._lines.get(record.source_id, {}).keys(),
            is_separate=SHOWN_IN_STORE in self._approved.get(record.return_id, {}),
        )
        digest = digest_of(wanted)
        if digest == context.state.shown and not self.request.force:
            return []
        identity = orjson.dumps([context.state.sequence, digest])
        key = self._key(record, SHOW, identity)
        return [Intent(SHOW, key, wanted.order_id, wanted, is_independent=True)]

    def _refund(self, due: Due[Return], state: ReturnState, owed: Mapping[str, int]) -> Intent:
        record = due.record
        currency = self._currencies.get(record.source_id, "")
        approved = self._approved.get(record.return_id, {})
        request = RefundRequest(
            record.source_id,
            record.return_id,
            lines_of(owed),
            ceiling_of(self._policy, currency, approved, owed),
            currency,
        )
        # Equal in a ledger that was restored: the service knows the refund by it.
        identity = orjson.dumps([len(state.refunds), sorted(owed.items())])
        key = self._key(record, REFUND, identity)
        return Intent(REFUND, key, record.source_id, request, reads=True)

    def _key(self, record: Return, operation: str, identity: bytes) -> UUID:
        digest = content_digest(identity)
        return delivery_key(self.sync.name, RETURNS, record.return_id, operation, digest)

    def question(self, due: Due[Return]) -> tuple[str, Question]:
        """Ask for the refunds of the return's order."""
        return due.record.source_id, ()

    def resolve(self, due: Due[Return], held: Held | None) -> list[SettleRow]:
        """Take the refunds that the service has as known; return how they settle lost requests."""
        uncertain = [u for u in due.unsettled if u.is_uncertain and u.action == REFUND]
        state = ReturnState.from_ledger(due.known)
        shown = held.content.refunds if held is not None else ()
        own = {r.key: r for r in shown if r.key and not r.missing}
        rows: list[SettleRow] = []
        for delivery in uncertain:
            refund = own.get(delivery.delivery_key.hex)
            if refund is None and self._is_elsewhere(state, delivery):
                continue
            if refund is None:
                rows.append(SettleRow(delivery.delivery_key, "superseded", error=LOOKED_UP))
                continue
            state.note(refund)
            rows.append(SettleRow(delivery.delivery_key, "delivered", refund.refund_id))
            self.session.refunds.put(
                [self._found_row(due.record, due.accepted, refund)], self.sync.run_id
            )
        state.sequence += 1
        due.known = state.to_row(due.record)
        return rows

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what is refunded by what the service shows at the moment of sending."""
        context: _Return = plan.context
        request: RefundRequest = intent.content
        if waits := part_of_another(request, held.content, intent.key.hex):
            return waits
        whole = without_parts(held.content)
        shown = named(whole, self._known.get(request.order_id, {}))
        own = [refund for refund in shown.refunds if refund.return_id == request.return_id]
        context.found += [refund for refund in own if context.state.note(refund)]
        plan.found += [r.declined_of(request.order_id) for r in context.found if r.declined]
        left = context.state.left_of(context.confirmed)
        units = {
            line_id: min(wanted, left.get(line_id, 0))
            for line_id, wanted in request.units().items()
            if left.get(line_id, 0) > 0
        }
        if not units and own:
            return Outcome("done", own[-1].refund_id, held=own[-1], is_found=True)
        return self._checked(
            replace(intent, content=replace(request, lines=lines_of(units))), shown
        )

    def _checked(self, intent: Intent, shown: OrderRefunds) -> Intent | Outcome:
        """Return a refund with its amount, or why it waits. Raises ``RecordRejected``."""
        request: RefundRequest = intent.content
        order = self._prices.get(request.order_id)
        returns = self._order_returns(request.order_id)
        shown = really_unshipped(shown, returns)
        problems = waiting(
            request,
            shown,
            order,
            self._approved.get(request.return_id, {}),
            (
                discarded(request) if request.return_id in self._discarded else None,
                above_returns(request, shown, self._known.get(request.order_id, {}), returns),
            ),
        )
        if problems:
            return Outcome("refused", problems=problems)
        if self._target.quotes:
            return intent
        return replace(intent, content=priced(request, shown, order))

    def _order_returns(self, order_id: str) -> OrderReturns:
        return order_returns(
            self._returned.get(order_id, ()),
            self._lines.get(order_id, {}),
            self.sync.connection.orders.uom_rules,
        )

    def foreseen(self, plan: Plan) -> TargetRow | None:
        """Note which service is asked: no other one can show the outcome of a lost request."""
        context: _Return = plan.context
        context.state.asked[plan.unsent()[0].key.hex] = self._target.service
        known = {k: r for k, r in context.state.refunds.items() if r not in context.found}
        return replace(context.state, refunds=known).to_row(plan.due.record)

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what is known of the return after a success."""
        context: _Return = plan.context
        record: Return = plan.due.record
        if intent.operation == SHOW:
            context.state.shown = digest_of(intent.content)
        else:
            refund: StoreRefund = outcome.held
            context.state.note(refund)
            if refund.refund_id:
                units, service = dict(refund.units), self._target.service
                row = KnownRefund(
                    record.return_id, intent.key.hex, units, refund.refund_id, service
                )
                known = self._known.setdefault(record.source_id, {})
                known |= dict.fromkeys(refund.refund_id.split(PARTS), row)
        context.state.applied_at = record.updated_at.isoformat()
        context.state.sequence += 1
        return context.state.to_row(record)

    def follow_up(self, plan: Plan) -> list[Intent]:
        """Show in the store what was paid by now, unless it has refused to show the return."""
        if any(s.intent.operation == SHOW and not s.outcome.succeeded for s in plan.sent):
            return []
        return self._shown(plan)

    def store(self, sent: Sequence[tuple[Plan, Sent]]) -> None:
        """Record the refunds that were made or found."""
        rows: list[RefundRow] = []
        for plan, (intent, outcome) in sent:
            if intent.operation != REFUND or not outcome.succeeded:
                continue
            rows += [
                self._found_row(plan.due.record, plan.accepted, refund)
                for refund in plan.context.found
                if refund.key and refund != outcome.held
            ]
            row = self._found_row(plan.due.record, plan.accepted, outcome.held)
            rows.append(row._replace(delivery_key=intent.key, is_found=outcome.is_found))
        self.session.refunds.put(rows, self.sync.run_id)

    def _found_row(
        self, record: Return, accepted: AcceptedRecord, refund: StoreRefund
    ) -> RefundRow:
        service, refund_id = self._target.made_by(refund.refund_id)
        return RefundRow(
            UUID(hex=refund.key) if refund.key else accepted.capture_id,
            record.return_id,
            record.source_id,
            service,
            refund_id,
            refund.amount,
            self._currencies.get(record.source_id, ""),
            dict(refund.units),
            True,
            refund.declined,
            self.request.partition.day,
            accepted.capture_id,
            accepted.correlation_id,
            refund.is_pending,
            self._target.declines_for,
        )
