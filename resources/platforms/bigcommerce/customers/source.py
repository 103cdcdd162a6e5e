"""The source of customers: a window of changes, single customers, and their mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.records.customers import Customer
from domain.sources import EVERYTHING, Page, Scope, Shape, to_pages
from domain.values import Window
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.customers.mapping import CustomerMapper
from resources.platforms.bigcommerce.customers.reader import CustomersReader
from resources.platforms.bigcommerce.personal import FACTS
from resources.platforms.bigcommerce.settings import BigCommerceSettings


class CustomersSource:
    """The customers of one store, or those who can log in to one channel of it."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, http: ApiClient, settings: BigCommerceSettings, connection: Connection
    ) -> None:
        self._reader = CustomersReader(http, settings)
        self._mapper = CustomerMapper(settings, connection.addresses)

    def probe(self, since: datetime) -> datetime | None:
        """Return the modification time of the oldest customer changed since; one call."""
        return self._reader.probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every customer modified in the window, in pages."""
        del scope
        return to_pages(self._reader.read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read customers by id; one that is deleted is absent."""
        return to_pages(self._reader.read_by_id(ids))

    def to_canonical(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map a captured customer."""
        return self._mapper.to_customer(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the store keeps its customers, and a window can be read again."""
