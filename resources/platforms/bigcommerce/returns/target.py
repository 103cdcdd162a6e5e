"""Refunds of returned units in a store, as a target of deliveries: quote, refund, find.

The store has no resource for returns: what it shows of one is the refund, and the status that it
gives the order itself (partially refunded, refunded).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from domain.delivery import (
    Claimed,
    Held,
    Operation,
    OrderRefunds,
    Outcome,
    Question,
    RefundRequest,
    StoreRefund,
    outcome_of,
)
from domain.errors import PermanentError, Problem, TransientError
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.platforms.bigcommerce.returns.refunds import RefundCalls
from resources.platforms.bigcommerce.settings import BigCommerceSettings


class BigCommerceRefunds:
    """``domain.ports.PaymentService``. The refunds of an order must follow one another."""

    operations: Mapping[str, Operation] = {
        "refund": Operation(repeat="find", creates=True, commutes=True)
    }

    def __init__(self, policy: ClientPolicy, settings: BigCommerceSettings) -> None:
        self.acts_for = policy.acts_for
        self._policy, self._settings = policy, settings

    def writer(self, log: ExchangeLog) -> BigCommerceRefundsWriter:
        """Open the store for refunds."""
        push = AsyncApiClient(self._policy, concurrency=1, log=log)
        return BigCommerceRefundsWriter(push, RefundCalls(push, self._settings))


class BigCommerceRefundsWriter(TargetWriter):
    """``domain.ports.Writer`` of refunds."""

    def __init__(self, push: AsyncApiClient, calls: RefundCalls) -> None:
        super().__init__(push)
        self._calls = calls

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Refund units, one after the other."""
        return [await outcome_of(self._refund(one)) for one in claimed]

    async def _refund(self, claimed: Claimed) -> Receipt:
        made = await self._calls.refund(claimed.content, claimed.key.hex, claimed.correlation_id)
        refused = (made.declined_of(claimed.content.order_id),) if made.declined else ()
        return Receipt(made.refund_id, held=made, refused=refused)

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the refunds that are the effects of requests: by their key, else by their units.

        Raises ``OutcomeUnknown`` where the store does not answer: any other error would count the
        refund as not made.
        """
        taken, found = set(owned), list[Receipt | None]()
        for one in claimed:
            refund = await self._find(one, taken)
            if refund is None:
                found.append(None)
                continue
            taken.add(refund.refund_id)
            warnings = () if refund.key else (_adopted(refund, one.content),)
            refused = (refund.declined_of(one.content.order_id),) if refund.declined else ()
            found.append(Receipt(refund.refund_id, held=refund, warnings=warnings, refused=refused))
        return found

    async def _find(self, claimed: Claimed, taken: Collection[str]) -> StoreRefund | None:
        request: RefundRequest = claimed.content
        try:
            refunds = await self._calls.list_refunds(request.order_id)
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(
                f"Whether order {request.order_id} has the refund could not be looked up: {error}"
            ) from error
        free = [refund for refund in refunds if refund.refund_id not in taken]
        by_key = [refund for refund in free if refund.key == claimed.key.hex]
        same = [r for r in free if not r.key and dict(r.units) == request.units()]
        return next(iter(by_key or same), None)

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the refunds that orders have now.

        Raises ``RecordRejected`` for an order that the store does not have.
        """
        found: dict[str, Held] = {}
        for order_id in asked:
            refunds = tuple(await self._calls.list_refunds(order_id))
            by_hand = any(refund.units and not refund.key for refund in refunds)
            unshipped = await self._calls.unshipped_units(order_id) if by_hand else {}
            found[order_id] = Held(order_id, OrderRefunds(order_id, refunds, unshipped))
        return found


def _adopted(refund: StoreRefund, request: RefundRequest) -> Problem:
    return Problem(
        "refund_adopted",
        "refund",
        f"The store's order {request.order_id} had the refund {refund.refund_id} with the units of "
        f"the return {request.return_id}, and no other was made.",
        "Nothing, if it was made by hand for this return; else refund the return in the store.",
        refund.refund_id,
    )
