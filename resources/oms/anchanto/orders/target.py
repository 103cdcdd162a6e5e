"""Orders at the account, as a target of deliveries: created once, canceled, never changed."""

from __future__ import annotations

from collections.abc import Mapping

from domain.delivery import Claimed, Operation, OrderCancel
from domain.exchange import ExchangeLog, Receipt
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.oms.anchanto.client import NoAnswer
from resources.oms.anchanto.orders.content import ComparedOrders, OrderContent
from resources.oms.anchanto.orders.diff import FORM
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.mapping import LONGEST_TEXT
from resources.oms.anchanto.orders.writer import AnchantoWriter, status_in
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.create_only import CreateOnlyWriter


class AnchantoOrders(OrderContent):
    """``domain.targets.OrderTarget``. There is no operation ``update``: no call for it is known."""

    def __init__(
        self,
        policy: ClientPolicy,
        settings: AnchantoSettings,
        lists: OrderLists,
        origins: Origins,
    ) -> None:
        super().__init__(settings)
        self._policy, self._lists, self._origins = policy, lists, origins
        self.acts_for = policy.acts_for
        concurrency = settings.push_concurrency
        self.operations: Mapping[str, Operation] = {
            # A number is taken once, so an uncertain creation is looked for, not sent again.
            "create": Operation("find", creates=True, replaces=False, concurrency=concurrency),
            "cancel": Operation(replaces=False, concurrency=concurrency),
        }

    def writer(self, log: ExchangeLog) -> OrdersWriter:
        """Open the account for writing orders."""
        concurrency = self._settings.push_concurrency
        client = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return OrdersWriter(client, self._settings, self._lists, self._origins)


class OrdersWriter(ComparedOrders, CreateOnlyWriter):
    """``domain.targets.Writer`` of orders."""

    system, form, longest_text = "Anchanto", FORM, LONGEST_TEXT

    def __init__(
        self,
        client: AsyncApiClient,
        settings: AnchantoSettings,
        lists: OrderLists,
        origins: Origins,
    ) -> None:
        super().__init__(client, lists=lists, origins=origins)
        self._documents = Documents(settings.wire.fields)
        self.calls = AnchantoWriter(client, settings)

    async def send(self, claimed: Claimed) -> Receipt:
        """Create or cancel one order."""
        content = claimed.content
        if isinstance(content, OrderCancel):
            return await self.calls.cancel_order(
                content.order_id, content.reason, self._status, claimed.correlation_id
            )
        try:
            receipt = await self.calls.create_order(content.payload, claimed.correlation_id)
        except NoAnswer as error:  # the refusal may be that of an order which exists
            return await self.same(content.wanted, error)
        return receipt or await self.same(content.wanted)

    async def _status(self, number: str) -> str | None:
        found = await self.read([number])
        return status_in(self._documents, found[number]) if number in found else None
