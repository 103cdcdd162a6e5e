"""The stream ``orders``, from the store to the OMS: reading, mapping and checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from assets.delivery.request import DeliveryRequest
from assets.streams.catalog.store_items import known_items
from assets.streams.deletions import named_by_events, read_with_named
from assets.streams.orders.header import is_of_other_part
from assets.streams.orders.mapper import DELETIONS, OrdersMapper
from assets.streams.orders.plan import OrdersPlanner
from domain.connections import ORDERS
from domain.errors import Problem
from domain.exchange import Mapped, MasterItem, Skipped
from domain.identity import correlation_id
from domain.records.orders import Order
from domain.schemas.orders import order_problems
from domain.sources import OrderSource, Page, Scope
from domain.values import Window
from resources.ledger.records.kept_orders import keeps_any, kept_orders
from resources.ledger.records.withdrawals import canceled_at_oms
from resources.ledger.rows import StoredCapture, TableRows
from resources.ledger.session import Session
from resources.ledger.tables import ORDER_HEADER, ORDER_LINE
from resources.sync import Sync

IDS_AT_ONCE = 200
CANCELED_AT_OMS = "canceled_at_oms"
"""The rule that skips what can't be sent of an order that the OMS has canceled."""


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
        """Ask the store for its oldest change since ``since``, and the inbox for deletions."""
        with sync.ledger.session(sync.name, ORDERS) as session:
            other_parts = keeps_any(session.db, sync.name)
            found = sync.orders.probe(since, other_parts=other_parts)
            named = _named(sync, session, since, None)
        return min(filter(None, (found, min(named.values(), default=None))), default=None)

    def fetch(self, sync: Sync, session: Session, window: Window) -> Iterator[Page]:
        """Read the orders that were modified in the window, then those that it may have deleted."""
        named = _named(sync, session, window.since, window.until)
        named |= dict(sync.orders.deleted(window))
        kept: set[str] = set()
        if other_parts := keeps_any(session.db, sync.name):
            kept = kept_orders(session.db, sync.name)
        pages = read_with_named(
            sync.orders, session, window, named, DELETIONS, IDS_AT_ONCE,
            Scope(other_parts=other_parts),
        )  # fmt: skip
        if sync.platform.identity.part is None:
            yield from pages  # nothing of the store is another part's, so nothing is decoded for it
            return
        for page in pages:
            # Only these may hold orders that are another part's, and are not this connection's.
            doubtful = (r for r in page.records if other_parts or r.source_id in named)
            left_out = {
                record.source_id
                for record in doubtful
                if record.source_id not in kept and is_of_other_part(sync.orders, record.payload)
            }
            yield Page([r for r in page.records if r.source_id not in left_out])

    def correlate(self, sync: Sync, session: Session, source_ids: Sequence[str]) -> dict[str, str]:
        """Return the orders' correlation ids, which their shipments share."""
        del session
        return {i: correlation_id(sync.name, "order", i) for i in source_ids}

    def mapper(
        self, sync: Sync, session: Session, captures: Sequence[StoredCapture]
    ) -> Callable[[bytes], Mapped[Order] | Skipped]:
        """Return mapping and translation; they depend on what the OMS has of the orders."""
        return OrdersMapper(sync, session, captures)

    def check(
        self, sync: Sync, session: Session, records: Sequence[Order]
    ) -> Mapping[int, Sequence[Problem]]:
        """Check the batch, and its SKUs against the OMS's item master."""
        known: dict[str, MasterItem] | None = None
        held: set[tuple[int, str]] = set()
        if sync.connection.orders.check_items:
            skus = {line.sku for order in records if not order.canceled for line in order.lines}
            known = known_items(sync, session, skus)
            held = _held_with(sync, session, records, skus - known.keys())
        return order_problems(records, known, held, sync.orders.sku_path)

    def ended(self, session: Session, versions: Sequence[tuple[str, UUID]]) -> Mapping[str, str]:
        """Return the rule by which orders are left alone that the OMS has canceled."""
        canceled = canceled_at_oms(session.db, session.connection, versions)
        return dict.fromkeys(canceled, CANCELED_AT_OMS)

    def typed(self, accepted: Sequence[tuple[StoredCapture, Order]]) -> list[TableRows]:
        """Return header and line rows."""
        headers: list[tuple[Any, ...]] = []
        lines: list[tuple[Any, ...]] = []
        for capture, order in accepted:
            headers.append(_header_row(capture.capture_id, order))
            lines += _line_rows(capture.capture_id, order)
        return [TableRows(ORDER_HEADER, headers), TableRows(ORDER_LINE, lines)]

    def planner(self, sync: Sync, session: Session, request: DeliveryRequest) -> OrdersPlanner:
        """Send what the OMS does not hold in this form."""
        return OrdersPlanner(sync, session, request)

    def conclude(self, sync: Sync) -> None:
        """Do nothing: a delivery leaves nothing for other streams."""


def _held_with(
    sync: Sync, session: Session, orders: Sequence[Order], skus: Collection[str]
) -> set[tuple[int, str]]:
    """Return position and SKU of orders that the OMS is known to have with one of the SKUs."""
    if not skus:
        return set()
    named = {o.source_id: n for n, o in enumerate(orders) if any(x.sku in skus for x in o.lines)}
    units_of = sync.oms.targets["orders"].units
    return {
        (named[row.target_key], sku)
        for row in session.deliveries.targets(list(named)).values()
        for sku in units_of(orjson.loads(row.content)).keys() & skus
    }


def _header_row(capture_id: UUID, order: Order) -> tuple[Any, ...]:
    """Return the row of ``ORDER_HEADER``."""
    places = [group.address for group in order.groups if group.address is not None]
    return (
        capture_id,
        order.source_id,
        order.order_id,
        order.number,
        order.channel,
        order.canceled,
        order.ordered_at,
        order.currency,
        order.tax_included,
        order.total,
        order.total_tax,
        len(order.lines),
        sum([line.quantity for line in order.lines]),
        order.customer.customer_id is None,
        (places[0] if places else order.billing).country,
    )


def _line_rows(capture_id: UUID, order: Order) -> list[tuple[Any, ...]]:
    """Return the rows of ``ORDER_LINE``."""
    return [
        (
            capture_id,
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


def _named(
    sync: Sync, session: Session, since: datetime, until: datetime | None
) -> dict[str, datetime]:
    """Return the orders that events of a span say to be deleted or archived."""
    return named_by_events(sync, session, ORDERS, since, until, sync.orders.deletion_events)
