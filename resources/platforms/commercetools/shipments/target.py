"""Fulfilment in a project, as a target of deliveries: deliveries, their tracking, the state."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence

from domain.connections import Connection
from domain.delivery import (
    Claimed,
    Held,
    NewShipment,
    Operation,
    Outcome,
    Question,
    ShipmentChange,
    outcome_of,
)
from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt, StoreShipment
from domain.milestones import Milestone
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.shipments.actions import KEY
from resources.platforms.commercetools.shipments.writer import OrderWriter
from resources.platforms.commercetools.statuses import MILESTONE_STATUS


class CommercetoolsShipments:
    """``domain.ports.ShipmentTarget``. A delivery carries its idempotency key."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, connection: Connection
    ) -> None:
        self._policy, self._settings = policy, settings
        self.acts_for = policy.acts_for
        self._statuses: dict[str, str | None] = {str(m): s for m, s in MILESTONE_STATUS.items()}
        self._statuses |= {
            str(m): None if s is None else str(s)
            for m, s in connection.shipments.milestone_statuses.items()
        }
        concurrency = settings.write_concurrency
        self.operations: Mapping[str, Operation] = {
            "shipment": Operation(
                repeat="find", creates=True, commutes=True, concurrency=concurrency
            ),
            "shipment_update": Operation(concurrency=concurrency),
            "status": Operation(concurrency=concurrency),
        }

    def status_for(self, milestone: Milestone) -> str | None:
        """Return a milestone's status by the connection's overrides and the table."""
        return self._statuses[milestone]

    def writer(self, log: ExchangeLog) -> ShipmentsWriter:
        """Open the project for writing fulfilment."""
        concurrency = self._settings.write_concurrency
        push = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return ShipmentsWriter(push, self._settings)

    async def list_shipments(
        self, order_ids: Collection[str]
    ) -> dict[str, dict[str, StoreShipment]]:
        """Return all shipments of orders; orders that the project lacks are absent."""
        found: dict[str, dict[str, StoreShipment]] = {}
        waiting = iter(order_ids)
        async with self.writer(lambda _: None) as writer:

            async def work() -> None:
                for order_id in waiting:
                    try:
                        shipments = await writer.calls.list_shipments(order_id)
                    except RecordRejected:
                        continue
                    found[order_id] = {shipment.shipment_id: shipment for shipment in shipments}

            workers = min(self._settings.write_concurrency, len(order_ids))
            await asyncio.gather(*(work() for _ in range(workers)))
        return found


class ShipmentsWriter(TargetWriter):
    """``domain.ports.Writer`` of fulfilment."""

    def __init__(self, push: AsyncApiClient, settings: CommercetoolsSettings) -> None:
        super().__init__(push)
        self.calls = OrderWriter(push, settings)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Add deliveries, set their tracking or the order's status, one call each."""
        return [await outcome_of(self._send(one)) for one in claimed]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the project's deliveries that are the effects of new ones: by key, else content.

        By content where a delivery was made by hand, or before it had this key: with the group,
        units and tracking number; another number is the parcel's older one where one may have been
        made before, unless it is another parcel's. Raises ``OutcomeUnknown`` where the project does
        not answer: any other error would count the effect as undone.
        """
        taken, found = set(owned), list[Receipt | None]()
        for one in claimed:
            shipment = await self._find(one, taken)
            taken |= {shipment.shipment_id} if shipment is not None else set()
            receipt = Receipt(shipment.shipment_id, held=shipment) if shipment is not None else None
            found.append(receipt)
        return found

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return orders' present status, and the units that their deliveries hold.

        Raises ``RecordRejected`` for an order that the project does not have.
        """
        return {
            order_id: Held(order_id, await self.calls.read_order(order_id)) for order_id in asked
        }

    async def _send(self, claimed: Claimed) -> Receipt:
        content, correlation_id = claimed.content, claimed.correlation_id
        if isinstance(content, NewShipment):
            key = claimed.key.hex
            return await self.calls.create_shipment(content.request, key, correlation_id)
        if isinstance(content, ShipmentChange):
            return await self.calls.update_shipment(
                content.shipment_id, content.request, correlation_id
            )
        return await self.calls.put_status(content.order_id, content.status, correlation_id)

    async def _find(self, claimed: Claimed, taken: Collection[str]) -> StoreShipment | None:
        new: NewShipment = claimed.content
        request = new.request
        try:
            order = await self.calls.read(request.order_id)
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(
                f"Whether order {request.order_id} has the delivery could not be looked up: {error}"
            ) from error
        deliveries = order.deliveries()
        for shipment, delivery in deliveries:
            if delivery.key == f"{KEY}{claimed.key.hex}" and shipment.shipment_id not in taken:
                return shipment
        units = {line.line_id: line.quantity for line in request.lines}
        same = [
            shipment
            for shipment, _ in deliveries
            if shipment.group_id == request.group_id
            and shipment.shipment_id not in taken
            and {line.line_id: line.quantity for line in shipment.lines} == units
        ]
        exact = [s for s in same if s.tracking_number == request.tracking_number]
        others = [s for s in same if not s.tracking_number or s.tracking_number not in new.numbers]
        return next(iter(exact or (others if claimed.intent.may_exist else [])), None)
