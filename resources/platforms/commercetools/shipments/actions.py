"""Update actions for an order in the version that was read. Pure.

Each function is asked again with a newer version where the order has changed meanwhile, so nothing
is sent that was planned for another one. No action: the order holds already what is wanted.
"""

from __future__ import annotations

from typing import Any

import msgspec

from domain.exchange import ShipmentRequest
from resources.platforms.commercetools.orders.groups import ADDRESS_GROUP
from resources.platforms.commercetools.payload import Delivery, TrackingData
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.shipments.order import (
    HeldOrder,
    item_id,
    rejection_of,
    tracking_of,
)
from resources.platforms.commercetools.statuses import (
    CANCELLED,
    COMPLETE,
    CONFIRMED,
    OPEN,
    PENDING,
    SHIPPED_STATES,
)

Action = dict[str, Any]
COMPLETING = {"shipped": SHIPPED_STATES, "delivered": ("Delivered",), "never": ()}
LOOK = "compare the order's lines and deliveries in the store with the parcel"


def add_delivery(
    order: HeldOrder, request: ShipmentRequest, key: str, carrier: str
) -> list[Action]:
    """Return the delivery with its parcel. Raises ``RecordRejected`` for what can't be shipped."""
    if any(delivery.key == key for _, delivery in order.deliveries()):
        return []
    _check(order, request)
    items: dict[str, int] = {}
    for line in request.lines:
        items[item_id(line.line_id)] = items.get(item_id(line.line_id), 0) + line.quantity
    entries = [{"id": line_id, "quantity": quantity} for line_id, quantity in items.items()]
    parcel: Action = {"key": key, "items": entries}
    if tracking := tracking_data(request, carrier):
        parcel["trackingData"] = tracking
    action: Action = {
        "action": "addDelivery",
        "deliveryKey": key,
        "items": entries,
        "parcels": [parcel],
    }
    if order.shipping_key:
        action["shippingKey"] = request.group_id
    if (address := _address(order, request.group_id)) is not None:
        action["address"] = address
    return [action]


def remove_delivery(order: HeldOrder, shipment_id: str) -> list[Action]:
    """Return the removal of a delivery, which takes its parcel with it."""
    if all(shipment.shipment_id != shipment_id for shipment, _ in order.deliveries()):
        return []
    return [{"action": "removeDelivery", "deliveryId": shipment_id}]


def set_tracking(
    order: HeldOrder, shipment_id: str, request: ShipmentRequest, carrier: str
) -> list[Action]:
    """Return the change of a delivery's tracking. Raises ``RecordRejected`` without it."""
    delivery = _delivery(order, shipment_id)
    wanted = tracking_data(request, carrier)
    held = tracking_of(delivery)
    if _shown(held) == wanted:
        return []
    parcels = [parcel for parcel in delivery.parcels or () if parcel is not None]
    if not parcels:
        added = {"action": "addParcelToDelivery", "deliveryId": delivery.id}
        return [added | {"trackingData": wanted}]
    parcel = next((p for p in parcels if p.tracking_data is not None), parcels[0])
    change: Action = {"action": "setParcelTrackingData", "parcelId": parcel.id}
    return [change | ({"trackingData": wanted} if wanted else {})]


def set_status(order: HeldOrder, status: str, settings: CommercetoolsSettings) -> list[Action]:
    """Return the moves to a status: of the shipment, and of the order where it ends."""
    raw, actions = order.order, list[Action]()
    shipment = "Canceled" if status == CANCELLED else status
    if (raw.shipment_state or PENDING) != shipment:
        actions.append({"action": "changeShipmentState", "shipmentState": shipment})
    ends = CANCELLED if status == CANCELLED else ""
    if status in COMPLETING[settings.complete_at] and raw.order_state in (OPEN, CONFIRMED):
        ends = COMPLETE
    if ends and raw.order_state != ends:
        actions.append({"action": "changeOrderState", "orderState": ends})
    return actions


def tracking_data(request: ShipmentRequest, carrier: str) -> Action:
    """Return a parcel's tracking; empty if nothing is known of it."""
    written = {
        "trackingId": request.tracking_number.strip(),
        "carrier": carrier,
        "provider": request.service,
    }
    return {name: value for name, value in written.items() if value}


def _shown(held: TrackingData) -> Action:
    written = {"trackingId": held.tracking_id, "carrier": held.carrier, "provider": held.provider}
    return {name: value for name, value in written.items() if value}


def _check(order: HeldOrder, request: ShipmentRequest) -> None:
    """Refuse what the API would take without a check, or refuse with less to act on."""
    if not order.is_shipped:
        message = "the order has no shipping info, so the store accepts no delivery for it"
        advice = "set the order's status instead"
        raise rejection_of("group_not_shippable", "shippingInfo", message, advice, request.group_id)
    if not request.lines:
        advice = "check the parcel in the OMS"
        raise rejection_of("shipment_without_lines", "items", "the parcel has no lines", advice)
    wanted: dict[str, int] = {}
    for line in request.lines:
        wanted[item_id(line.line_id)] = wanted.get(item_id(line.line_id), 0) + line.quantity
    for line_id, quantity in wanted.items():
        left = order.left(line_id)
        if quantity > left:
            message = (
                f"the parcel has {quantity} units of line {line_id}, and {left} of it are not "
                "delivered yet; the store would take more units than were ordered"
            )
            raise rejection_of("shipment_refused", "items", message, LOOK, line_id)


def _delivery(order: HeldOrder, shipment_id: str) -> Delivery:
    for shipment, delivery in order.deliveries():
        if shipment.shipment_id == shipment_id:
            return delivery
    message = "the store's order no longer has this delivery"
    advice = "check the order's deliveries in the store"
    raise rejection_of("shipment_update_refused", "deliveries", message, advice, shipment_id)


def _address(order: HeldOrder, group_id: str) -> Action | None:
    """Return the address of a delivery to one that lines name, which no other group has."""
    for address in order.order.item_shipping_addresses or ():
        if address is not None and group_id == f"{ADDRESS_GROUP}{address.key}":
            held: Action = msgspec.to_builtins(address)
            return {name: value for name, value in held.items() if value}
    return None
