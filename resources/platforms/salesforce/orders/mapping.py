"""Captured orders to canonical ones, with the store's own codes. Pure, and the hot path."""

from __future__ import annotations

from domain.addressing.addresses import AddressRules
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.payload import Decoded
from domain.parsing.problems import DocumentProblems
from domain.parsing.scalars import UnreadableValue, moment_of
from domain.records.orders import Order
from domain.rules.export import Decide, OrderHeader
from resources.platforms.salesforce import payload as documents
from resources.platforms.salesforce.orders.builder import OrderBuilder
from resources.platforms.salesforce.orders.delivered import (
    lines_of,
    status_of,
    units_of,
    whole_units,
)
from resources.platforms.salesforce.orders.groups import GroupMapper
from resources.platforms.salesforce.payload import ORDERS
from resources.platforms.salesforce.settings import SalesforceSettings

DECISIVE = frozenset({"Id", "SalesStoreId", "Status", "BillingCountry"})
"""Fields without which no rule can skip an order."""


class OrderMapper:
    """Maps captured orders of one org or store."""

    def __init__(self, settings: SalesforceSettings, addresses: AddressRules) -> None:
        self._settings, self._names = settings, settings.names
        self._groups = GroupMapper(addresses, settings)
        self._store = settings.identity.account.rpartition(" ")[2]

    def to_order(self, payload: bytes, decide: Decide) -> Mapped[Order] | Skipped:
        """Map one capture. Raises ``RecordRejected`` or ``OrderRejected`` with all problems."""
        try:
            return self._map(ORDERS.decode(payload), decide)
        except UnreadableValue:
            return self._map(ORDERS.check(payload), decide)

    def _map(self, decoded: Decoded[documents.Order], decide: Decide) -> Mapped[Order] | Skipped:
        order, problems = decoded.document, DocumentProblems(decoded.problems)
        if not order.id:
            problems.missing("id_missing", "Id", "the order has no id")
            raise RecordRejected(*problems.in_order())
        skipped = self._skipped(order, problems, decide)
        if skipped is not None:
            return skipped
        builder = OrderBuilder(self._settings, self._groups, order, problems, self._store)
        return builder.to_order()

    def _skipped(
        self, order: documents.Order, problems: DocumentProblems, decide: Decide
    ) -> Skipped | None:
        ours, store = self._settings.sales_store_id, order.sales_store_id or ""
        decisive = any(problem.field in DECISIVE for problem in problems.problems)
        other = ""
        if ours is not None and store[:15] != ours[:15] and not decisive:
            other = f"the order belongs to store {store or 'none'}, and the connection to {ours}"
        status, units = status_of(order, self._names), units_of(order)
        decision = decide(
            OrderHeader(
                order.id or "",
                status,
                status if status == order.status else f"{status} ({order.status or 'none'})",
                store,
                moment_of(order.ordered_date),
                is_archived=False,
                units=units.ordered,
                shipped_units=units.shipped,
                shipped_field="Shipments",
                other_part=other,
            )
        )
        if decisive:
            return None
        if isinstance(decision, Skipped):
            return decision
        returned = sum(whole_units(item.quantity_returned) or 0 for _, item in lines_of(order))
        if returned > 0 and decision == "export":
            reason = f"{returned} units came back, so its amounts are no longer those of the sale"
            return Skipped("returned_in_store", reason)
        return None
