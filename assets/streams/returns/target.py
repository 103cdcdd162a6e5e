"""Where returns go: the store, which may show them, and the payment service, which gives back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from datetime import date, timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

from assets.delivery.plan import Due
from domain.delivery import Claimed, Held, Operation, Outcome, Question
from domain.errors import PermanentError
from domain.exchange import ExchangeLog, Receipt
from domain.records.returns import Return
from domain.refunds import PARTS, OrderRefunds, StoreRefund
from domain.targets import (
    PaymentService,
    ReturnTarget,
    Target,
    Writer,
)
from resources.ledger.records.refunds import KnownRefund, RefundRow
from resources.sync import Sync

REFUND = "refund"
SERVICE = "service"
"""The name of a configured payment service in ``history.refunds``."""


def returns_target(sync: Sync) -> ReturnsTarget:
    """Return the target of a connection's returns. Raises ``PermanentError`` if it has none."""
    kind, store = sync.platform.kind, sync.platform.targets.get("returns")
    if store is None:
        raise PermanentError(
            f"a connection to {kind} can't sync returns: remove the stream from it"
        )
    if sync.payments is None:
        own = sync.platform.targets.get("refunds")
        if own is None and sync.connection.returns.refunds != "none":
            raise PermanentError(f"{kind} can't refund: set returns.refunds to none")
        return ReturnsTarget(store, own, kind)
    service = sync.connection.returns.service
    is_shown = service is not None and service.shown_in_store
    return ReturnsTarget(store, sync.payments, SERVICE, store_name=kind, is_shown=is_shown)


def id_of(refund_id: str, made_by: str, asked: str) -> str:
    """Return the id of a refund among those of several services: another one's names it."""
    return refund_id if made_by == asked else f"{made_by}:{refund_id}"


class ReturnsTarget:
    """``domain.targets.ReturnTarget``, with the service that pays, if there is one."""

    def __init__(
        self,
        store: ReturnTarget,
        payments: PaymentService | None,
        name: str,
        *,
        store_name: str = "",
        is_shown: bool = False,
    ) -> None:
        self._store: Target = store
        self._payments = payments
        self._store_name, self._is_shown = store_name, is_shown
        self.service, self.shows_announced = name, store.shows_announced
        self.quotes, self.declines_for, self.acts_for = False, timedelta(0), store.acts_for
        shown = {name: one for name, one in store.operations.items() if name != REFUND}
        self.operations: Mapping[str, Operation] = shown
        if payments is not None:
            self.quotes, self.declines_for = payments.quotes, payments.declines_for
            self.acts_for = max(store.acts_for, payments.acts_for)
            self.operations = shown | {REFUND: payments.operations[REFUND]}

    def writer(self, log: ExchangeLog) -> AbstractAsyncContextManager[Writer]:
        """Open what the return is written to."""
        if self._payments is None or self._payments is self._store:
            return self._store.writer(log)
        store, payments = self._store.writer(log), self._payments.writer(log)
        return _Writer(store, payments, self._store_name, is_shown=self._is_shown)

    @property
    def services(self) -> frozenset[str]:
        """Return the services whose refunds ``held`` shows: without one, none is asked."""
        if self._payments is None:
            return frozenset()
        return frozenset(filter(None, (self.service, self._store_name)))

    def by_id(
        self, known: Mapping[str, Sequence[KnownRefund]]
    ) -> dict[str, dict[str, KnownRefund]]:
        """Return order -> id as ``held`` shows it -> what the ledger knows of the refund."""
        return {
            order_id: {
                id_of(part, one.service, self.service): one
                for one in refunds
                for part in one.refund_id.split(PARTS)
            }
            for order_id, refunds in known.items()
        }

    def made_by(self, refund_id: str) -> tuple[str, str]:
        """Return which service made a refund that ``held`` shows, and its id there."""
        prefix = id_of("", self._store_name, self.service)
        if self._store_name and refund_id.startswith(prefix):
            return self._store_name, refund_id.removeprefix(prefix)
        return self.service, refund_id

    def row(self, refund: StoreRefund, due: Due[Return], currency: str, day: date) -> RefundRow:
        """Return a refund that was found as the ledger keeps it."""
        record, accepted = due.record, due.accepted
        service, refund_id = self.made_by(refund.refund_id)
        return RefundRow(
            UUID(hex=refund.key) if refund.key else accepted.capture_id,
            record.return_id,
            record.source_id,
            service,
            refund_id,
            refund.amount,
            currency,
            dict(refund.units),
            True,
            refund.declined,
            day,
            accepted.capture_id,
            accepted.correlation_id,
            refund.is_pending,
            self.declines_for,
        )


class _Writer:
    """``domain.targets.Writer``: refunds go to the payment service, all else to the store."""

    def __init__(
        self,
        store: AbstractAsyncContextManager[Writer],
        payments: AbstractAsyncContextManager[Writer],
        store_name: str,
        *,
        is_shown: bool,
    ) -> None:
        self._opening, self._stack = (store, payments), AsyncExitStack()
        self._store_name, self._is_shown = store_name, is_shown

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
        """Return the refunds of orders: the payment service's, and those that the store has."""
        paid, shown = await self._payments.held(asked), await self._store.held(asked)
        return {order_id: self._both(paid[order_id], shown[order_id]) for order_id in asked}

    def _both(self, paid: Held, shown: Held) -> Held:
        """Return the refunds of both; what the store only shows of the service's is left out."""
        if paid.problems or shown.problems:
            return paid if paid.problems else shown
        service: OrderRefunds = paid.content
        store: OrderRefunds = shown.content
        also_shown = [r for r in service.refunds if not r.declined] if self._is_shown else []
        refunds = list(service.refunds)
        for refund in store.refunds:
            same = [one for one in also_shown if _is_shown_by(one, refund)]
            if same:
                also_shown.remove(same[0])
                continue
            name = id_of(refund.refund_id, self._store_name, SERVICE)
            refunds.append(replace(refund, refund_id=name))
        return replace(paid, content=replace(store, refunds=tuple(refunds)))


def _is_shown_by(refund: StoreRefund, in_store: StoreRefund) -> bool:
    """Return whether a refund in the store may be the service's: one with a key is Lockstep's."""
    if in_store.key or in_store.amount != refund.amount:
        return False
    return not (in_store.units and refund.units) or dict(in_store.units) == dict(refund.units)
