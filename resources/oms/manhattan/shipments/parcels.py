"""Parcels from an order's fulfilment details, grouped by package. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from domain.carriers.carriers import normalise_carrier
from domain.carriers.tracking import carrier_from_tracking, proven_carrier
from domain.parsing.vendor_documents import text_of
from domain.records.fulfilment import Parcel, ParcelLine
from resources.oms.manhattan.parsing import Findings, Id
from resources.oms.manhattan.payload import FulfillmentDetail, Line, PublishedOrder, Tracking
from resources.oms.manhattan.statuses import CANCELED, FIRST_RETURN, SHIPPED

PackageKey: TypeAlias = tuple[str, str]
"""A parcel's id and its tracking number."""
MAP_CARRIER = "Map the OMS's carrier code under shipments.carriers."
NAME_CARRIER = "Have the OMS name the carrier."


class ParcelMapper:
    """Maps parcels by one connection's carrier codes."""

    def __init__(self, carriers: Mapping[str, str], no_parcel: frozenset[str]) -> None:
        self._carriers = {code.strip().casefold(): carrier for code, carrier in carriers.items()}
        self._no_parcel = no_parcel
        """Delivery methods that reach the customer without a parcel: pick-up and e-mail."""

    def parcels(
        self, order: PublishedOrder, lines: list[Line], problems: Findings
    ) -> tuple[Parcel, ...]:
        """Return the order's parcels, each once; a carrier that stays unclear is a warning."""
        contents = self._contents(lines, problems)
        packages = Counter(package for package, _ in contents)
        tracking = _TrackingInfo(order.order_tracking_info or [])
        return tuple(
            self._parcel(
                package if packages[package] == 1 else f"{package}/{number}",
                number,
                content,
                tracking.find(number, content[0][1].package_id),
                problems,
            )
            for (package, number), content in contents.items()
        )

    def _contents(
        self, lines: list[Line], problems: Findings
    ) -> dict[PackageKey, list[tuple[Line, FulfillmentDetail]]]:
        """Return the shipped details of each parcel; a detail that is listed twice counts once."""
        contents: dict[PackageKey, list[tuple[Line, FulfillmentDetail]]] = {}
        seen: set[tuple[str, ...]] = set()
        for line in lines:
            if self._has_no_parcel(line):
                continue
            for position, detail in enumerate(line.fulfillment_detail or ()):
                identity = _identity(line, detail, position)
                if _is_shipped(detail, problems) and identity not in seen:
                    seen.add(identity)
                    contents.setdefault(_package(detail, identity), []).append((line, detail))
        return contents

    def _has_no_parcel(self, line: Line) -> bool:
        method = line.delivery_method
        name = method if isinstance(method, str) or method is None else method.delivery_method_id
        return text_of(name) in self._no_parcel

    def _parcel(
        self,
        parcel_id: str,
        number: str,
        content: list[tuple[Line, FulfillmentDetail]],
        tracking: Tracking,
        problems: Findings,
    ) -> Parcel:
        first = content[0][1]
        code = text_of(first.carrier_code) or text_of(tracking.carrier_code)
        shipped_at = first.fulfillment_date or tracking.shipped_date
        quantities: dict[tuple[str, str], Decimal] = {}
        for line, detail in content:
            key = (text_of(line.order_line_id), text_of(line.item_id) or text_of(detail.item_id))
            units = problems.number(detail.quantity, "FulfillmentDetail.Quantity")
            quantities[key] = quantities.get(key, Decimal(0)) + units
        return Parcel(
            parcel_id=parcel_id,
            tracking_number=number,
            carrier=self._carrier(code, number, problems),
            carrier_source=code,
            service=text_of(first.service_level_code) or text_of(first.ship_via_id),
            shipped_at=problems.moment(shipped_at, "FulfillmentDate"),
            delivered_at=problems.moment(
                tracking.delivered_date, "OrderTrackingInfo.DeliveredDate"
            ),
            lines=tuple(
                ParcelLine(line_id=line_id, sku=sku, quantity=units)
                for (line_id, sku), units in quantities.items()
            ),
        )

    def _carrier(self, code: str, number: str, problems: Findings) -> str | None:
        """Return our code for the carrier that the OMS names, by the connection's or our names.

        Only where the OMS names none, the number counts, if its check digit proves one carrier. A
        named carrier that is not known goes to the store as the OMS's text.
        """
        field = "FulfillmentDetail.CarrierCode"
        if code:
            carrier = self._carriers.get(code.casefold()) or normalise_carrier(code)
            if carrier is None:
                text = (
                    "The OMS's carrier is not known; it goes to the store as text, without a link."
                )
                problems.warn("carrier_unknown", field, text, MAP_CARRIER, code)
            return carrier
        candidates = carrier_from_tracking(number) if number else ()
        if (proven := proven_carrier(number)) is not None:
            return proven
        if len(candidates) > 1:
            text = f"The tracking number fits several carriers: {', '.join(candidates)}."
            problems.warn("carrier_ambiguous", field, text, NAME_CARRIER, number)
        elif number:
            text = "The OMS names no carrier, and the tracking number proves none."
            problems.warn("carrier_unknown", field, text, NAME_CARRIER, number)
        return None


class _TrackingInfo:
    """An order's tracking entries by number and by package; of several the first counts."""

    def __init__(self, entries: list[Tracking]) -> None:
        self._by_number: dict[str, Tracking] = {}
        self._by_package: dict[str, Tracking] = {}
        for entry in entries:
            self._by_number.setdefault(text_of(entry.tracking_number), entry)
            self._by_package.setdefault(text_of(entry.package_id), entry)

    def find(self, number: str, package_id: Id) -> Tracking:
        """Return a parcel's entry by its number, else by its package; an empty one if none."""
        found = self._by_number.get(number) if number else None
        if found is None and package_id is not None:
            found = self._by_package.get(text_of(package_id))
        return found or Tracking()


def _is_shipped(detail: FulfillmentDetail, problems: Findings) -> bool:
    """Return whether the units left; a detail without status is created when they do."""
    if detail.status_id is None:
        return True
    status = problems.number(detail.status_id, "FulfillmentDetail.StatusId")
    return SHIPPED <= status < FIRST_RETURN and status // 1 != CANCELED


def _identity(line: Line, detail: FulfillmentDetail, position: int) -> tuple[str, ...]:
    """Return what identifies a detail that is listed twice.

    Its id, else package, line and tracking number, else its position.
    """
    if detail_id := text_of(detail.fulfillment_detail_id):
        return (detail_id,)
    package, number = text_of(detail.package_id), text_of(detail.tracking_number)
    line_id = text_of(line.order_line_id)
    if package or number:
        return (package, line_id, number)
    return ("", line_id, text_of(detail.fulfillment_id), str(position))


def _package(detail: FulfillmentDetail, identity: tuple[str, ...]) -> PackageKey:
    """Return a parcel's key; without a package id, by another id that its lines share."""
    number = text_of(detail.tracking_number)
    package = (
        text_of(detail.package_id)
        or text_of(detail.shipment_id)
        or number
        or text_of(detail.fulfillment_id)
        or "/".join(identity)
    )
    return package, number
