"""An order as it is read before a write, and what its deliveries hold. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine, StoreOrderState, StoreShipment
from resources.platforms.commercetools.orders.delivered import delivered_units, deliveries_of
from resources.platforms.commercetools.orders.groups import (
    ADDRESS_GROUP,
    MAIN,
    SPLIT,
    line_ids,
    parts_of,
    places_of,
)
from resources.platforms.commercetools.payload import Delivery, Order, TrackingData
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.statuses import FULFILMENT, shown_status

KEY = "lockstep-"
"""Before the idempotency key in a delivery's and a parcel's key."""


class HeldOrder:
    """An order of the store at one version."""

    def __init__(self, order: Order, settings: CommercetoolsSettings) -> None:
        self.order, self.id, self.version = order, order.id or "", order.version or 0
        parts = parts_of(order)
        self._ids: dict[str, Mapping[str, str]] = {
            line.id: line_ids(line.id, places_of(line, order, parts, digital) or {MAIN: 0})
            for digital in [settings.digital_product_types]
            for line in order.line_items or ()
            if line is not None and line.id
        }
        self._taken: dict[str, int] = {}
        self.is_shipped = bool(parts) and any(part.info is not None for part in parts.values())

    @property
    def shipping_key(self) -> bool:
        """Return whether a delivery needs the key of its way of shipping."""
        return self.order.shipping_mode == "Multiple"

    def line_ids(self, of: str = "") -> list[str]:
        """Return the ids of the lines that stand for a line item, or of all lines."""
        chosen = [self._ids[of]] if of in self._ids else [] if of else list(self._ids.values())
        return [line_id for groups in chosen for line_id in groups.values()]

    def state(self) -> StoreOrderState:
        """Return what the order shows of its fulfilment."""
        status = shown_status(self.order.order_state, self.order.shipment_state)
        known = FULFILMENT.get(status)
        is_final = known is not None and known.is_final
        return StoreOrderState(
            self.id,
            status,
            is_final,
            is_reserved=is_final,
            milestone=known.shows if known is not None else None,
            shipped_units=delivered_units(self.order),
        )

    def deliveries(self) -> list[tuple[StoreShipment, Delivery]]:
        """Return the order's deliveries, as shipments and as they are."""
        return [
            (
                StoreShipment(
                    delivery.id or "",
                    self._group_of(way, delivery),
                    tracking_of(delivery).tracking_id or "",
                    self._lines(way, delivery),
                    key_of(delivery),
                ),
                delivery,
            )
            for way, delivery in deliveries_of(self.order)
        ]

    def left(self, line_id: str) -> int:
        """Return the units of a line item that no delivery has or takes; none of an unknown one."""
        plain = item_id(line_id)
        ordered = sum(
            line.quantity or 0
            for line in self.order.line_items or ()
            if line is not None and line.id == plain
        )
        return (
            ordered
            - sum(
                item.quantity or 0
                for _, delivery in deliveries_of(self.order)
                for item in delivery.items or ()
                if item is not None and item.id == plain
            )
            - self._taken.get(plain, 0)
        )

    def take(self, lines: Iterable[ShipmentLine]) -> None:
        """Count the units of a delivery that is planned to be added."""
        for line in lines:
            plain = item_id(line.line_id)
            self._taken[plain] = self._taken.get(plain, 0) + line.quantity

    def give_back(self, shipment_id: str) -> None:
        """Count the units of a delivery that is planned to be removed as not delivered."""
        for _, delivery in deliveries_of(self.order):
            for item in (delivery.items or ()) if delivery.id == shipment_id else ():
                if item is not None and item.id:
                    self._taken[item.id] = self._taken.get(item.id, 0) - (item.quantity or 0)

    def _group_of(self, way: str, delivery: Delivery) -> str:
        if way != MAIN or self.shipping_key:
            return way
        key = delivery.address.key if delivery.address is not None else None
        return f"{ADDRESS_GROUP}{key}" if key else MAIN

    def _lines(self, way: str, delivery: Delivery) -> tuple[ShipmentLine, ...]:
        group = self._group_of(way, delivery)
        lines = [
            ShipmentLine(
                self._ids.get(item.id or "", {}).get(group, item.id or ""), item.quantity or 0
            )
            for item in delivery.items or ()
            if item is not None
        ]
        return tuple(sorted(lines, key=lambda line: line.line_id))


def item_id(line_id: str) -> str:
    """Return the id of the line item that a line stands for, whole or in part."""
    return line_id.partition(SPLIT)[0]


def tracking_of(delivery: Delivery) -> TrackingData:
    """Return the tracking of a delivery's first parcel that has one."""
    for parcel in delivery.parcels or ():
        if parcel is not None and parcel.tracking_data is not None:
            return parcel.tracking_data
    return TrackingData()


def key_of(delivery: Delivery) -> str:
    """Return the idempotency key of a delivery of ours; empty for any other."""
    key = delivery.key or ""
    return key.removeprefix(KEY) if key.startswith(KEY) else ""


def rejection_of(
    code: str, field: str, message: str, advice: str, value: str = ""
) -> RecordRejected:
    """Return the rejection of a write."""
    return RecordRejected(Problem(code, field, message, advice, value[:80]))
