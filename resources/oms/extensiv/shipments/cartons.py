"""Parcels from an order's shipments: one for each carton, with its units by order line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import NamedTuple

from domain.builders.parcels import Content, LineUnits, OrderedLine, parcel_lines
from domain.carriers.naming import carrier_named
from domain.milestones import Milestone
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Parcel
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import Shipment, ShipmentItem


class Cartons(NamedTuple):
    """An order's parcels, and the units that left, by line."""

    parcels: tuple[Parcel, ...]
    shipped: Mapping[str, Decimal]


class CartonMapper:
    """Maps shipments by one connection's carrier codes; their dates name no zone."""

    def __init__(self, carriers: Mapping[str, str], zone: tzinfo) -> None:
        self._zone = zone
        self._carriers = {code.strip().casefold(): carrier for code, carrier in carriers.items()}

    def cartons(
        self, shipments: Sequence[Shipment], lines: Sequence[OrderedLine], found: Findings
    ) -> Cartons:
        """Return the parcels in their order; what a shipment lists twice counts once."""
        units = LineUnits(lines)
        contents = _contents(shipments, found)
        names: set[str] = set()
        parcels = []
        for (name, place), items in contents.items():
            # Two shipments of one carton number are two parcels; the first one's name stays.
            parcel_id = f"{name}/{place + 1}" if name in names else name
            names.add(name)
            content = units.take(_units_in(items, found), Milestone.SHIPPED)
            if content:
                parcels.append(self._parcel(parcel_id, shipments[place], content, found))
        return Cartons(tuple(parcels), units.totals())

    def _parcel(
        self,
        parcel_id: str,
        shipment: Shipment,
        content: Content,
        found: Findings,
    ) -> Parcel:
        number, name = text_of(shipment.tracking_no), text_of(shipment.carrier)
        return Parcel(
            parcel_id=parcel_id,
            tracking_number=number,
            carrier=carrier_named(
                [name], number, self._carriers, "shipments.carrier", "Extensiv", found
            ),
            carrier_source=name,
            service=text_of(shipment.method),
            shipped_at=found.moment(shipment.date, "shipments.date", self._zone),
            lines=parcel_lines(content),
        )


def _contents(
    shipments: Sequence[Shipment], found: Findings
) -> dict[tuple[str, int], list[ShipmentItem]]:
    """Return the items of each carton, by its name and its shipment's place."""
    contents: dict[tuple[str, int], list[ShipmentItem]] = {}
    seen: set[tuple[str, ...]] = set()
    for place, shipment in enumerate(shipments):
        if not shipment.items:
            found.unreadable(f"shipments[{place}].items", "A shipment has no items.")
        for item in shipment.items or ():
            number, sku = text_of(shipment.tracking_no), text_of(item.item)
            carton = (text_of(item.carton_code), text_of(item.carton_num))
            # The vendor's own identity of what is listed twice; without number and carton none.
            identity = (number, sku, *carton, text_of(item.lot_code), str(item.quantity))
            if (number or any(carton)) and identity in seen:
                continue
            seen.add(identity)
            contents.setdefault((_name_of(shipment, item, place), place), []).append(item)
    return contents


def _name_of(shipment: Shipment, item: ShipmentItem, place: int) -> str:
    """Return what names a carton at each reading, whatever tracking number it gets later."""
    code = text_of(item.carton_code) or text_of(shipment.sscc_barcode)
    if code:
        return code
    number = text_of(item.carton_num)
    return f"carton-{number}" if number else f"shipment-{place + 1}"


def _units_in(items: Sequence[ShipmentItem], found: Findings) -> Iterator[tuple[str, Decimal]]:
    """Yield the units of a carton by SKU."""
    for item in items:
        sku, quantity = text_of(item.item), found.number(item.quantity, "shipments.items.quantity")
        if sku:
            yield sku, quantity
        else:
            found.unreadable("shipments.items.item", "Units of a shipment have no SKU.")
