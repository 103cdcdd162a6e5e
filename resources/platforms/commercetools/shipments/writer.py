"""Updates orders of a project under their versions, and reads what they hold.

On 409 the order is read again and the actions are planned again: actions that were planned for an
older version would be applied twice (platforms.md 2.5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import orjson

from domain.delivery import Claimed, NewShipment, ShipmentChange, ShipmentRemoval, StatusChange
from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import Receipt, ShipmentRequest, StoreOrderState, StoreShipment
from domain.parsing.answers import document_of
from resources.http.async_client import AsyncApiClient
from resources.http.redaction import request_id
from resources.http.reply import Reply
from resources.platforms.commercetools.answers_payload import HELD_ORDERS
from resources.platforms.commercetools.client import CONFLICT, MISSING, refuse
from resources.platforms.commercetools.reader import is_id
from resources.platforms.commercetools.settings import MOST_CONFLICTS, CommercetoolsSettings
from resources.platforms.commercetools.shipments.actions import (
    Action,
    add_delivery,
    remove_delivery,
    set_status,
    set_tracking,
)
from resources.platforms.commercetools.shipments.order import KEY, HeldOrder, rejection_of

Planned = Callable[[HeldOrder], list[Action]]
MOST_SEEN = 64
"""Orders that are kept from a read to the write that follows it."""


class OrderWriter:
    """The calls that write to orders of one project."""

    def __init__(self, push: AsyncApiClient, settings: CommercetoolsSettings) -> None:
        self._push, self._settings = push, settings
        self._seen: dict[str, HeldOrder] = {}
        """Orders as they were last read or written; each is used for one write."""

    async def read(self, order_id: str, expand: str = "") -> HeldOrder:
        """Return an order. Raises ``RecordRejected`` for one that the project does not have."""
        params = {"expand": expand} if expand else None
        reply = await self._push.request("GET", _path(order_id), params=params)
        if not reply.ok:
            _refuse_unless_found(reply)
        return HeldOrder(document_of(reply.where, reply.body, HELD_ORDERS), self._settings)

    async def read_order(self, order_id: str) -> StoreOrderState:
        """Return what an order shows of its fulfilment."""
        order = await self.read(order_id)
        self._keep(order)
        return order.state()

    async def list_shipments(self, order_id: str) -> list[StoreShipment]:
        """Return all deliveries of an order."""
        return [shipment for shipment, _ in (await self.read(order_id)).deliveries()]

    async def create_shipment(
        self, request: ShipmentRequest, key: str, correlation_id: str
    ) -> Receipt:
        """Add a delivery with its parcel, once for a key."""
        delivery_key, carrier = f"{KEY}{key}", self._carrier(request)
        held, trace_id = await self.update(
            request.order_id,
            lambda order: add_delivery(order, request, delivery_key, carrier),
            correlation_id,
            "shipment_refused",
            is_idempotent=False,
        )
        return _created(held, key, trace_id)

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set the tracking of a delivery's parcel."""
        carrier = self._carrier(request)
        _, trace_id = await self.update(
            request.order_id,
            lambda order: set_tracking(order, shipment_id, request, carrier),
            correlation_id,
            "shipment_update_refused",
        )
        return Receipt(shipment_id, trace_id=trace_id)

    async def remove_shipment(
        self, order_id: str, shipment_id: str, correlation_id: str
    ) -> Receipt:
        """Remove a delivery with its parcel."""
        _, trace_id = await self.update(
            order_id,
            lambda order: remove_delivery(order, shipment_id),
            correlation_id,
            "shipment_removal_refused",
        )
        return Receipt(shipment_id, trace_id=trace_id)

    async def put_status(self, order_id: str, status: str, correlation_id: str) -> Receipt:
        """Set an order's status."""
        _, trace_id = await self.update(
            order_id,
            lambda order: set_status(order, status, self._settings),
            correlation_id,
            "status_refused",
        )
        return Receipt(order_id, trace_id=trace_id)

    async def update_jointly(self, claimed: Sequence[Claimed]) -> list[Receipt]:
        """Apply the changes of one order in one update: all of them, or none."""
        order_id, correlation_id = order_of(claimed[0]), claimed[0].correlation_id
        is_new = any(isinstance(one.content, NewShipment) for one in claimed)

        def planned(order: HeldOrder) -> list[Action]:
            return [action for one in claimed for action in self._actions(order, one)]

        held, trace_id = await self.update(
            order_id, planned, correlation_id, "update_refused", is_idempotent=not is_new
        )
        return [_receipt(held, one, trace_id) for one in claimed]

    def _actions(self, order: HeldOrder, claimed: Claimed) -> list[Action]:
        """Return the actions of one change, beside those that are planned for the order already."""
        content = claimed.content
        if isinstance(content, StatusChange):
            return set_status(order, content.status, self._settings)
        if isinstance(content, ShipmentRemoval):
            order.give_back(content.shipment_id)
            return remove_delivery(order, content.shipment_id)
        request, carrier = content.request, self._carrier(content.request)
        if isinstance(content, ShipmentChange):
            return set_tracking(order, content.shipment_id, request, carrier)
        actions = add_delivery(order, request, f"{KEY}{claimed.key.hex}", carrier)
        if actions:
            order.take(request.lines)
        return actions

    async def update(
        self,
        order_id: str,
        planned: Planned,
        correlation_id: str,
        code: str,
        *,
        is_idempotent: bool = True,
    ) -> tuple[HeldOrder, str]:
        """Bring an order to what is planned; return it, and the request's id.

        With its version a request takes effect once, so it may be repeated; where it creates
        something, a lost answer leaves the effect unknown instead, and it is looked for. The order
        need not be read again if it was just seen: in another version the actions are refused.
        """
        for _ in range(MOST_CONFLICTS):
            held, actions = await self._planned(order_id, planned)
            if not actions:
                return held, ""
            reply = await self._push.request(
                "POST",
                _path(order_id),
                body=orjson.dumps({"version": held.version, "actions": actions}),
                correlation_id=correlation_id,
                idempotent=is_idempotent,
                decode=lambda body: self._written(body, order_id),
            )
            if reply.ok:
                order: HeldOrder = reply.value
                self._keep(order)
                return order, request_id(reply.headers)
            if reply.status != CONFLICT:
                _refuse_unless_found(reply, code)
        raise TransientError(
            f"commercetools: order {order_id} has changed {MOST_CONFLICTS} times while it was "
            "written; trying again later may help"
        )

    async def _planned(self, order_id: str, planned: Planned) -> tuple[HeldOrder, list[Action]]:
        """Return an order and the actions for it: by how it was seen last, if that needs any.

        That there is nothing to do, or that the order can't take it, is decided by a new read.
        """
        if (seen := self._seen.pop(order_id, None)) is not None:
            with suppress(RecordRejected):
                if actions := planned(seen):
                    return seen, actions
        held = await self.read(order_id)
        return held, planned(held)

    def _keep(self, order: HeldOrder) -> None:
        self._seen[order.id] = order
        if len(self._seen) > MOST_SEEN:
            del self._seen[next(iter(self._seen))]

    def _written(self, body: bytes, order_id: str) -> HeldOrder:
        """Return the order in an answer; raises ``ValueError`` if it is another, or none."""
        try:
            order = HELD_ORDERS.decode(body).document
        except RecordRejected as error:
            raise ValueError(error.problems[0].message) from None
        if order.id != order_id or order.version is None:
            raise ValueError(f"the answer is not order {order_id} with a version")
        return HeldOrder(order, self._settings)

    def _carrier(self, request: ShipmentRequest) -> str:
        code = request.carrier or ""
        names: Mapping[str, str] = self._settings.carriers
        return names.get(code, request.carrier_name or code)


def order_of(claimed: Claimed) -> str:
    """Return the id of the order that a change is of."""
    content = claimed.content
    if isinstance(content, StatusChange | ShipmentRemoval):
        return content.order_id
    return str(content.request.order_id)


def _created(held: HeldOrder, key: str, trace_id: str) -> Receipt:
    """Return the delivery with a key; raises ``PermanentError`` if the answer lacks it."""
    for shipment, _ in held.deliveries():
        if shipment.key == key:
            return Receipt(shipment.shipment_id, trace_id=trace_id)
    raise PermanentError(
        f"commercetools: POST {_path(held.id)} answered without the delivery that was added; "
        "check the order in the store"
    )


def _receipt(held: HeldOrder, claimed: Claimed, trace_id: str) -> Receipt:
    content = claimed.content
    if isinstance(content, NewShipment):
        return _created(held, claimed.key.hex, trace_id)
    is_shipment = isinstance(content, ShipmentChange | ShipmentRemoval)
    return Receipt(content.shipment_id if is_shipment else held.id, trace_id=trace_id)


def _path(order_id: str) -> str:
    """Return the path of an order, if the id may be one."""
    if not is_id(order_id):
        message, advice = "this isn't an id of commercetools", "compare the order's ids"
        raise rejection_of("id_invalid", "order_id", message, advice, order_id)
    return f"/orders/{order_id}"


def _refuse_unless_found(reply: Reply, code: str = "") -> None:
    if reply.status == MISSING or not code:
        refuse(reply, "order_missing_in_store", "order_id", "look for the order in the store")
    refuse(reply, code, "actions", "check the order in the store")
