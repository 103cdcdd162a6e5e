"""Captured orders to canonical ones, with the store's own codes. Pure, and the hot path."""

from __future__ import annotations

from dataclasses import replace

from domain.addressing.addresses import AddressRules
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.payload import Decoded
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, moment_of
from domain.records.orders import Order
from domain.rules.export import OTHER_PART, Decide, OrderHeader
from resources.platforms.bigcommerce import payload as documents
from resources.platforms.bigcommerce.orders.builder import OrderBuilder, Sources
from resources.platforms.bigcommerce.orders.consignments import (
    GroupMapper,
)
from resources.platforms.bigcommerce.orders.lines import whole_number
from resources.platforms.bigcommerce.orders.refunds import own_units, refund_of
from resources.platforms.bigcommerce.payload import CAPTURED_ORDERS, CapturedOrder
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.statuses import STATUSES

DECISIVE = frozenset({"id", "channel_id", "status_id"})
"""Fields without which no rule can skip an order."""


class OrderMapper:
    """Maps captured orders of one store or channel."""

    def __init__(self, settings: BigCommerceSettings, addresses: AddressRules) -> None:
        self._settings, self._groups = settings, GroupMapper(addresses)

    def to_order(self, payload: bytes, decide: Decide) -> Mapped[Order] | Skipped:
        """Map one capture. Raises ``RecordRejected`` or ``OrderRejected`` with all problems."""
        try:
            return self._map(CAPTURED_ORDERS.decode(payload), decide)
        except UnreadableValue:
            return self._map(CAPTURED_ORDERS.check(payload), decide)

    def _map(self, decoded: Decoded[CapturedOrder], decide: Decide) -> Mapped[Order] | Skipped:
        sources = sources_of(decoded.document)
        problems = _problems(decoded, sources.order)
        if not sources.order.id:
            problems.missing("id_missing", "id", "the order has no id")
            raise RecordRejected(*problems.in_order())
        if decoded.document.order is not None and decoded.document.unread:
            raise RecordRejected(*[_not_read(name) for name in decoded.document.unread])
        skipped = self._skipped(sources, problems, decide)
        if skipped is not None:
            return skipped
        return OrderBuilder(self._settings, self._groups, sources, problems).to_order()

    def _skipped(
        self, sources: Sources, problems: DocumentProblems, decide: Decide
    ) -> Skipped | None:
        order = sources.order
        ours, status = self._settings.channel_id, order.status_id
        misfits = problems.problems
        decisive = bool(misfits) and any(problem.field in DECISIVE for problem in misfits)
        other = ""
        if ours is not None and (order.channel_id or None) != ours and not decisive:
            other = f"the order belongs to channel {order.channel_id}, and the connection to {ours}"
        if type(status) is not int or status not in STATUSES:
            if other:
                return Skipped(OTHER_PART, other)
            message = "this isn't one of BigCommerce's order statuses"
            shown = status if type(status) is int else "not a number"
            advice = "check the order's status in the store"
            problems.reject("status_unknown", "status_id", message, advice, shown)
            return None
        decision = decide(
            OrderHeader(
                str(order.id),
                str(status),
                STATUSES[status].name,
                str(order.channel_id or ""),
                moment_of(order.date_created),
                order.is_deleted is True,
                refund_of(order, sources.products),
                (whole_number(order.items_total) or 0) if order.items_shipped else 0,
                (whole_number(order.items_shipped) or 0) if order.items_shipped else 0,
                "items_shipped",
                other,
            )
        )
        return decision if isinstance(decision, Skipped) and not decisive else None


def sources_of(document: CapturedOrder) -> Sources:
    """Return the parts of a capture."""
    if document.id is not None or document.order is None:
        return Sources(document)
    products, coupons = document.products, document.coupons
    return Sources(
        document.order,
        document.transactions,
        products if isinstance(products, list) else None,
        tuple(coupons) if isinstance(coupons, list) else (),
        own_units(document.refunds),
    )


def _not_read(part: str) -> Problem:
    return Problem(
        "part_not_read",
        part,
        f"The store fails to give the order's {part}, and answers for other orders.",
        "Nothing yet: the order is read again automatically. If it still fails, report it to "
        "the store's support.",
    )


def _problems(decoded: Decoded[CapturedOrder], order: documents.Order) -> DocumentProblems:
    """Return the decoder's problems, but not those of prices that don't count for this order."""
    if not decoded.problems:
        return DocumentProblems()
    unused = "_ex_tax" if order.is_tax_inclusive_pricing is True else "_inc_tax"
    return DocumentProblems(
        tuple(
            [
                replaced
                for problem in decoded.problems
                if (replaced := _relative(problem)).field == "total_inc_tax"
                or not replaced.field.endswith(unused)
            ]
        )
    )


def _relative(problem: Problem) -> Problem:
    return replace(problem, field=problem.field.removeprefix("order."))
