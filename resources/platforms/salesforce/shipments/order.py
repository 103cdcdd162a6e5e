"""An order summary as it is read before a write, and what its shipments hold. Pure."""

from __future__ import annotations

from domain.exchange import ShipmentLine, StoreOrderState, StoreShipment
from resources.platforms.salesforce.orders.delivered import (
    items_of,
    lines_of,
    shipments_of,
    shipped_by_line,
    status_of,
    units_of,
    whole_units,
)
from resources.platforms.salesforce.payload import Group, Item, Order, Shipment
from resources.platforms.salesforce.statuses import FULFILMENT, StatusNames

PREFIX = "lockstep-"
"""Before the idempotency key in a shipment's external id."""
MANAGED = "MANAGED"


class HeldOrder:
    """An order summary of the store, as it was read."""

    def __init__(self, order: Order, names: StatusNames) -> None:
        self.order, self._names, self.id = order, names, order.id or ""
        self.items = {item.id: item for _, item in items_of(order) if item.id}
        groups = order.order_delivery_group_summaries
        self.groups: dict[str, Group] = {
            group.id: group
            for group in (groups.records if groups is not None else None) or ()
            if group is not None and group.id
        }

    @property
    def parent(self) -> str:
        """Return the record that writes to this order lock: the account, else the order itself."""
        return self.order.account_id or self.id

    @property
    def status(self) -> str:
        """Return the connector's status of the order."""
        return status_of(self.order, self._names)

    def state(self) -> StoreOrderState:
        """Return what the order shows of its fulfilment."""
        known = FULFILMENT[self.status]
        return StoreOrderState(
            self.id,
            self.status,
            known.is_final,
            is_reserved=known.is_final or known.shows is None,
            milestone=known.shows,
            shipped_units=units_of(self.order).shipped,
        )

    def written(self, status: str) -> str:
        """Return what the org writes for a status of this order."""
        country = (self.order.billing_country or "").strip()
        return self._names.written(status, self.order.sales_store_id or "", country)

    def shipments(self) -> list[StoreShipment]:
        """Return the order's shipments."""
        return [
            StoreShipment(
                shipment.id or "",
                self._group_of(shipment),
                shipment.tracking_number or "",
                _lines(shipment),
                key_of(shipment),
            )
            for shipment in shipments_of(self.order)
        ]

    def shipment(self, shipment_id: str) -> Shipment | None:
        """Return one of the order's shipments."""
        return next((s for s in shipments_of(self.order) if s.id == shipment_id), None)

    def left(self, line_id: str) -> int:
        """Return the units of a line that no shipment has; none of an unknown one."""
        ordered = sum(
            max(whole_units(item.quantity) or 0, 0)
            for _, item in lines_of(self.order)
            if item.id == line_id
        )
        return ordered - shipped_by_line(self.order).get(line_id, 0)

    def _group_of(self, shipment: Shipment) -> str:
        """Return the delivery group of a shipment's units; the vendor states none of it."""
        for line in _lines(shipment):
            item: Item | None = self.items.get(line.line_id)
            if item is not None and item.order_delivery_group_summary_id:
                return item.order_delivery_group_summary_id
        return ""


def key_of(shipment: Shipment) -> str:
    """Return the idempotency key of a shipment of ours; empty for any other."""
    key = shipment.key or ""
    return key.removeprefix(PREFIX) if key.startswith(PREFIX) else ""


def _lines(shipment: Shipment) -> tuple[ShipmentLine, ...]:
    found = shipment.shipment_items.records if shipment.shipment_items is not None else None
    lines = [
        ShipmentLine(item.line or "", max(whole_units(item.quantity) or 0, 0))
        for item in found or ()
        if item is not None
    ]
    return tuple(sorted(lines, key=lambda line: line.line_id))
