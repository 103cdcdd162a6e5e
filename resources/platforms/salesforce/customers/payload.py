"""Salesforce's accounts with contacts and addresses: exactly the fields that Lockstep reads.

Source: object reference (Account, Contact, ContactPointAddress).
"""

from __future__ import annotations

from domain.builders.customers import REPORT
from domain.parsing.payload import Document, PayloadAdvice, PayloadDecoder
from resources.platforms.salesforce.payload import Pascal, Text


class Contact(Pascal):
    """A person of an account."""

    id: Text = None
    first_name: Text = None
    last_name: Text = None
    email: Text = None
    phone: Text = None


class Contacts(Document):
    """A list of contacts; the vendor writes ``null`` for an empty one."""

    records: list[Contact | None] | None = None


class Address(Pascal):
    """A contact point address: one of the account's addresses."""

    id: Text = None
    name: Text = None
    address_type: Text = None
    is_default: bool | None = None
    street: Text = None
    city: Text = None
    state: Text = None
    postal_code: Text = None
    country: Text = None


class Addresses(Document):
    """A list of addresses."""

    records: list[Address | None] | None = None


class Account(Pascal):
    """An account, or one that was deleted."""

    id: Text = None
    name: Text = None
    phone: Text = None
    is_deleted: bool | None = None
    is_person_account: bool | None = None
    first_name: Text = None
    last_name: Text = None
    person_email: Text = None
    contacts: Contacts | None = None
    contact_point_addresses: Addresses | None = None


ACCOUNTS = PayloadDecoder(
    Account,
    "an account",
    PayloadAdvice(unreadable="replay the day of the customer's last change", malformed=REPORT),
)
