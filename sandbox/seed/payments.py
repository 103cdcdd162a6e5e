"""Payments of a synthetic order: transactions, store credit, gift certificates, payment status."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.seed.amounts import ZERO, minor_unit, rounded, to_text
from sandbox.seed.documents import IDS_PER_ORDER
from sandbox.seed.seedset import Document

# Status -> payment status of an order that is not simply paid.
UNPAID = {0: "", 1: "pending", 7: "pending", 6: "declined", 5: "void", 12: "held for review"}
METHODS = (
    ("authorization", "credit_card", "stripe", "Credit Card", "authorized"),
    ("authorization", "credit_card", "adyen", "Credit Card", "authorized"),
    ("purchase", "credit_card", "braintree", "Credit Card", "captured"),
    ("purchase", "electronic_wallet", "paypalexpress", "PayPal", "captured"),
    ("purchase", "offline", "bankdeposit", "Bank Deposit", "captured"),
)


def pay(random: Random, document: Document, at: datetime) -> None:
    """Add the payments that cover a document's total; unpaid statuses get none or a failed one."""
    status, total = document["status_id"], Decimal(document["total_inc_tax"])
    event, method, gateway, display, payment_status = random.choice(METHODS)
    document["payment_method"] = display
    document["payment_status"] = UNPAID.get(status, payment_status)
    if status in (0, 1, 7):
        return
    credit = ZERO
    if random.random() < 0.08 and total > 0:
        kind = random.choice(("store_credit", "gift_certificate"))
        if not document["customer_id"]:
            kind = "gift_certificate"  # a guest has no store credit, nor can get it back
        share = random.choice((Decimal(1), Decimal("0.5"), Decimal("0.2")))
        credit = rounded(total * share, minor_unit(document["default_currency_code"]))
        document[f"{kind}_amount"] = to_text(credit)
        _add(document, random, at, "purchase", kind, kind.replace("_", ""), credit)
    if total > credit:
        _add(
            document,
            random,
            at,
            event,
            method,
            gateway,
            total - credit,
            "error" if status == 6 else "ok",
        )
        document["payment_provider_id"] = document["transactions"][-1]["gateway_transaction_id"]
    elif credit:
        document["payment_method"] = (
            "Store Credit" if Decimal(document["store_credit_amount"]) else "Gift Certificate"
        )
        document["payment_status"] = UNPAID.get(status, "captured")


def _add(
    document: Document,
    random: Random,
    at: datetime,
    event: str,
    method: str,
    gateway: str,
    amount: Decimal,
    status: str = "ok",
) -> None:
    entry: dict[str, Any] = {
        "event": event,
        "method": method,
        "gateway": gateway,
        # A JSON number by the specification (orders.v3.yml), exact to the cent when printed.
        "amount": float(amount),
        "currency": document["default_currency_code"],
        "gateway_transaction_id": f"{gateway[:2]}_{random.getrandbits(64):016x}",
        "date_created": at.isoformat(),
        "status": status,
        "test": False,
        "fraud_review": False,
    }
    if "id" in document:
        entry["id"] = document["id"] * IDS_PER_ORDER + len(document["transactions"]) + 1
    document["transactions"].append(entry)
