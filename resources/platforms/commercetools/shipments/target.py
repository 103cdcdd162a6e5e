"""Fulfilment in a project, as a target of deliveries: deliveries, their tracking, the state."""

from __future__ import annotations

from domain.connections import Connection
from domain.delivery import Claimed
from domain.exchange import ExchangeLog, Receipt, ShipmentRequest
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.shipments.writer import OrderWriter
from resources.platforms.commercetools.statuses import MILESTONE_STATUS
from resources.store_shipments import ShipmentsWriter, StoreShipments


class CommercetoolsShipments(StoreShipments):
    """``domain.ports.ShipmentTarget``. A delivery carries its idempotency key."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, connection: Connection
    ) -> None:
        super().__init__(policy, connection, MILESTONE_STATUS, settings.write_concurrency)
        self._policy, self._settings = policy, settings

    def writer(self, log: ExchangeLog) -> CommercetoolsShipmentsWriter:
        """Open the project for writing fulfilment."""
        concurrency = self._settings.write_concurrency
        push = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return CommercetoolsShipmentsWriter(push, OrderWriter(push, self._settings))


class CommercetoolsShipmentsWriter(ShipmentsWriter):
    """``domain.ports.Writer`` of fulfilment."""

    calls: OrderWriter

    async def create(self, request: ShipmentRequest, claimed: Claimed) -> Receipt:
        """Add a delivery with the key of the intent."""
        return await self.calls.create_shipment(request, claimed.key.hex, claimed.correlation_id)
