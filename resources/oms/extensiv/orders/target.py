"""Orders at the account, as a target of deliveries: created once, canceled, never changed."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal

from domain.delivery import Claimed, Held, Operation, OrderCancel, Outcome, Question, outcome_of
from domain.errors import PermanentError, Problem, RecordRejected, TransientError
from domain.exchange import ExchangeLog, OutcomeUnknown, Receipt
from domain.reconciliation import Difference
from domain.records.orders import Order
from resources.http.async_client import AsyncApiClient
from resources.http.target_writer import TargetWriter
from resources.oms.extensiv.client import Policies
from resources.oms.extensiv.orders.diff import compare_order, order_change, units_of
from resources.oms.extensiv.orders.lists import OrderLists
from resources.oms.extensiv.orders.lookup import Origins
from resources.oms.extensiv.orders.mapping import OrderMapper
from resources.oms.extensiv.orders.writer import ExtensivWriter, status_in
from resources.oms.extensiv.settings import ExtensivSettings


class ExtensivOrders:
    """``domain.ports.OrderTarget``. There is no operation ``update``: the account takes none."""

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


class OrdersWriter(TargetWriter):
    """``domain.ports.Writer`` of orders."""

    def __init__(
        self,
        creating: AsyncApiClient,
        client: AsyncApiClient,
        settings: ExtensivSettings,
        lists: OrderLists,
        origins: Origins,
    ) -> None:
        super().__init__(creating, client)
        self._lists, self._origins = lists, origins
        self.calls = ExtensivWriter(creating, client, settings)

    async def apply(self, claimed: Sequence[Claimed]) -> list[Outcome]:
        """Create or cancel orders, one call each."""
        return [await outcome_of(self._send(one)) for one in claimed]

    async def find(
        self, claimed: Sequence[Claimed], owned: Collection[str]
    ) -> list[Receipt | None]:
        """Return the orders that are what was to be created, whole.

        Any other order of the same id is not this effect: creating it is refused, with what
        differs.
        """
        wanted = [one.content.wanted for one in claimed]
        try:
            held = await self._read([str(each["cust_ref"]) for each in wanted])
        except (TransientError, PermanentError) as error:
            raise OutcomeUnknown(f"The order could not be looked up: {error}") from error
        receipts: list[Receipt | None] = []
        for each in wanted:
            cust_ref = str(each["cust_ref"])
            payload = None if cust_ref in owned else held.get(cust_ref)
            is_same = payload is not None and not _differences(payload, each)
            receipts.append(Receipt(cust_ref) if is_same else None)
        return receipts

    async def held(self, asked: Mapping[str, Question]) -> dict[str, Held]:
        """Return what the account holds of orders, in the form of what they were sent as.

        Raises ``TransientError`` or ``PermanentError`` where the account can't be read.
        """
        found = await self._read(list(asked))
        return {cust_ref: self._held(found[cust_ref], cust_ref, asked) for cust_ref in found}

    def _held(self, payload: bytes, cust_ref: str, asked: Mapping[str, Question]) -> Held:
        try:
            # Of several versions, the account has the one that it differs least from.
            content = min(
                (compare_order(payload, wanted) for wanted in asked[cust_ref]),
                key=lambda compared: len(compared[1]),
            )[0]
        except RecordRejected as rejected:
            return Held(cust_ref, problems=rejected.problems)
        origin = self._origins.origin(payload)
        return Held(cust_ref, content, is_canceled=origin is not None and origin.is_cancelled)

    async def _read(self, cust_refs: Sequence[str]) -> dict[str, bytes]:
        found = await asyncio.to_thread(self._lists.read, cust_refs)
        return {record.source_id: record.payload for record in found}

    async def _status(self, order_id: str) -> str:
        found = await self._read([order_id])
        return status_in(found[order_id]) if order_id in found else ""

    async def _send(self, claimed: Claimed) -> Receipt:
        content = claimed.content
        if isinstance(content, OrderCancel):
            return await self.calls.cancel_order(
                content.order_id, self._status, claimed.correlation_id
            )
        receipt = await self.calls.create_order(content.payload, claimed.correlation_id)
        return receipt or await self._same(content.wanted)

    async def _same(self, wanted: Mapping[str, object]) -> Receipt:
        """Return the receipt of an order that exists as it was wanted.

        Raises ``RecordRejected`` with the fields that differ: it may be another order.
        """
        cust_ref = str(wanted["cust_ref"])
        held = (await self._read([cust_ref])).get(cust_ref)
        if held is None:
            raise OutcomeUnknown(
                f"The account has an order {cust_ref}, which could not be read to compare it"
            )
        if found := _differences(held, wanted):
            raise RecordRejected(*(_exists_differently(cust_ref, one) for one in found))
        return Receipt(cust_ref)


def _differences(payload: bytes, wanted: Mapping[str, object]) -> list[Difference]:
    return compare_order(payload, wanted)[1]


def _exists_differently(cust_ref: str, one: Difference) -> Problem:
    where = f"items[{one.line_id}]" if one.line_id else ""
    field = ".".join(part for part in (where, one.field) if part)
    return Problem(
        "order_exists_differently",
        field or "cust_ref",
        f"The account has another order {cust_ref}: {field or 'a line'} should be {one.expected}, "
        f"and is {one.found}.",
        "Compare both orders. If it is another one, give the connection an order_id_prefix of its "
        "own; if it is this one, correct it at Extensiv and discard the rejection.",
        cust_ref,
    )
