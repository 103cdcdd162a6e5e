"""Writes shipments and statuses to a store, and reads an order's present state."""

from __future__ import annotations

from typing import Any

import orjson

from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import (
    Receipt,
    ShipmentLine,
    ShipmentRequest,
    StoreOrderState,
    StoreShipment,
)
from domain.parsing.answers import CONTRACT
from resources.http.async_client import AsyncApiClient
from resources.http.redaction import request_id
from resources.platforms.bigcommerce.answers_payload import (
    SHIPMENTS,
    OrderState,
    Shipment,
)
from resources.platforms.bigcommerce.client import (
    NO_CONTENT,
    accept,
    entries_of,
    id_checked,
    id_number,
    list_of,
    order_state,
    written_id,
)
from resources.platforms.bigcommerce.settings import SHIPMENT_PAGE, BigCommerceSettings
from resources.platforms.bigcommerce.statuses import SHIPPING_PROVIDERS, STATUSES, TRACKING_CARRIERS

MAX_TRACKING_NUMBER, MISSING = 50, 404


class BigCommerceWriter:
    """The calls that write to a store's orders: shipments and statuses."""

    def __init__(self, push: AsyncApiClient, settings: BigCommerceSettings) -> None:
        self._push = push
        self._carriers = TRACKING_CARRIERS | settings.tracking_carriers
        # A setting of either kind replaces what is built in, of whichever kind that is.
        self._providers = {
            code: provider
            for code, provider in SHIPPING_PROVIDERS.items()
            if code not in settings.tracking_carriers
        } | settings.shipping_providers

    async def list_shipments(self, order_id: str) -> list[StoreShipment]:
        """Return all shipments of an order. Raises ``RecordRejected`` for an unknown order."""
        path, page = f"/v2/orders/{id_number(order_id)}/shipments", 1
        shipments: dict[str, StoreShipment] = {}
        while True:
            reply = await self._push.request(
                "GET", path, params={"page": str(page), "limit": str(SHIPMENT_PAGE)}
            )
            accept(reply, "order_missing_in_store", "order_id", "look for the order in the store")
            # An empty 200 is not a list: taken for one, a shipment would be created a second time.
            found = [] if reply.status == NO_CONTENT else list_of(reply.where, reply.body)
            known = len(shipments)
            for listed in entries_of(reply.where, found, SHIPMENTS):
                shipment = _to_shipment(reply.where, listed)
                shipments[shipment.shipment_id] = shipment
            if len(shipments) == known:  # an empty page, or one that the store gave before
                return list(shipments.values())
            page += 1

    async def create_shipment(self, request: ShipmentRequest, correlation_id: str) -> Receipt:
        """Create a shipment; the store mails the shopper.

        Raises ``OutcomeUnknown`` without an answer that names the shipment.
        """
        body = orjson.dumps(self._shipment_body(request))
        path = f"/v2/orders/{id_number(request.order_id)}/shipments"
        reply = await self._push.request(
            "POST",
            path,
            body=body,
            correlation_id=correlation_id,
            idempotent=False,
            decode=written_id,
        )
        accept(
            reply,
            "shipment_refused",
            "items",
            "compare the order's lines and shipped quantities in the store with the parcel",
        )
        return Receipt(reply.value, trace_id=request_id(reply.headers))

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set a shipment's parcel; its items can't be changed, and the store refuses them."""
        path = f"/v2/orders/{id_number(request.order_id)}/shipments/{id_number(shipment_id)}"
        # Both ways to name a carrier, so that the one which named the old carrier is emptied.
        body = orjson.dumps(
            {"tracking_carrier": "", "shipping_provider": ""} | self._parcel_body(request)
        )
        reply = await self._push.request(
            "PUT",
            path,
            body=body,
            correlation_id=correlation_id,
            decode=id_checked(written_id, shipment_id),
        )
        accept(
            reply,
            "shipment_update_refused",
            "tracking_number",
            "check the order's shipments in the store",
        )
        return Receipt(shipment_id, trace_id=request_id(reply.headers))

    async def remove_shipment(
        self, order_id: str, shipment_id: str, correlation_id: str
    ) -> Receipt:
        """Delete a shipment; the order's status stays as it is."""
        path = f"/v2/orders/{id_number(order_id)}/shipments/{id_number(shipment_id)}"
        reply = await self._push.request("DELETE", path, correlation_id=correlation_id)
        if reply.status != MISSING:
            accept(reply, "shipment_removal_refused", "shipments", "delete it in the store")
        return Receipt(shipment_id, trace_id=request_id(reply.headers))

    async def read_order(self, order_id: str) -> StoreOrderState:
        """Return the order's present status; a status that the store added since is not final."""
        path = f"/v2/orders/{id_number(order_id)}"
        reply = await self._push.request("GET", path, decode=order_state)
        accept(reply, "order_missing_in_store", "order_id", "look for the order in the store")
        order: OrderState | None = reply.value
        if order is None:
            raise TransientError(f"{reply.where} answered {reply.status} without the order")
        status = STATUSES.get(order.status_id) if isinstance(order.status_id, int) else None
        final = bool(order.is_deleted) or (status is not None and status.is_final)
        return StoreOrderState(
            order_id,
            str(order.status_id),
            final,
            status is not None and status.is_reserved,
            status.shows if status is not None else None,
            order.items_shipped if type(order.items_shipped) is int else 0,
        )

    async def put_status(self, order_id: str, status: str, correlation_id: str) -> Receipt:
        """Set the order's status."""
        path, body = f"/v2/orders/{id_number(order_id)}", orjson.dumps({"status_id": int(status)})
        reply = await self._push.request(
            "PUT",
            path,
            body=body,
            correlation_id=correlation_id,
            decode=id_checked(written_id, order_id),
        )
        accept(reply, "status_refused", "status_id", "check the order in the store")
        return Receipt(order_id, trace_id=request_id(reply.headers))

    def _shipment_body(self, request: ShipmentRequest) -> dict[str, Any]:
        if not request.group_id.isdigit():
            message = (
                "lines that are picked up or sent by e-mail have no shipping address, "
                "and can't be shipped in the store"
            )
            raise _rejected(
                "group_not_shippable",
                "order_address_id",
                message,
                "set the order's status instead",
                request.group_id,
            )
        if not request.lines:
            raise _rejected(
                "shipment_without_lines",
                "items",
                "the parcel has no lines",
                "check the parcel in the OMS",
            )
        items = [
            {"order_product_id": int(id_number(line.line_id)), "quantity": line.quantity}
            for line in request.lines
        ]
        return {"order_address_id": int(request.group_id), "items": items} | self._parcel_body(
            request
        )

    def _parcel_body(self, request: ShipmentRequest) -> dict[str, Any]:
        """Return what a shipment says beside its lines and address."""
        number = request.tracking_number.strip()
        if len(number) > MAX_TRACKING_NUMBER:
            message = (
                f"the tracking number has {len(number)} characters, and BigCommerce accepts "
                f"{MAX_TRACKING_NUMBER}"
            )
            raise _rejected(
                "tracking_number_too_long",
                "tracking_number",
                message,
                "correct the tracking number in the OMS",
                number,
            )
        body: dict[str, Any] = {"tracking_number": number}
        method, code = request.service, request.carrier or ""
        if provider := self._providers.get(code):
            body["shipping_provider"] = provider
        elif code in self._carriers:
            body["tracking_carrier"] = self._carriers[code]
        else:
            method = _with_carrier(method, request.carrier_name or code)
        if method:
            body["shipping_method"] = method
        return body


def _with_carrier(service: str, carrier: str) -> str:
    """Return the shipping method that names a carrier for which the store has no value."""
    if carrier.casefold() in service.casefold():
        return service
    return f"{carrier} {service}".strip()


def _rejected(code: str, field: str, message: str, advice: str, value: str = "") -> RecordRejected:
    return RecordRejected(Problem(code, field, message, advice, value[:80]))


def _to_shipment(where: str, shipment: Shipment) -> StoreShipment:
    lines = []
    for item in shipment.items or ():
        quantity = item.quantity if item is not None else None
        if item is None or item.order_product_id is None or quantity is None:
            raise PermanentError(f"{where} gave a shipment whose items can't be read: {CONTRACT}")
        try:
            lines.append(ShipmentLine(str(item.order_product_id), int(quantity)))
        except (ValueError, OverflowError):
            raise PermanentError(
                f"{where} gave a shipment whose quantities can't be read: {CONTRACT}"
            ) from None
    if shipment.id is None:
        raise PermanentError(f"{where} gave a shipment without an id: {CONTRACT}")
    return StoreShipment(
        str(shipment.id),
        str(shipment.order_address_id),
        str(shipment.tracking_number or ""),
        tuple(lines),
    )
