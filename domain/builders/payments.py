"""Payments of an order that only plan their amounts, brought to what the order costs. Pure."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from domain.parsing.problems import DocumentProblems
from domain.records.orders import Payment


def to_order_total(
    payments: list[Payment], total: Decimal, field: str, problems: DocumentProblems
) -> tuple[Payment, ...]:
    """Return the payments with amounts that sum to the total: the first has what is left.

    Planned amounts are what a checkout meant to collect; an edited order has another total. A
    total below zero, of which ``field`` is the place, is a problem, and leaves no payments.
    """
    if total <= 0:
        if total < 0:
            message = f"the order's total {total} is below zero, so it can't have been paid"
            advice = "a refund is not an order: correct or cancel it in the store"
            problems.reject("total_negative", field, message, advice, total)
        return ()
    if not payments:
        return (Payment(payment_id="payment", method="", source_method="", amount=total),)
    if len(payments) == 1:
        return (_with_amount(payments[0], total),)
    shared, rest = [], total
    for payment in payments[:0:-1]:
        amount = min(payment.amount, rest)
        shared.append(_with_amount(payment, amount))
        rest -= amount
    shared.append(_with_amount(payments[0], rest))
    return tuple(payment for payment in reversed(shared) if payment.amount > 0)


def _with_amount(payment: Payment, amount: Decimal) -> Payment:
    if amount == payment.amount:
        return payment
    return msgspec.structs.replace(payment, amount=amount)
