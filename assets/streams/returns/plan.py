"""Planning of returns: what the store should show of one, and what is to be given back for it.

Money moves once in effect. A refund is claimed before it is asked for; the refunds that the payment
service itself has are read before each, and those that name the return count, whether the ledger
knows them or not. What the merchant has refunded by hand, or is worth more than the connection's
limit, is held back until an operator decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from assets.delivery.plan import Due, Plan, Sent
from assets.delivery.planner import ReadingPlanner
from assets.delivery.request import DeliveryRequest
from assets.streams.returns.book import Book, read_book
from assets.streams.returns.hold import SHOWN_IN_STORE, really_unshipped
from assets.streams.returns.refund import (
    NOT_REFUNDED,
    above_return,
    ceiling_of,
    lines_of,
    named,
    not_captured,
    not_looked_up,
    not_settled,
    part_of_another,
    priced,
    without_parts,
)
from assets.streams.returns.state import ReturnState, digest_of, shown_of
from assets.streams.returns.target import returns_target
from assets.streams.returns.units import ARRIVED, EXPECTED, Counted, count_units
from domain.connections import RETURNS
from domain.delivery import Held, Intent, Outcome, Question
from domain.errors import RecordRejected
from domain.identity import content_digest, delivery_key
from domain.records.record import decode_record
from domain.records.returns import Return
from domain.refunds import OrderRefunds, RefundRequest, StoreRefund
from domain.skus import BySku
from resources.ledger.records.refunds import RefundRow
from resources.ledger.rows import AcceptedRecord, SettleRow, TargetRow, UnsettledDelivery
from resources.ledger.session import Session
from resources.sync import Sync

REFUND, SHOW = "refund", "return"
UNTIL_READ = timedelta(minutes=1)
"""How long a return waits at least where the OMS can't be asked for others of its order."""
LOOKED_UP = "the payment service does not have it"


@dataclass
class _Return:
    """One return of the chunk: what arrived, what is owed, and what was given back."""

    state: ReturnState
    counted: Counted = field(default_factory=Counted)
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
        self._book: Book

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Return]]:
        """Decode the returns, and read what is known of their orders, refunds and approvals."""
        records = {
            a: decode_record(Return, a.canonical).as_of(a.source_updated_at) for a in current
        }
        rules = BySku(self.sync.connection.orders.uom_rules)
        found = records.values()
        self._book = read_book(self.session, self._target, rules, found, self.sync.returns)
        known = self.session.deliveries.targets([record.return_id for record in found])
        return [
            Due(a, record, record.return_id, known.get(record.return_id))
            for a, record in records.items()
        ]

    def plan(self, due: Due[Return]) -> Plan:
        """Return what the store should show, and the refund of what is owed.

        Raises ``RecordRejected``.
        """
        record, state = due.record, ReturnState.from_ledger(due.known)
        if record.source_id in self._book.unread:
            return Plan(due, waits_until=datetime.now(UTC) + UNTIL_READ)
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
        left = state.left_of(context.counted.confirmed)
        if any(units < 0 for units in left.values()) and not plan.kept_back[len(before) :]:
            plan.notes.append(above_return(record, left))
        owed = {line_id: units for line_id, units in left.items() if units > 0}
        plan.intents += self._shown(plan)
        if context.counted.confirmed and not record.is_refunded:
            plan.kept_back += not_settled(record, self._policy) if owed else ()
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
        record: Return = plan.due.record
        lines = self._book.lines.get(record.source_id)
        if lines is None:
            raise RecordRejected(not_captured(record))
        plan.context.counted = counted = count_units(
            record,
            lines,
            self._book.uom_rules,
            shown=self._shows,
            announced=self._target.shows_announced,
        )
        plan.kept_back += counted.kept_back
        plan.notes += counted.not_shown

    def _shown(self, plan: Plan) -> list[Intent]:
        """Return the change of what the store shows of the return, if there is one."""
        context: _Return = plan.context
        counted = context.counted
        if not self._shows or not (counted.arrived or counted.expected or context.state.shown):
            return []
        record: Return = plan.due.record
        wanted = shown_of(
            record,
            counted,
            context.state.paid_units(),
            self._book.lines.get(record.source_id, {}).keys(),
            is_separate=SHOWN_IN_STORE in self._book.approvals_of(record.return_id),
        )
        digest = digest_of(wanted)
        if digest == context.state.shown and not self.request.force:
            return []
        identity = orjson.dumps([context.state.sequence, digest])
        key = self._key(record, SHOW, identity)
        return [Intent(SHOW, key, wanted.order_id, wanted, is_independent=True)]

    def _refund(self, due: Due[Return], state: ReturnState, owed: Mapping[str, int]) -> Intent:
        record = due.record
        currency = self._book.currencies.get(record.source_id, "")
        approved = self._book.approvals_of(record.return_id)
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
            self.session.refunds.put([self._row(due, refund)], self.sync.run_id)
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
        shown = named(whole, self._book.refunds_of(request.order_id))
        own = [refund for refund in shown.refunds if refund.return_id == request.return_id]
        context.found += [refund for refund in own if context.state.note(refund)]
        plan.found += [r.declined_of(request.order_id) for r in context.found if r.declined]
        left = context.state.left_of(context.counted.confirmed)
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
        returns = self._book.returns_of(request.order_id)
        shown = really_unshipped(shown, returns)
        problems = self._book.waiting(request, shown, returns)
        if problems:
            return Outcome("refused", problems=problems)
        if self._target.quotes:
            return intent
        return replace(
            intent, content=priced(request, shown, self._book.prices.get(request.order_id))
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
                self._book.add(record, refund, intent.key.hex, self._target.service)
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
                self._row(plan.due, refund)
                for refund in plan.context.found
                if refund.key and refund != outcome.held
            ]
            row = self._row(plan.due, outcome.held)
            rows.append(row._replace(delivery_key=intent.key, is_found=outcome.is_found))
        self.session.refunds.put(rows, self.sync.run_id)

    def _row(self, due: Due[Return], refund: StoreRefund) -> RefundRow:
        currency = self._book.currencies.get(due.record.source_id, "")
        return self._target.row(refund, due, currency, self.request.partition.day)
