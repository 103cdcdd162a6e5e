"""From parcels to shipments: what the store is asked to create for each parcel. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from domain.connections import UomRule
from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.records.fulfilment import Fulfilment, Parcel, ParcelLine
from domain.records.orders import ONE
from resources.ledger.rows import KnownLine

Lines = Mapping[str, KnownLine]
"""Line id -> line of the store's order."""


def shipment_requests(
    fulfilment: Fulfilment, lines: Lines | None, uom_rules: Mapping[str, UomRule]
) -> dict[str, ShipmentRequest]:
    """Return parcel and group -> shipment; ``lines`` is ``None`` for an order never captured.

    Raises ``RecordRejected``.
    """
    return {
        f"{parcel.parcel_id}/{request.group_id}": request
        for parcel in fulfilment.parcels
        for request in _of_parcel(fulfilment, parcel, lines, uom_rules)
    }


def not_shipped(lines: Lines | None) -> frozenset[str]:
    """Return the lines that never leave in a parcel; none where the order was never captured."""
    return frozenset(line_id for line_id, line in (lines or {}).items() if not line.is_shipped)


def _of_parcel(
    fulfilment: Fulfilment, parcel: Parcel, lines: Lines | None, uom_rules: Mapping[str, UomRule]
) -> list[ShipmentRequest]:
    """Split a parcel by the store's addresses: one shipment belongs to one order address."""
    if lines is None:
        raise RecordRejected(
            Problem(
                "order_not_captured",
                "OrderId",
                f"The OMS shipped order {fulfilment.order_id}, which was never captured.",
                "Replay the orders stream over the day the order was placed, then rerun this "
                "partition.",
                fulfilment.order_id,
            )
        )
    groups: dict[str, list[ShipmentLine]] = {}
    for content in parcel.lines:
        if content.line_id not in lines:
            raise RecordRejected(
                Problem(
                    "line_not_in_store",
                    f"parcels[{parcel.parcel_id}].lines[{content.line_id}]",
                    "The store's order has no such line.",
                    "Check whether the order was edited at the OMS.",
                    content.line_id,
                )
            )
        line = lines[content.line_id]
        if line.is_shipped:
            units = _units(content, line, uom_rules)
            groups.setdefault(line.group_id, []).append(ShipmentLine(content.line_id, units))
    return [
        ShipmentRequest(
            fulfilment.source_id,
            group,
            tuple(sorted(content, key=lambda line: line.line_id)),
            parcel.tracking_number,
            parcel.carrier,
            parcel.service,
            parcel.carrier_source,
        )
        for group, content in sorted(groups.items())
    ]


def _units(content: ParcelLine, line: KnownLine, uom_rules: Mapping[str, UomRule]) -> int:
    """Convert the OMS's units to the store's, by the factor that the order was sent with.

    A rule that changed since then applies to later orders.
    """
    factor = line.factor
    if factor is None:
        rule = uom_rules.get(content.sku)
        factor = rule.factor if rule is not None else ONE
    units = content.quantity / factor
    if units != units.to_integral_value():
        raise RecordRejected(
            Problem(
                "quantity_not_whole",
                f"parcels.lines[{content.line_id}].quantity",
                f"{content.quantity} OMS units are not a whole number of store units, of which "
                f"each is {factor}.",
                "Check orders.uom_rules of the SKU.",
                str(content.quantity),
            )
        )
    return int(units)
