"""Captured customers to canonical ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from domain.addressing.addresses import AddressRules
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
from resources.platforms.commercetools.customers.payload import (
    CUSTOMERS,
    DELETED,
    CapturedCustomer,
)
from resources.platforms.commercetools.orders.groups import NAMES, written_address
from resources.platforms.commercetools.settings import CommercetoolsSettings

CUSTOMER_NAMES = {
    **NAMES,
    "first_name": "firstName",
    "last_name": "lastName",
    "company": "companyName",
    "group": "customerGroup.id",
}


class CustomerMapper:
    """Maps captured customers of one project or store."""

    def __init__(self, settings: CommercetoolsSettings, rules: AddressRules) -> None:
        self._settings, self._builder = settings, CustomerBuilder(rules, CUSTOMER_NAMES)

    def to_customer(self, payload: bytes) -> Mapped[Customer] | Skipped:
        """Map one capture. Raises ``RecordRejected`` with all problems."""
        decoded = CUSTOMERS.decode(payload)
        customer, problems = decoded.document, DocumentProblems(decoded.problems)
        store = self._settings.project_key
        if customer.type == DELETED and customer.resource is not None and customer.resource.id:
            return self._deleted(customer.resource.id, problems)
        if _is_message(customer, problems):
            # Its id is the message's: taken for a customer, it would create one at the OMS.
            text = "The message does not say which customer was deleted."
            problems.reject("malformed_value", "type", text, REPORT, (customer.type or "")[:40])
            raise RecordRejected(*problems.in_order())
        source_id = required_id(customer.id, problems)
        if (skipped := self._skipped(customer, problems)) is not None:
            return skipped
        written = WrittenCustomer(
            source_id=source_id,
            number=customer.customer_number or source_id,
            store=store,
            email=customer.email or "",
            first_name=customer.first_name or "",
            last_name=customer.last_name or "",
            company=customer.company_name or "",
            group=(customer.customer_group.id if customer.customer_group else None) or "",
            locale=customer.locale or "",
            addresses=list(_addresses(customer, problems)),
        )
        return self._builder.build(written, problems)

    def _deleted(self, source_id: str, problems: DocumentProblems) -> Mapped[Customer]:
        try:
            return Mapped(deleted_customer(source_id, self._settings.project_key))
        except InvalidRecord as error:
            problems.reject("invalid_value", "resource.id", error.message, REPORT)
            raise RecordRejected(*problems.in_order()) from None

    def _skipped(self, customer: CapturedCustomer, problems: DocumentProblems) -> Skipped | None:
        """Skip a customer of other stores; one without stores may shop in all of them."""
        ours = self._settings.store_key
        keys = [store.key or "" for store in customer.stores or () if store is not None]
        is_decisive = any(problem.field.startswith("stores") for problem in problems.problems)
        if ours is None or not keys or ours in keys or is_decisive:
            return None
        listed = ", ".join(keys[:5])
        reason = f"the customer belongs to stores {listed}, and the connection to {ours}"
        return Skipped("other_channel", reason)


def _is_message(customer: CapturedCustomer, problems: DocumentProblems) -> bool:
    """Return whether a document has what only messages have, readable or not."""
    held = (customer.type, customer.resource, customer.sequence_number)
    fields = {problem.field.partition(".")[0] for problem in problems.problems}
    return any(value is not None for value in held) or not fields.isdisjoint(("type", "resource"))


def _addresses(customer: CapturedCustomer, problems: DocumentProblems) -> Iterator[WrittenAddress]:
    for place, entry in enumerate(customer.addresses or ()):
        if entry is None:
            continue  # one of the problems
        where = f"addresses[{place}]."
        if not (address_id := known_id(entry.id, where, problems)):
            continue
        yield WrittenAddress(
            where,
            address_id,
            written_address(entry),
            is_default_shipping=entry.id == customer.default_shipping_address_id,
            is_default_billing=entry.id == customer.default_billing_address_id,
        )
