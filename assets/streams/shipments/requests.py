"""From parcels to shipments: what the store is asked to create for each parcel. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from domain.errors import Problem, RecordRejected
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.policies import UomRule
from domain.records.fulfilment import Fulfilment, Parcel, ParcelLine
from domain.records.orders import ONE
from domain.skus import BySku
from resources.ledger.rows import KnownLine

Lines = Mapping[str, KnownLine]
"""Line id -> line of the store's order."""


class Shipments(NamedTuple):
    """The shipments of an order's parcels, and why parcels that are kept back have none."""

    by_parcel: dict[str, ShipmentRequest]
    """Parcel and group -> shipment."""
    problems: tuple[Problem, ...]


def shipment_requests(
    fulfilment: Fulfilment, lines: Lines | None, uom_rules: BySku[UomRule]
) -> Shipments:
    """Return an order's shipments; ``lines`` is ``None`` for an order never captured.

    A parcel that cannot be expressed keeps only itself back. Raises ``RecordRejected`` for an order
    that was never captured.
    """
    requests: dict[str, ShipmentRequest] = {}
    problems: list[Problem] = []
    for parcel in fulfilment.parcels:
        if lines is None:
            raise RecordRejected(_not_captured(fulfilment.order_id))
        try:
            for request in _of_parcel(fulfilment, parcel, lines, uom_rules):
                requests[f"{parcel.parcel_id}/{request.group_id}"] = request
        except RecordRejected as refusal:
            problems += refusal.problems
    return Shipments(requests, tuple(problems))


def not_shipped(lines: Lines | None) -> frozenset[str]:
    """Return the lines that never leave in a parcel; none where the order was never captured."""
    return frozenset(line_id for line_id, line in (lines or {}).items() if not line.is_shipped)


def _not_captured(order_id: str) -> Problem:
    return Problem(
        "order_not_captured",
        "order_id",
        f"The OMS shipped order {order_id}, which was never captured.",
        "Capture the order with 'lockstep sync-orders' and its id, then retry this rejection.",
        order_id,
    )


def _of_parcel(
    fulfilment: Fulfilment, parcel: Parcel, lines: Lines, uom_rules: BySku[UomRule]
) -> list[ShipmentRequest]:
    """Split a parcel by the store's addresses: one shipment belongs to one order address."""
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
            units = _units(parcel.parcel_id, content, line, uom_rules)
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


def _units(parcel_id: str, content: ParcelLine, line: KnownLine, uom_rules: BySku[UomRule]) -> int:
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
                f"parcels[{parcel_id}].lines[{content.line_id}].quantity",
                f"The parcel holds {content.quantity:f} of the OMS's units of {content.sku}, and "
                f"the store's unit is {factor:f} of them, so the store can't show the parcel; the "
                "order's other parcels and its status are sent.",
                "Create the shipment in the store by hand and discard this rejection. If no parcel "
                "of the SKU can be shown, correct its rule in orders.uom_rules.",
                str(content.quantity),
            )
        )
    return int(units)
