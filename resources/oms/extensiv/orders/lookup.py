"""Which order of the store an order of the account was created from. Pure."""

from __future__ import annotations

from domain.connections import Connection
from domain.errors import RecordRejected
from domain.parsing.vendor_documents import text_of
from domain.reconciliation import OrderOrigin
from resources.oms.extensiv.payload import OrderView, decode_order
from resources.oms.extensiv.settings import ExtensivSettings
from resources.oms.extensiv.statuses import CANCELED


class Origins:
    """Recognises the orders of one connection by its prefix and the field with the store's id."""

    def __init__(self, settings: ExtensivSettings, connection: Connection) -> None:
        self.prefix = connection.orders.order_id_prefix
        self._field = settings.source_id_field

    def source_id(self, order: OrderView) -> str:
        """Return the store's id of an order, empty if the account does not state it."""
        return text_of(getattr(order, self._field)) if self._field else ""

    def is_foreign(self, order: OrderView) -> str:
        """Return why an order without a link is not of this connection; empty if it may be."""
        cust_ref = text_of(order.cust_ref)
        if not cust_ref.startswith(self.prefix) or cust_ref == self.prefix:
            prefix = repr(self.prefix)
            return f"{cust_ref} does not start with the connection's order_id_prefix {prefix}"
        if not self.prefix and self._field and not self.source_id(order):
            return f"{cust_ref} has no {self._field}, so no store has sent it"
        return ""

    def origin(self, payload: bytes) -> OrderOrigin | None:
        """Return the store order that an order claims to be, ``None`` if it can't be one."""
        try:
            decoded = decode_order(payload)
        except RecordRejected:
            return None
        order, cust_ref = decoded.document, text_of(decoded.document.cust_ref)
        if decoded.problems or not cust_ref or self.is_foreign(order):
            return None
        own = cust_ref.removeprefix(self.prefix)
        source_id = self.source_id(order) or own
        is_canceled = (order.order_status or "").strip().casefold() == CANCELED
        # The store's id need not be its number; the field is written with the order by us only.
        return OrderOrigin(cust_ref, source_id, True, is_canceled)
