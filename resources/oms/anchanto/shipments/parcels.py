"""Parcels from an order's shipments, with their units by order line. Pure.

A shipment names SKUs and no lines, so its units go to the order's lines of that SKU in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.carriers.naming import carrier_named
from domain.milestones import STAGES, Milestone
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Parcel, ParcelLine
from domain.skus import sku_key
from resources.oms.anchanto.parsing import Findings
from resources.oms.anchanto.payload import Shipment
from resources.oms.anchanto.statuses import StatusTable

ZERO = Decimal(0)
LEFT = (Milestone.SHIPPED, Milestone.DELIVERED)


class Line(NamedTuple):
    """An ordered line with its units."""

    line_id: str
    sku: str
    ordered: Decimal


class Parcels(NamedTuple):
    """An order's parcels, and the units in shipments, by line and milestone."""

    parcels: tuple[Parcel, ...]
    units: Mapping[str, Mapping[Milestone, Decimal]]
    canceled: tuple[str, ...]
    """Numbers of the shipments that are canceled."""


class ParcelMapper:
    """Maps shipments by one connection's carriers and statuses."""

    def __init__(self, carriers: Mapping[str, str], statuses: StatusTable) -> None:
        self._carriers = {code.strip().casefold(): carrier for code, carrier in carriers.items()}
        self._statuses = statuses

    def parcels(
        self, shipments: Sequence[Shipment], lines: Sequence[Line], found: Findings
    ) -> Parcels:
        """Return the shipments that the store is to show, and how far all of them are.

        One that is packed has neither number nor carrier yet. A manifest says that a shipment has
        left, whatever its status is.
        """
        units, parcels, canceled = _Units(lines), [], []
        for place, shipment in enumerate(shipments):
            field = f"shipments[{place}]"
            milestone = self._milestone(shipment, field)
            if milestone is Milestone.CANCELED:
                canceled.append(text_of(shipment.shipment_number))
                continue
            content = units.take(shipment, milestone, field, found)
            is_ready = bool(text_of(shipment.tracking_number)) or milestone in LEFT
            if content and is_ready:
                parcels.append(self._parcel(shipment, milestone, content, field, found))
        return Parcels(tuple(parcels), units.taken, tuple(filter(None, canceled)))

    def _milestone(self, shipment: Shipment, field: str) -> Milestone:
        status = self._statuses.status(shipment.status, f"{field}.status")
        reached = status.milestone
        if reached is Milestone.CANCELED:
            return reached
        least = Milestone.SHIPPED if text_of(shipment.manifest_number) else Milestone.PACKED
        return max(least, reached, key=STAGES.index)

    def _parcel(
        self,
        shipment: Shipment,
        milestone: Milestone,
        content: Mapping[tuple[str, str], Decimal],
        field: str,
        found: Findings,
    ) -> Parcel:
        number, name = text_of(shipment.shipment_number), text_of(shipment.tracking_number)
        if not number:
            found.unreadable(f"{field}.shipment_number", "A shipment has no number.")
        code = text_of(shipment.carrier_code) or text_of(shipment.carrier_name)
        return Parcel(
            parcel_id=number,
            tracking_number=name,
            carrier=carrier_named(
                [text_of(shipment.carrier_code), text_of(shipment.carrier_name)],
                name,
                self._carriers,
                "shipments.carrier_code",
                "Anchanto",
                found,
            ),
            carrier_source=text_of(shipment.carrier_name) or code,
            shipped_at=found.moment(shipment.shipped_at, f"{field}.shipped_at"),
            has_left=milestone in LEFT,
            lines=tuple(
                ParcelLine(line_id=line_id, sku=sku, quantity=quantity)
                for (line_id, sku), quantity in content.items()
            ),
        )


class _Units:
    """The units of the order's lines, as shipments take them."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.taken: dict[str, dict[Milestone, Decimal]] = {line.line_id: {} for line in lines}
        self._lines: dict[str, list[Line]] = {}
        for line in lines:
            self._lines.setdefault(sku_key(line.sku), []).append(line)

    def take(
        self, shipment: Shipment, milestone: Milestone, field: str, found: Findings
    ) -> dict[tuple[str, str], Decimal]:
        """Return a shipment's units by line and SKU; of a SKU that was not ordered it is both."""
        content: dict[tuple[str, str], Decimal] = {}
        if not shipment.items:
            found.unreadable(f"{field}.items", "A shipment has no items.")
        for item in shipment.items or ():
            sku, left = text_of(item.sku), found.number(item.quantity, f"{field}.items.quantity")
            if not sku:
                found.unreadable(f"{field}.items.sku", "Units of a shipment have no SKU.")
                continue
            lines = self._lines.get(sku_key(sku)) or [Line(sku, sku, ZERO)]
            for line in lines:
                units = self.taken.setdefault(line.line_id, {})
                room = max(line.ordered - sum(units.values(), ZERO), ZERO)
                part = left if line is lines[-1] else min(left, room)
                if part > 0:
                    key = (line.line_id, line.sku)
                    content[key] = content.get(key, ZERO) + part
                    units[milestone] = units.get(milestone, ZERO) + part
                    left -= part
        return content
