"""Intents of one order's fulfilment: each by the identity that makes it a new one or the same."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import orjson

from assets.delivery.plan import Plan
from assets.delivery.target_state import OrderTargetState
from assets.streams.shipments.status import OrderAtStore
from domain.connections import SHIPMENTS
from domain.delivery import Intent, NewShipment, ShipmentChange, ShipmentRemoval, StatusChange
from domain.exchange import ShipmentRequest
from domain.identity import content_digest, delivery_key


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
        change = ShipmentChange(name, state.shipments[name].shipment_id, request)
        identity = [change.shipment_id, state.sequence, request.tracking_number, request.carrier]
        return self._intent(plan, "shipment_update", change, orjson.dumps(identity))

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


def _identity(request: ShipmentRequest, name: str) -> bytes:
    units = [(line.line_id, line.quantity) for line in request.lines]
    return orjson.dumps([name, request.tracking_number, units])


def _key(connection: str, source_id: str, operation: str, identity: bytes) -> UUID:
    digest = content_digest(identity)
    return delivery_key(connection, SHIPMENTS, source_id, operation, digest)
