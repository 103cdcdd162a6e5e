"""The requests of a composite that brings an order to what is wanted. Pure.

Everything that is made has an external id, so that sending it again changes nothing more.
"""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from domain.exchange import ShipmentLine, ShipmentRequest
from resources.platforms.salesforce.orders.delivered import VOIDED
from resources.platforms.salesforce.parts import Part, rejection_of
from resources.platforms.salesforce.payload import Group
from resources.platforms.salesforce.settings import (
    HISTORY,
    HISTORY_ORDER,
    HISTORY_STATUS,
    HISTORY_TIME,
    KEY_FIELD,
    LINE_FIELD,
    SalesforceSettings,
)
from resources.platforms.salesforce.shipments.order import MANAGED, PREFIX, HeldOrder

SHIPMENT = "shipment"
"""Reference of the shipment's request, whose answer has its id."""
LOOK = "compare the order's items and shipments in the store with the parcel"
SHIPPED = "Shipped"
DRAFT, ALLOCATED, FULFILLED = "Draft", "Allocated", "Fulfilled"
"""States of a fulfilment order."""
MOST_ROWS = 200
"""Records of one collection."""


class Parts:
    """Builds the requests for orders of one org."""

    def __init__(self, settings: SalesforceSettings) -> None:
        self._settings, self._path = settings, settings.data_path

    def shipment(self, order: HeldOrder, request: ShipmentRequest, key: str) -> list[Part]:
        """Return a parcel: its fulfilment order, where the org has them, shipment and items.

        Raises ``RecordRejected`` for what can't be shipped.
        """
        _check(order, request)
        parts = self._fulfilment(order, request, key) if self._settings.fulfilled_from else []
        group = order.groups.get(request.group_id)
        values: Part = {
            "OrderSummaryId": order.id,
            "ShipToName": (group.deliver_to_name if group is not None else None) or "-",
            "Status": SHIPPED,
            **self.tracking(request),
        }
        if parts:
            values["FulfillmentOrderId"] = "@{fulfilment.id}"
        rows = [
            {
                "attributes": {"type": "ShipmentItem"},
                KEY_FIELD: f"{PREFIX}{key}-{line.line_id}",
                "ShipmentId": f"@{{{SHIPMENT}.id}}",
                LINE_FIELD: line.line_id,
                "Quantity": line.quantity,
            }
            for line in request.lines
        ]
        return [
            *parts,
            self._upsert("Shipment", f"{PREFIX}{key}", SHIPMENT, values),
            *self._collections("ShipmentItem", rows),
        ]

    def _fulfilment(self, order: HeldOrder, request: ShipmentRequest, key: str) -> list[Part]:
        group = order.groups.get(request.group_id)
        if group is None or not group.order_delivery_method_id:
            message = (
                "the parcel's delivery group has no delivery method, which its fulfilment needs"
            )
            field, advice = "OrderDeliveryMethodId", "choose a delivery method in the store"
            raise rejection_of("group_not_shippable", field, message, advice, request.group_id)
        values = _delivered_to(order, group) | {
            "DeliveryMethodId": group.order_delivery_method_id,
            "FulfilledFromLocationId": self._settings.fulfilled_from,
            "Type": "Standard",
            "Status": DRAFT,
        }
        rows = [self._fulfilment_line(order, line, key) for line in request.lines]
        url = f"{self._path}/sobjects/FulfillmentOrder/@{{fulfilment.id}}"
        # A fulfilment order takes lines as a draft only (platforms.md 3.4).
        moves = [
            {
                "method": "PATCH",
                "url": url,
                "referenceId": f"to{status}",
                "body": {"Status": status},
            }
            for status in (ALLOCATED, FULFILLED)
        ]
        return [
            self._upsert("FulfillmentOrder", f"{PREFIX}{key}", "fulfilment", _given(values)),
            *self._collections("FulfillmentOrderLineItem", rows),
            *moves,
        ]

    @staticmethod
    def _fulfilment_line(order: HeldOrder, line: ShipmentLine, key: str) -> Part:
        item = order.items[line.line_id]
        values = {
            "attributes": {"type": "FulfillmentOrderLineItem"},
            KEY_FIELD: f"{PREFIX}{key}-{line.line_id}",
            "FulfillmentOrderId": "@{fulfilment.id}",
            "OrderItemSummaryId": line.line_id,
            "OrderItemId": item.original_order_item_id,
            "Product2Id": item.product2_id,
            "Description": item.name,
            "UnitPrice": item.unit_price,
            "GrossUnitPrice": item.gross_unit_price,
            "Type": "Order Product",
            "TypeCode": "Product",
            "Quantity": line.quantity,
            "OriginalQuantity": line.quantity,
        }
        return _given(values)

    def tracking(self, request: ShipmentRequest) -> Part:
        """Return a shipment's tracking; a number that is gone is emptied."""
        code = request.carrier or ""
        provider = self._settings.carriers.get(code, request.carrier_name or code)
        return {
            "TrackingNumber": request.tracking_number.strip() or None,
            "Provider": provider or None,
        }

    def change(self, shipment_id: str, request: ShipmentRequest) -> list[Part]:
        """Return the change of a shipment's tracking."""
        url = f"{self._path}/sobjects/Shipment/{shipment_id}"
        body = self.tracking(request)
        return [{"method": "PATCH", "url": url, "referenceId": SHIPMENT, "body": body}]

    def void(self, shipment_id: str) -> list[Part]:
        """Return the end of a shipment whose parcel was canceled."""
        url = f"{self._path}/sobjects/Shipment/{shipment_id}"
        body: Part = {"Status": VOIDED}
        return [{"method": "PATCH", "url": url, "referenceId": SHIPMENT, "body": body}]

    def status(self, order: HeldOrder, status: str, key: str, now: datetime) -> list[Part]:
        """Return the move to a status, with its entry in the history."""
        if order.order.order_life_cycle_type == MANAGED:
            message = "the platform manages the order itself, so its status can't be set"
            advice = "create order summaries with OrderLifeCycleType UNMANAGED for an external OMS"
            raise rejection_of("status_refused", "OrderLifeCycleType", message, advice, status)
        written = order.written(status)
        url = f"{self._path}/sobjects/OrderSummary/{order.id}"
        parts = [
            {"method": "PATCH", "url": url, "referenceId": "order", "body": {"Status": written}}
        ]
        has_history = self._settings.has_history
        return [*parts, self.note(order.id, status, key, now)] if has_history else parts

    def note(self, order_id: str, status: str, key: str, now: datetime) -> Part:
        """Return an entry of an order's history."""
        entry: Part = {
            HISTORY_ORDER: order_id,
            HISTORY_STATUS: status,
            HISTORY_TIME: f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
        return self._upsert(HISTORY, f"{PREFIX}{key}", "history", entry)

    def _upsert(self, name: str, key: str, reference: str, values: Part) -> Part:
        url = f"{self._path}/sobjects/{name}/{KEY_FIELD}/{quote(key, safe='')}"
        return {"method": "PATCH", "url": url, "referenceId": reference, "body": values}

    def _collections(self, name: str, rows: list[Part]) -> list[Part]:
        """Return upserts of up to 200 rows each."""
        url = f"{self._path}/composite/sobjects/{name}/{KEY_FIELD}"
        return [
            {
                "method": "PATCH",
                "url": url,
                "referenceId": f"{name}{start}",
                "body": {"allOrNone": True, "records": rows[start : start + MOST_ROWS]},
            }
            for start in range(0, len(rows), MOST_ROWS)
        ]


def _delivered_to(order: HeldOrder, group: Group) -> Part:
    """Return whom and where a delivery group is for, in the fields of a fulfilment order."""
    raw = order.order
    return {
        "OrderSummaryId": order.id,
        "OrderId": raw.original_order_id,
        "AccountId": raw.account_id,
        "FulfilledToName": group.deliver_to_name or "-",
        "FulfilledToStreet": group.deliver_to_street,
        "FulfilledToCity": group.deliver_to_city,
        "FulfilledToState": group.deliver_to_state,
        "FulfilledToPostalCode": group.deliver_to_postal_code,
        "FulfilledToCountry": group.deliver_to_country,
        "FulfilledToEmailAddress": group.email_address or raw.billing_email_address,
        "FulfilledToPhone": group.phone_number or raw.billing_phone_number,
        "FulfilledToLatitude": group.deliver_to_latitude,
        "FulfilledToLongitude": group.deliver_to_longitude,
    }


def _given(values: Part) -> Part:
    """Return the fields that have a value."""
    return {name: value for name, value in values.items() if value is not None}


def _check(order: HeldOrder, request: ShipmentRequest) -> None:
    """Refuse what the API would take without a check, or refuse with less to act on."""
    if not request.lines:
        advice = "check the parcel in the OMS"
        message = "the parcel has no lines"
        raise rejection_of("shipment_without_lines", "ShipmentItems", message, advice)
    wanted: dict[str, int] = {}
    for line in request.lines:
        wanted[line.line_id] = wanted.get(line.line_id, 0) + line.quantity
    for line_id, quantity in wanted.items():
        left = order.left(line_id)
        if quantity > left:
            message = (
                f"the parcel has {quantity} units of item {line_id}, and {left} of it are not "
                "shipped yet; the store would take more units than were ordered"
            )
            raise rejection_of("shipment_refused", "ShipmentItems", message, LOOK, line_id)
