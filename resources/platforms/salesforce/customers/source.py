"""The source of customers: accounts with their contacts and addresses, deleted ones too."""

from __future__ import annotations

from typing import ClassVar

from domain.connections import Connection
from domain.exchange import Mapped, Skipped
from domain.records.customers import Customer
from resources.http.client import ApiClient
from resources.platforms.salesforce.customers.mapping import CustomerMapper
from resources.platforms.salesforce.fields import CUSTOMER_CHILDREN, customer_fields
from resources.platforms.salesforce.personal import FACTS
from resources.platforms.salesforce.reader import ChangesReader, Resource
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.store_sources import StoreRecords


class CustomersSource(StoreRecords):
    """The accounts of one org: they belong to no store of it."""

    facts: ClassVar[frozenset[str]] = FACTS

    def __init__(
        self, http: ApiClient, settings: SalesforceSettings, connection: Connection
    ) -> None:
        accounts = Resource("Account", customer_fields(settings), CUSTOMER_CHILDREN, deleted=True)
        reader = ChangesReader(http, settings, accounts)
        super().__init__(reader, reader.read_by_id)
        self._mapper = CustomerMapper(settings, connection.addresses)

    def to_canonical(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map a captured account."""
        return self._mapper.to_customer(payload)
