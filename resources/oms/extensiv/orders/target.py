"""Orders at the account, as a target of deliveries: created once, canceled, never changed."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from domain.delivery import Claimed, Operation, OrderCancel
from domain.exchange import ExchangeLog, Receipt
from domain.reconciliation import Difference
from domain.records.orders import Order
from domain.rules.ship_from import NodePlace
from resources.http.async_client import AsyncApiClient
from resources.oms.create_only import CreateOnlyWriter
from resources.oms.extensiv.client import Policies
from resources.oms.extensiv.orders.diff import FORM, compare_order, order_change, units_of
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.orders.mapping import LONGEST_TEXT, OrderMapper
from resources.oms.extensiv.orders.writer import ExtensivWriter, status_in
from resources.oms.extensiv.settings import ExtensivSettings


class ExtensivOrders:
    """``domain.targets.OrderTarget``. There is no operation ``update``: the account takes none."""

    ships_from: ClassVar[NodePlace] = "order"

    def __init__(
        self, policies: Policies, settings: ExtensivSettings, lists: OrderLists, origins: Origins
    ) -> None:
        self._policies, self._settings = policies, settings
        self._lists, self._origins = lists, origins
        self._mapper = OrderMapper(settings)
        self.acts_for = policies.creating.acts_for
        concurrency = settings.push_concurrency
        self.operations: Mapping[str, Operation] = {
            # An id is taken once, so an uncertain creation is looked for, not sent again.
            "create": Operation("find", creates=True, replaces=False, concurrency=concurrency),
            "cancel": Operation(replaces=False, concurrency=concurrency),
        }

    def payload(self, order: Order) -> dict[str, object]:
        """Map an order to the body of a new order."""
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
        return compare_order(payload, wanted)

    def writer(self, log: ExchangeLog) -> OrdersWriter:
        """Open the account for writing orders."""
        concurrency = self._settings.push_concurrency
        creating = AsyncApiClient(self._policies.creating, concurrency=concurrency, log=log)
        client = AsyncApiClient(self._policies.cart, concurrency=concurrency, log=log)
        return OrdersWriter(creating, client, self._settings, self._lists, self._origins)


class OrdersWriter(CreateOnlyWriter):
    """``domain.targets.Writer`` of orders."""

    system, form, longest_text = "Extensiv", FORM, LONGEST_TEXT

    def __init__(
        self,
        creating: AsyncApiClient,
        client: AsyncApiClient,
        settings: ExtensivSettings,
        lists: OrderLists,
        origins: Origins,
    ) -> None:
        super().__init__(creating, client, lists=lists, origins=origins)
        self.calls = ExtensivWriter(creating, client, settings)

    def compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        """Return what an order holds of ``wanted``, and the differences."""
        return compare_order(payload, wanted)

    async def send(self, claimed: Claimed) -> Receipt:
        """Create or cancel one order."""
        content = claimed.content
        if isinstance(content, OrderCancel):
            return await self.calls.cancel_order(
                content.order_id, self._status, claimed.correlation_id
            )
        receipt = await self.calls.create_order(content.payload, claimed.correlation_id)
        return receipt or await self.same(content.wanted)

    async def _status(self, order_id: str) -> str | None:
        found = await self.read([order_id])
        return status_in(found[order_id]) if order_id in found else None
