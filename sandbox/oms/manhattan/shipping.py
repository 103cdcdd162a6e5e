"""Shipping: packages with tracking, and their effect on lines, releases and stock (oms.md 1.7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.kit.tracking_numbers import CARRIERS, tracking_number
from sandbox.oms.manhattan.clock import to_iso, to_ms
from sandbox.oms.manhattan.fulfilment import NO_PARCEL, count_released, record_milestone
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import FULFILLED, RELEASED, to_text, units_of
from sandbox.oms.manhattan.stock import as_decimal, as_number

Json = dict[str, Any]

_TRANSIT = timedelta(days=4)
_SERVICE = {"UPS": "GROUND", "FEDEX": "EXPRESS", "USPS": "PRIORITY", "DHL": "WORLDWIDE"}


@dataclass(slots=True)
class Portion:
    """A quantity of one unit entry of one line, to be shipped."""

    line: Json
    unit: Json
    quantity: Decimal


@dataclass(slots=True)
class Package:
    """What ships together.

    ``tracking`` None = a generated number; ``names_carrier`` False = no CarrierCode in the answer.
    """

    portions: list[Portion] = field(default_factory=list)
    carrier: str | None = "UPS"
    tracking: str | None = None
    names_carrier: bool = True
    is_labelled: bool = True
    """False: the parcel ships without a tracking number, which follows later or never."""


def shippable(order: Json) -> list[Portion]:
    """List the released units of an order."""
    return [
        Portion(line, unit, as_decimal(unit["Quantity"]))
        for line in order["OrderLine"]
        for status, unit in units_of(line)
        if RELEASED <= status < FULFILLED
    ]


def parcels_of(portions: list[Portion], rng: Random, no_carrier_rate: float) -> Package:
    """Put portions into one package with a carrier drawn from ``rng``."""
    return Package(portions, rng.choice(CARRIERS), None, rng.random() >= no_carrier_rate)


def split(portions: list[Portion]) -> list[list[Portion]]:
    """Divide portions into packages, one per portion; a single portion is halved if it can be."""
    if len(portions) > 1:
        return [[portion] for portion in portions]
    half = portions[0].quantity // 2
    if half < 1:
        return [portions]
    first, rest = portions[0], portions[0].quantity - half
    return [[Portion(first.line, first.unit, half)], [Portion(first.line, first.unit, rest)]]


def ship(state: State, order: Json, packages: list[Package], now: str) -> int:
    """Ship packages out of a loaded order and return how many parcels a carrier took."""
    parcels = 0
    for package in packages:
        by_parcel = [p for p in package.portions if not _no_parcel(p.line)]
        without = [p for p in package.portions if _no_parcel(p.line)]
        for portion in without:
            _fulfil(state, order, portion, {}, now)
        if by_parcel:
            parcels += 1
            label = _label(state, order, package)
            for portion in by_parcel:
                _fulfil(state, order, portion, label, now)
            order.setdefault("OrderTrackingInfo", []).append(_tracking_info(label, now))
    if packages:
        record_milestone(order, "Fulfilled", now)
    return parcels


def _no_parcel(line: Json) -> bool:
    return (line.get("DeliveryMethod") or {}).get("DeliveryMethodId") in NO_PARCEL


def _label(state: State, order: Json, package: Package) -> Json:
    serial = state.next_serial()
    carrier = package.carrier
    number = (
        package.tracking or tracking_number(carrier if carrier in CARRIERS else "UPS", serial)
        if package.is_labelled
        else None
    )
    named = package.names_carrier and carrier is not None
    return {
        "PackageId": f"{order['OrderId']}-P{serial}",
        "ShipmentId": f"{order['OrderId']}-S{serial}",
        "TrackingNumber": number,
        "CarrierCode": carrier if named else None,
        "ServiceLevelCode": _SERVICE.get(carrier or "") if named else None,
        "ShipViaId": f"{carrier}_{_SERVICE.get(carrier or '', 'STANDARD')}" if named else None,
        "ReturnTrackingNumber": None,
    }


def _tracking_info(label: Json, now: str) -> Json:
    return {
        "PackageId": label["PackageId"],
        "TrackingNumber": label["TrackingNumber"],
        "CarrierCode": label["CarrierCode"],
        "ShippedDate": now,
        "DeliveredDate": None,
        "EstimatedDeliveryDate": to_iso(to_ms(now) + _TRANSIT // timedelta(milliseconds=1)),
        "PackageStatus": {"PackageStatusId": "Shipped"},
    }


def relabel(order: Json, package_id: str, tracking: str | None, carrier: str | None) -> int:
    """Give a package another tracking number and carrier; return how many entries changed."""
    entries = [
        detail for line in order["OrderLine"] for detail in line.get("FulfillmentDetail") or ()
    ]
    entries += order.get("OrderTrackingInfo") or ()
    chosen = [entry for entry in entries if entry.get("PackageId") == package_id]
    for entry in chosen:
        entry |= {"TrackingNumber": tracking, "CarrierCode": carrier}
    return len(chosen)


def _fulfil(state: State, order: Json, portion: Portion, label: Json, now: str) -> None:
    line, unit, quantity = portion.line, portion.unit, as_number(portion.quantity)
    details = line.setdefault("FulfillmentDetail", [])
    release_id, release_line_id = unit["ReleaseId"], unit["ReleaseLineId"]
    identity = f"{order['OrderId']}-{line['OrderLineId']}-F{len(details) + 1}"
    details.append(
        {
            "FulfillmentId": label.get("ShipmentId", identity),
            "FulfillmentDetailId": identity,
            "ItemId": line["ItemId"],
            "Quantity": quantity,
            "UOM": line["UOM"],
            "StatusId": to_text(FULFILLED, decimals=state.settings.status_style != "plain"),
            **label,
            "PackageDetailId": f"{label['PackageId']}-{line['OrderLineId']}" if label else None,
            "SerialNumber": None,
            "FulfillmentDate": now,
            "ReleaseId": release_id,
            "ReleaseLineId": release_line_id,
        }
    )
    take_units(line, unit, portion.quantity)
    line["QuantityDetail"].append({**unit, "StatusId": str(FULFILLED), "Quantity": quantity})
    count_released(order, unit, "FulfilledQuantity", portion.quantity)
    state.stock.consume(line["ItemId"], unit["ShipFromLocationId"], portion.quantity)


def take_units(line: Json, unit: Json, quantity: Decimal) -> None:
    """Take a quantity out of a unit entry, which is removed when empty."""
    unit["Quantity"] = as_number(as_decimal(unit["Quantity"]) - quantity)
    if unit["Quantity"] == 0:
        line["QuantityDetail"] = [entry for entry in line["QuantityDetail"] if entry is not unit]
