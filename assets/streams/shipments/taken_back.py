"""Parcels that the OMS has canceled after the store was shown them. Pure.

The store's shipment of such a parcel is taken back, if Lockstep has made it: one that someone made
by hand, or of which an older ledger does not know who did, stays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from assets.delivery.target_state import Cover, KnownShipment, OrderTargetState
from domain.errors import Problem
from domain.exchange import ShipmentRequest


def without_parcel(
    state: OrderTargetState, requests: Mapping[str, ShipmentRequest], covers: Mapping[str, Cover]
) -> list[str]:
    """Return the store's shipments of no parcel, without which it shows all that has left.

    ``requests`` are all parcels of the order at the OMS. What they lack in the store gets a
    shipment; what another parcel has now counts as shipped under whichever shipment shows it.
    """
    if any(not shipment.units for shipment in state.shipments.values()):
        return []  # an older ledger does not know them
    spare = _spare(state, requests, covers)
    covering = {name for cover in covers.values() for name in cover.names}
    found: list[str] = []
    for name in sorted(state.shipments.keys() - covering):
        content = state.shipments[name].units
        if all(spare[line_id] >= number for line_id, number in content.items()):
            found.append(name)
            for line_id, number in content.items():
                spare[line_id] -= number
    return found


def _spare(
    state: OrderTargetState, requests: Mapping[str, ShipmentRequest], covers: Mapping[str, Cover]
) -> dict[str, int]:
    """Return by line how many units more than the OMS the store shows after what it lacks."""
    spare: dict[str, int] = {}
    for shipment in state.shipments.values():
        for line_id, units in shipment.units.items():
            spare[line_id] = spare.get(line_id, 0) + units
    for key, request in requests.items():
        for line in request.lines:
            spare[line.line_id] = spare.get(line.line_id, 0) - line.quantity
        for line in covers[key].missing:
            spare[line.line_id] += line.quantity
    return spare


def why_left(name: str, shipment: KnownShipment, canceled: Collection[str]) -> str:
    """Return why a shipment without a parcel stays in the store; empty if it is taken back.

    ``canceled`` are the parcels that the OMS shows as canceled. What it only lacks it may have in a
    newer state: its shipment would be made again, with another e-mail to the shopper.
    """
    if not any(name.startswith(f"{parcel}/") for parcel in canceled):
        return "the OMS does not show it as canceled, and its answer may be older than it seems"
    if not shipment.is_own:
        return "it was made by hand, or by a version that did not note who made it"
    return ""


def taken_back(order_id: str, parcel: str, shipment_id: str) -> Problem:
    """Return the warning that a shipment of the store was removed."""
    return Problem(
        "shipment_taken_back",
        "parcels",
        f"The OMS no longer has the parcel {parcel.partition('/')[0]} of order {order_id}, and the "
        f"store's shipment {shipment_id} of it was taken back.",
        "Inform the shopper, who may have been sent its tracking number.",
        shipment_id,
    )


def left_in_store(order_id: str, parcel: str, shipment_id: str, why: str) -> Problem:
    """Return the warning that a shipment stays in the store though the OMS no longer has it."""
    return Problem(
        "shipment_not_taken_back",
        "parcels",
        f"The OMS no longer has the parcel {parcel.partition('/')[0]} of order {order_id}; the "
        f"store's shipment {shipment_id} of it stays: {why}.",
        "Delete it in the store if nothing was sent, and correct the order's status there.",
        shipment_id,
    )
