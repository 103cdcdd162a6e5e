"""Fulfilment in an org, as a target of deliveries: shipments, their tracking, the status."""

from __future__ import annotations

from domain.connections import Connection
from domain.delivery import Claimed, StatusChange
from domain.exchange import ExchangeLog, Receipt, ShipmentRequest
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.shipments.writer import OrderWriter
from resources.platforms.salesforce.statuses import MILESTONE_STATUS, NOTED
from resources.store_shipments import ShipmentsWriter, StoreShipments


class SalesforceShipments(StoreShipments):
    """``domain.targets.ShipmentTarget``. A shipment carries its idempotency key as external id."""

    def __init__(
        self, policy: ClientPolicy, settings: SalesforceSettings, connection: Connection
    ) -> None:
        noted = NOTED if settings.has_history else {}
        super().__init__(policy, connection, MILESTONE_STATUS, settings.write_concurrency, noted)
        self._policy, self._settings = policy, settings
        self.has_history = settings.has_history

    def writer(self, log: ExchangeLog) -> SalesforceShipmentsWriter:
        """Open the org for writing fulfilment."""
        concurrency = self._settings.write_concurrency
        push = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return SalesforceShipmentsWriter(push, OrderWriter(push, self._settings))


class SalesforceShipmentsWriter(ShipmentsWriter):
    """``domain.targets.Writer`` of fulfilment."""

    calls: OrderWriter

    async def create(self, request: ShipmentRequest, claimed: Claimed) -> Receipt:
        """Create a shipment with the key of the intent."""
        return await self.calls.create_shipment(request, claimed.key.hex, claimed.correlation_id)

    async def _send(self, claimed: Claimed) -> Receipt:
        """Note a status under the key of its intent."""
        content = claimed.content
        if isinstance(content, StatusChange):
            put = self.calls.note_status if content.is_noted else self.calls.put_status
            return await put(
                content.order_id, content.status, claimed.correlation_id, claimed.key.hex
            )
        return await super()._send(claimed)
