"""How an order was paid: gift certificates, store credit and a gateway, by reference only."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from domain.parsing.problems import DocumentProblems, without_card
from domain.parsing.scalars import amount_of, moment_of
from domain.parsing.text import clean_name
from domain.records.orders import Payment, PaymentTransaction
from resources.platforms.bigcommerce.payload import Order, Transaction, Transactions
from resources.platforms.bigcommerce.settings import AUTHORIZED, BigCommerceSettings

Kind = Literal["authorization", "settlement"]
WrittenTransactions = list[Transaction | None] | Transactions | None
EVENTS: dict[str, Kind] = {
    "authorization": "authorization",
    "purchase": "settlement",
    "capture": "settlement",
    "settled": "settlement",
}
"""Refunds, voids and pending events say nothing about how the order was paid."""
AUTHORIZATION: Kind = "authorization"
STATES: dict[str, Kind] = {
    **dict.fromkeys(AUTHORIZED, AUTHORIZATION),
    "captured": "settlement",
    "paid": "settlement",
}
OWN_METHODS = ("gift_certificate", "store_credit")
"""Transactions by these methods repeat the order's ``gift_certificate_amount`` and credit."""


def to_payments(
    order: Order,
    transactions: WrittenTransactions,
    total: Decimal,
    currency: str,
    settings: BigCommerceSettings,
    problems: DocumentProblems,
) -> tuple[Payment, ...]:
    """Return the payments; their amounts sum to the order's total.

    An order that was edited may cost less than what certificates and store credit have paid.
    """
    certificate, credit, rest = _shares(order, total, problems)
    payments = []
    if certificate > 0:
        method = settings.gift_certificate_method
        payments.append(_own("gift_certificate", method, certificate))
    if credit > 0:
        payments.append(_own("store_credit", settings.store_credit_method, credit))
    if rest > 0:
        payments.append(_gateway(order, transactions, rest, currency, problems))
    return tuple(payments)


def _shares(
    order: Order, total: Decimal, problems: DocumentProblems
) -> tuple[Decimal, Decimal, Decimal]:
    """Return what certificates, store credit and the gateway have paid of the total."""
    certificate = amount_of(order.gift_certificate_amount)
    credit = amount_of(order.store_credit_amount)
    rest = total - certificate - credit
    if total < 0:
        message = f"the order's total {total} is below zero, so it can't have been paid"
        advice = "a refund is not an order: correct or cancel it in the store"
        problems.reject("total_negative", "total_inc_tax", message, advice, total)
    elif certificate < 0 or credit < 0:
        message = f"gift certificates {certificate} or store credit {credit} are below zero"
        advice = "compare the order's payments in the store"
        problems.reject("payment_mismatch", "gift_certificate_amount", message, advice, rest)
    elif rest < 0:
        message = (
            f"gift certificates {certificate} and store credit {credit} have paid more than the "
            f"total {total}"
        )
        advice = "give the customer back what is too much, if that has not been done"
        problems.warn("paid_above_total", "total_inc_tax", message, advice)
        certificate = min(certificate, total)
        credit = min(credit, total - certificate)
    return certificate, credit, rest


def _own(payment_id: str, method: str, amount: Decimal) -> Payment:
    return Payment(payment_id=payment_id, method="", source_method=method, amount=amount)


def _gateway(
    order: Order,
    transactions: WrittenTransactions,
    amount: Decimal,
    currency: str,
    problems: DocumentProblems,
) -> Payment:
    method = without_card(order.payment_method, "payment_method", problems)
    provider = without_card(order.payment_provider_id, "payment_provider_id", problems)
    found = transactions.data if isinstance(transactions, Transactions) else transactions
    events, gateway = _events(found, currency, problems) if found else ((), "")
    state = STATES.get(order.payment_status or "")
    if not events and provider and state is not None:
        # The order itself states one event.
        events = (
            PaymentTransaction(
                transaction_id=provider,
                kind=state,
                amount=amount,
                reference=provider,
                succeeded=True,
            ),
        )
    return Payment(
        payment_id="payment",
        method="",
        source_method=clean_name(method),
        amount=amount,
        gateway=gateway,
        transactions=events,
    )


def _events(
    transactions: list[Transaction | None], currency: str, problems: DocumentProblems
) -> tuple[tuple[PaymentTransaction, ...], str]:
    events: list[PaymentTransaction] = []
    gateway = ""
    for i, raw in enumerate(transactions):
        if raw is None:
            continue
        where = f"transactions[{i}]."
        kind = EVENTS.get(raw.event or "")
        path = f"{where}gateway_transaction_id"
        reference = without_card(raw.gateway_transaction_id, path, problems)
        if kind is None or raw.method in OWN_METHODS:
            continue
        if raw.currency and raw.currency.upper() != currency:
            message = f"the transaction is in {raw.currency[:3]} and the order in {currency}"
            path, advice = f"{where}currency", "compare the order's payment in the store"
            problems.reject("currency_mixed", path, message, advice, raw.currency[:3])
        gateway = gateway or clean_name(raw.gateway or "")
        events.append(
            PaymentTransaction(
                transaction_id=str(raw.id or "") or reference or str(i),
                kind=kind,
                amount=amount_of(raw.amount),
                reference=reference,
                succeeded=raw.status != "error",
                at=moment_of(raw.date_created),
            )
        )
    return tuple(events), gateway
