"""Reading single orders of a Manhattan tenant by their ids, and which order of the store each says it is."""

from __future__ import annotations

from collections.abc import Collection

from domain.connections import Connection
from domain.errors import RecordRejected
from domain.exchange import RawRecord
from domain.reconciliation import OrderClaim
from resources.oms.manhattan.client import chunks
from resources.oms.manhattan.orders.search import OrderSearch
from resources.oms.manhattan.payload import Line, read_order, text_of
from resources.oms.manhattan.settings import ManhattanSettings
from resources.oms.manhattan.statuses import SALE_LINE

CANCELED = max(SALE_LINE)


class OrderLookup:
    """Finds orders by id: one search for a page of them."""

    def __init__(
        self, search: OrderSearch, settings: ManhattanSettings, connection: Connection
    ) -> None:
        self._search, self._size = search, settings.search_page_size
        self._prefix = connection.orders.order_id_prefix
        policy = connection.orders
        self._channels = frozenset(
            {policy.default_selling_channel, *policy.selling_channels.values()}
        )

    def read(self, order_ids: Collection[str]) -> list[RawRecord]:
        """Return those of the orders that the tenant has, each once."""
        found: dict[str, RawRecord] = {}
        for chunk in chunks(list(dict.fromkeys(order_ids)), self._size):
            names = ", ".join(f"'{order_id.replace(chr(39), chr(39) * 2)}'" for order_id in chunk)
            for record in self._search.matching(f"OrderId in ({names})", len(chunk)):
                found[record.source_id] = record
        return list(found.values())

    def claim(self, payload: bytes) -> OrderClaim | None:
        """Return the store's order that an order stands for, or ``None`` for a return, another channel's and an unreadable one."""
        try:
            order = read_order(payload)
        except RecordRejected:
            return None
        order_id, alternate = text_of(order.order_id), text_of(order.alternate_order_id)
        lines = order.order_line or []
        if not order_id or not order_id.startswith(self._prefix) or order_id == self._prefix:
            return None
        if (not self._prefix and not alternate) or any(
            line.is_return or line.parent_order_id for line in lines
        ):
            return None
        if (channel := order.channel()) and channel not in self._channels:
            return None
        own = order_id.removeprefix(self._prefix)
        source_id = alternate or own
        gone = bool(order.is_cancelled) or (
            bool(lines) and all(_is_canceled(line) for line in lines)
        )
        return OrderClaim(order_id, source_id, own == source_id, gone)


def _is_canceled(line: Line) -> bool:
    status = line.min_fulfillment_status_id
    return status is not None and status.is_finite() and status == CANCELED
