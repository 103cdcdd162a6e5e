"""Orders: by query, id and number, and their update actions under optimistic concurrency."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox.platforms.commercetools import deliveries, states
from sandbox.platforms.commercetools.replies import (
    conflict,
    invalid_input,
    json_reply,
    parse_object,
    refuse,
)
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
Action = Callable[[Json, Json, str], list[Json]]
STATES: dict[str, tuple[str, ...]] = {
    "orderState": ("Open", "Confirmed", "Complete", "Cancelled"),
    "shipmentState": (
        "Shipped", "Delivered", "Ready", "Pending", "Delayed", "Partial", "Backorder", "Canceled",
    ),
    "paymentState": ("BalanceDue", "Failed", "Pending", "CreditOwed", "Paid"),
}  # fmt: skip
MESSAGES = {
    "orderState": "OrderStateChanged",
    "shipmentState": "OrderShipmentStateChanged",
    "paymentState": "OrderPaymentStateChanged",
}
SETTERS = {
    "setOrderNumber": "orderNumber",
    "setPurchaseOrderNumber": "purchaseOrderNumber",
    "setCustomerEmail": "email",
    "setCustomerId": "customerId",
    "setLocale": "locale",
    "setShippingAddress": "address",
    "setBillingAddress": "address",
}
"""Action -> the field that holds its value."""
FIELDS = {
    "setCustomerEmail": "customerEmail",
    "setShippingAddress": "shippingAddress",
    "setBillingAddress": "billingAddress",
}
"""Action -> the order's field, if it has another name."""


class Orders:
    """Answers the calls about orders."""

    def __init__(self, project: Project) -> None:
        self._project, self._table = project, project.orders
        self._actions: dict[str, Action] = {
            "addDelivery": deliveries.add_delivery,
            "removeDelivery": deliveries.remove_delivery,
            "setDeliveryItems": deliveries.set_delivery_items,
            "addParcelToDelivery": deliveries.add_parcel,
            "removeParcelFromDelivery": deliveries.remove_parcel,
            "setParcelTrackingData": deliveries.set_tracking,
            "setParcelItems": deliveries.set_parcel_items,
            "addReturnInfo": deliveries.add_return,
            "setReturnInfo": deliveries.set_returns,
            "setReturnShipmentState": deliveries.set_return_state,
            "setReturnPaymentState": deliveries.set_return_payment,
            "updateSyncInfo": _sync_info,
            "setCustomType": _custom_type,
            "setCustomField": _custom_field,
            "addPayment": _add_payment,
            "transitionState": self._transition_order,
            "transitionLineItemState": self._transition_item,
            "transitionCustomLineItemState": self._transition_item,
            **{f"change{name[0].upper()}{name[1:]}": _state_setter(name) for name in STATES},
            **{name: _setter(name, field) for name, field in SETTERS.items()},
        }

    def handle(self, request: Request, parts: list[str]) -> Response:
        """Answer ``/orders`` and below; ``parts`` follow ``orders``."""
        if not parts and request.method == "GET":
            answer = self._table.query(request)
            answer["results"] = [self._expanded(row, request) for row in answer["results"]]
            return json_reply(answer)
        if len(parts) == 1 and request.method in ("GET", "POST"):
            name, _, value = parts[0].rpartition("=")
            by = {"": "id", "order-number": "orderNumber"}.get(name)
            if by is not None:
                order = self._table.need(value, by)
                if request.method == "POST":
                    order = self.update(order, parse_object(request.body))
                return json_reply(self._expanded(order, request))
        raise refuse(404, "ResourceNotFound", "The Resource was not found.")

    def _transition_item(self, order: Json, action: Json, now: str) -> list[Json]:
        del now
        return states.transition_item(self._project, order, action)

    def _transition_order(self, order: Json, action: Json, now: str) -> list[Json]:
        del now
        return states.transition_order(self._project, order, action)

    def _expanded(self, order: Json, request: Request) -> Json:
        """Put what references refer to into them, where ``expand`` asks for it."""
        asked = request.query.get("expand", [])
        states.expand(self._project, order, asked)
        for name in ("supplyChannel", "distributionChannel"):
            if f"lineItems[*].{name}" in asked:
                for line in order.get("lineItems", []):
                    found = self._project.channels.get((line.get(name) or {}).get("id", ""))
                    if found is not None:
                        line[name]["obj"] = found
        if "paymentInfo.payments[*]" not in request.query.get("expand", ()):
            return order
        references = (order.get("paymentInfo") or {}).get("payments", [])
        for reference in references:
            found = self._project.payments.get(reference["id"])
            if found is not None:
                reference["obj"] = found
        return order

    def update(self, order: Json, body: Json) -> Json:
        """Apply all actions of a call, or none."""
        version, actions = body.get("version"), body.get("actions")
        if type(version) is not int or not isinstance(actions, list):
            raise invalid_input("Request body does not contain valid JSON: version, actions")
        if version != order["version"]:
            raise conflict(order["version"])
        changed, now = copy.deepcopy(order), self._project.clock.now()
        messages: list[Json] = []
        for action in actions:
            kind = action.get("action") if isinstance(action, dict) else None
            if kind not in self._actions:
                raise invalid_input(f"Request body does not contain valid JSON: action {kind!r}")
            messages += self._actions[kind](changed, action, now)
        self._check_number(changed)
        if changed == order:
            return order
        for message in messages:
            self._project.count(message["type"])
        return self._project.keep(self._table, changed, messages)

    def _check_number(self, order: Json) -> None:
        number = order.get("orderNumber")
        found = self._table.find("orderNumber", number) if number else None
        if found is not None and found["id"] != order["id"]:
            message = f"A duplicate value '{number}' exists for field 'orderNumber'."
            raise refuse(400, "DuplicateField", message, field="orderNumber", duplicateValue=number)


def _state_setter(name: str) -> Action:
    old_name = f"old{name[0].upper()}{name[1:]}"

    def change(order: Json, action: Json, now: str) -> list[Json]:
        del now
        wanted, old = action.get(name), order.get(name)
        if wanted not in STATES[name]:
            raise invalid_input(f"Request body does not contain valid JSON: {name} {wanted!r}")
        if wanted == old:
            return []
        order[name] = wanted
        message: Json = {"type": MESSAGES[name], name: wanted}
        return [message | ({old_name: old} if old is not None else {})]

    return change


def _setter(name: str, given: str) -> Action:
    field = FIELDS.get(name, given)

    def change(order: Json, action: Json, now: str) -> list[Json]:
        del now
        if action.get(given) is None:
            order.pop(field, None)
        else:
            order[field] = action[given]
        return []

    return change


def _sync_info(order: Json, action: Json, now: str) -> list[Json]:
    channel = action["channel"]
    info = {"channel": channel, "syncedAt": action.get("syncedAt", now)}
    if action.get("externalId") is not None:
        info["externalId"] = action["externalId"]
    order["syncInfo"] = [s for s in order["syncInfo"] if s["channel"] != channel] + [info]
    return []


def _custom_type(order: Json, action: Json, now: str) -> list[Json]:
    del now
    order.pop("custom", None)
    if action.get("type") is not None:
        order["custom"] = {"type": action["type"], "fields": dict(action.get("fields") or {})}
    return []


def _custom_field(order: Json, action: Json, now: str) -> list[Json]:
    del now
    if "custom" not in order:
        raise refuse(400, "InvalidOperation", "The Order has no custom type.")
    fields, name = order["custom"]["fields"], action["name"]
    if action.get("value") is None:
        fields.pop(name, None)
    else:
        fields[name] = action["value"]
    return []


def _add_payment(order: Json, action: Json, now: str) -> list[Json]:
    del now
    payments = order.setdefault("paymentInfo", {"payments": []})["payments"]
    payments.append({"typeId": "payment", "id": action["payment"]["id"]})
    return []
