"""Orders at the account, as a target of deliveries: created once, canceled, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from domain.delivery import Claimed, Held, Operation, OrderCancel, Outcome, Question, outcome_of
from domain.errors import (
    LockstepError,
    PermanentError,
    Problem,
    RecordRejected,
    TransientError,
)
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from domain.reconciliation import Difference
from domain.records.orders import Order
from resources.http.async_client import AsyncApiClient
from resources.http.policy import ClientPolicy
from resources.http.target_writer import TargetWriter
from resources.oms.anchanto.client import NoAnswer
from resources.oms.anchanto.orders.diff import compare_order, order_change, units_of
from resources.oms.anchanto.orders.lists import OrderLists
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.mapping import OrderMapper
from resources.oms.anchanto.orders.writer import AnchantoWriter, status_in
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.settings import AnchantoSettings


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


class OrdersWriter(TargetWriter):
    """``domain.ports.Writer`` of orders."""

    def __init__(
        self,
        client: AsyncApiClient,
        settings: AnchantoSettings,
        lists: OrderLists,
        origins: Origins,
    ) -> None:
        super().__init__(client)
        self._lists, self._origins = lists, origins
        self._documents = Documents(settings.wire.fields)
        self.calls = AnchantoWriter(client, settings)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Create or cancel orders, one call each."""
        return [await outcome_of(self._send(one)) for one in claimed]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the orders that are what was to be created, whole.

        Any other order of the same number is not this effect: creating it is refused, with what
        differs.
        """
        wanted = [one.content.wanted for one in claimed]
        try:
            held = await self._read([str(each["number"]) for each in wanted])
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(f"The order could not be looked up: {error}") from error
        receipts: list[Receipt | None] = []
        for each in wanted:
            number = str(each["number"])
            payload = None if number in owned else held.get(number)
            is_same = payload is not None and not self._compare(payload, each)[1]
            receipts.append(Receipt(number) if is_same else None)
        return receipts

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the account holds of orders, in the form of what they were sent as.

        Raises ``TransientError`` or ``PermanentError`` where the account can't be read.
        """
        found = await self._read(list(asked))
        return {number: self._held(found[number], number, asked) for number in found}

    def _held(self, payload: bytes, number: str, asked: Mapping[str, Question]) -> Held:
        try:
            # Of several versions, the account has the one that it differs least from.
            content = min(
                (self._compare(payload, wanted) for wanted in asked[number]),
                key=lambda compared: len(compared[1]),
            )[0]
        except RecordRejected as rejected:
            return Held(number, problems=rejected.problems)
        origin = self._origins.origin(payload)
        return Held(number, content, is_canceled=origin is not None and origin.is_cancelled)

    def _compare(
        self, payload: bytes, wanted: Mapping[str, object]
    ) -> tuple[dict[str, object], list[Difference]]:
        return compare_order(self._documents.order_attributes(payload), wanted)

    async def _read(self, numbers: Sequence[str]) -> dict[str, bytes]:
        found = await asyncio.to_thread(self._lists.read, numbers)
        return {record.source_id: record.payload for record in found}

    async def _status(self, number: str) -> str:
        found = await self._read([number])
        return status_in(self._documents, found[number]) if number in found else ""

    async def _send(self, claimed: Claimed) -> Receipt:
        content = claimed.content
        if isinstance(content, OrderCancel):
            return await self.calls.cancel_order(
                content.order_id, content.reason, self._status, claimed.correlation_id
            )
        number = str(content.wanted["number"])
        unread = OutcomeUnknown(
            f"The account has an order {number}, which could not be read to compare it"
        )
        try:
            receipt = await self.calls.create_order(content.payload, claimed.correlation_id)
        except NoAnswer as error:  # the refusal may be that of an order which exists
            return await self._same(content.wanted, error)
        return receipt or await self._same(content.wanted, unread)

    async def _same(self, wanted: Mapping[str, object], absent: LockstepError) -> Receipt:
        """Return the receipt of an order that exists as it was wanted.

        Raises ``RecordRejected`` with the fields that differ, since it may be another order, and
        ``absent`` where there is none.
        """
        number = str(wanted["number"])
        held = (await self._read([number])).get(number)
        if held is None:
            raise absent
        if found := self._compare(held, wanted)[1]:
            raise RecordRejected(*(_exists_differently(number, one) for one in found))
        return Receipt(number)


def _exists_differently(number: str, one: Difference) -> Problem:
    where = f"order_items[{one.line_id}]" if one.line_id else ""
    field = ".".join(part for part in (where, one.field) if part)
    return Problem(
        "order_exists_differently",
        field or "number",
        f"The account has another order {number}: {field or 'a line'} should be {one.expected}, "
        f"and is {one.found}.",
        "Compare both orders. If it is another one, give the connection an order_id_prefix of its "
        "own; if it is this one, correct it at Anchanto and discard the rejection.",
        number,
    )
