"""What an operator should know of an order at the store: a kept status, units that differ. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.errors import Problem
from domain.exchange import ShipmentRequest, StoreOrderState, StoreShipment
from domain.milestones import Milestone
from domain.records.fulfilment import Fulfilment

MOST_NAMED = 5
"""Lines that a message names."""


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


def canceled_at_oms(fulfilment: Fulfilment, ordered: Mapping[str, Decimal]) -> list[Problem]:
    """Return the warning that the OMS has canceled units which the store's order still has.

    ``ordered``: line id -> units of the order in the store, in the OMS's unit.
    """
    found: list[str] = []
    for line in fulfilment.lines:
        canceled = line.in_milestone(Milestone.CANCELED)
        left = sum((part.quantity for part in line.units), Decimal(0)) - canceled
        missing = min(canceled, ordered.get(line.line_id, left) - left)
        if missing > 0:
            found.append(f"{missing.normalize():f} of line {line.line_id} ({line.sku})")
    if not found:
        return []
    more = f" and of {len(found) - MOST_NAMED} more lines" if len(found) > MOST_NAMED else ""
    return [
        Problem(
            "units_canceled_at_oms",
            "lines",
            f"The OMS has canceled units of order {fulfilment.source_id} that it does not ship, "
            f"and that the store's order still has: {', '.join(found[:MOST_NAMED])}{more}.",
            "Refund them in the store, unless the OMS settles the payment.",
            fulfilment.source_id,
        )
    ]


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
