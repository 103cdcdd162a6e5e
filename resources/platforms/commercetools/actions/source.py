"""Agents' requests in custom fields of a project's orders, and their outcomes beside them.

A request is new as long as the field of outcomes does not have its id. So the order's other
changes, and our own writes, bring no request a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
import orjson

from domain.connections import Connection
from domain.errors import PermanentError, RecordRejected, TransientError
from domain.exchange import Mapped, RawRecord
from domain.parsing.answers import CONTRACT
from domain.parsing.payload import HIGHEST_ID
from domain.records.actions import ActionOutcome, ActionRequest
from domain.sources import EVERYTHING, Page, Scope, Shape
from domain.values import Window
from resources.http.async_client import AsyncApiClient
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.platforms.commercetools.actions.mapping import (
    BETWEEN,
    action_id,
    capture_of,
    fields_of,
    own_id,
    to_action,
)
from resources.platforms.commercetools.client import CONFLICT, MISSING, quoted, refuse
from resources.platforms.commercetools.personal import FACTS
from resources.platforms.commercetools.reader import ChangesReader, Resource, is_id
from resources.platforms.commercetools.settings import (
    MOST_CONFLICTS,
    ActionFields,
    CommercetoolsSettings,
)


class Custom(msgspec.Struct):
    """An order's custom fields."""

    fields: dict[str, object] = {}


class Order(msgspec.Struct):
    """As much of an order as a request needs."""

    id: str
    version: Annotated[int, msgspec.Meta(ge=0, le=HIGHEST_ID)]
    custom: Custom | None = None

    def text(self, name: str) -> str:
        """Return a custom field's text; empty if it is none."""
        found = self.custom.fields.get(name) if self.custom is not None else None
        return found if isinstance(found, str) else ""


_ORDERS = msgspec.json.Decoder(Order)


class ActionsSource:
    """``domain.sources.ActionSource`` of one project, or of one store of it."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self,
        http: ApiClient,
        policy: ClientPolicy,
        settings: CommercetoolsSettings,
        connection: Connection,
    ) -> None:
        self._fields = fields = settings.actions or ActionFields()
        self._is_on = settings.actions is not None
        where = [f"custom(fields({fields.request} is defined))"]
        if settings.store_key is not None:
            where.append(f"store(key = {quoted(settings.store_key)})")
        # Changes of custom fields make no messages, so the orders themselves are asked.
        own = settings.model_copy(update={"probe": "orders"})
        orders = Resource("order", "/orders", "view_orders", tuple(where))
        self._reader = ChangesReader(http, own, orders)
        self._policy, self._rules = policy, connection.addresses

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest changed order with a request since; one call."""
        return self._reader.probe(since) if self._is_on else None

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read the new requests of orders that changed in the window, in pages."""
        del scope
        if self._is_on:
            for records in self._reader.read(window):
                yield Page(list(self._new(records)))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read requests by id, as long as they are new."""
        orders = {identifier.partition(BETWEEN)[0] for identifier in ids}
        for records in self._reader.read_by_id(orders) if self._is_on else ():
            yield Page([one for one in self._new(records) if one.source_id in ids])

    def _new(self, records: Sequence[RawRecord]) -> Iterator[RawRecord]:
        for record in records:
            try:
                order = _ORDERS.decode(record.payload)
            except (ValueError, RecursionError):
                continue  # the stream of orders reports an order that can't be read
            text = order.text(self._fields.request) if is_id(order.id) else ""
            if text and fields_of(order.text(self._fields.outcome)).get("id") != own_id(text):
                identifier = action_id(order.id, text)
                yield RawRecord(identifier, record.updated_at, capture_of(order.id, text))

    def to_canonical(self, payload: bytes) -> Mapped[ActionRequest]:
        """Map a captured request."""
        return to_action(payload, self._rules)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the outcome makes a request old."""

    async def report(self, outcomes: Sequence[ActionOutcome]) -> Sequence[str]:
        """Write outcomes beside their requests; return those that need no more.

        One that was asked for elsewhere, or whose field has another request by now, needs none.
        Raises what the whole project refuses; an order that it refuses stays to be shown.
        """
        known: list[str] = []
        async with AsyncApiClient(self._policy) as client:
            for one in outcomes:
                order_id, between, _ = one.action_id.partition(BETWEEN)
                if not self._is_on or not between or not is_id(order_id):
                    known.append(one.action_id)
                    continue
                try:
                    await self._show(client, order_id, one)
                except RecordRejected:
                    continue
                known.append(one.action_id)
        return known

    async def _show(self, client: AsyncApiClient, order_id: str, one: ActionOutcome) -> None:
        for _ in range(MOST_CONFLICTS):
            reply = await client.request("GET", f"/orders/{order_id}", decode=_ORDERS.decode)
            if reply.status == MISSING:
                return
            if not reply.ok:
                refuse(reply, "action_not_shown", "custom", "check the order in the store")
            order: Order = reply.value
            if order.id != order_id:
                raise PermanentError(f"{reply.where} gave another order: {CONTRACT}")
            text = order.text(self._fields.request)
            if not text or action_id(order_id, text) != one.action_id:
                return
            shown = {"id": own_id(text), "state": one.state, "code": one.code, "reason": one.reason}
            value = orjson.dumps({name: part for name, part in shown.items() if part}).decode()
            action = {"action": "setCustomField", "name": self._fields.outcome, "value": value}
            body = orjson.dumps({"version": order.version, "actions": [action]})
            path = f"/orders/{order_id}"
            reply = await client.request(
                "POST", path, body=body, correlation_id=one.correlation_id, idempotent=True
            )
            if reply.ok:
                return
            if reply.status != CONFLICT:
                refuse(reply, "action_not_shown", "custom", "check the order in the store")
        raise TransientError(f"commercetools: order {order_id} changes all the time; try later")
