"""Refunds of returned units in a store, as a target of deliveries: quote, refund, find.

The store has no resource for returns: what it shows of one is the refund, and the status that it
gives the order itself (partially refunded, refunded).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

from domain.delivery import (
    Claimed,
    Held,
    Operation,
    Outcome,
    Question,
    outcome_of,
)
from domain.errors import LockstepError, RecordRejected
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from domain.refunds import OrderRefunds, RefundRequest, ReturnRecord, StoreRefund
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.platforms.bigcommerce.returns.refunds import RefundCalls
from resources.platforms.bigcommerce.settings import BigCommerceSettings


class BigCommerceRefunds:
    """``domain.ports.PaymentService`` and ``ReturnTarget``, by which it shows refunds only.

    The refunds of an order must follow one another.
    """

    operations: Mapping[str, Operation] = {
        "refund": Operation(repeat="find", creates=True, replaces=False)
    }
    quotes = True
    shows_announced = False
    declines_for = timedelta(days=1)
    """UNVERIFIED: a payment is made after the refund is answered, within no time that is stated."""

    def __init__(self, policy: ClientPolicy, settings: BigCommerceSettings) -> None:
        self.acts_for = policy.acts_for
        self._policy, self._settings = policy, settings

    def writer(self, log: ExchangeLog) -> BigCommerceRefundsWriter:
        """Open the store for refunds."""
        push = AsyncApiClient(self._policy, concurrency=1, log=log)
        return BigCommerceRefundsWriter(push, RefundCalls(push, self._settings))

    async def not_shown(self, records: Sequence[ReturnRecord]) -> dict[str, str]:
        """Return nothing: the store has no place for returns."""
        del records
        return {}


class BigCommerceRefundsWriter(TargetWriter):
    """``domain.targets.Writer`` of refunds."""

    def __init__(self, push: AsyncApiClient, calls: RefundCalls) -> None:
        super().__init__(push)
        self._calls = calls

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Refund units, one after the other."""
        return [await outcome_of(self._refund(one)) for one in claimed]

    async def _refund(self, claimed: Claimed) -> Receipt:
        made = await self._calls.refund(claimed.content, claimed.key.hex, claimed.correlation_id)
        return _receipt(made, claimed.content)

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the refunds that are the effects of requests, by their keys.

        One of the same units without the key was made by hand, which an operator has to decide on.
        Raises ``OutcomeUnknown`` if the store does not answer: any other error would count the
        refund as not made.
        """
        found: list[Receipt | None] = []
        for one in claimed:
            refunds = await self._look(one.content.order_id)
            own = [r for r in refunds if r.key == one.key.hex and r.refund_id not in owned]
            found.append(_receipt(own[0], one.content) if own else None)
        return found

    async def _look(self, order_id: str) -> list[StoreRefund]:
        try:
            return await self._calls.list_refunds(order_id)
        except LockstepError as error:
            raise OutcomeUnknown(
                f"Whether order {order_id} has the refund could not be looked up: {error}"
            ) from error

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the refunds that orders have now, with what is wrong if there is no order."""
        return {order_id: await self._held(order_id) for order_id in asked}

    async def _held(self, order_id: str) -> Held:
        try:
            refunds = tuple(await self._calls.list_refunds(order_id))
            by_hand = any(not r.key and (r.units or r.unassigned) for r in refunds)
            units = await self._calls.line_units(order_id) if by_hand else {}
        except RecordRejected as rejected:
            return Held(order_id, problems=rejected.problems)
        unshipped = {line: number for line, (number, _) in units.items()}
        shipped = {line: number for line, (_, number) in units.items()}
        ordered = {line: sum(both) for line, both in units.items()}
        return Held(order_id, OrderRefunds(order_id, refunds, unshipped, shipped, ordered))


def _receipt(refund: StoreRefund, request: RefundRequest) -> Receipt:
    refused = (refund.declined_of(request.order_id),) if refund.declined else ()
    return Receipt(refund.refund_id, held=refund, refused=refused)
