"""Orders at the account, as a target of deliveries: created once, canceled, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from domain.delivery import Claimed, Operation, OrderCancel
from domain.exchange import ExchangeLog, Receipt
from domain.reconciliation import Difference
from domain.records.orders import Order
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.oms.anchanto.client import NoAnswer
from resources.oms.anchanto.orders.diff import FORM, compare_order, order_change, units_of
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.mapping import OrderMapper
from resources.oms.anchanto.orders.writer import AnchantoWriter, status_in
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.create_only import CreateOnlyWriter


class AnchantoOrders:
    """``domain.ports.OrderTarget``. There is no operation ``update``: no call for it is known."""

    def __init__(
        self,
        policy: ClientPolicy,
        settings: AnchantoSettings,
        lists: OrderLists,
        origins: Origins,
    ) -> None:
        self._policy, self._settings = policy, settings
        self._lists, self._origins = lists, origins
        self._mapper, self._documents = OrderMapper(settings), Documents(settings.wire.fields)
        self.acts_for = policy.acts_for
        concurrency = settings.push_concurrency
        self.operations: Mapping[str, Operation] = {
            # A number is taken once, so an uncertain creation is looked for, not sent again.
            "create": Operation("find", creates=True, replaces=False, concurrency=concurrency),
            "cancel": Operation(replaces=False, concurrency=concurrency),
        }

    def payload(self, order: Order) -> dict[str, object]:
        """Map an order to a new order, in our names."""
        return self._mapper.payload(order)

    def change(
        self, known: Mapping[str, object], wanted: Mapping[str, object], *, whole: bool = False
    ) -> dict[str, object] | None:
        """Return what differs; it can't be sent, but says what the account would have to change."""
        return order_change(known, wanted, whole=whole)

    def units(self, content: Mapping[str, object]) -> dict[str, Decimal]:
        """Return by SKU the units of a ``payload``."""
        return units_of(content)

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""
        return compare_order(self._documents.order_attributes(payload), wanted)

    def writer(self, log: ExchangeLog) -> OrdersWriter:
        """Open the account for writing orders."""
        concurrency = self._settings.push_concurrency
        client = AsyncApiClient(self._policy, concurrency=concurrency, log=log)
        return OrdersWriter(client, self._settings, self._lists, self._origins)


class OrdersWriter(CreateOnlyWriter):
    """``domain.ports.Writer`` of orders."""

    system, form = "Anchanto", FORM

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

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""
        return compare_order(self._documents.order_attributes(payload), wanted)

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

    async def _status(self, number: str) -> str:
        found = await self.read([number])
        return status_in(self._documents, found[number]) if number in found else ""
