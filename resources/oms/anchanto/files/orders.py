"""The target that sends orders and cancellations as files; the mapping is the API's.

Orders that were sent are known by their numbers, so each goes out once. Whether a cancellation was
in time shows in the order's status or in its shipments.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from uuid import UUID

import msgspec

from domain.delivery import Claimed, Operation, OrderCancel
from domain.errors import Problem, RecordRejected
from domain.exchange import ExchangeLog, Receipt
from resources.oms.anchanto.files.order_lists import FileOrders
from resources.oms.anchanto.files.orders_state import OrdersState
from resources.oms.anchanto.files.outbox import Outbox
from resources.oms.anchanto.files.rows import OrderRows
from resources.oms.anchanto.orders.content import ComparedOrders, OrderContent
from resources.oms.anchanto.orders.diff import FORM
from resources.oms.anchanto.orders.lookup import Origins
from resources.oms.anchanto.orders.mapping import LONGEST_TEXT
from resources.oms.anchanto.orders.writer import status_in
from resources.oms.anchanto.payload import Documents
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.statuses import CANCELED, StatusTable
from resources.oms.create_only import CreateOnlyWriter
from resources.oms.gone import order_gone

ORDERS, CANCELLATIONS = "orders", "cancellations"
ACTS_FOR = 5.0
"""A file is out when its call is over; a disk that hangs takes longer."""


class AnchantoFileOrders(OrderContent):
    """``domain.targets.OrderTarget`` by files. There is no operation ``update``, as by the API."""

    operations: Mapping[str, Operation] = {
        "create": Operation("find", creates=True, replaces=False),
        "cancel": Operation(replaces=False),
    }
    acts_for = ACTS_FOR

    def __init__(
        self,
        settings: AnchantoSettings,
        lists: FileOrders,
        state: OrdersState,
        orders: Outbox,
        cancellations: Outbox,
        origins: Origins,
    ) -> None:
        super().__init__(settings)
        self._lists, self._state, self._origins = lists, state, origins
        self._orders, self._cancellations = orders, cancellations

    def writer(self, log: ExchangeLog) -> FileOrdersWriter:
        """Open the folders for writing."""
        return FileOrdersWriter(
            self._settings,
            self._lists,
            self._state,
            (self._orders, self._cancellations),
            self._origins,
            log,
        )


class FileOrdersWriter(ComparedOrders, CreateOnlyWriter):
    """``domain.targets.Writer`` of orders."""

    system, form, longest_text = "Anchanto", FORM, LONGEST_TEXT

    def __init__(
        self,
        settings: AnchantoSettings,
        lists: FileOrders,
        state: OrdersState,
        outboxes: tuple[Outbox, Outbox],
        origins: Origins,
        log: ExchangeLog,
    ) -> None:
        super().__init__(lists=lists, origins=origins)
        self._state, self._log, self._fields = state, log, settings.wire.fields
        self._store_code = settings.store_code
        self._orders, self._cancellations = outboxes
        columns = settings.exchange.columns if settings.exchange is not None else {}
        self._rows = OrderRows(self._fields, columns)
        self._documents = Documents(settings.wire.fields)
        self._statuses = StatusTable(settings.statuses)

    async def send(self, claimed: Claimed) -> Receipt:
        """Write the file of one order, or of its cancellation."""
        content = claimed.content
        if isinstance(content, OrderCancel):
            return await self._cancel(content, claimed)
        number = str(content.payload["number"])
        if await self.read([number]):
            return await self.same(content.wanted)
        await asyncio.to_thread(self._create, number, content.payload, claimed)
        return Receipt(number)

    def _create(self, number: str, payload: Mapping[str, object], claimed: Claimed) -> None:
        held = next(iter(self._state.orders([number])), None)
        document = self._fields.outgoing("order", payload)
        name, content = self._orders.name_of(claimed.key), msgspec.json.encode(document)
        self._orders.prepare(name, self._rows.columns, self._rows.rows(payload))
        self._state.note_sent(number, content, name)
        # Not before it: a file that is noted and nowhere counts as handed out.
        if held is not None and held.file not in (None, name):
            self._orders.discard(held.file)
        self._orders.hand_out(name, claimed.correlation_id, self._log)

    async def _cancel(self, content: OrderCancel, claimed: Claimed) -> Receipt:
        number = content.order_id
        payload = (await self.read([number])).get(number)
        status = "" if payload is None else status_in(self._documents, payload)
        known = self._statuses.known(status)
        if known is not None and known.name == CANCELED:
            return Receipt(number)
        if payload is None:
            raise RecordRejected(order_gone("number", number))
        if known is not None and not known.is_cancelable:
            raise _refused(number, status)
        await asyncio.to_thread(self._ask_to_cancel, content, claimed.key, claimed.correlation_id)
        return Receipt(number, "requested")

    def _ask_to_cancel(self, content: OrderCancel, key: UUID, correlation_id: str) -> None:
        name = self._state.noted_cancel(str(key))
        if name is not None and self._cancellations.is_out(name):
            return
        if name is None:
            number, store, reason = (
                self._fields.name("order", each) for each in ("number", "store_code", "reason")
            )
            name = self._cancellations.name_of(key)
            row = self._rows.named(
                {number: content.order_id, store: self._store_code, reason: content.reason}
            )
            self._cancellations.prepare(name, list(row), [row])
            self._state.note_cancel(str(key), name)
        self._cancellations.hand_out(name, correlation_id, self._log)


def _refused(number: str, status: str) -> RecordRejected:
    text = f"The order can no longer be canceled: it is {status}."
    advice = "Stop it at the warehouse by hand, or take it back as a return."
    return RecordRejected(Problem("cancel_refused", "number", text, advice, number))
