"""Parcels from an order's fulfilment details: grouped by package, told apart by ids, carriers in our codes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import tzinfo
from decimal import Decimal

from domain.carriers.carriers import normalise_carrier
from domain.carriers.tracking import carrier_from_tracking
from domain.errors import Problem
from domain.records.fulfilment import Parcel, ParcelLine
from resources.oms.manhattan.payload import (
    FulfillmentDetail,
    Id,
    Line,
    PublishedOrder,
    Tracking,
    moment_of,
    text_of,
    to_number,
)
from resources.oms.manhattan.statuses import RETURNS_BEGIN, SHIPPED

CANCELED_DETAIL = Decimal(9000)


class ParcelMapper:
    """Collects parcels by one connection's carrier codes."""

    def __init__(
        self, carriers: Mapping[str, str], without_parcel: frozenset[str], zone: tzinfo
    ) -> None:
        self._carriers = {code.strip().casefold(): carrier for code, carrier in carriers.items()}
        self._without_parcel = without_parcel
        self._zone = zone

    def parcels(
        self, order: PublishedOrder, lines: list[Line], warnings: list[Problem]
    ) -> tuple[Parcel, ...]:
        """Return the order's parcels, each once; what remains unclear about a carrier is added to ``warnings``."""
        contents: dict[tuple[str, str], list[tuple[Line, FulfillmentDetail]]] = {}
        seen: set[tuple[str, ...]] = set()
        for line in lines:
            if self._goes_without(line):
                continue
            for place, detail in enumerate(line.fulfillment_detail or ()):
                if not _went_out(detail):
                    continue
                identity = _identity(line, detail, place)
                if identity not in seen:
                    seen.add(identity)
                    contents.setdefault(_package(detail, identity), []).append((line, detail))
        packages = Counter(package for package, _ in contents)
        known = _Known(order.order_tracking_info or [])
        return tuple(
            self._parcel(
                package if packages[package] == 1 else f"{package}/{number}",
                number,
                content,
                known,
                warnings,
            )
            for (package, number), content in contents.items()
        )

    def _goes_without(self, line: Line) -> bool:
        """Tell whether a line reaches the customer without a parcel: picked up or sent by e-mail."""
        method = line.delivery_method
        name = method if isinstance(method, str) or method is None else method.delivery_method_id
        return text_of(name) in self._without_parcel

    def _parcel(
        self,
        parcel_id: str,
        number: str,
        content: list[tuple[Line, FulfillmentDetail]],
        known: _Known,
        warnings: list[Problem],
    ) -> Parcel:
        first = content[0][1]
        tracking = known.of(number, first.package_id)
        code = text_of(first.carrier_code) or text_of(tracking.carrier_code)
        quantities: dict[tuple[str, str], Decimal] = {}
        for line, detail in content:
            key = (text_of(line.order_line_id), text_of(line.item_id) or text_of(detail.item_id))
            quantities[key] = quantities.get(key, Decimal(0)) + to_number(
                detail.quantity, "FulfillmentDetail.Quantity"
            )
        return Parcel(
            parcel_id=parcel_id,
            tracking_number=number,
            carrier=self._carrier(code, number, warnings),
            carrier_source=code,
            service=text_of(first.service_level_code) or text_of(first.ship_via_id),
            shipped_at=moment_of(
                first.fulfillment_date or tracking.shipped_date, "FulfillmentDate", self._zone
            ),
            delivered_at=moment_of(
                tracking.delivered_date, "OrderTrackingInfo.DeliveredDate", self._zone
            ),
            lines=tuple(
                ParcelLine(line_id=line, sku=sku, quantity=units)
                for (line, sku), units in quantities.items()
            ),
        )

    def _carrier(self, code: str, number: str, warnings: list[Problem]) -> str | None:
        """Return the connection's code for the OMS's, else the built-in one, else the only one that the number can belong to."""
        if code:
            carrier = self._carriers.get(code.casefold()) or normalise_carrier(code)
            if carrier:
                return carrier
        candidates = carrier_from_tracking(number) if number else ()
        if len(candidates) == 1:
            return candidates[0]
        advice = (
            "Map the OMS's carrier code under shipments.carriers, or have the OMS name the carrier."
        )
        if candidates:
            text = f"The tracking number fits several carriers: {', '.join(candidates)}."
            warnings.append(
                Problem("carrier_ambiguous", "FulfillmentDetail.CarrierCode", text, advice, number)
            )
        elif code or number:
            text = "Neither the carrier code nor the tracking number names a known carrier."
            warnings.append(
                Problem(
                    "carrier_unknown", "FulfillmentDetail.CarrierCode", text, advice, code or number
                )
            )
        return None


class _Known:
    """What an order tells of its tracking numbers, by number and by package; of several entries the first counts."""

    def __init__(self, entries: list[Tracking]) -> None:
        self._by_number: dict[str, Tracking] = {}
        self._by_package: dict[str, Tracking] = {}
        for entry in entries:
            self._by_number.setdefault(text_of(entry.tracking_number), entry)
            self._by_package.setdefault(text_of(entry.package_id), entry)

    def of(self, number: str, package_id: Id) -> Tracking:
        """Return what is known of a parcel by its number, else by its package; an empty entry where nothing is."""
        found = self._by_number.get(number) if number else None
        if found is None and package_id is not None:
            found = self._by_package.get(text_of(package_id))
        return found or Tracking()


def _went_out(detail: FulfillmentDetail) -> bool:
    """Tell whether a detail is of goods that left; a detail without status was made when they did."""
    if detail.status_id is None:
        return True
    status = to_number(detail.status_id, "FulfillmentDetail.StatusId")
    return SHIPPED <= status < RETURNS_BEGIN and status // 1 != CANCELED_DETAIL


def _identity(line: Line, detail: FulfillmentDetail, place: int) -> tuple[str, ...]:
    """Return what makes a detail the same when seen twice: its id, else package, line and tracking number, else its place."""
    if detail_id := text_of(detail.fulfillment_detail_id):
        return (detail_id,)
    package, number = text_of(detail.package_id), text_of(detail.tracking_number)
    line_id = text_of(line.order_line_id)
    return (
        (package, line_id, number)
        if package or number
        else ("", line_id, text_of(detail.fulfillment_id), str(place))
    )


def _package(detail: FulfillmentDetail, identity: tuple[str, ...]) -> tuple[str, str]:
    """Return a parcel's id and tracking number; without a package's id, what else is the same for all of a parcel's lines."""
    number = text_of(detail.tracking_number)
    parcel = (
        text_of(detail.package_id)
        or text_of(detail.shipment_id)
        or number
        or text_of(detail.fulfillment_id)
        or "/".join(identity)
    )
    return parcel, number
