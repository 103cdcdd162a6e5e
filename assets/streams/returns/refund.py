"""What a refund is worth, and what an operator has to decide before it is made. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from assets.streams.returns.hold import (
    ABOVE_RETURNS,
    BEFORE_START,
    DISCARDED,
    SHOWN_IN_STORE,
    Approvals,
    covers,
    covers_units,
    stated,
    units_text,
)
from domain.delivery import Outcome
from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine
from domain.records.returns import Return
from domain.refunds import (
    NOT_APPROVED,
    PARTS,
    OrderRefunds,
    RefundRequest,
    StoreRefund,
    joined,
)
from domain.returns_policy import ReturnsPolicy
from domain.rules.refund_amounts import PricedOrder, TooManyUnits, worth
from resources.ledger.records.refunds import KnownRefund

MADE_IN_STORE = "refund_made_in_store"
BY_UNITS = (MADE_IN_STORE, DISCARDED, ABOVE_RETURNS, BEFORE_START)
"""Codes of what is approved by its units, whatever they are worth."""
NOT_REFUNDED = "return_not_refunded"
"""The rule that moves no money for an exchange: its new order settles it."""
HELD = (NOT_APPROVED, *BY_UNITS, SHOWN_IN_STORE)
"""Codes of what an operator's retry with a reason lets through."""


def ceiling_of(
    policy: ReturnsPolicy, currency: str, approved: Approvals, owed: Mapping[str, int]
) -> Decimal | None:
    """Return how much may go out: by the policy, or as an operator has approved."""
    ceiling = policy.ceiling(currency)
    if covers_units(approved, BY_UNITS, owed):
        return None  # it was approved whatever it is worth
    amount, _, approved_in = approved.get(NOT_APPROVED, "").partition(" ")
    try:
        return max(ceiling, Decimal(amount)) if approved_in == currency else ceiling
    except InvalidOperation:
        return ceiling


def lines_of(units: Mapping[str, int]) -> tuple[ShipmentLine, ...]:
    """Return units as the lines of a request."""
    return tuple(ShipmentLine(line_id, number) for line_id, number in sorted(units.items()))


def named(shown: OrderRefunds, known: Mapping[str, KnownRefund]) -> OrderRefunds:
    """Return an order's refunds with what the ledger knows of those that lost their mark."""
    refunds = tuple(
        replace(r, return_id=k.return_id, key=k.key, units=k.units, unassigned=Decimal(0))
        if not r.key and (k := known.get(r.refund_id)) is not None
        else r
        for r in shown.refunds
    )
    divided = {one.key for one in known.values() if PARTS in one.refund_id}
    return replace(shown, refunds=joined(refunds, divided))


def part_of_another(request: RefundRequest, shown: OrderRefunds, key: str) -> Outcome | None:
    """Return why a refund waits for another one of its order, of which a part was lost.

    Another return's is completed on its own. One of this return, which has changed since, is not.
    """
    for refund in shown.refunds:
        if refund.missing and refund.key != key:
            if refund.return_id == request.return_id:
                return Outcome("refused", problems=(_in_part(request, refund),))
            text = f"a part of the refund of the return {refund.return_id} is to be made first"
            return Outcome("retry", error=text)
    return None


def without_parts(shown: OrderRefunds) -> OrderRefunds:
    """Return an order's refunds without those of which a part was lost: they are completed."""
    return replace(shown, refunds=tuple(r for r in shown.refunds if not r.missing))


def priced(request: RefundRequest, shown: OrderRefunds, order: PricedOrder | None) -> RefundRequest:
    """Return a request with what its units are worth. Raises ``RecordRejected``."""
    if order is None:
        raise RecordRejected(_prices_unknown(request))
    before = _refunded(shown, order)
    try:
        return replace(request, amount=worth(order, request.units(), before))
    except TooManyUnits as error:
        raise RecordRejected(_too_many(request, str(error), before)) from None
    except KeyError:
        raise RecordRejected(_prices_unknown(request)) from None


def _refunded(shown: OrderRefunds, order: PricedOrder) -> dict[str, int]:
    """Return line id -> refunded units among those that the order has.

    A unit that was refunded by hand before it shipped is none of them: the order's newest version
    is without it.
    """
    own: dict[str, int] = {}
    by_hand: dict[str, int] = {}
    for refund in shown.refunds:
        counted = own if refund.key else by_hand
        for line_id, units in refund.units.items():
            counted[line_id] = counted.get(line_id, 0) + units
    has = {line.line_id: int(line.quantity / line.factor) for line in order.lines}
    for line_id, units in by_hand.items():
        left_out = max(0, shown.ordered.get(line_id, 0) - has.get(line_id, 0))
        own[line_id] = own.get(line_id, 0) + max(0, units - left_out)
    return own


def waiting(
    request: RefundRequest,
    shown: OrderRefunds,
    order: PricedOrder | None,
    approved: Approvals,
    others: Sequence[Problem | None],
) -> tuple[Problem, ...]:
    """Return why a refund waits for an operator, without what one has approved."""
    found = [*others, made_by_hand(request, shown, order)]
    problems = [problem for problem in found if problem is not None]
    return tuple(p for p in problems if not covers(approved.get(p.code), p.value))


def made_by_hand(
    request: RefundRequest, shown: OrderRefunds, order: PricedOrder | None
) -> Problem | None:
    """Return why a refund waits: the merchant has refunded what may be this return's units.

    Units that had not shipped are not a return's, nor is an amount that they come to.
    """
    by_hand = [refund for refund in shown.refunds if not refund.key and not refund.declined]
    refunded = {
        line.line_id: sum(refund.units.get(line.line_id, 0) for refund in by_hand)
        for line in request.lines
    }
    amount = sum((refund.unassigned for refund in by_hand), Decimal(0))
    value = stated(request.units(), refunded=refunded, amount=amount)
    for line_id, number in refunded.items():
        if number > shown.unshipped.get(line_id, 0):
            return _units_by_hand(request, line_id, number, value)
    if amount > _worth_of_unshipped(shown, order):
        return _amount_by_hand(request, amount, value)
    return None


def _worth_of_unshipped(shown: OrderRefunds, order: PricedOrder | None) -> Decimal:
    if order is None:
        return Decimal(0)
    ordered = {line.line_id: line.quantity / line.factor for line in order.lines}
    units = {
        line_id: min(number, int(ordered[line_id]))
        for line_id, number in shown.unshipped.items()
        if number > 0 and line_id in ordered
    }
    return worth(order, units, {})


def not_captured(record: Return) -> Problem:
    """Return why nothing can be planned: the order's own lines are not known."""
    return Problem(
        "order_not_captured",
        "order_id",
        f"The OMS confirmed the return {record.return_id} of order {record.order_id}, which was "
        "never captured.",
        "Capture the order with 'lockstep sync-orders' and its id, then retry this rejection.",
        record.order_id,
    )


def not_settled(record: Return, policy: ReturnsPolicy) -> tuple[Problem, ...]:
    """Return why a return that is not refunded may be owed to the shopper all the same."""
    if not record.unsettled or policy.refunds == "none":
        return ()
    problem = Problem(
        "return_not_settled",
        "lines",
        f"The OMS has confirmed the return {record.return_id} of order {record.order_id}, and "
        f"{record.unsettled}: Lockstep refunds nothing of it.",
        "Compare the return with the order's refunds, pay by hand what the shopper is owed, and "
        "discard this rejection; or correct the return at the OMS.",
        record.return_id,
    )
    return (problem,)


def above_return(record: Return, left: Mapping[str, int]) -> Problem:
    """Return the warning about more money than the OMS has confirmed units for."""
    lines = ", ".join(f"{-units} of line {line}" for line, units in left.items() if units < 0)
    return Problem(
        "refund_above_return",
        "lines",
        f"More was refunded for the return {record.return_id} than the OMS has confirmed: {lines}.",
        "Compare the return at the OMS with the order's refunds in the store.",
        record.return_id,
    )


def _units_by_hand(request: RefundRequest, line_id: str, refunded: int, value: str) -> Problem:
    return Problem(
        MADE_IN_STORE,
        f"lines[{line_id}]",
        f"The store shows {refunded} shipped units of line {line_id} of order {request.order_id} "
        f"as refunded by hand, and the OMS has confirmed the return {request.return_id}: it may "
        f"be refunded already. Lockstep has not refunded {units_text(request)}.",
        "If it is, discard this rejection. If not, approve the refund of these units, whatever "
        "the amount, with 'lockstep rejections retry ID --reason TEXT'.",
        value,
    )


def _amount_by_hand(request: RefundRequest, amount: Decimal, value: str) -> Problem:
    return Problem(
        MADE_IN_STORE,
        "amount",
        f"{amount} {request.currency} of order {request.order_id} were refunded without "
        "Lockstep, without naming units, and the OMS has confirmed the return "
        f"{request.return_id}: it may be refunded already. Lockstep has not refunded "
        f"{units_text(request)}.",
        "If it is, discard this rejection. If not, approve the refund of these units, whatever "
        "the amount, with 'lockstep rejections retry ID --reason TEXT'.",
        value,
    )


def _prices_unknown(request: RefundRequest) -> Problem:
    return Problem(
        "refund_amount_unknown",
        "amount",
        f"The value of the return {request.return_id} can't be computed: the ledger does not "
        f"have the prices of all its lines of order {request.order_id}.",
        "Capture the order with 'lockstep sync-orders' and its id, then retry this rejection; "
        "or refund the return by hand and discard it.",
        request.order_id,
    )


def _in_part(request: RefundRequest, refund: StoreRefund) -> Problem:
    return Problem(
        "refund_refused",
        "transactions",
        f"Only a part of the refund {refund.refund_id} of the return {request.return_id} of order "
        f"{request.order_id} was made: {refund.amount} was refunded, {refund.missing} was not. The "
        "return has changed since.",
        "Refund the rest directly through the payments, and discard this rejection.",
        request.return_id,
    )


def _too_many(request: RefundRequest, line_id: str, before: Mapping[str, int]) -> Problem:
    wanted, was = request.units()[line_id], before.get(line_id, 0)
    return Problem(
        "refund_refused",
        f"lines[{line_id}]",
        f"The return {request.return_id} has {wanted} units of line {line_id} of order "
        f"{request.order_id}, of which {was} are refunded already: more than were ordered.",
        "Compare the returns at the OMS with the order's refunds; discard this rejection, or "
        "correct the return.",
        line_id,
    )


def not_looked_up(record: Return, service: str | None) -> Problem:
    """Return why a return has no further refund: the outcome of an earlier one can't be seen."""
    return Problem(
        "target_not_read",
        "returns.refunds",
        f"A refund of the return {record.return_id} was requested without an answer, and "
        f"{service or 'the payment service'}, which may have made it, is no longer asked.",
        "Set returns.refunds back to that service and retry, or check there whether the shopper "
        "has the money, pay by hand if not, and discard this rejection.",
    )
