"""Intents of one order's fulfilment: each by the identity that makes it a new one or the same."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import orjson

from assets.delivery.plan import Plan
from assets.delivery.target_state import KnownShipment, OrderTargetState
from assets.streams.shipments.status import OrderAtStore
from domain.connections import SHIPMENTS
from domain.delivery import Intent, NewShipment, ShipmentChange, ShipmentRemoval, StatusChange
from domain.exchange import ShipmentRequest
from domain.identity import content_digest, delivery_key
from resources.ledger.rejections.discards import DiscardedParts


class ShipmentIntents:
    """Makes the intents of one connection's fulfilments."""

    def __init__(self, connection: str) -> None:
        self._connection = connection

    def create(self, plan: Plan, request: ShipmentRequest, name: str) -> Intent:
        """Return the creation of a shipment, whose first one reads the order before."""
        numbers = frozenset(r.tracking_number for r in plan.context.requests.values())
        is_first = not any(intent.operation == "shipment" for intent in plan.intents)
        new = NewShipment(name, request, numbers)
        intent = self._intent(plan, "shipment", new, _identity(request, name), reads=is_first)
        return replace(intent, is_independent=True)

    def update(self, plan: Plan, request: ShipmentRequest, name: str) -> Intent:
        """Return a shipment's new tracking."""
        state: OrderTargetState = plan.context.state
        shipment = state.shipments[name]
        change = ShipmentChange(name, shipment.shipment_id, request)
        identity = _change_identity(shipment, request, state.sequence)
        return self._intent(plan, "shipment_update", change, identity)

    def remove(self, plan: Plan, name: str) -> Intent:
        """Return the removal of a shipment whose parcel is no more."""
        order: OrderAtStore = plan.context
        removal = ShipmentRemoval(name, order.source_id, order.state.shipments[name].shipment_id)
        identity = orjson.dumps([removal.shipment_id, "removal"])
        return self._intent(plan, "shipment_removal", removal, identity, reads=True)

    def set_status(self, plan: Plan, change: StatusChange) -> Intent:
        """Return the order's new status, which depends on the one that it has."""
        identity = f"{plan.context.state.sequence}:{change.status}".encode()
        return self._intent(plan, "status", change, identity, reads=True)

    def _intent(
        self,
        plan: Plan,
        operation: str,
        content: NewShipment | ShipmentChange | ShipmentRemoval | StatusChange,
        identity: bytes,
        *,
        reads: bool = False,
    ) -> Intent:
        source_id = plan.due.record.source_id
        key = _key(self._connection, source_id, operation, identity)
        return Intent(operation, key, source_id, content, reads=reads)


def creation_key(connection: str, request: ShipmentRequest, name: str) -> UUID:
    """Return the key of the creation of a shipment: the same part has the same key again."""
    return _key(connection, request.order_id, "shipment", _identity(request, name))


def is_change_discarded(
    connection: str,
    state: OrderTargetState,
    name: str,
    request: ShipmentRequest,
    discarded: DiscardedParts,
) -> bool:
    """Return whether an operator has discarded the change of a shipment to a parcel's tracking.

    Since it was tried, other parts of the order may have been written: then its key is another one.
    """
    shipment = state.shipments[name]
    return bool(discarded.intents) and any(
        _key(
            connection,
            request.order_id,
            "shipment_update",
            _change_identity(shipment, request, sequence),
        )
        in discarded.intents
        for sequence in range(state.sequence + 1)
    )


def _change_identity(shipment: KnownShipment, request: ShipmentRequest, sequence: int) -> bytes:
    shown = (shipment.shipment_id, sequence, shipment.tracking, shipment.carrier)
    return orjson.dumps([*shown, request.tracking_number, request.carrier])


def _identity(request: ShipmentRequest, name: str) -> bytes:
    units = [(line.line_id, line.quantity) for line in request.lines]
    return orjson.dumps([name, request.tracking_number, units])


def _key(connection: str, source_id: str, operation: str, identity: bytes) -> UUID:
    digest = content_digest(identity)
    return delivery_key(connection, SHIPMENTS, source_id, operation, digest)
