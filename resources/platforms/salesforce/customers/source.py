"""The source of customers: accounts with their contacts and addresses, deleted ones too."""

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
from resources.platforms.salesforce.customers.mapping import CustomerMapper
from resources.platforms.salesforce.fields import CUSTOMER_CHILDREN, customer_fields
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.reader import ChangesReader, Resource
from resources.platforms.salesforce.settings import SalesforceSettings


class CustomersSource:
    """The accounts of one org: they belong to no store of it."""

    shape: ClassVar[Shape] = "changes"
    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, http: ApiClient, settings: SalesforceSettings, connection: Connection
    ) -> None:
        accounts = Resource("Account", customer_fields(settings), CUSTOMER_CHILDREN, deleted=True)
        self._reader = ChangesReader(http, settings, accounts)
        self._mapper = CustomerMapper(settings, connection.addresses)

    def probe(self, since: datetime) -> datetime | None:
        """Return the time of the oldest change since; one call."""
        return self._reader.probe(since)

    def fetch(self, window: Window, scope: Scope = EVERYTHING) -> Iterator[Page]:
        """Read every account modified or deleted in the window, in pages."""
        del scope
        return to_pages(self._reader.read(window))

    def read(self, ids: Collection[str]) -> Iterator[Page]:
        """Read accounts by id."""
        return to_pages(self._reader.read_by_id(ids))

    def to_canonical(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map a captured account."""
        return self._mapper.to_customer(payload)

    async def acknowledge(self, done: Sequence[str]) -> None:
        """Do nothing: the org keeps its accounts, and a window can be read again."""
