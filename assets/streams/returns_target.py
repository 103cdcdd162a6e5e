"""Where returns go: the store, which may show them, and the payment service, which gives back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from domain.delivery import Claimed, Held, Operation, Outcome, Question
from domain.errors import PermanentError
from domain.exchange import ExchangeLog, Receipt
from domain.ports import PaymentService, Writer
from domain.refunds import OrderRefunds, StoreRefund
from resources.lockstep import Sync

REFUND = "refund"
SERVICE = "service"
"""The name of a configured payment service in ``history.refunds``."""


def returns_target(sync: Sync) -> ReturnsTarget:
    """Return the target of a connection's returns. Raises ``PermanentError`` where it has none."""
    store = sync.platform.targets.get("returns")
    if store is None:
        raise PermanentError(
            f"a connection to {sync.platform.kind} can't sync returns: remove the stream from it"
        )
    if sync.payments is None:
        return ReturnsTarget(store, store, sync.platform.kind)
    return ReturnsTarget(store, sync.payments, SERVICE)


class ReturnsTarget:
    """``domain.ports.PaymentService``: what the store shows, and the service that pays."""

    def __init__(self, store: PaymentService, payments: PaymentService, name: str) -> None:
        self._store, self._payments = store, payments
        self.service = name
        self.quotes, self.declines_for = payments.quotes, payments.declines_for
        self.acts_for = max(store.acts_for, payments.acts_for)
        shown = {name: one for name, one in store.operations.items() if name != REFUND}
        self.operations: Mapping[str, Operation] = shown | {REFUND: payments.operations[REFUND]}

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[Writer]:
        """Open what the return is written to."""
        if self._payments is self._store:
            return self._store.writer(log)
        return _Writer(self._store.writer(log), self._payments.writer(log))


class _Writer:
    """``domain.ports.Writer``: refunds go to the payment service, all else to the store."""

    def __init__(
        self,
        store: AbstractAsyncContextManager[Writer],
        payments: AbstractAsyncContextManager[Writer],
    ) -> None:
        self._opening, self._stack = (store, payments), AsyncExitStack()

    async def __aenter__(self) -> Self:
        store, payments = self._opening
        self._store = await self._stack.enter_async_context(store)
        self._payments = await self._stack.enter_async_context(payments)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def _of(self, claimed: Claimed) -> Writer:
        return self._payments if claimed.intent.operation == REFUND else self._store

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Apply each intent where it belongs, one after the other."""
        return [outcome for one in claimed for outcome in await self._of(one).apply([one])]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the effects that there are already."""
        return [found for one in claimed for found in await self._of(one).find([one], owned)]

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return the refunds of orders: the payment service's, and those made in the store."""
        paid, shown = await self._payments.held(asked), await self._store.held(asked)
        return {order_id: _both(paid[order_id], shown[order_id]) for order_id in asked}


def _both(paid: Held, shown: Held) -> Held:
    """Return the refunds of both, without those by which the store shows the service's own."""
    if paid.problems or shown.problems:
        return paid if paid.problems else shown
    service: OrderRefunds = paid.content
    store: OrderRefunds = shown.content
    amounts = [refund.amount for refund in service.refunds]
    by_hand: list[StoreRefund] = []
    for refund in store.refunds:
        if refund.amount in amounts:
            amounts.remove(refund.amount)
        elif not refund.key:
            by_hand.append(refund)
    refunds = (*service.refunds, *by_hand)
    return replace(paid, content=OrderRefunds(store.order_id, refunds, store.unshipped))
