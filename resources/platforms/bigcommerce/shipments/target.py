"""Fulfilment in a store, as a target of deliveries: shipments, their tracking, the status."""

from __future__ import annotations

from domain.connections import Connection
from domain.delivery import Claimed
from domain.exchange import ExchangeLog, Receipt, ShipmentRequest
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.shipments.writer import BigCommerceWriter
from resources.platforms.bigcommerce.statuses import MILESTONE_STATUS
from resources.store_shipments import ShipmentsWriter, StoreShipments


class BigCommerceShipments(StoreShipments):
    """``domain.targets.ShipmentTarget``. A shipment keeps no key, so its content is looked for."""

    def __init__(
        self, policy: ClientPolicy, settings: BigCommerceSettings, connection: Connection
    ) -> None:
        super().__init__(policy, connection, MILESTONE_STATUS, settings.write_concurrency)
        self._policy, self._settings = policy, settings

    def writer(self, log: ExchangeLog) -> BigCommerceShipmentsWriter:
        """Open the store for writing fulfilment."""
        concurrency = self._settings.write_concurrency
        push = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return BigCommerceShipmentsWriter(push, BigCommerceWriter(push, self._settings))


class BigCommerceShipmentsWriter(ShipmentsWriter):
    """``domain.targets.Writer`` of fulfilment."""

    calls: BigCommerceWriter

    async def create(self, request: ShipmentRequest, claimed: Claimed) -> Receipt:
        """Create a shipment."""
        return await self.calls.create_shipment(request, claimed.correlation_id)
