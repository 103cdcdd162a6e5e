"""Translation of a store's order into the OMS's codes by one connection's policy. Pure.

A platform maps an order with the store's own codes: ids of channels and pick-up locations, names of
shipping and payment methods, quantities in the store's unit. The rules here replace them, for every
platform alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from domain.errors import Problem, RecordRejected
from domain.exchange import NO_PATHS, Mapped, Skipped, SourcePaths
from domain.memo import remembered
from domain.policies import InventoryPolicy, OrdersPolicy
from domain.records.orders import (
    DeliveryMethod,
    FulfilmentGroup,
    Order,
    OrderLine,
    Payment,
)
from domain.records.record import amend, check_keys
from domain.rules.customers import customer_id_at_oms
from domain.rules.export import (
    DELETED,
    Asked,
    Decide,
    Decision,
    Ended,
    ExportRules,
    OrderHeader,
    never,
    open_yet,
)
from domain.rules.ship_from import ShipFromRules
from domain.rules.units import in_oms_units
from domain.skus import BySku
from domain.statuses import OrderStatuses

NOT_IN_IDS = frozenset("+#?/\\%&;: \t")
"""Characters that a path or query at the OMS would take for something else."""


def id_at_oms(policy: OrdersPolicy, number: str) -> str:
    """Return the id with which an order is created at the OMS; afterwards its link states it."""
    return f"{policy.order_id_prefix}{number}"


def unknown(source_id: str) -> None:
    """Answer that no version of an order was accepted."""
    del source_id


class OrderRejected(RecordRejected):
    """An order that could not be mapped, with the parts that could.

    The rules look at those, so that an operator gets all problems of an order at once.
    """

    def __init__(
        self,
        problems: Sequence[Problem],
        groups: Sequence[FulfilmentGroup] = (),
        lines: Sequence[OrderLine] = (),
        paths: SourcePaths = NO_PATHS,
    ) -> None:
        super().__init__(*problems)
        self.found = tuple(problems)
        self.groups, self.lines, self.paths = groups, lines, paths


class MapsOrders(Protocol):
    """A platform's pure mapping, ``OrderSource.to_canonical``."""

    def __call__(self, payload: bytes, decide: Decide) -> Mapped[Order] | Skipped:
        """Map a captured order, to records that nothing else refers to: the rules amend them."""
        ...


class OrderRules:
    """Export rules and translation of one connection.

    ``names_customers``: the connection's registered customers go to the OMS too, so an order names
    its customer by the id there. ``ship_from``: the rules for where lines ship from.
    """

    def __init__(
        self,
        policy: OrdersPolicy,
        statuses: OrderStatuses,
        ship_from: ShipFromRules | None = None,
        *,
        names_customers: bool = False,
    ) -> None:
        self._policy, self._export = policy, ExportRules(policy, statuses)
        self._ship_from = ship_from or ShipFromRules(policy, InventoryPolicy(), "line")
        self._names_customers = names_customers
        self._holds = statuses.holds
        # In any spelling of the SKU, as for its stock: the two must agree.
        self._units = BySku(policy.uom_rules) if policy.uom_rules else None
        self._shipping = {_key(name): code for name, code in policy.shipping_methods.items()}
        self._payments = {_key(name): code for name, code in policy.payment_methods.items()}

    def to_order(
        self,
        to_order: MapsOrders,
        payload: bytes,
        exported: Asked,
        owed: Asked = never,
        ended: Callable[[str], Ended] = open_yet,
        last: Callable[[str], Order | None] = unknown,
    ) -> Mapped[Order] | Skipped:
        """Map a captured order and translate it.

        ``exported`` says whether the OMS has an order, ``owed`` whether it is owed a version of it,
        ``ended`` whether it is done with it, ``last`` the last version that was accepted.
        Raises ``RecordRejected`` with the problems of both, but not for an order to cancel: that
        needs nothing of its content, so what is wrong with it must not keep the OMS shipping.
        """
        decided: list[tuple[OrderHeader, Decision]] = []

        def decide(header: OrderHeader) -> Decision | Skipped:
            decision = self._export.decide(header, exported, owed, ended)
            if not isinstance(decision, Skipped):
                decided.append((header, decision))
            return decision

        try:
            if isinstance(mapped := self._mapped(to_order, payload, decide), Skipped):
                return mapped
            header, decision = decided[0]
            if mapped.record.canceled and not exported(header.source_id):
                reason = "all units of the order were refunded before it was sent"
                return Skipped("refunded_before_export", reason)
            return self._translate(mapped, header, decision)
        except RecordRejected:
            before = last(decided[0][0].source_id) if _is_canceled(decided) else None
            if before is None:
                raise
            return Mapped(self._withdrawn(before))

    def _mapped(
        self, to_order: MapsOrders, payload: bytes, decide: Decide
    ) -> Mapped[Order] | Skipped:
        """Map an order. Raises ``RecordRejected`` also with the problems of its translation."""
        try:
            return to_order(payload, decide)
        except OrderRejected as rejected:
            problems = list(rejected.found)
            self._translated(rejected.groups, rejected.lines, rejected.paths, problems)
            self._ship_from.translate(rejected.lines, rejected.paths.nodes, problems)
            raise RecordRejected(*problems) from None

    def as_sent(
        self, to_order: MapsOrders, payload: bytes, *, needs_codes: bool = True
    ) -> Order | None:
        """Return a captured order as it would be sent, whatever its status is.

        ``None`` for another connection's. Raises ``RecordRejected`` for one that can't be sent;
        without ``needs_codes`` only if it can't be mapped, and what has no code there gets none.
        """
        headers: list[OrderHeader] = []

        def decide(header: OrderHeader) -> Decision:
            headers.append(header)
            return "export"

        mapped = to_order(payload, decide)
        if isinstance(mapped, Skipped):
            return None
        return self._translate(mapped, headers[0], "export", needs_codes=needs_codes).record

    def depends_on_oms(self, header: OrderHeader, owed: Asked) -> bool:
        """Return whether ``to_order`` needs to know if the OMS has an order."""
        return self._export.depends_on_oms(header, owed)

    def left_over(self, header: OrderHeader, ended: Callable[[], Ended]) -> Skipped | None:
        """Return why an order that a former connection has sent needs no one any more, if so."""
        return self._export.left_over(header, ended)

    def to_deleted(
        self,
        source_id: str,
        last: Order | None,
        exported: Asked,
        ended: Callable[[str], Ended],
    ) -> Mapped[Order] | Skipped:
        """Return a deleted order as canceled; ``last`` is its last version, which the OMS has.

        Raises ``RecordRejected`` as ``ExportRules.deleted`` does, and where there is none.
        """
        decision = self._export.deleted(source_id, exported, ended)
        if isinstance(decision, Skipped):
            return decision
        if last is None:
            raise RecordRejected(DELETED)
        return Mapped(self._withdrawn(last))

    def _withdrawn(self, last: Order) -> Order:
        """Return an order that is to be canceled, by its last version, which the OMS has."""
        reason = self._policy.cancel_reason
        return replace(last, canceled=True, cancel_reason=reason, hold=None)

    def _translate(
        self,
        mapped: Mapped[Order],
        header: OrderHeader,
        decision: Decision,
        *,
        needs_codes: bool = True,
    ) -> Mapped[Order]:
        order = mapped.record
        problems: list[Problem] = []
        warnings = self._ship_from.translate(order.lines, mapped.paths.nodes, problems)
        lines = self._translated(order.groups, order.lines, mapped.paths, problems)
        order_id = id_at_oms(self._policy, order.number)
        if not NOT_IN_IDS.isdisjoint(order_id):
            message = (
                "the order's id at the OMS would contain a character that is not allowed in URLs"
            )
            advice = "correct orders.order_id_prefix"
            problems.append(Problem("order_id_invalid", "id", message, advice, order_id))
        if problems and needs_codes:
            raise RecordRejected(*problems)
        canceled = order.canceled or decision == "cancel"
        customer_id = order.customer.customer_id
        if self._names_customers and customer_id is not None:
            amend(order.customer, "customer_id", customer_id_at_oms(self._policy, customer_id))
        for payment in order.payments:
            amend(payment, "method", self._payment_method(payment))
        channel = self._channel(header)
        amend(order, "order_id", order_id)
        amend(order, "channel", channel)
        check_keys(order, order_id, channel)
        if canceled:
            amend(order, "canceled", value=True)
            amend(order, "cancel_reason", self._policy.cancel_reason)
        elif (hold := self._holds.get(header.status)) is not None:
            amend(order, "hold", hold)
        if lines is not order.lines:
            amend(order, "lines", lines)
        return Mapped(order, (*mapped.warnings, *warnings) if warnings else mapped.warnings)

    def _channel(self, header: OrderHeader) -> str:
        policy = self._policy
        return policy.selling_channels.get(header.channel, policy.default_selling_channel)

    def _payment_method(self, payment: Payment) -> str:
        return self._payments.get(_key(payment.source_method), self._policy.default_payment_method)

    def _translated(
        self,
        groups: Sequence[FulfilmentGroup],
        lines: Sequence[OrderLine],
        paths: SourcePaths,
        problems: list[Problem],
    ) -> Sequence[OrderLine]:
        """Put the OMS's codes into the groups, and return the lines in the OMS's units."""
        for group, path in zip(groups, paths.groups, strict=True):
            self._translate_group(group, path, problems)
        return in_oms_units(lines, paths.lines, self._units, self._policy.uom, problems)

    def _translate_group(self, group: FulfilmentGroup, path: str, problems: list[Problem]) -> None:
        policy = self._policy
        if group.method is DeliveryMethod.SHIP:
            source = group.source_shipping_method
            method = self._shipping.get(_key(source), policy.default_shipping_method)
            if method is None:
                message = "orders.shipping_methods has no OMS method for this shipping method"
                advice = (
                    "add the method to orders.shipping_methods, "
                    "or set orders.default_shipping_method"
                )
                problems.append(
                    Problem("shipping_method_unknown", path, message, advice, source[:80])
                )
            amend(group, "shipping_method", method)
        elif group.method is DeliveryMethod.PICKUP:
            source = group.location or ""
            location = policy.pickup_locations.get(source)
            if location is None:
                message = "orders.pickup_locations has no OMS location for this pick-up location"
                advice = "add the location's code to orders.pickup_locations"
                problems.append(
                    Problem("pickup_location_unknown", path, message, advice, source[:80])
                )
            amend(group, "location", location)


def _is_canceled(decided: Sequence[tuple[OrderHeader, Decision]]) -> bool:
    return bool(decided) and decided[0][1] == "cancel"


@remembered(4096)
def _key(method: str) -> str:
    return " ".join(method.split()).casefold()
