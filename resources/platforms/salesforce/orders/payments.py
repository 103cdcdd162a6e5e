"""How an order was paid, by reference only. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

from domain.builders.payments import to_order_total
from domain.parsing.problems import DocumentProblems, without_card
from domain.parsing.scalars import ZERO, amount_of, moment_of
from domain.parsing.text import clean_text
from domain.records.orders import Payment, PaymentTransaction
from resources.platforms.salesforce import payload as documents
from resources.platforms.salesforce.payload import Event, Events, Order

SETTLED = {"Processed": True, "Failed": False, "Canceled": False}
"""State of an authorisation or a payment -> whether it succeeded; the others are under way."""


def to_payments(order: Order, total: Decimal, problems: DocumentProblems) -> tuple[Payment, ...]:
    """Return the payments; their amounts sum to the order's total."""
    found = order.order_payment_summaries
    mapped: list[Payment] = []
    for place, raw in enumerate((found.records if found is not None else None) or ()):
        if raw is None:
            continue
        where = f"OrderPaymentSummaries.records[{place}]."
        if (made := _payment(raw, place, where, problems)) is not None:
            mapped.append(made)
    return to_order_total(mapped, total, "GrandTotalAmount", problems)


def _payment(
    raw: documents.Payment, place: int, where: str, problems: DocumentProblems
) -> Payment | None:
    method = without_card(raw.method, f"{where}Method", problems)
    events = [
        *_events(
            raw.payment_authorizations, "authorization", f"{where}PaymentAuthorizations", problems
        ),
        *_events(raw.payments, "settlement", f"{where}Payments", problems),
    ]
    if events and not any(event.succeeded for event in events):
        return None
    amount = max(amount_of(raw.authorization_amount), amount_of(raw.captured_amount), ZERO)
    return Payment(
        payment_id=raw.id or f"payment-{place}",
        method="",
        source_method=clean_text(method),
        amount=amount,
        transactions=tuple(events),
    )


def _events(
    found: Events | None,
    kind: Literal["authorization", "settlement"],
    where: str,
    problems: DocumentProblems,
) -> Iterator[PaymentTransaction]:
    for place, raw in enumerate((found.records if found is not None else None) or ()):
        if raw is None or (succeeded := SETTLED.get(raw.status or "")) is None:
            continue
        yield _event(raw, kind, f"{where}.records[{place}].", problems, succeeded=succeeded)


def _event(
    raw: Event,
    kind: Literal["authorization", "settlement"],
    where: str,
    problems: DocumentProblems,
    *,
    succeeded: bool,
) -> PaymentTransaction:
    reference = without_card(raw.gateway_ref_number, f"{where}GatewayRefNumber", problems)
    return PaymentTransaction(
        transaction_id=raw.id or reference or where,
        kind=kind,
        amount=amount_of(raw.amount),
        reference=reference,
        succeeded=succeeded,
        at=moment_of(raw.effective_date),
    )
