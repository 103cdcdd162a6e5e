"""What the ledger knows of the orders, refunds and approvals of returns, for one chunk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from assets.streams.returns.gone import look_for_refunded, without_gone
from assets.streams.returns.hold import (
    DISCARDED,
    NOT_OF_REFUNDS,
    Approvals,
    OrderReturns,
    above_returns,
    before_start,
    discarded,
    order_returns,
)
from assets.streams.returns.refund import HELD, waiting
from assets.streams.returns.target import ReturnsTarget
from assets.streams.returns.units import Lines
from domain.connections import RETURNS
from domain.errors import Problem
from domain.policies import UomRule
from domain.records.returns import Return
from domain.refunds import PARTS, OrderRefunds, RefundRequest, StoreRefund
from domain.rules.refund_amounts import PricedOrder
from domain.skus import BySku
from domain.sources import ReturnSource
from resources.ledger.monitoring.activation import started_at
from resources.ledger.records.refunds import KnownRefund, ReturnedLine
from resources.ledger.rejections.approvals import approvals
from resources.ledger.session import Session


@dataclass(frozen=True)
class Book:
    """By the store's id of an order, or by the id of a return."""

    lines: Mapping[str, Lines]
    prices: Mapping[str, PricedOrder]
    currencies: Mapping[str, str]
    returned: Mapping[str, Sequence[ReturnedLine]]
    """Order -> the lines of all its returns."""
    refunds: dict[str, dict[str, KnownRefund]]
    """Order -> refund's id -> what the ledger has of it; grows with the refunds of the chunk."""
    approved: Mapping[str, Approvals]
    """Return -> what operators have approved of it."""
    discarded: Collection[str]
    """Returns whose refund an operator may have made."""
    uom_rules: BySku[UomRule]
    old: Collection[str] = ()
    """Returns that were as they are before the stream was started."""
    unread: Collection[str] = ()
    """Orders that wait, since the OMS can't be asked for their other refunded returns."""

    def refunds_of(self, order_id: str) -> Mapping[str, KnownRefund]:
        """Return what the ledger knows of an order's refunds."""
        return self.refunds.get(order_id, {})

    def add(self, record: Return, refund: StoreRefund, key: str, service: str) -> None:
        """Add a refund that was made just now, by the ids of its parts."""
        row = KnownRefund(record.return_id, key, dict(refund.units), refund.refund_id, service)
        known = self.refunds.setdefault(record.source_id, {})
        known |= dict.fromkeys(refund.refund_id.split(PARTS), row)

    def approvals_of(self, return_id: str) -> Approvals:
        """Return what operators have approved of a return."""
        return self.approved.get(return_id, {})

    def returns_of(self, order_id: str) -> OrderReturns:
        """Return the units of all returns of an order."""
        lines = self.lines.get(order_id, {})
        return order_returns(self.returned.get(order_id, ()), lines, self.uom_rules)

    def waiting(
        self, request: RefundRequest, shown: OrderRefunds, returns: OrderReturns
    ) -> tuple[Problem, ...]:
        """Return why a refund waits for an operator, by what the service shows of its order."""
        return waiting(
            request,
            shown,
            self.prices.get(request.order_id),
            self.approvals_of(request.return_id),
            (
                before_start(request) if request.return_id in self.old else None,
                discarded(request) if request.return_id in self.discarded else None,
                above_returns(request, shown, self.refunds_of(request.order_id), returns),
            ),
        )


def read_book(
    session: Session,
    target: ReturnsTarget,
    uom_rules: BySku[UomRule],
    records: Iterable[Return],
    source: ReturnSource,
) -> Book:
    """Read what is known of the returns of a chunk."""
    found = list(records)
    orders = sorted({record.source_id for record in found})
    ids = [record.return_id for record in found]
    refunds = session.refunds
    known = refunds.known(orders)
    gone, unread = look_for_refunded(source, found, known)
    return Book(
        session.records.line_groups(orders),
        refunds.prices(orders),
        refunds.currencies(orders),
        without_gone(refunds.returned(orders), gone),
        target.by_id(known),
        approvals(session.db, session.connection, RETURNS, ids, HELD),
        refunds.discarded(RETURNS, ids, NOT_OF_REFUNDS, DISCARDED),
        uom_rules,
        _before_start(session, found),
        unread,
    )


def _before_start(session: Session, records: Sequence[Return]) -> set[str]:
    """Return the ids of returns that another program, or people, may have refunded."""
    started = started_at(session.db, session.connection, RETURNS)
    if started is None:
        return set()
    return {record.return_id for record in records if record.updated_at < started}
