"""What an operator should know of an order at the store: a kept status, units that differ. Pure."""

from __future__ import annotations

from domain.errors import Problem
from domain.exchange import ShipmentRequest, StoreOrderState, StoreShipment


def status_kept(order_id: str, kept: str, status: str) -> Problem:
    """Return the warning that the order keeps the merchant's status."""
    return Problem(
        "status_kept",
        "status",
        f"The store's order {order_id} is in status {kept}, which is not about fulfilment; it "
        f"was not set to {status}.",
        "Set the order's status in the store once the matter is settled.",
        kept,
    )


def opened_again(order_id: str, status: str) -> Problem:
    """Return the warning that an order which the OMS has canceled is open in the store again."""
    return Problem(
        "status_kept",
        "status",
        f"The store's order {order_id} was canceled, and is in status {status} again; the OMS has "
        "canceled it for good, and it was not canceled in the store once more.",
        "Place it again in the store, or cancel it there too and refund the customer.",
        status,
    )


def made_by_hand(found: StoreShipment, request: ShipmentRequest) -> Problem:
    """Return the warning that a parcel's shipment was created by someone else."""
    units = sum(line.quantity for line in request.lines)
    return Problem(
        "shipment_adopted",
        "parcels",
        f"The store's order {request.order_id} had the shipment {found.shipment_id} with this "
        f"parcel's {units} units, and no other was created.",
        "Nothing if it was created by hand for this parcel; otherwise delete it in the store and "
        "reconcile with --repair.",
        found.shipment_id,
    )


def units_missing(now: StoreOrderState, at_oms: int) -> Problem:
    """Return the problem of units that the OMS has shipped, and no shipment has."""
    return Problem(
        "shipped_units_missing",
        "shipped_units",
        f"{_counts(now)} has shipped {at_oms}.",
        "Check whether a shipment was deleted in the store, then reconcile with --repair.",
        str(now.shipped_units),
    )


def units_above(now: StoreOrderState, at_oms: int) -> Problem:
    """Return the warning that the store shows more units as shipped than the OMS has shipped."""
    return Problem(
        "shipped_units_above",
        "shipped_units",
        f"{_counts(now)} has shipped {at_oms}.",
        "Look for shipments that were made by hand: the OMS may ship these units again.",
        str(now.shipped_units),
    )


def _counts(now: StoreOrderState) -> str:
    return (
        f"The store shows {now.shipped_units} units of order {now.order_id} as shipped, and the OMS"
    )
