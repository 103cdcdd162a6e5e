"""A store's refunds of an order, and what they would give back, in its own names.

Source: orders.v3.yml (payment actions), orders.v2.oas2.yml (the order).
"""

from __future__ import annotations

from domain.parsing.payload import Document, PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount
from resources.platforms.bigcommerce.answers_payload import ANSWER_ADVICE

PRODUCT = "PRODUCT"
"""The type of a refund's item that gives back units of a line."""


class RefundedItem(Document):
    """What a refund gives back: units of an order's product, or an amount of something else."""

    item_type: Scalar = None
    item_id: Scalar = None
    quantity: Scalar = None
    requested_amount: WrittenAmount = None
    reason: Scalar = None


class RefundPayment(Document):
    """How a part of a refund is paid; the provider may decline it later."""

    is_declined: Scalar = None
    declined_message: Scalar = None


class Refund(Document):
    """A refund of an order (V3)."""

    id: Scalar = None
    total_amount: WrittenAmount = None
    items: list[RefundedItem | None] | None = None
    payments: list[RefundPayment | None] | None = None


class RefundAnswer(Document):
    """V3's envelope around it."""

    data: Refund | None = None


class RefundOption(Document):
    """A payment provider that can give a part of a refund back."""

    provider_id: Scalar = None
    amount: WrittenAmount = None
    offline: Scalar = None


class RefundQuote(Document):
    """What units are worth, and the ways to pay that back, each by one provider or several."""

    total_refund_amount: WrittenAmount = None
    refund_methods: list[list[RefundOption | None] | None] | None = None


class RefundQuoteAnswer(Document):
    """V3's envelope around it."""

    data: RefundQuote | None = None


class CreditedOrder(Document):
    """An order (V2), with what its shopper has paid of it by store credit."""

    total_inc_tax: WrittenAmount = None
    store_credit_amount: WrittenAmount = None


REFUNDS = PayloadDecoder(Refund, "a refund", ANSWER_ADVICE)
REFUND_ANSWERS = PayloadDecoder(RefundAnswer, "an object", ANSWER_ADVICE)
REFUND_QUOTES = PayloadDecoder(RefundQuoteAnswer, "an object", ANSWER_ADVICE)
CREDITED_ORDERS = PayloadDecoder(CreditedOrder, "an order", ANSWER_ADVICE)
