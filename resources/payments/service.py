"""A merchant's own payment service over HTTP, as a target of refunds (docs/returns.md).

It is asked for an amount with an idempotency key, and lists the refunds of an order, by which a
lost one is found before anything is repeated. It quotes nothing: amounts are the order's prices.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NoReturn

import orjson

from domain.delivery import Claimed, Held, Operation, Outcome, Question, outcome_of
from domain.errors import AccessRefused, PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from domain.identity import normalised_address
from domain.parsing.scalars import UnreadableValue, amount_of
from domain.ports import QuotaLedger
from domain.refunds import OrderRefunds, RefundRequest, StoreRefund
from domain.returns_policy import RefundService
from resources.http.async_client import AsyncApiClient
from resources.http.auth import StaticHeader
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter
from resources.http.redaction import vendor_text
from resources.http.reply import Reply
from resources.http.target_writer import TargetWriter
from resources.payments.payload import REFUND_LISTS, REFUNDS, RefundList, ServiceRefund

PATH = "/refunds"
CONTRACT = "which is not what docs/returns.md describes; trying again won't help"
ACCEPTED, PENDING, DECLINED, UNKNOWN = "accepted", "pending", "declined", "unknown"
STATUSES = (ACCEPTED, PENDING, DECLINED, UNKNOWN)
MOST_UNITS = 10**9
_KEY = re.compile(r"[0-9a-f]{32}")


class HttpPayments:
    """``domain.ports.PaymentService``. The refunds of a connection follow one another."""

    operations: Mapping[str, Operation] = {
        "refund": Operation(repeat="find", creates=True, replaces=False)
    }
    quotes = False
    declines_for = timedelta(0)
    """It says itself which refunds are pending."""

    def __init__(self, service: RefundService, token: str, quota: QuotaLedger) -> None:
        address = normalised_address(service.url)
        limit = service.requests_per_second
        self._key_header = service.key_header
        self._policy = ClientPolicy(
            system="payment service",
            base_url=service.url,
            auth=StaticHeader("Authorization", f"Bearer {token}"),
            limiter=Limiter(quota, f"payments:{address}", quota=limit, window_seconds=1.0),
            timeout=service.timeout,
        )
        self.acts_for = self._policy.acts_for

    def writer(self, log: ExchangeLog) -> HttpPaymentsWriter:
        """Open the service for refunds."""
        push = AsyncApiClient(self._policy, concurrency=1, log=log)
        return HttpPaymentsWriter(push, self._key_header)


class HttpPaymentsWriter(TargetWriter):
    """``domain.targets.Writer`` of refunds."""

    def __init__(self, push: AsyncApiClient, key_header: str) -> None:
        super().__init__(push)
        self._push, self._key_header = push, key_header

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Refund units, one after the other."""
        return [await outcome_of(self._refund(one)) for one in claimed]

    async def _refund(self, claimed: Claimed) -> Receipt:
        request: RefundRequest = claimed.content
        amount = request.priced_amount()
        if not amount:
            nothing = StoreRefund("", request.units(), amount)
            return _receipt(nothing, request, claimed.key.hex)
        reply = await self._push.request(
            "POST",
            PATH,
            body=_body(request, amount, claimed.key.hex),
            correlation_id=claimed.correlation_id,
            idempotent=False,
            headers={self._key_header: claimed.key.hex},
            decode=_made,
        )
        if not reply.ok:
            _refuse(reply, request)
        made: ServiceRefund = reply.value
        if made.status == UNKNOWN:
            raise OutcomeUnknown(
                f"{reply.where} does not know the outcome of the refund: {_why(made)}"
            )
        refund = _to_refund(reply.where, made, request.currency)
        if refund.key not in ("", claimed.key.hex):
            raise OutcomeUnknown(f"{reply.where} answered with the refund of another request")
        return _receipt(refund, request, claimed.key.hex)

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the refunds that are the effects of requests, by their keys.

        ``owned`` may have the same id of another service, and is not needed: the key is unique.
        Raises ``OutcomeUnknown`` if the service does not answer.
        """
        del owned
        found: list[Receipt | None] = []
        for one in claimed:
            request: RefundRequest = one.content
            try:
                refunds = await self._list(request.order_id, request.currency)
            except (TransientError, PermanentError) as error:
                raise OutcomeUnknown(
                    f"Whether the payment service has the refund of order {request.order_id} "
                    f"could not be looked up: {error}"
                ) from error
            own = [r for r in refunds if r.key == one.key.hex]
            found.append(_receipt(own[0], request, one.key.hex) if own else None)
        return found

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the refunds that orders have now.

        Raises ``PermanentError`` if one of Lockstep's lacks its units or its return: they would
        be paid again.
        """
        found: dict[str, Held] = {}
        for order_id in asked:
            refunds = tuple(await self._list(order_id))
            for refund in refunds:
                if refund.key and not (refund.units and refund.return_id):
                    raise PermanentError(
                        f"the payment service listed the refund {refund.refund_id} of order "
                        f"{order_id} without the lines or the return that it was asked for, "
                        f"{CONTRACT}"
                    )
            found[order_id] = Held(order_id, OrderRefunds(order_id, refunds))
        return found

    async def _list(self, order_id: str, currency: str = "") -> list[StoreRefund]:
        reply = await self._push.request("GET", PATH, params={"order": order_id})
        if not reply.ok:
            _fail(reply)
        listed = _listed(reply)
        if listed.refunds is None:
            raise PermanentError(f"{reply.where} returned no list of refunds, {CONTRACT}")
        of_order = [r for r in listed.refunds if r is not None and str(r.order) == order_id]
        if len(of_order) != len(listed.refunds):
            raise PermanentError(f"{reply.where} listed refunds of another order, {CONTRACT}")
        return [_to_refund(reply.where, refund, currency) for refund in of_order]


def _body(request: RefundRequest, amount: Decimal, key: str) -> bytes:
    return orjson.dumps(
        {
            "key": key,
            "order": request.order_id,
            "return": request.return_id,
            "amount": f"{amount:f}",
            "currency": request.currency,
            "lines": [{"line": one.line_id, "quantity": one.quantity} for one in request.lines],
        }
    )


def _made(body: bytes) -> ServiceRefund:
    """Return the refund in an answer; raises ``ValueError`` if it names none."""
    try:
        decoded = REFUNDS.decode(body)
    except RecordRejected as rejected:
        raise ValueError(rejected.problems[0].message) from None
    made = decoded.document
    if decoded.problems or made.status not in STATUSES or (made.status != UNKNOWN and not made.id):
        raise ValueError(f"the answer names no refund with a status of {', '.join(STATUSES)}")
    if amount_of(made.amount) < 0:
        raise ValueError("the answer names a refund below zero")
    return made


def _listed(reply: Reply) -> RefundList:
    try:
        decoded = REFUND_LISTS.check(reply.body)
    except RecordRejected as rejected:
        message = rejected.problems[0].message
        raise PermanentError(f"{reply.where} can't be read: {message}, {CONTRACT}") from None
    if decoded.problems:
        first = decoded.problems[0]
        what = f"{first.field}: {first.message}"
        raise PermanentError(f"{reply.where} can't be read ({what}), {CONTRACT}")
    return decoded.document


def _to_refund(where: str, refund: ServiceRefund, currency: str) -> StoreRefund:
    """Return a refund as it is listed. Raises ``PermanentError`` for one that can't be read."""
    if refund.status not in STATUSES or not refund.id:
        raise PermanentError(f"{where} returned a refund without id or status, {CONTRACT}")
    if currency and refund.currency != currency:
        raise PermanentError(f"{where} returned a refund in another currency than its order's")
    units: dict[str, int] = {}
    for line in refund.lines or ():
        number = line.quantity if line is not None else None
        if line is None or not line.line or type(number) is not int:
            raise PermanentError(f"{where} returned a refund whose units can't be read, {CONTRACT}")
        if not 0 < number < MOST_UNITS:
            raise PermanentError(f"{where} returned a refund of {number} units, {CONTRACT}")
        units[str(line.line)] = units.get(str(line.line), 0) + number
    try:
        amount = amount_of(refund.amount)
    except UnreadableValue:
        amount = Decimal(-1)
    if amount < 0:
        raise PermanentError(f"{where} returned a refund without a readable amount, {CONTRACT}")
    key = str(refund.key or "")
    is_own = _KEY.fullmatch(key) is not None
    return StoreRefund(
        str(refund.id),
        units,
        amount,
        str(refund.return_id or "") if is_own else "",
        key if is_own else "",
        _why(refund) if refund.status == DECLINED else "",
        refund.status in (PENDING, UNKNOWN),
        Decimal(0) if units or refund.status == DECLINED else amount,
    )


def _why(refund: ServiceRefund) -> str:
    return vendor_text(str(refund.reason or "no reason given"), 200)


def _receipt(refund: StoreRefund, request: RefundRequest, key: str) -> Receipt:
    """Return what a refund of a request is: a declined one, or another amount, needs a look."""
    own = StoreRefund(
        refund.refund_id,
        request.units(),
        refund.amount,
        request.return_id,
        key,
        refund.declined,
        refund.is_pending,
    )
    refused: tuple[Problem, ...] = ()
    if refund.declined:
        refused = (refund.declined_of(request.order_id),)
    elif request.amount is not None and refund.amount != request.amount:
        refused = (_differs(refund, request),)
    return Receipt(own.refund_id, held=own, refused=refused)


def _differs(refund: StoreRefund, request: RefundRequest) -> Problem:
    return Problem(
        "refund_amount_differs",
        "amount",
        f"The payment service has the refund {refund.refund_id} of the return {request.return_id} "
        f"with {refund.amount} {request.currency}, and was asked for {request.amount}.",
        "Compare both at the payment service, settle the difference there, and discard this "
        "rejection.",
        refund.refund_id,
    )


def _refuse(reply: Reply, request: RefundRequest) -> NoReturn:
    if reply.status in (400, 404, 409, 422):
        reason = vendor_text(reply.error_summary().partition(": ")[2], 300)
        raise RecordRejected(
            Problem(
                "refund_refused",
                "amount",
                f"The payment service refuses the refund of the return {request.return_id}: "
                f"{reason}",
                "Compare the order's payments at the payment service; retry this rejection, or "
                "refund the return by hand and discard it.",
                request.return_id,
            )
        )
    _fail(reply)


def _fail(reply: Reply) -> NoReturn:
    summary = reply.error_summary()
    if reply.status in (401, 403):
        raise AccessRefused(f"{summary}; check returns.service.token")
    raise PermanentError(f"{summary}; trying again won't help")
