"""The shipments that an order's parcels are in the store: each parcel split by the store's addresses, in the store's units. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.connections import UomRule
from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.fulfilment import Fulfilment, Parcel

Lines = Mapping[str, tuple[str, str]]
"""Line id -> (group id, kind) of the store's order."""


def shipment_requests(fulfilment: Fulfilment, lines: Lines | None, uom_rules: Mapping[str, UomRule]) -> dict[str, ShipmentRequest]:
    """Return parcel and group -> shipment. Raises ``RecordRejected``; ``lines`` of ``None`` are those of an order that nobody captured."""
    return {
        f"{parcel.parcel_id}/{request.group_id}": request
        for parcel in fulfilment.parcels
        for request in _of_parcel(fulfilment, parcel, lines, uom_rules)
    }


def _of_parcel(fulfilment: Fulfilment, parcel: Parcel, lines: Lines | None, uom_rules: Mapping[str, UomRule]) -> list[ShipmentRequest]:
    """Split a parcel by the store's addresses: one shipment belongs to one order address."""
    if lines is None:
        raise RecordRejected(
            Problem(
                "order_not_captured", "OrderId", f"The OMS shipped order {fulfilment.order_id}, which was never taken from the store.",
                "Replay the orders stream over the day the order was placed, then rerun this partition.", fulfilment.order_id,
            )
        )  # fmt: skip
    groups: dict[str, list[ShipmentLine]] = {}
    for content in parcel.lines:
        if content.line_id not in lines:
            raise RecordRejected(
                Problem(
                    "line_not_in_store", f"parcels[{parcel.parcel_id}].lines[{content.line_id}]", "The store's order has no such line.",
                    "Check whether the order was edited at the OMS.", content.line_id,
                )
            )  # fmt: skip
        group, kind = lines[content.line_id]
        if kind == "physical":
            units = _units(content.quantity, content.sku, content.line_id, uom_rules)
            groups.setdefault(group, []).append(ShipmentLine(content.line_id, units))
    return [
        ShipmentRequest(fulfilment.source_id, group, tuple(sorted(held, key=lambda line: line.line_id)), parcel.tracking_number,
                        parcel.carrier, parcel.service)
        for group, held in sorted(groups.items())
    ]  # fmt: skip


def _units(quantity: Decimal, sku: str, line_id: str, uom_rules: Mapping[str, UomRule]) -> int:
    rule = uom_rules.get(sku)
    units = quantity / (rule.factor if rule else 1)
    if units != units.to_integral_value():
        raise RecordRejected(
            Problem(
                "quantity_not_whole", f"parcels.lines[{line_id}].quantity", f"{quantity} OMS units are no whole number of store units.",
                "Check orders.uom_rules of the SKU.", str(quantity),
            )
        )  # fmt: skip
    return int(units)
