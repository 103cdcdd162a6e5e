"""The steps before shipping: allocate, release, pick, pack (oms.md 1.6 and 1.7)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.oms.manhattan.clock import to_ms
from sandbox.oms.manhattan.state import State
from sandbox.oms.manhattan.statuses import (
    ALLOCATED,
    BACK_ORDERED,
    DELIVERED,
    FULFILLED,
    IN_PROCESS,
    PACKED,
    PICKED,
    RELEASED,
    base_status,
    units_of,
)
from sandbox.oms.manhattan.stock import ZERO, as_decimal, as_number

Json = dict[str, Any]


def allocate(state: State, order: Json, now: str) -> bool:
    """Assign locations to open units or back-order them, and return whether any moved."""
    taken: dict[tuple[str, str], Decimal] = {}
    moved = False
    for line in order["OrderLine"]:
        units: list[Json] = []
        for status, unit in units_of(line):
            if status >= ALLOCATED:
                units.append(unit)
                continue
            parts = _place(state, line, as_decimal(unit["Quantity"]), taken)
            if [location for location, _ in parts] == [None] and base_status(
                status
            ) == BACK_ORDERED:
                units.append(unit)
                continue
            units += [_unit(location, quantity) for location, quantity in parts]
            moved = True
        line["QuantityDetail"] = units
    if moved:
        record_milestone(order, "Allocated", now)
    return moved


def _unit(location: str | None, quantity: Decimal) -> Json:
    if location is None:
        return {"StatusId": str(BACK_ORDERED), "Quantity": as_number(quantity)}
    return {
        "StatusId": str(ALLOCATED),
        "Quantity": as_number(quantity),
        "ShipFromLocationId": location,
    }


def _place(
    state: State, line: Json, quantity: Decimal, taken: dict[tuple[str, str], Decimal]
) -> list[tuple[str | None, Decimal]]:
    """Choose locations: the requested one, else one with enough stock, else several.

    An item without any supply row is unlimited.
    """
    item = line["ItemId"]
    forced = (line.get("OrderLinePromisingInfo") or {}).get("ShipFromLocationId")
    known = state.stock.supply.get(item)
    if not known:
        return [(forced or state.settings.default_location, quantity)]
    names = [forced] if forced else sorted(known)
    free = {
        name: max(ZERO, state.stock.free(item, name) - taken.get((item, name), ZERO))
        for name in names
    }
    ranked = sorted(names, key=lambda name: (-free[name], name))
    parts: list[tuple[str | None, Decimal]] = []
    rest = quantity
    for name in ranked:
        share = min(rest, free[name])
        if share > 0:
            parts.append((name, share))
            taken[item, name] = taken.get((item, name), ZERO) + share
            rest -= share
    return [*parts, (None, rest)] if rest > 0 else parts


def release(state: State, order: Json, now: str) -> bool:
    """Release allocated units, one release per location, once DoNotReleaseBefore has passed."""
    not_before = order.get("DoNotReleaseBefore")
    if not_before and to_ms(not_before) > state.clock.now_ms():
        return False
    by_location: dict[str, list[tuple[Json, Json]]] = {}
    for line in order["OrderLine"]:
        for status, unit in units_of(line):
            if base_status(status) == ALLOCATED:
                by_location.setdefault(unit["ShipFromLocationId"], []).append((line, unit))
    for location, content in sorted(by_location.items()):
        releases = order.setdefault("Release", [])
        release_id = f"{order['OrderId']}-R{len(releases) + 1}"
        lines = [
            _release_line(release_id, place, line, unit)
            for place, (line, unit) in enumerate(content, 1)
        ]
        releases.append(
            {"ReleaseId": release_id, "ShipFromLocationId": location, "ReleaseLine": lines}
        )
    if by_location:
        record_milestone(order, "Released", now)
    return bool(by_location)


def _release_line(release_id: str, place: int, line: Json, unit: Json) -> Json:
    unit["StatusId"] = str(RELEASED)
    unit["ReleaseId"], unit["ReleaseLineId"] = release_id, str(place)
    quantity = unit["Quantity"]
    counts = {"Quantity": quantity, "FulfilledQuantity": 0, "CancelledQuantity": 0}
    return {"ReleaseLineId": str(place), "OrderLineId": line["OrderLineId"], **counts}


def _build_step(
    lowest: float, target: float, name: str | None
) -> Callable[[State, Json, str], bool]:
    """Build a step that only raises units to its status."""

    def move(_state: State, order: Json, now: str) -> bool:
        moved = False
        for line in order["OrderLine"]:
            for status, unit in units_of(line):
                if lowest <= status < target:
                    unit["StatusId"] = str(target)
                    moved = True
        if moved and name:
            record_milestone(order, name, now)
        return moved

    return move


def record_milestone(order: Json, name: str, now: str) -> None:
    """Record that an order first reached a milestone.

    The attributes are our assumption: the contract names only the list.
    """
    reached = order.setdefault("OrderMilestone", [])
    if all(entry["MilestoneDefinitionId"] != name for entry in reached):
        reached.append({"MilestoneDefinitionId": name, "ActualTime": now})


def count_released(order: Json, unit: Json, counter: str, quantity: Decimal) -> None:
    """Add to a counter of the release line that a unit entry belongs to."""
    for release in order.get("Release") or ():
        if release["ReleaseId"] == unit.get("ReleaseId"):
            for line in release["ReleaseLine"]:
                if line["ReleaseLineId"] == unit["ReleaseLineId"]:
                    line[counter] = as_number(as_decimal(line[counter]) + quantity)


def deliver(_state: State, order: Json, now: str) -> bool:
    """Mark shipped units and their packages as delivered; no carrier reports picked-up ones."""
    moved = False
    for line in order["OrderLine"]:
        if (line.get("DeliveryMethod") or {}).get("DeliveryMethodId") in NO_PARCEL:
            continue
        for status, unit in units_of(line):
            if base_status(status) == FULFILLED:
                unit["StatusId"] = str(DELIVERED)
                moved = True
    if moved:
        record_milestone(order, "Delivered", now)
        for parcel in order.get("OrderTrackingInfo") or ():
            if parcel["DeliveredDate"] is None:
                parcel["DeliveredDate"], parcel["PackageStatus"] = (
                    now,
                    {"PackageStatusId": "Delivered"},
                )
    return moved


NO_PARCEL = frozenset({"PickUpAtStore", "StoreSale", "Email"})
"""Delivery methods that involve no carrier."""

STEPS: dict[str, Callable[[State, Json, str], bool]] = {
    "allocate": allocate,
    "release": release,
    "process": _build_step(RELEASED, IN_PROCESS, None),
    "pick": _build_step(RELEASED, PICKED, "Picked"),
    "pack": _build_step(RELEASED, PACKED, "Packed"),
}
"""Steps before shipping, in order; each returns whether it moved anything."""
