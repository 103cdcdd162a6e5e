"""Fulfilment in a project, as a target of deliveries: deliveries, their tracking, the state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from domain.connections import Connection
from domain.delivery import Claimed, Operation, Outcome, failed, succeeded
from domain.errors import LockstepError
from domain.exchange import ExchangeLog, Receipt, ShipmentRequest
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.shipments.writer import OrderWriter, order_of
from resources.platforms.commercetools.statuses import MILESTONE_STATUS
from resources.store_shipments import ShipmentsWriter, StoreShipments


class CommercetoolsShipments(StoreShipments):
    """``domain.targets.ShipmentTarget``. A delivery carries its idempotency key."""

    def __init__(
        self, policy: ClientPolicy, settings: CommercetoolsSettings, connection: Connection
    ) -> None:
        super().__init__(policy, connection, MILESTONE_STATUS, settings.write_concurrency)
        self._policy, self._settings = policy, settings
        self.operations: Mapping[str, Operation] = {
            name: replace(operation, joins=True) for name, operation in self.operations.items()
        }

    def writer(self, log: ExchangeLog) -> CommercetoolsShipmentsWriter:
        """Open the project for writing fulfilment."""
        concurrency = self._settings.write_concurrency
        push = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return CommercetoolsShipmentsWriter(push, OrderWriter(push, self._settings))


class CommercetoolsShipmentsWriter(ShipmentsWriter):
    """``domain.targets.Writer`` of fulfilment."""

    calls: OrderWriter

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Apply the intents of one order by one update, those of several one by one."""
        if len(claimed) < 2 or len({order_of(one) for one in claimed}) > 1:
            return await super().apply(claimed)
        try:
            receipts = await self.calls.update_jointly(claimed)
        except LockstepError as error:
            return [failed(error) for _ in claimed]
        return [succeeded(receipt) for receipt in receipts]

    async def create(self, request: ShipmentRequest, claimed: Claimed) -> Receipt:
        """Add a delivery with the key of the intent."""
        return await self.calls.create_shipment(request, claimed.key.hex, claimed.correlation_id)
