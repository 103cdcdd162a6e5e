"""The source of fulfilment: the orders that changed, single orders, and their mapping."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import orjson

from domain.connections import Connection
from domain.errors import Problem, RecordRejected
from domain.exchange import RawRecord
from domain.parsing.vendor_documents import text_of
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.oms.extensiv.client import interpret, open_envelope, path_of
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.payload import OrderView, decode_order
from resources.oms.extensiv.personal import FACTS
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.shipments.mapping import FulfilmentMapper
from resources.oms.extensiv.statuses import SHIPPED
from resources.oms.fulfilment_source import OrderFulfilment

UNCONFIRMED = (
    "The store has the shipments. Mark the order as confirmed in Extensiv, or Extensiv may send "
    "its tracking to the store, too."
)


class ShipmentsSource(OrderFulfilment):
    """The orders of one account, as far as they concern one connection."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        lists: OrderLists,
        origins: Origins,
        cart: ClientPolicy,
        settings: ExtensivSettings,
        connection: Connection,
    ) -> None:
        mapper = FulfilmentMapper(settings, connection, origins)
        super().__init__(lists, lists.read, origins.origin, mapper)
        self._lists, self._cart, self._settings = lists, cart, settings
        self.wants_delivered = settings.confirm_shipped

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Mark the shipped ones of orders as confirmed, so that Extensiv sends them nowhere else.

        Those that are not shipped as a whole, or are confirmed already, are left alone. Raises
        ``RecordRejected`` at the end with what was refused.
        """
        records = await asyncio.to_thread(self._lists.read, done)
        shipped = [order for order in map(_shipped, records) if order is not None]
        if not shipped:
            return
        async with AsyncApiClient(self._cart) as client:
            refused = [await self._confirm(client, order) for order in shipped]
        if problems := [problem for problem in refused if problem is not None]:
            raise RecordRejected(*problems)

    async def _confirm(self, client: AsyncApiClient, order: OrderView) -> Problem | None:
        """Confirm an order; return what Extensiv refuses."""
        numbers = [text_of(shipment.tracking_no) for shipment in order.shipments or ()]
        body: dict[str, object] = {
            "order_status": "confirmed",
            "shipments": [{"tracking_no": number} for number in numbers if number],
        }
        cust_ref = text_of(order.cust_ref)
        reply = await client.request(
            "POST",
            path_of(self._settings.paths.confirm, cust_ref=cust_ref),
            body=orjson.dumps(body),
            idempotent=True,
            decode=open_envelope,
        )
        answer = interpret(reply, self._settings.codes)
        if not answer.is_refused:
            return None
        text = f"Extensiv did not take order {cust_ref} as confirmed: {answer.text}"
        return Problem("confirmation_refused", "order_status", text, UNCONFIRMED, cust_ref)


def _shipped(record: RawRecord) -> OrderView | None:
    """Return an order that has shipped and is not confirmed yet, ``None`` for any other."""
    try:
        order = decode_order(record.payload).document
    except RecordRejected:
        return None
    return order if (order.order_status or "").strip().casefold() == SHIPPED else None
