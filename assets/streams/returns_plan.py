"""Planning of refunds: what the OMS has confirmed of a return and the store has not given back.

Money moves once in effect. A refund is claimed before it is asked for; the store's own refunds are
read before each, and those that name the return count, whether the ledger knows them or not. What
the merchant has refunded by hand, or is worth more than the connection's limit, is held back until
an operator decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation

import orjson

from assets.delivery.plan import Due, Plan, Sent
from assets.delivery.planner import Planner
from assets.delivery.request import DeliveryRequest
from assets.streams.returns_state import Lines, ReturnState, confirmed_units
from domain.connections import RETURNS
from domain.delivery import Held, Intent, OrderRefunds, Outcome, RefundRequest, StoreRefund
from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine
from domain.identity import content_digest, delivery_key
from domain.records.record import decode_record
from domain.records.returns import Return
from resources.ledger.records.refunds import Approval, RefundRow
from resources.ledger.rows import AcceptedRecord, TargetRow
from resources.ledger.session import Session
from resources.lockstep import Sync

NOT_APPROVED = "refund_not_approved"
MADE_IN_STORE = "refund_made_in_store"
HELD = (NOT_APPROVED, MADE_IN_STORE)
"""Codes of refunds that an operator's retry with a reason lets through."""
NOT_REFUNDED = "return_not_refunded"
"""The rule that leaves an exchange alone: its new order settles it."""


@dataclass
class _Return:
    """One return of the chunk: what is owed for it, and what was given back."""

    state: ReturnState
    confirmed: Mapping[str, int] = field(default_factory=dict)


class ReturnsPlanner(Planner[Return]):
    """Plans a chunk of returns."""

    to_oms = False
    why = "the store has refunded it, or nothing is owed"

    def __init__(self, sync: Sync, session: Session, request: DeliveryRequest) -> None:
        super().__init__(sync, session, request)
        self.target = sync.platform.targets["returns"]
        self._policy = sync.connection.returns
        self._lines: Mapping[str, Lines] = {}
        self._currencies: Mapping[str, str] = {}
        self._approved: Mapping[str, Approval] = {}
        self._adopted: set[str] = set()
        """Refunds without a mark that count for returns already."""

    def prepare(self, current: Sequence[AcceptedRecord]) -> list[Due[Return]]:
        """Decode the returns, and read what is known of their orders, refunds and approvals."""
        records = {
            a: decode_record(Return, a.canonical).as_of(a.source_updated_at) for a in current
        }
        orders = sorted({record.source_id for record in records.values()})
        ids = [record.return_id for record in records.values()]
        self._lines = self.session.records.line_groups(orders)
        self._currencies = self.session.refunds.currencies(orders)
        self._approved = self.session.refunds.approvals(RETURNS, ids, HELD)
        self._adopted = self.session.refunds.refund_ids(orders)
        known = self.session.deliveries.targets(ids)
        return [
            Due(a, record, record.return_id, known.get(record.return_id))
            for a, record in records.items()
        ]

    def plan(self, due: Due[Return]) -> Plan:
        """Return the refund of what is owed. Raises ``RecordRejected``."""
        record, state = due.record, ReturnState.from_ledger(due.known)
        plan = Plan(due, context=_Return(state))
        if state.applied_at > record.updated_at.isoformat() and not self.request.force:
            return plan  # late: a newer state of the return has been applied
        declined = tuple(
            r.declined_of(record.source_id) for r in state.refunds.values() if r.declined
        )
        plan.kept_back = declined
        if self._policy.refunds == "none" or not record.confirmed():
            return plan
        if not record.is_refunded:
            plan.left_alone = (NOT_REFUNDED, record.return_id)
            return plan
        lines = self._lines.get(record.source_id)
        if lines is None:
            raise RecordRejected(_not_captured(record))
        confirmed = confirmed_units(record, lines, self.sync.connection.orders.uom_rules)
        plan.kept_back += confirmed.problems
        plan.context.confirmed = confirmed.units
        left = state.left_of(confirmed.units)
        if any(units < 0 for units in left.values()) and not confirmed.problems:
            plan.notes.append(_above(record, left))
        if owed := {line_id: units for line_id, units in left.items() if units > 0}:
            plan.intents.append(self._refund(due, state, owed))
        return plan

    def _refund(self, due: Due[Return], state: ReturnState, owed: Mapping[str, int]) -> Intent:
        record = due.record
        currency = self._currencies.get(record.source_id, "")
        request = RefundRequest(
            record.source_id,
            record.return_id,
            _lines_of(owed),
            self._ceiling(record, currency),
            currency,
        )
        identity = orjson.dumps([state.sequence, sorted(owed.items())])
        key = delivery_key(
            self.sync.name, RETURNS, record.return_id, "refund", content_digest(identity)
        )
        return Intent("refund", key, record.source_id, request, reads=True)

    def _ceiling(self, record: Return, currency: str) -> Decimal | None:
        """Return how much may go out: by the policy, or as an operator has approved."""
        ceiling = self._policy.ceiling(currency)
        approval = self._approved.get(record.return_id)
        if approval is None:
            return ceiling
        if approval.code == MADE_IN_STORE:
            return None  # it was approved whatever it is worth
        amount, _, approved_in = approval.value.partition(" ")
        try:
            return max(ceiling, Decimal(amount)) if approved_in == currency else ceiling
        except InvalidOperation:
            return ceiling

    def decide(self, plan: Plan, intent: Intent, held: Held) -> Intent | Outcome:
        """Return what is refunded by what the store shows at the moment of sending."""
        context: _Return = plan.context
        request: RefundRequest = intent.content
        shown: OrderRefunds = held.content
        own = [refund for refund in shown.refunds if refund.return_id == request.return_id]
        for refund in own:
            context.state.note(refund)
        left = context.state.left_of(context.confirmed)
        units = {
            line_id: min(wanted, left.get(line_id, 0))
            for line_id, wanted in request.units().items()
            if left.get(line_id, 0) > 0
        }
        if not units and own:
            plan.found += [r.declined_of(plan.due.record.source_id) for r in own if r.declined]
            return Outcome("done", own[-1].refund_id, held=own[-1], is_found=True)
        request = replace(request, lines=_lines_of(units))
        if (problem := self._made_by_hand(request, shown, intent)) is not None:
            return Outcome("refused", problems=(problem,))
        return replace(intent, content=request)

    def _made_by_hand(
        self, request: RefundRequest, shown: OrderRefunds, intent: Intent
    ) -> Problem | None:
        """Return why the refund waits: the merchant has refunded shipped units of its lines."""
        by_hand = [
            refund
            for refund in shown.refunds
            if not refund.key and refund.refund_id not in self._adopted
        ]
        approval = self._approved.get(request.return_id)
        if approval is not None and approval.code == MADE_IN_STORE:
            return None
        if intent.may_exist and any(dict(r.units) == request.units() for r in by_hand):
            return None  # it is looked for, and found to be this one
        for line in request.lines:
            refunded = sum(refund.units.get(line.line_id, 0) for refund in by_hand)
            if refunded > shown.unshipped.get(line.line_id, 0):
                return _refunded_by_hand(request, line.line_id, refunded)
        return None

    def settled(self, plan: Plan, intent: Intent, outcome: Outcome) -> TargetRow | None:
        """Return what is known of the return's refunds after a success."""
        del intent
        context: _Return = plan.context
        refund: StoreRefund = outcome.held
        context.state.note(refund)
        if refund.refund_id and not refund.key:
            self._adopted.add(refund.refund_id)
        record: Return = plan.due.record
        context.state.applied_at = record.updated_at.isoformat()
        context.state.sequence += 1
        return context.state.to_row(record)

    def store(self, sent: Sequence[tuple[Plan, Sent]]) -> None:
        """Record the refunds that were made or found."""
        rows = [
            self._row(plan, one)
            for plan, one in sent
            if one.outcome.succeeded and isinstance(one.outcome.held, StoreRefund)
        ]
        self.session.refunds.put(rows, self.sync.run_id)

    def _row(self, plan: Plan, sent: Sent) -> RefundRow:
        request: RefundRequest = sent.intent.content
        refund: StoreRefund = sent.outcome.held
        return RefundRow(
            sent.intent.key,
            request.return_id,
            request.order_id,
            self.sync.platform.kind,
            refund.refund_id,
            refund.amount,
            request.currency,
            dict(refund.units),
            sent.outcome.is_found,
            refund.declined,
            self.request.partition.day,
            plan.accepted.capture_id,
            plan.accepted.correlation_id,
        )


def _lines_of(units: Mapping[str, int]) -> tuple[ShipmentLine, ...]:
    return tuple(ShipmentLine(line_id, number) for line_id, number in sorted(units.items()))


def _not_captured(record: Return) -> Problem:
    return Problem(
        "order_not_captured",
        "order_id",
        f"The OMS confirmed the return {record.return_id} of order {record.order_id}, which was "
        "never captured.",
        "Replay the orders stream over the day the order was placed, then rerun this partition.",
        record.order_id,
    )


def _above(record: Return, left: Mapping[str, int]) -> Problem:
    lines = ", ".join(f"{-units} of line {line}" for line, units in left.items() if units < 0)
    return Problem(
        "refund_above_return",
        "lines",
        f"More was refunded for the return {record.return_id} than the OMS has confirmed: {lines}.",
        "Compare the return at the OMS with the order's refunds in the store.",
        record.return_id,
    )


def _refunded_by_hand(request: RefundRequest, line_id: str, refunded: int) -> Problem:
    return Problem(
        MADE_IN_STORE,
        f"lines[{line_id}]",
        f"The store shows {refunded} shipped units of line {line_id} of order {request.order_id} "
        f"as refunded by hand, and the OMS has confirmed the return {request.return_id} of "
        f"{request.units()[line_id]}: it may be refunded already.",
        "If it is, discard this rejection. If not, approve the refund, whatever it is worth, by "
        "'lockstep rejections retry ID --reason TEXT'.",
        request.return_id,
    )
