"""How an order was paid: gift certificates, store credit and the means at the gateway, by reference only. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from domain.connections import OrdersPolicy
from domain.text import clean_text
from resources.platforms.bigcommerce.parsing import (
    ZERO,
    Findings,
    card_number,
    mapping,
    moment,
    money,
    sequence,
    text,
)
from resources.platforms.bigcommerce.settings import AUTHORIZED, BigCommerceSettings

Kind = Literal["authorization", "settlement"]
EVENTS: dict[str, Kind] = {
    "authorization": "authorization",
    "purchase": "settlement",
    "capture": "settlement",
    "settled": "settlement",
}
"""Refunds, voids and pending events say nothing of how the order was paid."""
STATES: dict[str, Kind] = dict.fromkeys(AUTHORIZED, "authorization") | {
    "captured": "settlement",
    "paid": "settlement",
}  # type: ignore[assignment]
OWN_METHODS = ("gift_certificate", "store_credit")
"""Transactions by these methods are the order's ``gift_certificate_amount`` and ``store_credit_amount`` over again."""


class PaymentMapper:
    """Maps payments by one connection's rules."""

    def __init__(self, policy: OrdersPolicy, settings: BigCommerceSettings) -> None:
        self._methods = {
            name.strip().casefold(): code for name, code in policy.payment_methods.items()
        }
        self._default, self._settings = policy.default_payment_method, settings

    def to_payments(
        self,
        order: Mapping[str, Any],
        transactions: object,
        total: Decimal,
        currency: str,
        findings: Findings,
    ) -> tuple[dict[str, Any], ...]:
        """Return the values of the payments; their amounts sum to the order's total."""
        certificate = money(order, "gift_certificate_amount", "", findings)
        credit = money(order, "store_credit_amount", "", findings)
        rest = total - certificate - credit
        if total < 0:
            message = f"the order's total {total} is below zero, which no order is paid with"
            findings.reject(
                "total_negative",
                "total_inc_tax",
                message,
                "a refund is not an order: correct or cancel it in the store",
                total,
            )
        elif rest < 0 or certificate < 0 or credit < 0:
            message = f"gift certificates {certificate} and store credit {credit} are more than the total {total}"
            findings.reject(
                "payment_mismatch",
                "gift_certificate_amount",
                message,
                "compare the order's payments in the store",
                rest,
            )
        payments = []
        if certificate > 0:
            payments.append(
                self._own("gift_certificate", self._settings.gift_certificate_method, certificate)
            )
        if credit > 0:
            payments.append(self._own("store_credit", self._settings.store_credit_method, credit))
        if rest > 0:
            payments.append(self._gateway(order, transactions, rest, currency, findings))
        return tuple(payments)

    def _own(self, payment_id: str, method: str, amount: Decimal) -> dict[str, Any]:
        return {
            "payment_id": payment_id,
            "method": self._method(method),
            "source_method": method,
            "amount": amount,
        }

    def _method(self, name: str) -> str:
        return self._methods.get(name.strip().casefold(), self._default)

    def _gateway(
        self,
        order: Mapping[str, Any],
        transactions: object,
        amount: Decimal,
        currency: str,
        findings: Findings,
    ) -> dict[str, Any]:
        method = _reference(order, "payment_method", "", findings)
        provider = _reference(order, "payment_provider_id", "", findings)
        state = text(order, "payment_status", "", findings)
        events, gateway = _transactions(transactions, currency, findings)
        if not events and provider and state in STATES:
            events = [_stated(provider, STATES[state], amount)]
        return {
            "payment_id": "payment",
            "method": self._method(method),
            "source_method": clean_text(method),
            "amount": amount,
            "gateway": gateway,
            "transactions": tuple(events),
        }


def _stated(reference: str, kind: Kind, amount: Decimal) -> dict[str, Any]:
    """Return the one event that the order itself tells of."""
    return {
        "transaction_id": reference,
        "kind": kind,
        "amount": amount,
        "reference": reference,
        "succeeded": True,
    }


def _transactions(
    value: object, currency: str, findings: Findings
) -> tuple[list[dict[str, Any]], str]:
    events: list[dict[str, Any]] = []
    gateway = ""
    held = value.get("data") if isinstance(value, dict) else value
    for i, entry in enumerate(sequence(held, "transactions", findings)):
        where = f"transactions[{i}]."
        raw = mapping(entry, where[:-1], findings)
        kind = EVENTS.get(text(raw, "event", where, findings))
        reference = _reference(raw, "gateway_transaction_id", where, findings)
        if kind is None or text(raw, "method", where, findings) in OWN_METHODS:
            continue
        paid_in = text(raw, "currency", where, findings)
        if paid_in and paid_in.upper() != currency:
            message = f"the transaction is in {paid_in[:3]} and the order in {currency}"
            findings.reject(
                "currency_mixed",
                f"{where}currency",
                message,
                "compare the order's payment in the store",
                paid_in[:3],
            )
        amount = money(raw, "amount", where, findings)
        gateway = gateway or clean_text(text(raw, "gateway", where, findings))
        number = text(raw, "id", where, findings) or reference or str(i)
        succeeded = text(raw, "status", where, findings) != "error"
        at: datetime | None = moment(raw, "date_created", where, findings)
        events.append(
            {
                "transaction_id": number,
                "kind": kind,
                "amount": amount or ZERO,
                "reference": reference,
                "succeeded": succeeded,
                "at": at,
            }
        )
    return events, gateway


def _reference(raw: Mapping[str, Any], key: str, where: str, findings: Findings) -> str:
    """Return a payment field, unless it holds a card's number: that goes nowhere, not even into the rejection."""
    value = text(raw, key, where, findings)
    if card_number(value):
        message = "the field holds what looks like a payment card's number"
        findings.reject(
            "card_number_present",
            f"{where}{key}",
            message,
            "remove the number in the store and tell whoever put it there",
            "****",
        )
        return ""
    return value.strip()
