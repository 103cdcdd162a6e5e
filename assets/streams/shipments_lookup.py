"""Shipments that the store holds already: found by their units, and adopted.

A dead run may have created one, or the merchant by hand. One that a delivery owns is never taken.
"""

from __future__ import annotations

from collections.abc import Collection

from domain.errors import PermanentError, Problem, TransientError
from domain.exchange import OutcomeUnknown, Receipt, ShipmentRequest, StoreShipment
from domain.ports import StoreWriter


class ShipmentLookup:
    """Finds shipments at the store; ``taken`` are the ids that settled deliveries own."""

    def __init__(self, writer: StoreWriter, taken: set[str]) -> None:
        self._writer = writer
        self._taken = taken

    def own(self, shipment_id: str) -> None:
        """Keep a shipment from being found for another parcel."""
        self._taken.add(shipment_id)

    async def find(
        self, request: ShipmentRequest, numbers: Collection[str], *, any_tracking: bool
    ) -> StoreShipment | None:
        """Return the store's shipment that is this one, if it exists and no other delivery owns it.

        ``numbers`` are those of the order's parcels: a shipment with another parcel's number is
        that parcel's. Raises ``OutcomeUnknown`` where the store does not answer: any other error
        would count the effect as undone.
        """
        try:
            shipments = await self._writer.list_shipments(request.order_id)
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(
                f"Whether order {request.order_id} has the shipment could not be looked up: {error}"
            ) from error
        units = {line.line_id: line.quantity for line in request.lines}
        same = [
            shipment
            for shipment in shipments
            if shipment.group_id == request.group_id
            and shipment.shipment_id not in self._taken
            and {line.line_id: line.quantity for line in shipment.lines} == units
        ]
        # The tracking number separates two parcels with the same units; units alone find one whose
        # number has changed.
        exact = [s for s in same if s.tracking_number == request.tracking_number]
        others = [s for s in same if not s.tracking_number or s.tracking_number not in numbers]
        found = next(iter(exact or (others if any_tracking else [])), None)
        if found is not None:
            self.own(found.shipment_id)
        return found

    async def adopt(
        self, found: StoreShipment, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Take an existing shipment for the parcel's, and bring its tracking number up to date.

        Raises ``OutcomeUnknown`` where that fails: as a failure the shipment would be created anew.
        """
        if request.tracking_number and found.tracking_number != request.tracking_number:
            try:
                await self._writer.update_shipment(found.shipment_id, request, correlation_id)
            except (TransientError, PermanentError) as error:
                raise OutcomeUnknown(
                    f"Order {request.order_id} has the shipment {found.shipment_id}, whose "
                    f"tracking number could not be set: {error}"
                ) from error
        return Receipt(found.shipment_id)


def made_by_hand(found: StoreShipment, request: ShipmentRequest) -> Problem:
    """Return the warning that a parcel's shipment was created by someone else."""
    units = sum(line.quantity for line in request.lines)
    return Problem(
        "shipment_adopted",
        "FulfillmentDetail",
        f"The store's order {request.order_id} had the shipment {found.shipment_id} with this "
        f"parcel's {units} units, and no other was created.",
        "Nothing, if it was created by hand for this parcel; otherwise delete it in the store and "
        "reconcile with --repair.",
        found.shipment_id,
    )
