"""Which order of the store an order of the account was created from. Pure."""

from __future__ import annotations

from domain.connections import Connection
from domain.errors import RecordRejected
from domain.parsing.vendor_documents import folded, text_of
from domain.reconciliation import OrderOrigin
from resources.oms.anchanto.payload import Documents, OrderView
from resources.oms.anchanto.settings import AnchantoSettings
from resources.oms.anchanto.statuses import CANCELED, StatusTable


class Origins:
    """Recognises the orders of one connection by its sales channel, prefix and the store's id."""

    def __init__(self, settings: AnchantoSettings, connection: Connection) -> None:
        self.prefix = connection.orders.order_id_prefix
        self.store_code = settings.store_code
        self._documents = Documents(settings.wire.fields)
        self._statuses = StatusTable(settings.statuses)

    def is_foreign(self, order: OrderView) -> str:
        """Return why an order without a link is not of this connection; empty if it may be."""
        number, store = text_of(order.number), text_of(order.store_code)
        if store and folded(store) != folded(self.store_code):
            return f"{number} is an order of the sales channel {store}"
        if not number.startswith(self.prefix) or number == self.prefix:
            prefix = repr(self.prefix)
            return f"{number} does not start with the connection's order_id_prefix {prefix}"
        if not self.prefix and not text_of(order.external_id):
            return f"{number} has no external_id, so Lockstep has not sent it"
        return ""

    def origin(self, payload: bytes) -> OrderOrigin | None:
        """Return the store order that an order claims to be, ``None`` if it can't be one."""
        try:
            document = self._documents.order(payload)
        except RecordRejected:
            return None
        order, number = document.order, text_of(document.order.number)
        if document.problems or not number or self.is_foreign(order):
            return None
        source_id = text_of(order.external_id) or number.removeprefix(self.prefix)
        status = self._statuses.known(order.status)
        is_canceled = status is not None and status.name == CANCELED
        # The store's id need not be its number; the field is written with the order by us only.
        return OrderOrigin(number, source_id, True, is_canceled)
