"""The stream ``orders``, from the store to the OMS: reading, mapping and checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from assets.delivery.request import DeliveryRequest
from assets.streams.catalog.store_items import known_items
from assets.streams.orders.plan import OrdersPlanner
from domain.connections import ORDERS
from domain.errors import Problem, RecordRejected
from domain.exchange import Mapped, MasterItem, Skipped
from domain.identity import correlation_id
from domain.records.orders import Order
from domain.rules.translation import id_at_oms
from domain.schemas.orders import order_problems
from domain.sources import OrderSource, Page
from domain.values import Window
from resources.ledger.monitoring.caution import is_cautious
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import ORDER_HEADER, ORDER_LINE
from resources.sync import Sync


class Orders:
    """Orders, by the protocol ``assets.chain.stream.Stream``."""

    name = ORDERS
    to_oms = True
    is_snapshot = False
    summary = (
        "Orders of the store, sent to the OMS: created once, later changes as changed fields, "
        "cancellations as requests."
    )

    def source(self, sync: Sync) -> OrderSource:
        """Return the source at the store."""
        return sync.orders

    def probe(self, sync: Sync, since: datetime) -> datetime | None:
        """Ask the store for its oldest change since ``since``."""
        return sync.orders.probe(since)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the orders that were modified in the window."""
        del session
        return sync.orders.fetch(window)

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the orders' correlation ids, which their shipments share."""
        del session
        return {i: correlation_id(sync.name, "order", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Order] | Skipped]:
        """Return mapping and translation; they depend on whether the OMS has the order already."""
        exported = _exported(sync, session, captures)
        rules = sync.order_rules

        def is_owed(source_id: str) -> bool:
            # Asked only of orders that were refunded or shipped without the OMS, which are few.
            return bool(
                session.records.newest_accepted([source_id])
                or session.rejections.open_captures("validated", [source_id])
            )

        to_canonical = sync.orders.to_canonical
        return lambda payload: rules.to_order(to_canonical, payload, exported.__contains__, is_owed)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Order]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch, and its SKUs against the OMS's item master."""
        known: dict[str, MasterItem] | None = None
        if sync.connection.orders.check_items:
            skus = {line.sku for order in records for line in order.lines}
            known = known_items(sync, session, skus)
        return order_problems(records, known)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Order]]) -> list[TableRows]:
        """Return header and line rows."""
        headers: list[tuple[Any, ...]] = []
        lines: list[tuple[Any, ...]] = []
        for capture, order in accepted:
            places = [group.address for group in order.groups if group.address is not None]
            country = (places[0] if places else order.billing).country
            units = sum([line.quantity for line in order.lines])
            headers.append(
                (
                    capture.capture_id,
                    order.source_id,
                    order.order_id,
                    order.number,
                    order.channel,
                    order.cancelled,
                    order.ordered_at,
                    order.currency,
                    order.tax_included,
                    order.total,
                    order.total_tax,
                    len(order.lines),
                    units,
                    order.customer.customer_id is None,
                    country,
                )
            )
            lines += [
                (
                    capture.capture_id,
                    order.source_id,
                    line.line_id,
                    line.group_id,
                    line.kind.value,
                    line.sku,
                    line.quantity,
                    line.uom,
                    line.factor,
                    line.unit_price,
                    line.line_total,
                    line.total_discount(),
                    line.total_tax(),
                )
                for line in order.lines
            ]
        return [TableRows(ORDER_HEADER, headers), TableRows(ORDER_LINE, lines)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> OrdersPlanner:
        """Send what the OMS does not hold in this form."""
        return OrdersPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Do nothing: a delivery leaves nothing for other streams."""


def _exported(sync: Sync, session: Session, captures: Sequence[StoredCapture]) -> set[str]:
    """Return which orders the OMS has, or may have.

    It is asked for those that the ledger does not know, where the ledger may lack deliveries.
    """
    exported = session.deliveries.possible_targets([c.source_id for c in captures])
    if not is_cautious(session.db, sync.name):
        return exported
    asked: set[str] = set()
    for capture in captures:
        if capture.source_id not in exported:
            with suppress(RecordRejected):  # the rejection is its outcome
                number = sync.orders.to_store_snapshot(capture.payload).number
                asked.add(id_at_oms(sync.connection.orders, number or capture.source_id))
    for page in sync.shipments.read(asked) if asked else ():
        for row in page.records:
            origin = sync.shipments.to_origin(row.payload)
            if origin is not None and origin.is_own_id:
                exported.add(origin.source_id)
    return exported
