"""Returns in an org, as a target of deliveries: return orders, and the refunds that it has.

Order Management gives money back for orders that it manages itself, by credit memos. Those of an
external OMS are none of these, so that only a connection's payment service pays.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

from domain.delivery import Claimed, Held, Operation, Outcome, Question, outcome_of
from domain.errors import PermanentError, RecordRejected
from domain.exchange import ExchangeLog, Receipt
from domain.parsing.answers import CONTRACT, document_of
from domain.parsing.scalars import ZERO, UnreadableValue, amount_of
from domain.refunds import OrderRefunds, ReturnRecord, StoreRefund
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.redaction import request_id
from resources.http.target_writer import TargetWriter
from resources.platforms.salesforce.orders.delivered import lines_of, shipped_by_line
from resources.platforms.salesforce.orders.source import scope_of
from resources.platforms.salesforce.parts import Part, missing_order
from resources.platforms.salesforce.returns.parts import creates, show_return
from resources.platforms.salesforce.returns.payload import (
    REFUNDS,
    RETURNED_ORDERS,
    Refund,
    ReturnedOrder,
)
from resources.platforms.salesforce.settings import (
    KEY_FIELD,
    REFUNDED_FIELD,
    RETURN_FIELD,
    TRACKING_FIELD,
    SalesforceSettings,
)
from resources.platforms.salesforce.shipments.order import HeldOrder
from resources.platforms.salesforce.shipments.writer import OrderWriter
from resources.platforms.salesforce.soql import all_of, is_id, one_of, quoted, select
from resources.store_returns import not_shown

PROCESSED, FAILED = "Processed", ("Failed", "Canceled")
"""Statuses of a refund that is paid, and of one that won't be; in any other it is pending."""


def returns_query(settings: SalesforceSettings) -> str:
    """Return what is selected of an order, its items and return orders."""
    line = (
        f"Id, {KEY_FIELD}, OrderItemSummaryId, Description, QuantityExpected, QuantityReceived, "
        f"QuantityReturned, {REFUNDED_FIELD}"
    )
    lines = select(line, "ReturnOrderLineItems", " ORDER BY Id")
    made = f"Id, {KEY_FIELD}, Status, {RETURN_FIELD}, {TRACKING_FIELD}, ({lines})"
    currency = "" if settings.currency else ", CurrencyIsoCode"
    items = select("Id, Product2Id", "OrderItemSummaries", " ORDER BY Id")
    orders = select(made, "ReturnOrders", " ORDER BY Id")
    fields = f"Id, AccountId, OrderLifeCycleType{currency}, ({items}), ({orders})"
    return select(fields, "OrderSummary")


REFUND_QUERY = select("Id, Amount, Status", "Refund")


class SalesforceReturns:
    """``domain.targets.ReturnTarget``. Return orders carry their key as external id."""

    operations: Mapping[str, Operation] = {"return": Operation()}
    shows_announced = True

    def __init__(self, policy: ClientPolicy, settings: SalesforceSettings) -> None:
        self.acts_for = policy.acts_for
        self._policy, self._settings = policy, settings

    def writer(self, log: ExchangeLog) -> SalesforceReturnsWriter:
        """Open the org for return orders."""
        push = AsyncApiClient(self._policy, concurrency=1, log=log)
        return SalesforceReturnsWriter(push, self._settings)

    async def not_shown(self, records: Sequence[ReturnRecord]) -> dict[str, str]:
        """Return return id -> how the org shows it otherwise."""
        return await not_shown(self.writer(lambda _: None), records)


class SalesforceReturnsWriter(TargetWriter):
    """``domain.targets.Writer`` of returns: what a return order shows is written again."""

    def __init__(self, push: AsyncApiClient, settings: SalesforceSettings) -> None:
        super().__init__(push)
        self._settings, self._orders = settings, OrderWriter(push, settings)
        self._calls = self._orders.calls
        self._select, (self._where, _) = returns_query(settings), scope_of(settings)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Show returns, one after the other."""
        return [await outcome_of(self._show(one)) for one in claimed]

    async def _show(self, claimed: Claimed) -> Receipt:
        record: ReturnRecord = claimed.content
        order = await self._read(record.order_id)
        parts = show_return(order, record, self._settings)
        if creates(parts):
            try:
                return await self._send(order, parts, claimed)
            except RecordRejected:
                # A lost request may have made the rows meanwhile, which refuse to be made again.
                order = await self._read(record.order_id)
                parts = show_return(order, record, self._settings)
                if creates(parts):
                    raise
        return await self._send(order, parts, claimed)

    async def _send(self, order: ReturnedOrder, parts: list[Part], claimed: Claimed) -> Receipt:
        """Send the requests; those that make rows are not sent again before the next look."""
        order_id = claimed.content.order_id
        if not parts:
            return Receipt(order_id)
        reply = await self._calls.send(
            order.account_id or order_id,
            parts,
            claimed.correlation_id,
            "return_refused",
            is_idempotent=not creates(parts),
        )
        return Receipt(order_id, trace_id=request_id(reply.headers))

    async def differs(self, record: ReturnRecord) -> bool:
        """Return whether the org shows a return otherwise."""
        return bool(show_return(await self._read(record.order_id), record, self._settings))

    async def _read(self, order_id: str) -> ReturnedOrder:
        if not is_id(order_id):
            raise missing_order(order_id)
        raw = await self._calls.row(
            self._select + all_of((*self._where, f"Id = {quoted(order_id)}"))
        )
        if raw is None:
            raise missing_order(order_id)
        return document_of("salesforce: GET /query", raw, RETURNED_ORDERS)

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the refunds that orders have, all of which were made without Lockstep."""
        return {order_id: await self._held(order_id) for order_id in asked}

    async def _held(self, order_id: str) -> Held:
        try:
            order = await self._orders.read(order_id)
        except RecordRejected as rejected:
            return Held(order_id, problems=rejected.problems)
        refunds = tuple([refund async for refund in self._refunds(order)])
        shipped = shipped_by_line(order.order)
        lines = [item.id for _, item in lines_of(order.order) if item.id]
        units = {line: max(order.left(line), 0) for line in lines}
        sent = {line: shipped.get(line, 0) for line in lines}
        return Held(order_id, OrderRefunds(order_id, refunds, units, sent))

    async def _refunds(self, order: HeldOrder) -> AsyncIterator[StoreRefund]:
        """Yield the refunds of an order's payments; they are of an amount, and name no units."""
        payments = order.order.order_payment_summaries
        rows = (payments.records if payments is not None else None) or ()
        ids = [each.id for each in rows if each is not None and each.id]
        if not ids:
            return
        text = f"{REFUND_QUERY}{all_of((one_of('OrderPaymentSummaryId', ids),))} ORDER BY Id"
        result = await self._calls.page("/query", text, {"q": text})
        for raw in result.records:
            yield _to_refund(document_of("salesforce: a refund", raw, REFUNDS))


def _to_refund(raw: Refund) -> StoreRefund:
    try:
        amount = amount_of(raw.amount)
    except UnreadableValue:
        raise PermanentError(f"a refund has an amount that can't be read: {CONTRACT}") from None
    declined = f"it is {raw.status}" if raw.status in FAILED else ""
    is_pending = raw.status != PROCESSED and not declined
    unassigned = ZERO if declined else amount
    return StoreRefund(
        raw.id or "", {}, amount, declined=declined, is_pending=is_pending, unassigned=unassigned
    )
