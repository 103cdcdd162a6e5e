"""Fulfilment in a store, as a target of deliveries: what the connectors of all stores share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from domain.connections import Connection
from domain.delivery import (
    Claimed,
    Held,
    NewShipment,
    Operation,
    Outcome,
    Question,
    ShipmentChange,
    ShipmentRemoval,
    outcome_of,
)
from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import (
    ExchangeLog,
    OutcomeUnknown,
    Receipt,
    ShipmentRequest,
    StoreOrderState,
    StoreShipment,
)
from domain.milestones import Milestone
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter

NOTHING_NOTED: Mapping[Milestone, str] = {}


class ShipmentCalls(Protocol):
    """The calls of one store, each of which raises ``RecordRejected`` for an order it lacks."""

    async def read_order(self, order_id: str) -> StoreOrderState:
        """Return what an order shows of its fulfilment."""
        ...

    async def list_shipments(self, order_id: str) -> list[StoreShipment]:
        """Return all shipments of an order."""
        ...

    async def update_shipment(
        self, shipment_id: str, request: ShipmentRequest, correlation_id: str
    ) -> Receipt:
        """Set a shipment's tracking."""
        ...

    async def remove_shipment(
        self, order_id: str, shipment_id: str, correlation_id: str
    ) -> Receipt:
        """Take a shipment back; one that is gone already is done."""
        ...

    async def put_status(self, order_id: str, status: str, correlation_id: str) -> Receipt:
        """Set an order's status."""
        ...


class StoreShipments(ABC):
    """A base for ``domain.targets.ShipmentTarget``. Only the creation can't be repeated."""

    has_history: bool = False

    def __init__(
        self,
        policy: ClientPolicy,
        connection: Connection,
        statuses: Mapping[Milestone, object],
        concurrency: int,
        noted: Mapping[Milestone, str] = NOTHING_NOTED,
    ) -> None:
        """``statuses`` are the connector's own, which the connection's take the place of.

        So they do of what is ``noted``, also where a milestone should show as none.
        """
        self.acts_for = policy.acts_for
        self._concurrency = concurrency
        chosen = {**statuses, **connection.shipments.milestone_statuses}
        self._statuses = {str(m): None if s is None else str(s) for m, s in chosen.items()}
        own = connection.shipments.milestone_statuses
        self.noted: Mapping[Milestone, str] = {m: s for m, s in noted.items() if m not in own}
        self.operations: Mapping[str, Operation] = {
            "shipment": Operation(
                repeat="find", creates=True, commutes=True, concurrency=concurrency
            ),
            "shipment_update": Operation(concurrency=concurrency),
            "shipment_removal": Operation(concurrency=concurrency),
            "status": Operation(concurrency=concurrency),
        }

    @abstractmethod
    def writer(self, log: ExchangeLog) -> ShipmentsWriter:
        """Open the store for writing fulfilment."""

    def status_for(self, milestone: Milestone) -> str | None:
        """Return a milestone's status by the connection's overrides and the table."""
        return self._statuses[milestone]

    async def list_shipments(
        self, order_ids: Collection[str]
    ) -> dict[str, dict[str, StoreShipment]]:
        """Return all shipments of orders; orders that the store lacks are absent."""
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

            workers = min(self._concurrency, len(order_ids))
            await asyncio.gather(*(work() for _ in range(workers)))
        return found


class ShipmentsWriter(TargetWriter, ABC):
    """A base for ``domain.targets.Writer`` of fulfilment."""

    def __init__(self, push: AsyncApiClient, calls: ShipmentCalls) -> None:
        super().__init__(push)
        self.calls = calls

    @abstractmethod
    async def create(self, request: ShipmentRequest, claimed: Claimed) -> Receipt:
        """Create a shipment."""

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Create, change or remove shipments, or set the order's status, one call each."""
        return [await outcome_of(self._send(one)) for one in claimed]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the store's shipments that are the effects of new ones: by key, else by content.

        By the address, units and tracking number. Where one may have been created before, another
        tracking number is the parcel's older one, unless it is another parcel's. Raises
        ``OutcomeUnknown`` where the store does not answer: any other error would count the effect
        as undone.
        """
        taken, found = set(owned), list[Receipt | None]()
        for one in claimed:
            shipment = await self._find(one, taken)
            taken |= {shipment.shipment_id} if shipment is not None else set()
            receipt = Receipt(shipment.shipment_id, held=shipment) if shipment is not None else None
            found.append(receipt)
        return found

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return orders' present status, and the units that the store counts as shipped.

        Raises ``RecordRejected`` for an order that the store does not have.
        """
        return {
            order_id: Held(order_id, await self.calls.read_order(order_id)) for order_id in asked
        }

    async def _send(self, claimed: Claimed) -> Receipt:
        content, correlation_id = claimed.content, claimed.correlation_id
        if isinstance(content, NewShipment):
            return await self.create(content.request, claimed)
        if isinstance(content, ShipmentChange):
            return await self.calls.update_shipment(
                content.shipment_id, content.request, correlation_id
            )
        if isinstance(content, ShipmentRemoval):
            return await self.calls.remove_shipment(
                content.order_id, content.shipment_id, correlation_id
            )
        return await self.calls.put_status(content.order_id, content.status, correlation_id)

    async def _find(self, claimed: Claimed, taken: Collection[str]) -> StoreShipment | None:
        new: NewShipment = claimed.content
        request = new.request
        try:
            shipments = await self.calls.list_shipments(request.order_id)
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(
                f"Whether order {request.order_id} has the shipment could not be looked up: {error}"
            ) from error
        free = [shipment for shipment in shipments if shipment.shipment_id not in taken]
        units = {line.line_id: line.quantity for line in request.lines}
        same = [
            shipment
            for shipment in free
            if shipment.group_id == request.group_id
            and {line.line_id: line.quantity for line in shipment.lines} == units
        ]
        # The tracking number separates two parcels with the same units; units alone find one whose
        # number has changed.
        exact = [s for s in same if s.tracking_number == request.tracking_number]
        others = [s for s in same if not s.tracking_number or s.tracking_number not in new.numbers]
        by_key = [shipment for shipment in free if shipment.key == claimed.key.hex]
        return next(iter(by_key or exact or (others if claimed.intent.may_exist else [])), None)
