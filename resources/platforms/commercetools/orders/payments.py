"""How an order was paid, by reference only. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from domain.builders.payments import to_order_total
from domain.parsing.problems import DocumentProblems, without_card
from domain.parsing.scalars import ZERO, moment_of
from domain.parsing.text import clean_name
from domain.records.orders import Payment, PaymentTransaction
from resources.platforms.commercetools import payload as documents
from resources.platforms.commercetools.orders.money import MoneyReader
from resources.platforms.commercetools.payload import Order, Transaction

KINDS: dict[str, Literal["authorization", "settlement"]] = {
    "Authorization": "authorization",
    "Charge": "settlement",
}
"""Refunds, chargebacks and canceled authorisations say nothing about how the order was paid."""
AUTHORIZATION, VOID = "Authorization", "CancelAuthorization"
NO_METHOD = documents.PaymentMethod()
SETTLED = {"Success": True, "Failure": False}
"""State of a transaction -> whether it succeeded; the others are under way."""


def to_payments(
    order: Order, total: Decimal, money: MoneyReader, problems: DocumentProblems
) -> tuple[Payment, ...]:
    """Return the payments; their amounts sum to the order's total."""
    found = order.payment_info.payments if order.payment_info is not None else None
    mapped: list[Payment] = []
    for i, reference in enumerate(found or ()):
        if reference is None:
            continue
        where = f"paymentInfo.payments[{i}].obj."
        payment = reference.obj or documents.Payment(id=reference.id)
        if (made := _payment(payment, i, where, money, problems)) is not None:
            mapped.append(made)
    return to_order_total(mapped, total, "totalPrice", problems)


def _payment(
    raw: documents.Payment, i: int, where: str, money: MoneyReader, problems: DocumentProblems
) -> Payment | None:
    info = raw.payment_method_info or NO_METHOD
    gateway = without_card(info.payment_interface, where, problems, "paymentMethodInfo.interface")
    method = without_card(info.method, where, problems, "paymentMethodInfo.method") or gateway
    written = [t for t in raw.transactions or () if t is not None]
    if len(written) > 1 and any(t.type == VOID for t in written):
        written = _standing(written)
    if written and all(t.state == "Failure" for t in written):
        return None
    events = [
        event
        for j, transaction in enumerate(written)
        if (event := _event(transaction, raw, f"{where}transactions[{j}].", money, problems))
    ]
    return Payment(
        payment_id=raw.id or f"payment-{i}",
        method="",
        source_method=clean_name(method),
        amount=max(money.read(raw.amount_planned, where, "amountPlanned"), ZERO),
        gateway=clean_name(gateway),
        transactions=tuple(events),
    )


def _standing(written: list[Transaction]) -> list[Transaction]:
    """Leave out authorisations that were canceled afterwards, as a whole: they pay for nothing."""
    kept: list[Transaction] = []
    for transaction in written:
        if transaction.type == VOID and transaction.state == "Success":
            canceled = _cents(transaction)
            kept = [t for t in kept if t.type != AUTHORIZATION or _cents(t) > canceled]
        kept.append(transaction)
    return kept


def _cents(transaction: Transaction) -> int:
    return (transaction.amount.cent_amount if transaction.amount is not None else None) or 0


def _event(
    raw: Transaction,
    payment: documents.Payment,
    where: str,
    money: MoneyReader,
    problems: DocumentProblems,
) -> PaymentTransaction | None:
    kind, succeeded = KINDS.get(raw.type or ""), SETTLED.get(raw.state or "")
    reference = without_card(raw.interaction_id, where, problems, "interactionId")
    if kind is None or succeeded is None:
        return None
    if not reference:
        own = raw.interface_id or payment.interface_id
        reference = without_card(own, where, problems, "interfaceId")
    return PaymentTransaction(
        transaction_id=raw.id or reference or where,
        kind=kind,
        amount=money.read(raw.amount, where, "amount"),
        reference=reference,
        succeeded=succeeded,
        at=moment_of(raw.timestamp),
    )
