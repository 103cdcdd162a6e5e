"""The source of customers: a window of changes, single customers, and their mapping."""

from __future__ import annotations

from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.records.customers import Customer
from resources.http.client import ApiClient
from resources.platforms.bigcommerce.customers.mapping import CustomerMapper
from resources.platforms.bigcommerce.customers.reader import CustomersReader
from resources.platforms.bigcommerce.personal import FACTS
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.store_sources import StoreRecords


class CustomersSource(StoreRecords):
    """The customers of one store, or those who can log in to one channel of it."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, http: ApiClient, settings: BigCommerceSettings, connection: Connection
    ) -> None:
        reader = CustomersReader(http, settings)
        super().__init__(reader, reader.read_by_id)
        self._mapper = CustomerMapper(settings, connection.addresses)

    def to_canonical(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map a captured customer."""
        return self._mapper.to_customer(payload)
