"""Captured accounts to canonical customers. Pure.

A customer is an account with a person in it: a person account, or one with a contact, of which the
oldest stands for it. Guests' orders have accounts without either.
"""

from __future__ import annotations

from collections.abc import Iterator

from domain.addressing.addresses import AddressRules, RawAddress
from domain.builders.customers import (
    REPORT,
    CustomerBuilder,
    WrittenAddress,
    WrittenCustomer,
    known_id,
    required_id,
)
from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from domain.parsing.problems import DocumentProblems
from domain.records.customers import Customer, deleted_customer
from domain.records.record import InvalidRecord
from resources.platforms.salesforce.customers.payload import (
    ACCOUNTS,
    Account,
    Address,
    Contact,
)
from resources.platforms.salesforce.orders.groups import raw_country, split_name, street_lines
from resources.platforms.salesforce.settings import SalesforceSettings

NAMES = {
    "first_name": "FirstName", "last_name": "LastName", "company": "Name", "email": "Email",
    "phone": "Phone", "street_1": "Street", "street_2": "Street", "city": "City", "state": "State",
    "zip": "PostalCode", "postcode": "PostalCode", "country_iso2": "Country",
    "country_code": "Country", "country_name": "Country", "country": "Country",
}  # fmt: skip
BILLING = "Billing"


class CustomerMapper:
    """Maps captured accounts of one org."""

    def __init__(self, settings: SalesforceSettings, rules: AddressRules) -> None:
        self._store = settings.identity.account.rpartition(" ")[2]
        self._builder = CustomerBuilder(rules, NAMES)

    def to_customer(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map one capture. Raises ``RecordRejected`` with all problems."""
        decoded = ACCOUNTS.decode(payload)
        account, problems = decoded.document, DocumentProblems(decoded.problems)
        source_id = required_id(account.id, problems)
        fields = {problem.field for problem in problems.problems}
        if account.is_deleted:
            return self._deleted(source_id, problems)
        contact = _contact(account)
        is_unread = any(name.startswith(("Contacts", "IsPersonAccount")) for name in fields)
        if contact is None and not account.is_person_account and not is_unread:
            reason = "the account has no contact: it is a guest's, or no customer's"
            return Skipped("account_without_contact", reason)
        contact = contact or Contact()
        is_person = bool(account.is_person_account)
        first = account.first_name if is_person else contact.first_name
        last = account.last_name if is_person else contact.last_name
        whole = " ".join(filter(None, (first, last)))
        name = account.name or ""
        written = WrittenCustomer(
            source_id=source_id,
            number=source_id,
            store=self._store,
            email=(account.person_email if is_person else contact.email) or "",
            first_name=first or "",
            last_name=last or "",
            company="" if is_person or name == whole else name,
            phone=contact.phone or account.phone or "",
            addresses=list(_addresses(account, problems)),
        )
        return self._builder.build(written, problems)

    def _deleted(self, source_id: str, problems: DocumentProblems) -> Mapped[Customer]:
        try:
            return Mapped(deleted_customer(source_id, self._store))
        except InvalidRecord as error:
            problems.reject("invalid_value", "Id", error.message, REPORT)
            raise RecordRejected(*problems.in_order()) from None


def _contact(account: Account) -> Contact | None:
    """Return the account's oldest contact."""
    found = account.contacts.records if account.contacts is not None else None
    return next((contact for contact in found or () if contact is not None), None)


def _addresses(account: Account, problems: DocumentProblems) -> Iterator[WrittenAddress]:
    found = account.contact_point_addresses
    for place, entry in enumerate((found.records if found is not None else None) or ()):
        if entry is None:
            continue  # one of the problems
        where = f"ContactPointAddresses.records[{place}]."
        if address_id := known_id(entry.id, where, problems):
            is_default = entry.is_default is True
            yield WrittenAddress(
                where,
                address_id,
                _raw(entry),
                is_default_shipping=is_default and entry.address_type != BILLING,
                is_default_billing=is_default and entry.address_type == BILLING,
            )


def _raw(entry: Address) -> RawAddress:
    first, last = split_name(entry.name or "")
    line_1, line_2 = street_lines(entry.street)
    code, name = raw_country(entry.country)
    return RawAddress(
        first,
        last,
        "",
        line_1,
        line_2,
        entry.city or "",
        entry.state or "",
        entry.postal_code or "",
        code,
        name,
    )
