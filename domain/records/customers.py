"""The canonical customer: who is registered at a store, with the addresses of their account.

A shopper without an account is not a customer here: such an order has its own data of the shopper
(``domain.records.orders.Customer``).
"""

from __future__ import annotations

from domain.addressing.addresses import Address
from domain.records.record import Record, check_keys
from domain.values import Key


class CustomerAddress(Record, frozen=True, kw_only=True):
    """An address of a customer's address book."""

    address_id: Key
    """The store's id of it, which is unique within the customer."""
    address: Address
    is_default_shipping: bool = False
    is_default_billing: bool = False

    def __post_init__(self) -> None:
        check_keys(self, self.address_id)


class Customer(Record, frozen=True, kw_only=True):
    """A customer as the OMS must have it, without the time of its last modification."""

    customer_id: Key
    """The id at the OMS: the store's, with the connection's prefix."""
    source_id: Key
    number: Key
    """As operators of the store see it."""
    store: Key
    is_gone: bool = False
    """The store has deleted the customer; nothing but the ids is known any more."""
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    company: str = ""
    phone_e164: str | None = None
    phone_raw: str = ""
    group: str = ""
    """The store's id of the customer's group."""
    locale: str = ""
    accepts_marketing: bool | None = None
    """Whether the customer agreed to marketing messages; ``None`` if the store has no answer."""
    addresses: tuple[CustomerAddress, ...] = ()

    def __post_init__(self) -> None:
        check_keys(self, self.customer_id, self.source_id, self.number, self.store)


def deleted_customer(source_id: str, store: str) -> Customer:
    """Return the record of a customer that the store no longer has."""
    return Customer(
        customer_id=source_id, source_id=source_id, number=source_id, store=store, is_gone=True
    )
