"""Reading orders by id, and the store order that each was created from."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import orjson

from domain.connections import Connection
from domain.errors import RecordRejected
from domain.exchange import RawRecord
from domain.parsing.vendor_documents import text_of
from domain.reconciliation import OrderOrigin
from resources.oms.manhattan.client import any_of, chunks
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.parsing import object_of, objects_of
from resources.oms.manhattan.payload import Line, decode_order
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import CANCELED

LINE_NAMES = ("OrderLineId", "ItemId", "Quantity", "UOM", "UnitPrice")


class OrderLookup:
    """Finds orders by id, a page of ids to a search."""

    def __init__(
        self, search: OrderSearch, settings: ManhattanSettings, connection: Connection
    ) -> None:
        self._search, self._size = search, settings.search_page_size
        policy = connection.orders
        self._prefix = policy.order_id_prefix
        self._channels = frozenset(
            {policy.default_selling_channel, *policy.selling_channels.values()}
        )

    def read(self, order_ids: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that the tenant has, each once."""
        found: dict[str, RawRecord] = {}
        for chunk in chunks(list(dict.fromkeys(order_ids)), self._size):
            for record in self._search.matching(any_of("OrderId", chunk), len(chunk)):
                found[record.source_id] = record
        return list(found.values())

    def origin(self, payload: bytes) -> OrderOrigin | None:
        """Return the store order that an order was created from. Pure.

        ``None`` for a return, an order of another channel or source, and an unreadable payload.
        """
        try:
            decoded = decode_order(payload)
        except RecordRejected:
            return None
        if decoded.problems:
            return None
        order = decoded.document
        order_id, alternate = text_of(order.order_id), text_of(order.alternate_order_id)
        lines = order.order_line or []
        if not order_id.startswith(self._prefix) or order_id in ("", self._prefix):
            return None
        if not self._prefix and not alternate:
            return None
        if any(line.is_return or line.parent_order_id for line in lines):
            return None
        if (channel := order.channel()) and channel not in self._channels:
            return None
        own = order_id.removeprefix(self._prefix)
        is_canceled = bool(order.is_canceled) or (bool(lines) and all(map(_is_canceled, lines)))
        return OrderOrigin(order_id, alternate or own, (alternate or own) == own, is_canceled)


def lines_beyond(payload: bytes, known: Collection[str]) -> list[dict[str, object]]:
    """Return the lines of an order that came with its saves and are none of ``known``. Pure.

    A ledger that lacks saves does not know them. Lines that the tenant's own staff or rules have
    added are not among them: another user than the order's has created those.
    """
    order = object_of(orjson.loads(payload))
    creator = order.get("CreatedBy")
    return [
        {name: line[name] for name in LINE_NAMES if name in line}
        for line in objects_of(order.get("OrderLine"))
        if creator
        and line.get("CreatedBy") == creator
        and str(line["OrderLineId"]) not in known
        and not any(map(line.get, ("IsCancelled", "IsReturn", "ParentOrderId")))
    ]


def has_line_of(payload: bytes, lines: Sequence[Mapping[str, object]]) -> bool:
    """Return whether an order has one of some lines: its id, and its item. Pure."""
    wanted = {(str(line["OrderLineId"]), text_of(line.get("ItemId"))) for line in lines}
    return any(
        (str(line["OrderLineId"]), text_of(line.get("ItemId"))) in wanted
        for line in objects_of(object_of(orjson.loads(payload)).get("OrderLine"))
    )


def _is_canceled(line: Line) -> bool:
    status = line.min_fulfillment_status_id
    return status is not None and status.is_finite() and status == CANCELED
