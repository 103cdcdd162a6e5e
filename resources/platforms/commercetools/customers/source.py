"""The source of customers: a window of changes and deletions, single customers, their mapping."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.records.customers import Customer
from domain.sources import EVERYTHING, Page, Scope, to_pages
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.commercetools.customers.mapping import CustomerMapper
from resources.platforms.commercetools.customers.payload import DELETED
from resources.platforms.commercetools.deletions import DeletionsReader
from resources.platforms.commercetools.personal import FACTS
from resources.platforms.commercetools.reader import ChangesReader, Resource
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.store_sources import StoreRecords

CUSTOMER = Resource("customer", "/customers", "view_customers")


class CustomersSource(StoreRecords):
    """The customers of one project, or those who may shop in one store of it."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, http: ApiClient, settings: CommercetoolsSettings, connection: Connection
    ) -> None:
        reader = ChangesReader(http, settings, CUSTOMER)
        super().__init__(reader, reader.read_by_id)
        self._deletions: DeletionsReader | None = None
        if settings.customer_deletions:
            self._deletions = DeletionsReader(http, settings, "customer", DELETED)
        self._mapper = CustomerMapper(settings, connection.addresses)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change since, or if there is none, deletion."""
        found = super().probe(since)
        if found is not None or self._deletions is None:
            return found
        return self._deletions.probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every customer modified in the window, then those deleted in it, in pages."""
        yield from super().fetch(window, scope)
        if self._deletions is not None:
            yield from to_pages(self._deletions.read(window))

    def to_canonical(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map a captured customer, or its deletion."""
        return self._mapper.to_customer(payload)
