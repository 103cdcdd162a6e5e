"""The calls of refunds: what units are worth, how that can be paid back, and the refund itself.

The store says what a refund amounts to; nothing is computed here. A refund keeps a reason for each
of its items, which names the return and the delivery's key, so that a lost one is found again.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import orjson

from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.parsing.answers import CONTRACT
from domain.parsing.scalars import UnreadableValue, amount_of
from domain.refunds import RefundRequest, StoreRefund
from resources.http.async_client import AsyncApiClient
from resources.http.redaction import vendor_text
from resources.platforms.bigcommerce.answers_payload import PAGES, SHIPPED_LINES
from resources.platforms.bigcommerce.client import (
    NO_CONTENT,
    accept,
    document_of,
    entries_of,
    id_in,
    id_number,
    list_of,
)
from resources.platforms.bigcommerce.orders.lines import whole_number
from resources.platforms.bigcommerce.orders.refunds import MARK
from resources.platforms.bigcommerce.returns.payload import (
    CREDITED_ORDERS,
    PRODUCT,
    REFUND_ANSWERS,
    REFUND_QUOTES,
    REFUNDS,
    Refund,
    RefundOption,
    RefundQuote,
)
from resources.platforms.bigcommerce.settings import SHIPMENT_PAGE, BigCommerceSettings

STORE_CREDIT = "storecredit"
ORDER = "ORDER"
LOOK = "compare the return at the OMS with the order's refunds in the store"


class RefundCalls:
    """The calls of one store."""

    def __init__(self, push: AsyncApiClient, settings: BigCommerceSettings) -> None:
        self._push, self._providers = push, frozenset(settings.refund_providers)

    async def list_refunds(self, order_id: str) -> list[StoreRefund]:
        """Return all refunds of an order. Raises ``RecordRejected`` for an unknown order."""
        reply = await self._push.request("GET", _path(order_id, "refunds"))
        accept(reply, "order_missing_in_store", "order_id", "look for the order in the store")
        if reply.status == NO_CONTENT:
            return []
        listed = list_of(reply.where, document_of(reply, PAGES).data)
        return [_to_refund(reply.where, one) for one in entries_of(reply.where, listed, REFUNDS)]

    async def line_units(self, order_id: str) -> dict[str, tuple[int, int]]:
        """Return by line how many of an order's units have not shipped, and how many have."""
        path, page = f"/v2/orders/{id_number(order_id)}/products", 1
        units: dict[str, tuple[int, int]] = {}
        while True:
            reply = await self._push.request(
                "GET", path, params={"page": str(page), "limit": str(SHIPMENT_PAGE)}
            )
            accept(reply, "order_missing_in_store", "order_id", "look for the order in the store")
            found = [] if reply.status == NO_CONTENT else list_of(reply.where, reply.body)
            known = len(units)
            for line in entries_of(reply.where, found, SHIPPED_LINES):
                ordered, shipped = whole_number(line.quantity), whole_number(line.quantity_shipped)
                if line.id is None or ordered is None or shipped is None:
                    raise PermanentError(f"{reply.where} gave a line without units: {CONTRACT}")
                units[str(line.id)] = (max(0, ordered - shipped), shipped)
            if len(units) == known:
                return units
            page += 1

    async def refund(self, request: RefundRequest, key: str, correlation_id: str) -> StoreRefund:
        """Ask what the units are worth, and give that back.

        Raises ``RecordRejected`` if it is more than the request's ceiling, and
        ``OutcomeUnknown`` without an answer that names the refund.
        """
        items = _items(request, key)
        quote = await self._quote(request, items, correlation_id)
        amount = _amount("the store's quote", quote.total_refund_amount)
        if (excess := request.excess(amount)) is not None:
            raise RecordRejected(excess)
        if not amount:
            return StoreRefund("", request.units(), amount, request.return_id, key)
        payments = await self._payments(request, quote, amount)
        reply = await self._push.request(
            "POST",
            _path(request.order_id, "refunds"),
            body=orjson.dumps({"items": items, "payments": payments}),
            correlation_id=correlation_id,
            idempotent=False,
            decode=_made,
        )
        accept(reply, "refund_refused", "items", LOOK)
        return await self._as_paid(_to_refund(reply.where, reply.value))

    async def _quote(
        self, request: RefundRequest, items: Sequence[dict[str, Any]], correlation_id: str
    ) -> RefundQuote:
        reply = await self._push.request(
            "POST",
            _path(request.order_id, "refund_quotes"),
            body=orjson.dumps({"items": items}),
            correlation_id=correlation_id,
            idempotent=True,
            has_effect=False,
        )
        accept(reply, "refund_refused", "items", LOOK)
        quote = document_of(reply, REFUND_QUOTES).data
        if quote is None or quote.total_refund_amount is None:
            raise PermanentError(f"{reply.where} gave a quote that can't be read: {CONTRACT}")
        return quote

    async def _payments(
        self, request: RefundRequest, quote: RefundQuote, amount: Decimal
    ) -> list[dict[str, Any]]:
        """Return the first way to pay back that may be used and pays all of it."""
        ways = _whole_ways(quote, amount)
        chosen = next((way for way in ways if self._may_use(way)), None)
        if chosen is None:
            credit = next((way for way in ways if _is_store_credit(way)), None)
            if credit is not None and await self._is_paid_by_credit(request.order_id):
                chosen = credit
        if chosen is not None:
            return [
                {
                    "provider_id": str(option.provider_id),
                    "amount": orjson.Fragment(f"{amount_of(option.amount)}"),
                    "offline": option.offline is True,
                }
                for option in chosen
            ]
        raise RecordRejected(
            Problem(
                "refund_refused",
                "payments",
                f"No payment provider of the store's order {request.order_id} pays {amount} "
                f"{request.currency} back automatically.",
                "Refund the return in the store, or name a provider that it offers in "
                "platform.refund_providers, then retry.",
                request.return_id,
            )
        )

    async def _is_paid_by_credit(self, order_id: str) -> bool:
        """Return whether store credit has paid all of an order, which no other way pays back."""
        path = f"/v2/orders/{id_number(order_id)}"
        reply = await self._push.request("GET", path)
        accept(reply, "order_missing_in_store", "order_id", "look for the order in the store")
        order = document_of(reply, CREDITED_ORDERS)
        credit = _amount(reply.where, order.store_credit_amount or "0")
        return credit > 0 and credit >= _amount(reply.where, order.total_inc_tax)

    def _may_use(self, options: Sequence[RefundOption]) -> bool:
        """Return whether a way pays as the order was paid, or by a provider that is allowed."""
        online = all(
            option.offline is not True or str(option.provider_id) in self._providers
            for option in options
        )
        return online and (not _is_store_credit(options) or STORE_CREDIT in self._providers)

    async def _as_paid(self, made: StoreRefund) -> StoreRefund:
        """Return a refund as it is shown now: its payment is made after it was answered."""
        path = f"/v3/orders/payment_actions/refunds/{made.refund_id}"
        try:
            reply = await self._push.request("GET", path)
            data = document_of(reply, REFUND_ANSWERS).data if reply.ok else None
            return made if data is None else _to_refund(reply.where, data)
        except (TransientError, PermanentError):
            return made  # that it was made is certain


def _whole_ways(quote: RefundQuote, amount: Decimal) -> list[list[RefundOption]]:
    """Return the quoted ways, each one provider or several, that together pay the amount."""
    ways = [
        [option for option in way or () if option is not None] for way in quote.refund_methods or ()
    ]
    where = "the store's quote"
    return [
        way
        for way in ways
        if way and sum((_amount(where, option.amount) for option in way), Decimal(0)) == amount
    ]


def _is_store_credit(options: Sequence[RefundOption]) -> bool:
    return {str(option.provider_id) for option in options} == {STORE_CREDIT}


def _path(order_id: str, action: str) -> str:
    return f"/v3/orders/{id_number(order_id)}/payment_actions/{action}"


def _items(request: RefundRequest, key: str) -> list[dict[str, Any]]:
    reason = f"Return {request.return_id} (lockstep {key})"
    return [
        {
            "item_type": PRODUCT,
            "item_id": int(id_number(line.line_id)),
            "quantity": line.quantity,
            "reason": reason,
        }
        for line in request.lines
    ]


def _made(body: bytes) -> Refund:
    """Return the refund that an answer names; raises ``ValueError`` if it names none."""
    try:
        decoded = REFUND_ANSWERS.decode(body)
    except RecordRejected as rejected:
        raise ValueError(rejected.problems[0].message) from None
    data = decoded.document.data
    if data is None or decoded.problems:
        raise ValueError("the answer has no refund that can be read")
    id_in(data.id)
    if amount_of(data.total_amount) < 0:
        raise ValueError("the answer has a refund below zero")
    return data


def _to_refund(where: str, refund: Refund) -> StoreRefund:
    try:
        number = id_in(refund.id)
    except ValueError:
        raise PermanentError(f"{where} gave a refund without an id: {CONTRACT}") from None
    units: dict[str, int] = {}
    marks: set[tuple[str, str]] = set()
    unassigned = Decimal(0)
    for item in refund.items or ():
        count = whole_number(item.quantity) if item is not None and item.quantity else None
        if item is None or item.item_type != PRODUCT:
            if item is not None and item.item_type == ORDER:
                unassigned += _amount(where, item.requested_amount or refund.total_amount)
            continue
        if item.item_id is None or count is None:
            raise PermanentError(f"{where} returned a refund whose units can't be read: {CONTRACT}")
        line_id = str(item.item_id)
        units[line_id] = units.get(line_id, 0) + count
        if found := MARK.fullmatch(str(item.reason or "")):
            marks.add((found[1], found[2]))
    [(return_id, key)] = marks if len(marks) == 1 else {("", "")}
    declined = [p for p in refund.payments or () if p is not None and p.is_declined is True]
    why = vendor_text(str(declined[0].declined_message or "no reason given")) if declined else ""
    amount = _amount(where, refund.total_amount)
    return StoreRefund(number, units, amount, return_id, key, why, unassigned=unassigned)


def _amount(where: str, written: str | float | None) -> Decimal:
    try:
        amount = amount_of(written)
    except UnreadableValue:
        amount = Decimal(-1)
    if amount < 0:
        raise PermanentError(f"{where} has an amount that can't be read: {CONTRACT}")
    return amount
