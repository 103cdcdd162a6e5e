"""What a configured payment service answers: exactly the fields that are read (docs/returns.md)."""

from __future__ import annotations

from domain.parsing.payload import Document, PayloadAdvice, PayloadDecoder, Scalar
from domain.parsing.scalars import WrittenAmount

_REPORT = "report the answer to the payment service: docs/returns.md describes it"
_ADVICE = PayloadAdvice(unreadable=_REPORT, malformed=_REPORT)


class RefundedLine(Document):
    """Units of one line of the store's order."""

    line: Scalar = None
    quantity: Scalar = None


class ServiceRefund(Document, rename={"return_id": "return"}):
    """A refund of an order."""

    id: Scalar = None
    key: Scalar = None
    order: Scalar = None
    return_id: Scalar = None
    amount: WrittenAmount = None
    currency: Scalar = None
    status: Scalar = None
    reason: Scalar = None
    lines: list[RefundedLine | None] | None = None


class RefundList(Document):
    """All refunds of an order."""

    refunds: list[ServiceRefund | None] | None = None


REFUNDS = PayloadDecoder(ServiceRefund, "a refund", _ADVICE)
REFUND_LISTS = PayloadDecoder(RefundList, "a list of refunds", _ADVICE)
