"""Parcels from an order's shipments, with their units by order line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from domain.builders.parcels import Content, LineUnits, OrderedLine, parcel_lines
from domain.carriers.naming import carrier_named
from domain.milestones import STAGES, Milestone
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Parcel
from resources.oms.anchanto.parsing import Findings
from resources.oms.anchanto.payload import Shipment
from resources.oms.anchanto.statuses import StatusTable

LEFT = (Milestone.SHIPPED, Milestone.DELIVERED)


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
        self, shipments: Sequence[Shipment], lines: Sequence[OrderedLine], found: Findings
    ) -> Parcels:
        """Return the shipments that the store is to show, and how far all of them are.

        One that is packed has neither number nor carrier yet. A manifest says that a shipment has
        left, whatever its status is.
        """
        units, parcels, canceled = LineUnits(lines), [], []
        for place, shipment in enumerate(shipments):
            field = f"shipments[{place}]"
            milestone = self._milestone(shipment, field)
            if milestone is Milestone.CANCELED:
                canceled.append(text_of(shipment.shipment_number))
                continue
            content = units.take(_content(shipment, field, found), milestone)
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
        content: Content,
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
            lines=parcel_lines(content),
        )


def _content(shipment: Shipment, field: str, found: Findings) -> Iterator[tuple[str, Decimal]]:
    """Yield the units of a shipment by SKU."""
    if not shipment.items:
        found.unreadable(f"{field}.items", "A shipment has no items.")
    for item in shipment.items or ():
        sku, quantity = text_of(item.sku), found.number(item.quantity, f"{field}.items.quantity")
        if sku:
            yield sku, quantity
        else:
            found.unreadable(f"{field}.items.sku", "Units of a shipment have no SKU.")
