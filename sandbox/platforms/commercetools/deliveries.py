"""Update actions of an order's deliveries, parcels and returns.

Source: raml/types/order/updates. The vendor does not check that deliveries stay within what was
ordered, and no action changes ``shipmentState`` by itself.
"""

from __future__ import annotations

import re
from typing import Any

from sandbox.platforms.commercetools.documents import new_id, shipping_infos
from sandbox.platforms.commercetools.replies import invalid_input, invalid_operation, refuse

Json = dict[str, Any]
KEY = re.compile(r"[A-Za-z0-9_-]{2,256}")
RETURN_STATES = {"Advised": "NonRefundable", "Returned": "Initial"}
"""Shipment state of a new return -> its payment state."""
AFTER_RETURN = ("BackInStock", "Unusable")


def add_delivery(order: Json, action: Json, now: str) -> list[Json]:
    """Add a delivery with its parcels; return the messages it produces."""
    info = _info_of(order, action)
    key = _key(action, "deliveryKey")
    if key and any(delivery.get("key") == key for delivery in deliveries_of(order)):
        # UNVERIFIED: the specification says that the key is unique among the order's deliveries.
        raise _duplicate("deliveryKey", key)
    delivery: Json = {
        "id": new_id(),
        "createdAt": now,
        "items": _items(order, action),
        "parcels": [],
    }
    if key:
        delivery["key"] = key
    if action.get("address"):
        delivery["address"] = action["address"]
    info.setdefault("deliveries", []).append(delivery)
    messages: list[Json] = [{"type": "DeliveryAdded", "delivery": {**delivery, "parcels": []}}]
    for draft in action.get("parcels") or []:
        messages.append(_add_parcel(order, delivery, draft, now, "key"))
    return messages


def add_parcel(order: Json, action: Json, now: str) -> list[Json]:
    """Add a parcel to a delivery."""
    return [_add_parcel(order, _delivery(order, action), action, now, "parcelKey")]


def _add_parcel(order: Json, delivery: Json, draft: Json, now: str, key_name: str) -> Json:
    parcel: Json = {"id": new_id(), "createdAt": now, "items": _items(order, draft)}
    if key := _key(draft, key_name):
        if any(p.get("key") == key for d in deliveries_of(order) for p in d["parcels"]):
            raise _duplicate(key_name, key)
        parcel["key"] = key
    for name in ("trackingData", "measurements"):
        if draft.get(name) is not None:
            parcel[name] = _object(draft, name)
    delivery["parcels"].append(parcel)
    return {
        "type": "ParcelAddedToDelivery",
        "delivery": {"id": delivery["id"]},
        "parcel": dict(parcel),
    }


def remove_delivery(order: Json, action: Json, now: str) -> list[Json]:
    """Remove a delivery with its parcels."""
    del now
    delivery = _delivery(order, action)
    for info in shipping_infos(order):
        info["deliveries"] = [d for d in info.get("deliveries", []) if d["id"] != delivery["id"]]
    return [{"type": "DeliveryRemoved", "delivery": delivery}]


def remove_parcel(order: Json, action: Json, now: str) -> list[Json]:
    """Remove a parcel from its delivery."""
    del now
    delivery, parcel = _parcel(order, action)
    delivery["parcels"].remove(parcel)
    return [{"type": "ParcelRemovedFromDelivery", "deliveryId": delivery["id"], "parcel": parcel}]


def set_tracking(order: Json, action: Json, now: str) -> list[Json]:
    """Set or remove a parcel's tracking."""
    del now
    delivery, parcel = _parcel(order, action)
    parcel.pop("trackingData", None)
    if action.get("trackingData") is not None:
        parcel["trackingData"] = _object(action, "trackingData")
    more = {"deliveryId": delivery["id"], "parcelId": parcel["id"]}
    tracking = parcel.get("trackingData")
    message: Json = {"type": "ParcelTrackingDataUpdated", **more}
    return [message | ({"trackingData": tracking} if tracking else {})]


def set_parcel_items(order: Json, action: Json, now: str) -> list[Json]:
    """Replace what a parcel holds."""
    del now
    delivery, parcel = _parcel(order, action)
    old, parcel["items"] = parcel.get("items", []), _items(order, action)
    more = {"deliveryId": delivery["id"], "parcelId": parcel["id"]}
    return [{"type": "ParcelItemsUpdated", "items": parcel["items"], "oldItems": old, **more}]


def set_delivery_items(order: Json, action: Json, now: str) -> list[Json]:
    """Replace what a delivery holds."""
    del now
    delivery = _delivery(order, action)
    old, delivery["items"] = delivery["items"], _items(order, action)
    more = {"deliveryId": delivery["id"], "items": delivery["items"], "oldItems": old}
    return [{"type": "DeliveryItemsUpdated", **more}]


def add_return(order: Json, action: Json, now: str) -> list[Json]:
    """Add returned or announced items."""
    if not action.get("items"):
        raise invalid_input("Request body does not contain valid JSON: items: must not be empty")
    info: Json = {"items": [], "returnDate": action.get("returnDate") or now}
    if action.get("returnTrackingId") is not None:
        info["returnTrackingId"] = action["returnTrackingId"]
    order.setdefault("returnInfo", []).append(info)
    for item in action["items"]:
        info["items"].append(_return_item(order, item, now))
    return [{"type": "ReturnInfoAdded", "returnInfo": info}]


def set_returns(order: Json, action: Json, now: str) -> list[Json]:
    """Replace all returns."""
    given = action.get("items") or []
    order["returnInfo"] = []
    for entry in given:
        add_return(order, entry, now)
    return [{"type": "ReturnInfoSet", "returnInfo": order["returnInfo"]}]


def set_return_state(order: Json, action: Json, now: str) -> list[Json]:
    """Move a return's shipment state: only from Returned, and to the outcome of the goods."""
    item, wanted = _returned(order, action), action.get("shipmentState")
    if item["shipmentState"] != "Returned" or wanted not in AFTER_RETURN:
        raise invalid_operation(
            f"The ReturnShipmentState can't change from {item['shipmentState']} to {wanted}."
        )
    item["shipmentState"], item["lastModifiedAt"] = wanted, now
    return [
        {
            "type": "OrderReturnShipmentStateChanged",
            "returnItemId": item["id"],
            "returnShipmentState": wanted,
        }
    ]


def set_return_payment(order: Json, action: Json, now: str) -> list[Json]:
    """Set a return's payment state; it moves no money."""
    item, wanted = _returned(order, action), action.get("paymentState")
    if wanted not in ("Initial", "Refunded", "NotRefunded"):
        raise invalid_input(f"Request body does not contain valid JSON: paymentState {wanted!r}.")
    if item["paymentState"] == "NonRefundable":
        raise invalid_operation("The ReturnPaymentState can't change from NonRefundable.")
    item["paymentState"], item["lastModifiedAt"] = wanted, now
    return []


def deliveries_of(order: Json) -> list[Json]:
    """Return all deliveries of an order."""
    return [d for info in shipping_infos(order) for d in info.get("deliveries", [])]


def _info_of(order: Json, action: Json) -> Json:
    if order["shippingMode"] == "Multiple":
        for entry in order["shipping"]:
            if entry["shippingKey"] == action.get("shippingKey"):
                info: Json = entry["shippingInfo"]
                return info
        raise invalid_operation(
            f"The Order has no shipping with shippingKey '{action.get('shippingKey')}'."
        )
    if not order.get("shippingInfo"):
        raise invalid_operation("The Order has no shippingInfo, so no Delivery can be added.")
    single: Json = order["shippingInfo"]
    return single


def _delivery(order: Json, action: Json) -> Json:
    for delivery in deliveries_of(order):
        if _is(delivery, action, "deliveryId", "deliveryKey"):
            return delivery
    raise invalid_operation("The Order has no such Delivery.")


def _parcel(order: Json, action: Json) -> tuple[Json, Json]:
    for delivery in deliveries_of(order):
        for parcel in delivery["parcels"]:
            if _is(parcel, action, "parcelId", "parcelKey"):
                return delivery, parcel
    raise invalid_operation("The Order has no such Parcel.")


def _is(found: Json, action: Json, by_id: str, by_key: str) -> bool:
    if action.get(by_id) is not None:
        return bool(found["id"] == action[by_id])
    if action.get(by_key) is None:
        raise invalid_input(f"Either {by_id} or {by_key} must be provided.")
    return bool(found.get("key") == action[by_key])


def _items(order: Json, action: Json) -> list[Json]:
    known = {i["id"] for i in (*order["lineItems"], *order["customLineItems"])}
    found = []
    for item in action.get("items") or []:
        quantity = item.get("quantity")
        if item.get("id") not in known:
            raise invalid_operation(f"The Order has no line item '{item.get('id')}'.")
        if type(quantity) is not int:
            raise invalid_input("Request body does not contain valid JSON: items.quantity")
        found.append({"id": item["id"], "quantity": quantity})
    return found


def _return_item(order: Json, item: Json, now: str) -> Json:
    custom = "customLineItemId" in item
    name, kind = ("customLineItemId", "customLineItems") if custom else ("lineItemId", "lineItems")
    if item.get(name) not in {line["id"] for line in order[kind]}:
        raise invalid_operation(f"The Order has no {name} '{item.get(name)}'.")
    state = item.get("shipmentState")
    if state not in RETURN_STATES:
        raise invalid_input(f"Request body does not contain valid JSON: shipmentState {state!r}.")
    if type(item.get("quantity")) is not int or item["quantity"] < 1:
        raise invalid_input("Request body does not contain valid JSON: items.quantity")
    key, others = _key(item, "key"), (i for info in order["returnInfo"] for i in info["items"])
    if key and any(other.get("key") == key for other in others):
        raise _duplicate("key", key)
    made: Json = {
        "type": "CustomLineItemReturnItem" if custom else "LineItemReturnItem",
        "id": new_id(),
        "quantity": item["quantity"],
        name: item[name],
        "shipmentState": state,
        "paymentState": RETURN_STATES[state],
        "createdAt": now,
        "lastModifiedAt": now,
    }
    return made | {n: item[n] for n in ("key", "comment") if item.get(n) is not None}


def _returned(order: Json, action: Json) -> Json:
    for info in order.get("returnInfo", []):
        for item in info["items"]:
            if _is(item, action, "returnItemId", "returnItemKey"):
                found: Json = item
                return found
    raise invalid_operation("The Order has no such ReturnItem.")


def _key(action: Json, name: str) -> str:
    key = action.get(name)
    if key is None:
        return ""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise refuse(400, "InvalidField", f"{name} must match {KEY.pattern}.", field=name)
    return key


def _object(action: Json, name: str) -> Json:
    value = action[name]
    if not isinstance(value, dict):
        raise invalid_input(f"Request body does not contain valid JSON: {name}")
    return value


def _duplicate(field: str, value: str) -> Exception:
    message = f"A duplicate value '{value}' exists for field '{field}'."
    return refuse(400, "DuplicateField", message, field=field, duplicateValue=value)
