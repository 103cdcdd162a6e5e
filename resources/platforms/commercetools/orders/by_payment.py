"""Orders whose payments have changed since: a payment is a resource of its own.

Its change does not move the order's ``lastModifiedAt``, so an authorisation or a charge that comes
after the order is found by the payment's. UNVERIFIED: that the order's does not move.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain.exchange import RawRecord
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.client import one_of, query_by_id
from resources.platforms.commercetools.reader import ChangesReader, Resource, header_of
from resources.platforms.commercetools.settings import IDS_A_CALL, CommercetoolsSettings

PAYMENTS = Resource("payment", "/payments", "view_payments")


class PaidOrders:
    """The orders of one project, or of one store of it, by the changes of their payments."""

    def __init__(self, http: ApiClient, settings: CommercetoolsSettings, orders: Resource) -> None:
        self._http, self._settings, self._orders = http, settings, orders
        self._payments = ChangesReader(http, settings, PAYMENTS)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest payment changed since; one call."""
        return self._payments.probe(since)

    def read(self, window: Window) -> Iterator[list[RawRecord]]:
        """Yield the orders that were changed before the window, and a payment of which in it.

        They are dated at its start. What was changed in it or after it is read for that reason.
        """
        seen: set[str] = set()
        for payments in self._payments.read(window):
            ids = [payment.source_id for payment in payments]
            for start in range(0, len(ids), IDS_A_CALL):
                records = list(self._orders_of(ids[start : start + IDS_A_CALL], window))
                fresh = [record for record in records if record.source_id not in seen]
                seen |= {record.source_id for record in fresh}
                if fresh:
                    yield fresh

    def _orders_of(self, payments: list[str], window: Window) -> Iterator[RawRecord]:
        where = [*self._orders.where, f"paymentInfo(payments({one_of('id', payments)}))"]
        pages = query_by_id(
            self._http,
            self._orders.path,
            where,
            self._settings.page_size,
            self._orders.scope,
            expand=self._orders.expand,
        )
        for page in pages:
            for raw in page:
                identifier, moment = header_of(raw)
                if identifier is not None and moment is not None and moment < window.since:
                    yield RawRecord(identifier, window.since, bytes(raw))
