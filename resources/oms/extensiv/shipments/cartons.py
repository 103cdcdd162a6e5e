"""Parcels from an order's shipments: one for each carton, with its units by order line. Pure.

A shipment names SKUs and no lines, so its units go to the order's lines of that SKU in their order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from decimal import Decimal
from typing import NamedTuple

from domain.carriers.naming import carrier_named
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Parcel, ParcelLine
from domain.skus import sku_key
from resources.oms.extensiv.parsing import Findings
from resources.oms.extensiv.payload import Shipment, ShipmentItem

ZERO = Decimal(0)


class Line(NamedTuple):
    """An ordered line with its units."""

    line_id: str
    sku: str
    ordered: Decimal


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
        self, shipments: Sequence[Shipment], lines: Sequence[Line], found: Findings
    ) -> Cartons:
        """Return the parcels in their order; what a shipment lists twice counts once."""
        units = _Units(lines)
        contents = _contents(shipments, found)
        names: set[str] = set()
        parcels = []
        for (name, place), items in contents.items():
            # Two shipments of one carton number are two parcels; the first one's name stays.
            parcel_id = f"{name}/{place + 1}" if name in names else name
            names.add(name)
            content = units.take(items, found)
            if content:
                parcels.append(self._parcel(parcel_id, shipments[place], content, found))
        return Cartons(tuple(parcels), units.shipped)

    def _parcel(
        self,
        parcel_id: str,
        shipment: Shipment,
        content: Mapping[tuple[str, str], Decimal],
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
            lines=tuple(
                ParcelLine(line_id=line_id, sku=sku, quantity=quantity)
                for (line_id, sku), quantity in content.items()
            ),
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


class _Units:
    """The units of the order's lines, as shipments take them."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.shipped: dict[str, Decimal] = {line.line_id: ZERO for line in lines}
        self._lines: dict[str, list[Line]] = {}
        for line in lines:
            self._lines.setdefault(sku_key(line.sku), []).append(line)

    def take(
        self, items: Sequence[ShipmentItem], found: Findings
    ) -> dict[tuple[str, str], Decimal]:
        """Return a carton's units by line and SKU; of a SKU that was not ordered the line is it."""
        content: dict[tuple[str, str], Decimal] = {}
        for item in items:
            sku = text_of(item.item)
            left = found.number(item.quantity, "shipments.items.quantity")
            if not sku:
                found.unreadable("shipments.items.item", "Units of a shipment have no SKU.")
                continue
            lines = self._lines.get(sku_key(sku)) or [Line(sku, sku, ZERO)]
            for line in lines:
                is_last = line is lines[-1]
                room = line.ordered - self.shipped.get(line.line_id, ZERO)
                part = left if is_last else min(left, max(room, ZERO))
                if part > 0:
                    key = (line.line_id, line.sku)
                    content[key] = content.get(key, ZERO) + part
                    self.shipped[line.line_id] = self.shipped.get(line.line_id, ZERO) + part
                    left -= part
        return content
