"""Parcels whose units may be of several lines: those of one SKU, in one group of the order. Pure.

An OMS that names SKUs and no lines has its units assigned to the lines in their order. What an
earlier parcel gets later, or loses, then moves the units of the others to other lines. In the store
those stay where they were shipped: moved there, too, they would be shipped again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from assets.delivery.target_state import OrderTargetState
from domain.exchange import ShipmentLine, ShipmentRequest
from domain.records.fulfilment import Fulfilment
from domain.skus import sku_key

Units = dict[str, int]
"""Line id -> units."""


def as_shipped(
    requests: Mapping[str, ShipmentRequest], fulfilment: Fulfilment, state: OrderTargetState
) -> dict[str, ShipmentRequest]:
    """Return the shipments of parcels with their units on the lines that the store has them on.

    What is new of a parcel goes to the lines that have room. ``requests`` by parcel and group. The
    units of each parcel and of each line stay the same.
    """
    found = dict(requests)
    by_sku: dict[str, list[str]] = {}
    for line in fulfilment.lines:
        by_sku.setdefault(sku_key(line.sku), []).append(line.line_id)
    shared = [lines for lines in by_sku.values() if len(lines) > 1]
    if not (shared and state.shipments):
        return found
    parcels = state.match_parcels(requests)
    for group_id in {request.group_id for request in requests.values()}:
        of_group = {key: r for key, r in requests.items() if r.group_id == group_id}
        held = {key: _held(parcels[key], state) for key in of_group}
        for lines in shared:
            found |= _kept({key: found[key] for key in of_group}, lines, held)
    return found


def _held(names: Sequence[str], state: OrderTargetState) -> Units:
    """Return what a parcel's shipments in the store have of each line."""
    units: Units = {}
    for name in names:
        for line_id, number in state.shipments[name].units.items():
            units[line_id] = units.get(line_id, 0) + number
    return units


def _kept(
    requests: Mapping[str, ShipmentRequest], lines: Sequence[str], shown: Mapping[str, Units]
) -> dict[str, ShipmentRequest]:
    """Return the shipments with the lines' units as ``shown``; none if what is asked for fits."""
    asked = {key: {i: _units_of(r, i) for i in lines} for key, r in requests.items()}
    held = {key: {i: shown[key].get(i, 0) for i in lines} for key in requests}
    lines = [i for i in lines if any(units[i] for one in (asked, held) for units in one.values())]
    if all(held[key][i] <= units[i] for key, units in asked.items() for i in lines):
        return {}
    fits = {key for key, units in asked.items() if sum(held[key].values()) <= sum(units.values())}
    placed = {key: dict(held[key]) if key in fits else units for key, units in asked.items()}
    room = {i: sum(asked[key][i] - units[i] for key, units in placed.items()) for i in lines}
    changed: dict[str, ShipmentRequest] = {}
    for key, units in placed.items():
        left = sum(asked[key].values()) - sum(units.values())
        for line_id in lines:
            part = left if line_id == lines[-1] else min(left, max(room[line_id], 0))
            units[line_id] += part
            room[line_id] -= part
            left -= part
        changed[key] = _with(requests[key], units)
    return changed


def _units_of(request: ShipmentRequest, line_id: str) -> int:
    return sum(line.quantity for line in request.lines if line.line_id == line_id)


def _with(request: ShipmentRequest, units: Units) -> ShipmentRequest:
    """Return a shipment with other units of some lines."""
    lines = [line for line in request.lines if line.line_id not in units]
    lines += [ShipmentLine(line_id, number) for line_id, number in units.items() if number]
    return replace(request, lines=tuple(sorted(lines, key=lambda line: line.line_id)))
