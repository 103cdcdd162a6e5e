"""Returns in a project, as a target of deliveries: what its order shows, and refunds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import orjson

from domain.delivery import Claimed, Held, Operation, Outcome, Question, outcome_of
from domain.errors import LockstepError, RecordRejected, TransientError
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from domain.refunds import RefundRequest, ReturnRecord, StoreRefund
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.http.target_writer import TargetWriter
from resources.platforms.commercetools.answers_payload import HELD_PAYMENTS
from resources.platforms.commercetools.client import CONFLICT, refuse
from resources.platforms.commercetools.payload import Transaction
from resources.platforms.commercetools.returns.actions import show_return
from resources.platforms.commercetools.returns.refunds import (
    Part,
    add_refund,
    made_for,
    next_part,
    refund_of,
    refunds_of,
    with_mark,
)
from resources.platforms.commercetools.settings import (
    MOST_CONFLICTS,
    PAYMENTS,
    CommercetoolsSettings,
)
from resources.platforms.commercetools.shipments.order import HeldOrder
from resources.platforms.commercetools.shipments.writer import OrderWriter
from resources.store_returns import not_shown

LOOK = "compare the order's payments with the return at the OMS"


class CommercetoolsReturns:
    """``domain.ports.PaymentService`` and ``ReturnTarget``. Amounts are the order's prices."""

    operations: Mapping[str, Operation] = {
        "return": Operation(),
        "refund": Operation(repeat="find", creates=True, replaces=False),
    }
    quotes = False
    shows_announced = False
    """An item that was added as ``Advised`` can't become ``Returned`` (platforms.md 2.5)."""
    declines_for = timedelta(0)
    """A transaction's state says whether it is decided."""

    def __init__(self, policy: ClientPolicy, settings: CommercetoolsSettings) -> None:
        self.acts_for = policy.acts_for
        self._policy, self._settings = policy, settings

    def writer(self, log: ExchangeLog) -> CommercetoolsReturnsWriter:
        """Open the project for returns and refunds."""
        push = AsyncApiClient(self._policy, concurrency=1, log=log)
        return CommercetoolsReturnsWriter(push, self._settings)

    async def not_shown(self, records: Sequence[ReturnRecord]) -> dict[str, str]:
        """Return return id -> how the project shows it otherwise."""
        return await not_shown(self.writer(lambda _: None), records)


class CommercetoolsReturnsWriter(TargetWriter):
    """``domain.targets.Writer`` of returns and refunds."""

    def __init__(self, push: AsyncApiClient, settings: CommercetoolsSettings) -> None:
        super().__init__(push)
        self._push, self._settings = push, settings
        self._orders = OrderWriter(push, settings)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Show returns and refund units, one after the other."""
        return [await outcome_of(self._send(one)) for one in claimed]

    async def _send(self, claimed: Claimed) -> Receipt:
        content = claimed.content
        if isinstance(content, ReturnRecord):
            return await self._show(content, claimed.correlation_id)
        return await self._refund(claimed)

    async def _show(self, record: ReturnRecord, correlation_id: str) -> Receipt:
        _, trace_id = await self._orders.update(
            record.order_id,
            lambda held: show_return(held.order, record, self._settings),
            correlation_id,
            "return_refused",
        )
        return Receipt(record.order_id, trace_id=trace_id)

    async def differs(self, record: ReturnRecord) -> bool:
        """Return whether an order shows a return otherwise."""
        order = (await self._orders.read(record.order_id)).order
        return bool(show_return(order, record, self._settings))

    async def _refund(self, claimed: Claimed) -> Receipt:
        request: RefundRequest = claimed.content
        amount = request.priced_amount()
        if not amount:
            key = claimed.key.hex
            nothing = StoreRefund("", request.units(), amount, request.return_id, key)
            return Receipt("", held=nothing)
        refund, trace_id = await self._add(request, amount, claimed)
        return _receipt(refund, request, trace_id)

    async def _add(
        self, request: RefundRequest, amount: Decimal, claimed: Claimed
    ) -> tuple[StoreRefund, str]:
        """Add the transaction, once for a key: a conflict is read and planned again."""
        key, trace_id, conflicts = claimed.key.hex, "", 0
        while conflicts < MOST_CONFLICTS:
            held = await self._read(request.order_id)
            made = made_for(held, key)
            if made is not None and not made.missing:
                return made, trace_id
            part = next_part(held.order, request, amount, key, made)
            written = await self._write(part, request, claimed.correlation_id)
            if written is None:
                conflicts += 1
                continue
            transaction, trace_id = written
            if made is None and part.amount == amount:
                return refund_of(transaction, request, key), trace_id
        raise TransientError(
            f"commercetools: the payment of order {request.order_id} has changed {MOST_CONFLICTS} "
            "times while it was refunded; trying again later may help"
        )

    async def _write(
        self, part: Part, request: RefundRequest, correlation_id: str
    ) -> tuple[Transaction, str] | None:
        """Add a transaction to the payment's version that was read; ``None`` for a conflict."""
        payment, mark = part.payment, part.mark
        action = add_refund(request, part.amount, mark)

        def made(body: bytes) -> Transaction:
            try:
                decoded = HELD_PAYMENTS.decode(body)
            except RecordRejected as error:
                raise ValueError(error.problems[0].message) from None
            found = with_mark(decoded.document, mark) if decoded.document.id == payment.id else None
            if found is None or not found.id:
                raise ValueError("the answer is not the payment with the refund")
            return found

        reply = await self._push.request(
            "POST",
            f"/payments/{payment.id}",
            body=orjson.dumps({"version": payment.version, "actions": [action]}),
            correlation_id=correlation_id,
            idempotent=False,
            decode=made,
        )
        if reply.status == CONFLICT:
            return None
        if not reply.ok:
            refuse(reply, "refund_refused", "transactions", LOOK)
        return reply.value, request_id(reply.headers)

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the refunds that are the effects of requests, by their marks.

        One of the same amount with another interaction id may have been made by hand, or by this
        request: an operator has to decide on it.
        Raises ``OutcomeUnknown`` if the project does not answer.
        """
        found: list[Receipt | None] = []
        for one in claimed:
            refunds = await self._look(one.content.order_id)
            own = [
                r
                for r in refunds
                if r.key == one.key.hex and not r.missing and r.refund_id not in owned
            ]
            found.append(_receipt(own[0], one.content, "") if own else None)
        return found

    async def _look(self, order_id: str) -> Sequence[StoreRefund]:
        try:
            return refunds_of(await self._read(order_id)).refunds
        except LockstepError as error:
            raise OutcomeUnknown(
                f"Whether order {order_id} has the refund could not be looked up: {error}"
            ) from error

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the refunds that orders have now, with what is wrong if there is no order."""
        return {order_id: await self._held(order_id) for order_id in asked}

    async def _held(self, order_id: str) -> Held:
        try:
            return Held(order_id, refunds_of(await self._read(order_id)))
        except RecordRejected as rejected:
            return Held(order_id, problems=rejected.problems)

    async def _read(self, order_id: str) -> HeldOrder:
        return await self._orders.read(order_id, expand=PAYMENTS)


def _receipt(refund: StoreRefund, request: RefundRequest, trace_id: str) -> Receipt:
    refused = (refund.declined_of(request.order_id),) if refund.declined else ()
    return Receipt(refund.refund_id, held=refund, refused=refused, trace_id=trace_id)
