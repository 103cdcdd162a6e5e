"""Refunds among the transactions of an order's payments, and the one to add. Pure.

A Refund transaction moves no money: it asks the payment's own integration for it, which
sets its state. ``interactionId`` says which delivery made it, for which units of which return.
Where no payment has enough left, each of several gives back a part: the mark of each also states
the whole, so that a refund of which a part was lost is completed, and none is given back twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from domain.currencies import minor_unit, whole_minor_units
from domain.errors import PermanentError, Problem, RecordRejected
from domain.parsing.answers import CONTRACT
from domain.parsing.problems import DocumentProblems
from domain.refunds import OrderRefunds, RefundRequest, StoreRefund, joined
from resources.platforms.commercetools.base_payload import Money
from resources.platforms.commercetools.orders.delivered import deliveries_of
from resources.platforms.commercetools.orders.money import MoneyReader
from resources.platforms.commercetools.payload import Order, Payment, Transaction
from resources.platforms.commercetools.reader import is_id
from resources.platforms.commercetools.returns.actions import REFUNDED, is_others, return_items
from resources.platforms.commercetools.shipments.order import KEY, HeldOrder

Action = dict[str, Any]
REFUND, CHARGEBACK, CHARGE = "Refund", "Chargeback", "Charge"
INITIAL, PENDING, SUCCESS, FAILURE = "Initial", "Pending", "Success", "Failure"
STATES = (INITIAL, PENDING, SUCCESS, FAILURE)
SHORT = 12
"""Characters of the digest of a line's id."""
_MARK = re.compile(
    rf"{KEY}([0-9a-f]{{32}})(?:=([1-9][0-9]{{0,17}}))?((?:-[0-9a-f]{{{SHORT}}}x[1-9][0-9]{{0,8}})+):(.{{1,255}})"
)
_UNITS = re.compile(rf"-([0-9a-f]{{{SHORT}}})x([0-9]+)")


class Paid(NamedTuple):
    """A payment of the order, and what of it can be given back."""

    payment: Payment
    left: Decimal


class Part(NamedTuple):
    """What one payment gives back of a refund: mostly all of it."""

    payment: Payment
    amount: Decimal
    mark: str


def mark_of(request: RefundRequest, key: str, whole: Decimal | None = None) -> str:
    """Return the ``interactionId`` of a refund, or of a part of one that is worth ``whole``."""
    units = "".join(f"-{_short(line.line_id)}x{line.quantity}" for line in request.lines)
    total = "" if whole is None else f"={_cents(request, whole)}"
    return f"{KEY}{key}{total}{units}:{request.return_id}"


def refunds_of(held: HeldOrder) -> OrderRefunds:
    """Return the refunds of an order's payments, and the units that are refunded by its returns.

    Raises ``PermanentError`` for payments that can't be read.
    """
    lines = {_short(line_id): line_id for line_id in held.line_ids()}
    found = [
        _to_refund(transaction, lines)
        for payment in payments_of(held.order)
        for transaction in payment.transactions or ()
        if transaction is not None and transaction.type in (REFUND, CHARGEBACK)
    ]
    for item in return_items(held.order):
        if is_others(item) and item.payment_state == REFUNDED and item.line_item_id:
            ids = held.line_ids(item.line_item_id) or [item.line_item_id]
            units = dict.fromkeys(ids, item.quantity or 0)
            found.append(StoreRefund(item.id or "", units, Decimal(0)))
    divided = {refund.key for refund in found if refund.missing}
    return OrderRefunds(held.id, joined(found, divided), *_line_units(held))


def payments_of(order: Order) -> Iterator[Payment]:
    """Yield an order's payments. Raises ``PermanentError`` for one that was not expanded."""
    for reference in (order.payment_info.payments if order.payment_info else None) or ():
        if reference is None:
            continue
        payment = reference.obj
        if payment is None or not is_id(payment.id or "") or payment.version is None:
            raise PermanentError(
                f"a payment of order {order.id} can't be read; check that the API client has the "
                "scope view_payments"
            )
        yield payment


def made_for(held: HeldOrder, key: str) -> StoreRefund | None:
    """Return the refund of a delivery as far as it was made."""
    return next((refund for refund in refunds_of(held).refunds if refund.key == key), None)


def next_part(
    order: Order, request: RefundRequest, amount: Decimal, key: str, made: StoreRefund | None
) -> Part:
    """Return what is given back next of ``amount``, by the payment with most left.

    One payment gives back all of it, if one has so much left; else each as much as it has. Raises
    ``RecordRejected`` if they have less left together.
    """
    whole = amount if made is None else made.amount + made.missing
    rest = amount if made is None else made.missing
    paid = [
        Paid(payment, _left_of(payment, request))
        for payment in payments_of(order)
        if not any(_is_part(raw, key) for raw in payment.transactions or ())
    ]
    paid = sorted((one for one in paid if one.left > 0), key=lambda one: -one.left)
    left = sum((one.left for one in paid), Decimal(0))
    if left < rest or not paid:
        raise RecordRejected(_too_little(request, rest, left, made))
    first = paid[0]
    if made is None and first.left >= rest:
        return Part(first.payment, rest, mark_of(request, key))
    return Part(first.payment, min(first.left, rest), mark_of(request, key, whole))


def _is_part(raw: Transaction | None, key: str) -> bool:
    mark = _MARK.fullmatch(raw.interaction_id or "") if raw is not None else None
    return mark is not None and mark[1] == key


def _too_little(
    request: RefundRequest, amount: Decimal, left: Decimal, made: StoreRefund | None
) -> Problem:
    so_far = "" if made is None else f" after {made.amount} was given back"
    return Problem(
        "refund_refused",
        "transactions",
        f"The payments of order {request.order_id} have {left} {request.currency} left that was "
        f"charged and not given back, and {amount} is needed{so_far}.",
        "Refund the return directly through the payments and discard this rejection, or correct "
        "the payments' transactions and retry it.",
        request.return_id,
    )


def add_refund(request: RefundRequest, amount: Decimal, mark: str) -> Action:
    """Return the action that asks a payment's integration for the refund."""
    money = {"currencyCode": request.currency, "centAmount": _cents(request, amount)}
    transaction = {"type": REFUND, "amount": money, "interactionId": mark, "state": INITIAL}
    return {"action": "addTransaction", "transaction": transaction}


def _cents(request: RefundRequest, amount: Decimal) -> int:
    """Return an amount in minor units. Raises ``RecordRejected`` if it is none of whole ones."""
    cents = whole_minor_units(amount, request.currency)
    if cents is None:
        raise RecordRejected(
            Problem(
                "refund_refused",
                "amount",
                f"{amount} is not a whole number of minor units of {request.currency}.",
                "Refund the return by hand and discard this rejection.",
                request.return_id,
            )
        )
    return cents


def with_mark(payment: Payment, mark: str) -> Transaction | None:
    """Return the refund of a payment that has a mark."""
    return next(
        (
            transaction
            for transaction in payment.transactions or ()
            if transaction is not None
            and (transaction.type, transaction.interaction_id) == (REFUND, mark)
        ),
        None,
    )


def refund_of(transaction: Transaction, request: RefundRequest, key: str) -> StoreRefund:
    """Return a refund that was made for a request. Raises ``PermanentError``."""
    plain = _to_refund(transaction, {})
    return StoreRefund(
        plain.refund_id,
        request.units(),
        plain.amount,
        request.return_id,
        key,
        plain.declined,
        plain.is_pending,
    )


def _to_refund(raw: Transaction, lines: Mapping[str, str]) -> StoreRefund:
    if not raw.id or raw.state not in STATES:
        raise PermanentError(f"a payment has a transaction without id or state: {CONTRACT}")
    amount = amount_of(raw.amount)
    declined = "the transaction failed" if raw.state == FAILURE else ""
    is_pending = raw.state in (INITIAL, PENDING)
    mark = _MARK.fullmatch(raw.interaction_id or "")
    if mark is None or raw.type != REFUND:
        unassigned = Decimal(0) if declined else amount
        return StoreRefund(raw.id, {}, amount, "", "", declined, is_pending, unassigned=unassigned)
    units: dict[str, int] = {}
    for digest, number in _UNITS.findall(mark[3]):
        line_id = lines.get(digest, digest)
        units[line_id] = units.get(line_id, 0) + int(number)
    missing = max(_whole(raw, mark[2]) - amount, Decimal(0)) if mark[2] else Decimal(0)
    return StoreRefund(
        raw.id, units, amount, mark[4], mark[1], declined, is_pending, missing=missing
    )


def _whole(raw: Transaction, cents: str) -> Decimal:
    """Return what the whole refund is worth of which a transaction is a part."""
    currency = raw.amount.currency_code if raw.amount is not None else None
    return int(cents) * minor_unit(currency or "")


def amount_of(money: Money | None) -> Decimal:
    """Return an amount in its own currency. Raises ``PermanentError`` for one without."""
    if money is None or money.cent_amount is None or not money.currency_code:
        raise PermanentError(f"a payment has a transaction without an amount: {CONTRACT}")
    problems = DocumentProblems()
    amount = MoneyReader(money.currency_code, problems).read(money, "amount")
    if problems.problems or amount < 0:
        raise PermanentError(f"a payment has an amount that can't be read: {CONTRACT}")
    return amount


def _left_of(payment: Payment, request: RefundRequest) -> Decimal:
    """Return what was charged, less what went back or is about to; other currencies have none."""
    left = Decimal(0)
    for raw in payment.transactions or ():
        if raw is None or raw.amount is None or raw.amount.currency_code != request.currency:
            continue
        if raw.type == CHARGE and raw.state == SUCCESS:
            left += amount_of(raw.amount)
        elif raw.type in (REFUND, CHARGEBACK) and raw.state != FAILURE:
            left -= amount_of(raw.amount)
    minor = minor_unit(request.currency)
    return left // minor * minor


def _line_units(held: HeldOrder) -> tuple[dict[str, int], dict[str, int]]:
    """Return line -> units of its line item that no delivery has, and that deliveries have."""
    shipped: dict[str, int] = {}
    for _, delivery in deliveries_of(held.order):
        for item in delivery.items or ():
            if item is not None and item.id:
                shipped[item.id] = shipped.get(item.id, 0) + (item.quantity or 0)
    units = {
        line_id: (line.quantity or 0, shipped.get(line.id, 0))
        for line in held.order.line_items or ()
        if line is not None and line.id
        for line_id in held.line_ids(line.id)
    }
    unshipped = {line_id: max(0, ordered - sent) for line_id, (ordered, sent) in units.items()}
    return unshipped, {line_id: sent for line_id, (_, sent) in units.items()}


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:SHORT]
